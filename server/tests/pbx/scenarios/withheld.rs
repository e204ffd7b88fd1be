//! Callers who withhold their number. Asterisk knows it; no one else may.

use super::{ANSWERED, UNATTENDED, scenarios, talks};
use crate::{
    office::{Office, RECEPTION, SALES},
    scenario::Play,
    sipp::Step,
};

scenarios![
    in_withheld,
    in_withheld_plain,
    in_withheld_ring_group_local,
    in_withheld_cancelled,
    in_withheld_voicemail,
    in_withheld_transferred_out,
];

/// The number of the callers who withhold it, without prefix: only Asterisk may know it.
pub(crate) const WITHHELD_NUMBER: &str = "1632960666";
const ANONYMOUS: &str = "\"Anonymous\" <sip:anonymous@anonymous.invalid>";
const KNOWN_TO_PBX: &str = "P-Asserted-Identity: <sip:+441632960666@[local_ip]>\nPrivacy: id";

/// Adds a caller who withholds the number.
pub(crate) fn withholds(play: Play, o: Office, number: u8, steps: impl AsRef<[Step]>) -> Play {
    play.caller_from(o.customer_line(), ANONYMOUS, KNOWN_TO_PBX, o.number(number), steps)
}

fn in_withheld(o: Office) -> Play {
    let play = Play::new().callee(o.phone(RECEPTION), ANSWERED);
    withholds(play, o, 0, talks(1_500)).expect(o.incoming_from("anonymous", 0, "answered", 1, o.at(RECEPTION)))
}

/// The provider has removed the number.
fn in_withheld_plain(o: Office) -> Play {
    let play = Play::new().callee(o.phone(RECEPTION), ANSWERED);
    play.caller_from(o.customer_line(), ANONYMOUS, "Privacy: id", o.number(0), talks(1_500)).expect(o.incoming_from(
        "anonymous",
        0,
        "answered",
        1,
        o.at(RECEPTION),
    ))
}

fn in_withheld_ring_group_local(o: Office) -> Play {
    let play = Play::new().callee(o.phone(RECEPTION), UNATTENDED).callee(o.phone(SALES), ANSWERED);
    withholds(play, o, 5, talks(2_000)).expect(o.incoming_from("anonymous", 5, "answered", 2, o.at(SALES)))
}

fn in_withheld_cancelled(o: Office) -> Play {
    let play = Play::new().callee(o.phone(RECEPTION), UNATTENDED);
    withholds(play, o, 0, [Step::GiveUp(1_500)]).expect(o.incoming_from(
        "anonymous",
        0,
        "cancelled",
        0,
        o.at(RECEPTION),
    ))
}

fn in_withheld_voicemail(o: Office) -> Play {
    let leaves_message = [Step::Accepted, Step::Sound, Step::Talk(14_000), Step::HangUp];
    let play = Play::new().callee(o.phone(RECEPTION), UNATTENDED);
    withholds(play, o, 3, leaves_message).expect(o.incoming_from("anonymous", 3, "voicemail", 14, o.mailbox(RECEPTION)))
}

fn in_withheld_transferred_out(o: Office) -> Play {
    let transfers = [Step::Ring(800), Step::Accept, Step::Talk(1_500), Step::Transfer(o.mobile())];
    let play = Play::new().callee(o.phone(RECEPTION), transfers).callee(o.provider(), ANSWERED);
    withholds(play, o, 0, talks(5_000)).expect(o.incoming_from(
        "anonymous",
        0,
        "answered",
        4,
        serde_json::json!(o.mobile()),
    ))
}
