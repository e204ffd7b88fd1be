//! A customer calls a direct number, a menu or an announcement.

use serde_json::json;

use super::{ANSWERED, UNATTENDED, scenarios, talks};
use crate::{
    office::{Office, RECEPTION, SALES},
    scenario::Play,
    sipp::Step,
};

scenarios![
    in_answered,
    in_answered_callee_hangs_up,
    in_long,
    in_no_answer,
    in_busy,
    in_rejected,
    in_cancelled,
    in_congestion,
    in_unknown_number,
    in_phone_unregistered,
    in_voicemail,
    in_voicemail_no_message,
    in_menu_answered,
    in_menu_hung_up,
    in_announcement,
    in_music_before_answer,
    in_forwarded_to_mobile,
    in_forward_no_answer_then_voicemail,
    in_hunt,
];

fn in_answered(o: Office) -> Play {
    let play = Play::new().callee(o.phone(RECEPTION), ANSWERED);
    play.caller(o.customer_line(), o.number(0), talks(3_000)).expect(o.incoming(0, "answered", 3, o.at(RECEPTION)))
}

fn in_answered_callee_hangs_up(o: Office) -> Play {
    Play::new()
        .callee(o.phone(RECEPTION), [Step::Ring(800), Step::Accept, Step::Talk(2_000), Step::HangUp])
        .caller(o.customer_line(), o.number(0), [Step::Accepted, Step::AwaitHangUp])
        .expect(o.incoming(0, "answered", 2, o.at(RECEPTION)))
}

fn in_long(o: Office) -> Play {
    let play = Play::new().callee(o.phone(RECEPTION), ANSWERED);
    play.caller(o.customer_line(), o.number(0), talks(12_000)).expect(o.incoming(0, "answered", 12, o.at(RECEPTION)))
}

fn in_no_answer(o: Office) -> Play {
    Play::new()
        .callee(o.phone(RECEPTION), UNATTENDED)
        .caller(o.customer_line(), o.number(0), [Step::Rejected(603)])
        .expect(o.incoming(0, "not_answered", 0, o.at(RECEPTION)))
}

/// The phone takes a moment to say so: of a call that is over within milliseconds, it can't be asked any more whether its
/// number may be shown (`Call::brief`).
fn in_busy(o: Office) -> Play {
    Play::new()
        .callee(o.phone(RECEPTION), [Step::Try(700), Step::Reject(486)])
        .caller(o.customer_line(), o.number(0), [Step::Rejected(486)])
        .expect(o.incoming(0, "busy", 0, o.at(RECEPTION)))
}

fn in_rejected(o: Office) -> Play {
    Play::new()
        .callee(o.phone(RECEPTION), [Step::Ring(700), Step::Reject(603)])
        .caller(o.customer_line(), o.number(0), [Step::Rejected(403)])
        .expect(o.incoming(0, "busy", 0, o.at(RECEPTION)))
}

fn in_cancelled(o: Office) -> Play {
    Play::new()
        .callee(o.phone(RECEPTION), UNATTENDED)
        .caller(o.customer_line(), o.number(0), [Step::GiveUp(2_000)])
        .expect(o.incoming(0, "cancelled", 0, o.at(RECEPTION)))
}

fn in_congestion(o: Office) -> Play {
    rejected_at_once(o, 6, 503)
}

fn in_unknown_number(o: Office) -> Play {
    rejected_at_once(o, 99, 404)
}

fn in_phone_unregistered(o: Office) -> Play {
    rejected_at_once(o, 8, 404)
}

fn rejected_at_once(o: Office, number: u8, status: u16) -> Play {
    let failed = o.incoming(number, "failed", 0, json!(o.number(number)));
    Play::new().caller(o.customer_line(), o.number(number), [Step::Rejected(status)]).expect(failed.brief())
}

fn in_voicemail(o: Office) -> Play {
    let leaves_message = [Step::Accepted, Step::Sound, Step::Talk(14_000), Step::HangUp];
    Play::new()
        .callee(o.phone(RECEPTION), UNATTENDED)
        .caller(o.customer_line(), o.number(3), leaves_message)
        .expect(o.incoming(3, "voicemail", 14, o.mailbox(RECEPTION)))
}

fn in_voicemail_no_message(o: Office) -> Play {
    Play::new()
        .callee(o.phone(RECEPTION), UNATTENDED)
        .caller(o.customer_line(), o.number(3), talks(3_000))
        .expect(o.incoming(3, "cancelled", 0, o.at(RECEPTION)))
}

fn in_menu_answered(o: Office) -> Play {
    let chooses = [Step::Accepted, Step::Talk(1_500), Step::Press('1'), Step::Talk(4_000), Step::HangUp];
    Play::new().callee(o.phone(RECEPTION), ANSWERED).caller(o.customer_line(), o.number(4), chooses).expect(o.incoming(
        4,
        "answered",
        3,
        o.at(RECEPTION),
    ))
}

fn in_menu_hung_up(o: Office) -> Play {
    Play::new().caller(o.customer_line(), o.number(4), talks(2_500)).expect(o.incoming(
        4,
        "cancelled",
        0,
        json!(o.number(4)),
    ))
}

fn in_announcement(o: Office) -> Play {
    Play::new().caller(o.customer_line(), o.number(11), [Step::Accepted, Step::AwaitHangUp]).expect(o.incoming(
        11,
        "not_answered",
        0,
        json!(o.number(11)),
    ))
}

/// The channel is up before anyone talks.
fn in_music_before_answer(o: Office) -> Play {
    let play = Play::new().callee(o.phone(RECEPTION), [Step::Ring(2_000), Step::Accept, Step::AwaitHangUp]);
    play.caller(o.customer_line(), o.number(16), talks(5_000)).expect(o.incoming(16, "answered", 3, o.at(RECEPTION)))
}

fn in_forwarded_to_mobile(o: Office) -> Play {
    let play = Play::new().callee(o.provider(), ANSWERED);
    play.caller(o.customer_line(), o.number(7), talks(2_500)).expect(o.incoming(7, "answered", 2, json!(o.mobile())))
}

fn in_forward_no_answer_then_voicemail(o: Office) -> Play {
    let leaves_message = [Step::Accepted, Step::Sound, Step::Talk(13_500), Step::HangUp];
    Play::new()
        .callee(o.phone(RECEPTION), UNATTENDED)
        .callee(o.provider(), UNATTENDED)
        .caller(o.customer_line(), o.number(13), leaves_message)
        .expect(o.incoming(13, "voicemail", 13, o.mailbox(RECEPTION)))
}

/// The reception's phone rings for two seconds, then that of sales.
fn in_hunt(o: Office) -> Play {
    let play = Play::new().callee(o.phone(RECEPTION), UNATTENDED);
    play.callee(o.phone(SALES), [Step::Ring(600), Step::Accept, Step::AwaitHangUp])
        .caller(o.customer_line(), o.number(10), talks(2_000))
        .expect(o.incoming(10, "answered", 2, o.at(SALES)))
}
