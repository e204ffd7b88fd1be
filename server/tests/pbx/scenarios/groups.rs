//! Ring groups, queues, follow-me, conferences, and several calls at once.

use serde_json::json;

use super::{ANSWERED, UNATTENDED, scenarios, talks};
use crate::{
    expected,
    office::{BACK, Office, RECEPTION, SALES},
    scenario::Play,
    sipp::Step,
};

scenarios![
    in_ring_group,
    in_ring_group_cancelled,
    in_ring_group_one_rejects_no_one_answers,
    in_ring_group_local,
    in_ring_group_local_optimised,
    in_queue_answered,
    in_queue_abandoned,
    in_queue_local_answered,
    in_follow_me_to_mobile,
    in_pickup,
    in_conference,
    two_at_once,
];

const AFTER_1500_MS: [Step; 3] = [Step::Ring(1_500), Step::Accept, Step::AwaitHangUp];

fn in_ring_group(o: Office) -> Play {
    let play = Play::new().callee(o.phone(RECEPTION), UNATTENDED).callee(o.phone(SALES), AFTER_1500_MS);
    play.callee(o.phone(BACK), UNATTENDED).caller(o.customer_line(), o.number(1), talks(2_000)).expect(o.incoming(
        1,
        "answered",
        2,
        o.at(SALES),
    ))
}

fn in_ring_group_cancelled(o: Office) -> Play {
    let play = Play::new().callee(o.phone(RECEPTION), UNATTENDED).callee(o.phone(SALES), UNATTENDED);
    play.callee(o.phone(BACK), UNATTENDED)
        .caller(o.customer_line(), o.number(1), [Step::GiveUp(2_000)])
        .expect(o.incoming(1, "cancelled", 0, json!(o.number(1))))
}

fn in_ring_group_one_rejects_no_one_answers(o: Office) -> Play {
    let play = Play::new().callee(o.phone(RECEPTION), [Step::Reject(486)]);
    play.callee(o.phone(SALES), [Step::Ring(500), Step::Reject(603)])
        .callee(o.phone(BACK), UNATTENDED)
        .caller(o.customer_line(), o.number(1), [Step::Rejected(403)])
        .expect(o.incoming(1, "not_answered", 0, json!(o.number(1))))
}

fn in_ring_group_local(o: Office) -> Play {
    let play = Play::new().callee(o.phone(RECEPTION), UNATTENDED).callee(o.phone(SALES), AFTER_1500_MS);
    play.caller(o.customer_line(), o.number(5), talks(2_000)).expect(o.incoming(5, "answered", 2, o.at(SALES)))
}

/// Local channels disappear once sound flows: the caller's channel then talks to the phone directly.
fn in_ring_group_local_optimised(o: Office) -> Play {
    let answers = [Step::Ring(1_500), Step::Accept, Step::Sound, Step::AwaitHangUp];
    let play = Play::new().callee(o.phone(RECEPTION), UNATTENDED).callee(o.phone(SALES), answers);
    play.caller(o.customer_line(), o.number(15), [Step::Accepted, Step::Sound, Step::Talk(3_000), Step::HangUp])
        .expect(o.incoming(15, "answered", 3, o.at(SALES)))
}

fn in_queue_answered(o: Office) -> Play {
    let play = Play::new().callee(o.phone(RECEPTION), AFTER_1500_MS).callee(o.phone(SALES), UNATTENDED);
    play.caller(o.customer_line(), o.number(2), talks(4_500)).expect(o.incoming(2, "answered", 3, o.at(RECEPTION)))
}

/// Each phone has rung twice.
fn in_queue_abandoned(o: Office) -> Play {
    let play = Play::new().callee_of(2, o.phone(RECEPTION), UNATTENDED).callee_of(2, o.phone(SALES), UNATTENDED);
    play.caller(o.customer_line(), o.number(2), talks(6_500)).expect(o.incoming(2, "cancelled", 0, json!(o.number(2))))
}

fn in_queue_local_answered(o: Office) -> Play {
    let play = Play::new().callee(o.phone(RECEPTION), UNATTENDED).callee(o.phone(SALES), AFTER_1500_MS);
    play.caller(o.customer_line(), o.number(9), talks(4_500)).expect(o.incoming(9, "answered", 3, o.at(SALES)))
}

/// Through two layers of Local channels; the phone rings in vain, then the mobile is answered.
fn in_follow_me_to_mobile(o: Office) -> Play {
    let play = Play::new().callee(o.phone(RECEPTION), UNATTENDED).callee(o.provider(), ANSWERED);
    play.caller(o.customer_line(), o.number(14), talks(2_000)).expect(o.incoming(14, "answered", 2, json!(o.mobile())))
}

/// The reception's phone rings; the back office picks the call up.
fn in_pickup(o: Office) -> Play {
    let play = Play::new().callee(o.phone(RECEPTION), UNATTENDED);
    let picks_up = [Step::Wait(1_200), Step::Accepted, Step::AwaitHangUp];
    play.caller(o.customer_line(), o.number(0), talks(3_500))
        .caller(o.dialling(BACK), "*8", picks_up)
        .expect(o.incoming(0, "answered", 3, o.at(BACK)))
}

/// Two customers and the reception meet. The first customer talks as long as anyone else is there.
fn in_conference(o: Office) -> Play {
    let reception = [Step::Wait(500), Step::Accepted, Step::Talk(2_000), Step::HangUp];
    let other = o.another_customer_line();
    let expected = o.incoming_from(&other.number, 12, "answered", 3, o.at(RECEPTION));
    Play::new()
        .caller(o.customer_line(), o.number(12), talks(4_000))
        .caller(other, o.number(12), talks(3_000))
        .caller(o.dialling(RECEPTION), format!("80{}", o.digit), reception)
        .expect(o.incoming(12, "answered", 3, o.at(RECEPTION)))
        .expect(expected)
}

/// A customer calls the reception while sales call another customer and, in a third call, the back office.
fn two_at_once(o: Office) -> Play {
    let (callee, sales) = (o.number(92), o.dialling(SALES));
    let mut internal = sales.clone();
    internal.port += 1;
    let expected = expected::outgoing(&o.number(0), o.at(SALES), &callee, "answered", 2);
    Play::new()
        .callee(o.phone(RECEPTION), [Step::Ring(900), Step::Accept, Step::AwaitHangUp])
        .callee(o.phone(BACK), ANSWERED)
        .callee(o.provider(), ANSWERED)
        .caller(o.customer_line(), o.number(0), talks(3_000))
        .caller(sales, &callee, talks(2_500))
        .caller(internal, o.extension(BACK), talks(1_000))
        .expect(o.incoming(0, "answered", 3, o.at(RECEPTION)))
        .expect(expected)
}
