//! Why a channel hung up. Below 128, FreeSWITCH's causes are those of Q.850; it adds its own (`switch_call_cause_t` in
//! `src/include/switch_types.h`, names in `src/switch_channel.c`).

use super::Event;
use crate::call::{Cause, DialStatus};

/// Largest cause of Q.850.
const Q850_MAX: Cause = 127;
/// What says nothing: normal clearing.
const NORMAL: Cause = 16;

/// The cause, as Q.850 has it. `None` if none fits.
pub(super) fn cause(event: &Event) -> Option<Cause> {
    match name(event)? {
        "ORIGINATOR_CANCEL" | "BLIND_TRANSFER" | "ATTENDED_TRANSFER" | "MANAGER_REQUEST" => Some(NORMAL),
        "LOSE_RACE" | "PICKED_OFF" => Some(26),
        "ALLOTTED_TIMEOUT" | "PROGRESS_TIMEOUT" | "MEDIA_TIMEOUT" => Some(102),
        "USER_NOT_REGISTERED" => Some(20),
        "GATEWAY_DOWN" | "SYSTEM_SHUTDOWN" | "CRASH" => Some(41),
        "INVALID_GATEWAY" | "INVALID_PROFILE" => Some(3),
        "INVALID_URL" | "INVALID_NUMBER_FORMAT" => Some(28),
        "UNALLOCATED_NUMBER" => Some(1),
        "USER_BUSY" => Some(17),
        "NO_USER_RESPONSE" => Some(18),
        "NO_ANSWER" => Some(19),
        "CALL_REJECTED" => Some(21),
        "NORMAL_CLEARING" => Some(NORMAL),
        _ => stated(event),
    }
}

/// How an attempt ended that was not answered.
pub(super) fn unanswered(event: &Event) -> DialStatus {
    match name(event).unwrap_or_default() {
        "ORIGINATOR_CANCEL" | "LOSE_RACE" | "PICKED_OFF" | "BLIND_TRANSFER" | "ATTENDED_TRANSFER" => {
            DialStatus::Cancelled
        }
        "USER_BUSY" => DialStatus::Busy,
        "NO_ANSWER" | "NO_USER_RESPONSE" | "ALLOTTED_TIMEOUT" | "PROGRESS_TIMEOUT" | "NORMAL_CLEARING" => {
            DialStatus::NotAnswered
        }
        _ => DialStatus::Failed,
    }
}

/// Whether whoever is at the far end of an inbound channel ended it (`sip_hangup_disposition` in `mod_sofia`).
pub(super) fn far_end_hung_up(event: &Event) -> bool {
    name(event) == Some("ORIGINATOR_CANCEL")
        || matches!(event.get("variable_sip_hangup_disposition"), Some("recv_bye" | "recv_cancel"))
}

fn name(event: &Event) -> Option<&str> {
    event.get("Hangup-Cause").or_else(|| event.get("variable_hangup_cause"))
}

fn stated(event: &Event) -> Option<Cause> {
    let cause = event.get("variable_hangup_cause_q850")?.parse().ok()?;
    (1..=Q850_MAX).contains(&cause).then_some(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, q850: &str) -> (Option<Cause>, DialStatus) {
        let json = format!(r#"{{"Hangup-Cause":"{name}","variable_hangup_cause_q850":"{q850}"}}"#);
        let event = Event::parse(json.as_bytes()).unwrap();
        (cause(&event), unanswered(&event))
    }

    #[test]
    fn a_cause_gives_its_number_and_the_end_of_an_attempt() {
        for (name, q850, cause, status) in [
            ("NORMAL_CLEARING", "16", Some(16), DialStatus::NotAnswered),
            ("USER_BUSY", "17", Some(17), DialStatus::Busy),
            ("NO_ANSWER", "19", Some(19), DialStatus::NotAnswered),
            ("CALL_REJECTED", "21", Some(21), DialStatus::Failed),
            ("ORIGINATOR_CANCEL", "16", Some(16), DialStatus::Cancelled),
            ("LOSE_RACE", "26", Some(26), DialStatus::Cancelled),
            ("ALLOTTED_TIMEOUT", "602", Some(102), DialStatus::NotAnswered),
            ("NORMAL_TEMPORARY_FAILURE", "41", Some(41), DialStatus::Failed),
            ("SOMETHING_NEW", "700", None, DialStatus::Failed),
        ] {
            assert_eq!(of(name, q850), (cause, status), "{name}");
        }
    }
}
