//! Events as people write them down: `CallProcessed incoming answered 3 s, 01632960001 -> extension 7048`.

use connect::event::{CallEvent, Party, PartyId, Payload};
use serde_json::Value;

pub(crate) fn line(event: &CallEvent) -> String {
    match &event.payload {
        Payload::IncomingCall(started) => {
            format!("IncomingCall {} -> {}", started.caller_number, started.callee_number)
        }
        Payload::OutgoingCall(started) => {
            format!("OutgoingCall {} -> {}", started.caller_number, started.callee_number)
        }
        Payload::CallProcessed(ended) => format!(
            "CallProcessed {} {} {} s, {} -> {}",
            word(&ended.call_type),
            word(&ended.call_status),
            ended.call_duration,
            party(&ended.source),
            party(&ended.destination)
        ),
    }
}

pub(crate) fn lines(events: &[CallEvent]) -> Vec<String> {
    events.iter().map(line).collect()
}

fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
}

fn party(party: &Party) -> String {
    match party {
        Party::Number(number) => number.clone(),
        Party::Stored { kind, id } => match id {
            PartyId::Number(id) => format!("{kind} {id}"),
            PartyId::Text(id) => format!("{kind} {id}"),
        },
    }
}

/// The event as JSON, to compare all of it.
pub(crate) fn json(event: &CallEvent) -> Value {
    serde_json::to_value(event).unwrap()
}
