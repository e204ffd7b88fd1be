//! Transfers and parking.

use serde_json::json;

use super::{ANSWERED, UNATTENDED, scenarios, talks};
use crate::{
    office::{Office, RECEPTION, SALES},
    scenario::Play,
    sipp::Step,
};

scenarios![
    in_blind_transfer,
    in_blind_transfer_no_answer,
    in_blind_transfer_out,
    in_blind_transfer_by_keys,
    in_attended_transfer,
    in_attended_transfer_out,
    in_attended_transfer_by_keys,
    in_parked,
    out_blind_transfer,
];

/// Answers, talks for two seconds, and transfers the call.
fn transfers(number: String) -> [Step; 4] {
    [Step::Ring(800), Step::Accept, Step::Talk(2_000), Step::Transfer(number)]
}

/// Keys, pressed one after the other. The feature's code must come within half a second.
fn presses(code: &str, number: &str) -> Vec<Step> {
    let mut steps = vec![Step::Ring(600), Step::Accept, Step::Talk(800)];
    for key in code.chars() {
        steps.extend([Step::Press(key), Step::Talk(150)]);
    }
    // Asterisk says "transfer" before it listens.
    steps.push(Step::Talk(1_800));
    steps.extend(number.chars().map(Step::Press));
    steps
}

fn in_blind_transfer(o: Office) -> Play {
    let play = Play::new().callee(o.phone(RECEPTION), transfers(o.extension(SALES)));
    play.callee(o.phone(SALES), ANSWERED).caller(o.customer_line(), o.number(0), talks(6_000)).expect(o.incoming(
        0,
        "answered",
        5,
        o.at(SALES),
    ))
}

fn in_blind_transfer_no_answer(o: Office) -> Play {
    let play = Play::new().callee(o.phone(RECEPTION), transfers(o.extension(SALES)));
    play.callee(o.phone(SALES), UNATTENDED)
        .caller(o.customer_line(), o.number(0), [Step::Accepted, Step::AwaitHangUp])
        .expect(o.incoming(0, "answered", 2, o.at(RECEPTION)))
}

fn in_blind_transfer_out(o: Office) -> Play {
    let play = Play::new().callee(o.phone(RECEPTION), transfers(o.mobile())).callee(o.provider(), ANSWERED);
    play.caller(o.customer_line(), o.number(0), talks(6_000)).expect(o.incoming(0, "answered", 5, json!(o.mobile())))
}

fn in_blind_transfer_by_keys(o: Office) -> Play {
    let mut reception = presses("*1", &o.extension(SALES));
    reception.push(Step::AwaitHangUp);
    let chooses = [Step::Accepted, Step::Talk(800), Step::Press('1'), Step::Talk(10_000), Step::HangUp];
    Play::new()
        .callee(o.phone(RECEPTION), reception)
        .callee(o.phone(SALES), ANSWERED)
        .caller(o.customer_line(), o.number(4), chooses)
        .expect(o.incoming(4, "answered", 8, o.at(SALES)))
}

fn in_attended_transfer(o: Office) -> Play {
    let answers = [Step::Ring(700), Step::Accept, Step::AwaitHangUp];
    let play = Play::new().callee(o.phone(SALES), answers).consults(o.phone(RECEPTION), o.extension(SALES));
    play.caller(o.customer_line(), o.number(0), talks(7_000)).expect(o.incoming(0, "answered", 7, o.at(SALES)))
}

/// The call to the mobile is a call of its own; then the customer talks to the mobile.
fn in_attended_transfer_out(o: Office) -> Play {
    let answers = [Step::Ring(700), Step::Accept, Step::AwaitHangUp];
    let play = Play::new().callee(o.provider(), answers).consults(o.phone(RECEPTION), o.mobile());
    play.caller(o.customer_line(), o.number(0), talks(7_000))
        .expect(o.incoming(0, "answered", 7, json!(o.mobile())))
        .expect(o.outgoing(RECEPTION, &o.mobile(), "answered", 5))
}

fn in_attended_transfer_by_keys(o: Office) -> Play {
    let mut reception = presses("*2", &o.extension(SALES));
    reception.extend([Step::Talk(4_500), Step::HangUp]);
    let chooses = [Step::Accepted, Step::Talk(800), Step::Press('1'), Step::Talk(13_000), Step::HangUp];
    Play::new()
        .callee(o.phone(RECEPTION), reception)
        .callee(o.phone(SALES), ANSWERED)
        .caller(o.customer_line(), o.number(4), chooses)
        .expect(o.incoming(4, "answered", 9, o.at(SALES)))
}

/// The customer waits without anyone, until sales fetch the call.
fn in_parked(o: Office) -> Play {
    let play = Play::new().callee(o.phone(RECEPTION), transfers("700".to_owned()));
    let fetches = [Step::Wait(5_000), Step::Accepted, Step::AwaitHangUp];
    play.caller(o.customer_line(), o.number(0), talks(7_500))
        .caller(o.dialling(SALES), "701", fetches)
        .expect(o.incoming(0, "answered", 5, o.at(SALES)))
}

/// The reception calls the customer, and transfers the customer to sales.
fn out_blind_transfer(o: Office) -> Play {
    let customer = [Step::Ring(800), Step::Accept, Step::Talk(5_000), Step::HangUp];
    let reception = [Step::Accepted, Step::Talk(1_500), Step::Transfer(o.extension(SALES))];
    let play = Play::new().callee(o.provider(), customer).callee(o.phone(SALES), ANSWERED);
    play.caller(o.dialling(RECEPTION), o.customer(), reception).expect(o.outgoing(
        RECEPTION,
        &o.customer(),
        "answered",
        4,
    ))
}
