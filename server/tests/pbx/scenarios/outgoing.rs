//! An extension calls a customer, or a colleague.

use super::{ANSWERED, UNATTENDED, scenarios, talks};
use crate::{
    office::{Office, RECEPTION, SALES},
    scenario::Play,
    sipp::Step,
};

scenarios![
    out_answered,
    out_early_media,
    out_busy,
    out_no_answer,
    out_cancelled,
    out_failed,
    out_not_found,
    out_trunk_failover,
    click_to_dial,
    internal_answered,
];

fn out_answered(o: Office) -> Play {
    called(o, &ANSWERED, &talks(3_000), "answered", 3)
}

fn out_early_media(o: Office) -> Play {
    let announces = [Step::Announce(1_500), Step::Accept, Step::AwaitHangUp];
    called(o, &announces, &talks(2_000), "answered", 2)
}

fn out_busy(o: Office) -> Play {
    called(o, &[Step::Reject(486)], &[Step::Rejected(486)], "busy", 0)
}

fn out_no_answer(o: Office) -> Play {
    called(o, &UNATTENDED, &[Step::Rejected(603)], "not_answered", 0)
}

fn out_cancelled(o: Office) -> Play {
    called(o, &UNATTENDED, &[Step::GiveUp(1_500)], "cancelled", 0)
}

fn out_failed(o: Office) -> Play {
    called(o, &[Step::Reject(503)], &[Step::Rejected(503)], "failed", 0)
}

fn out_not_found(o: Office) -> Play {
    called(o, &[Step::Reject(404)], &[Step::Rejected(404)], "failed", 0)
}

/// The reception calls the customer.
fn called(o: Office, customer: &[Step], reception: &[Step], status: &str, seconds: u64) -> Play {
    let play = Play::new().callee(o.provider(), customer);
    play.caller(o.dialling(RECEPTION), o.customer(), reception).expect(o.outgoing(
        RECEPTION,
        &o.customer(),
        status,
        seconds,
    ))
}

/// The first provider fails, the second connects the call.
fn out_trunk_failover(o: Office) -> Play {
    let play = Play::new().callee(o.provider(), [Step::Reject(503)]).callee(o.backup(), ANSWERED);
    play.caller(o.dialling(RECEPTION), format!("9{}", o.customer()), talks(2_000)).expect(o.outgoing(
        RECEPTION,
        &o.customer(),
        "answered",
        2,
    ))
}

/// Software has Asterisk call the reception, and then the customer.
fn click_to_dial(o: Office) -> Play {
    Play::new()
        .callee(o.phone(RECEPTION), [Step::Ring(800), Step::Accept, Step::AwaitHangUp])
        .callee(o.provider(), [Step::Ring(1_000), Step::Accept, Step::Talk(2_500), Step::HangUp])
        .originates(o.extension(RECEPTION), o.customer())
        .expect(o.outgoing(RECEPTION, &o.customer(), "answered", 2))
}

/// Calls between extensions are not reported.
fn internal_answered(o: Office) -> Play {
    let play = Play::new().callee(o.phone(SALES), ANSWERED);
    play.caller(o.dialling(RECEPTION), o.extension(SALES), talks(2_000))
}
