//! What a call's events must say, and what they do say.

use serde_json::{Value, json};

/// How far a duration may be off, in seconds: phones and Asterisk share the machine with everything else.
const DURATION_TOLERANCE_S: u64 = 1;

/// The events of a call, without what differs from one run to the next.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    /// The event for its beginning; none for a call that is known from call records only.
    pub begin: Option<Value>,
    /// The event for its end, without its duration.
    pub end: Value,
    pub seconds: u64,
}

/// A call from outside.
pub(crate) fn incoming(caller: &str, dialled: &str, status: &str, seconds: u64, destination: Value) -> Call {
    Call {
        begin: Some(json!({ "event": "IncomingCall", "callee_number": dialled, "caller_number": caller })),
        end: ended("incoming", status, json!(caller), destination),
        seconds,
    }
}

/// A call to the outside.
pub(crate) fn outgoing(presented: &str, source: Value, callee: &str, status: &str, seconds: u64) -> Call {
    Call {
        begin: Some(json!({ "event": "OutgoingCall", "callee_number": callee, "caller_number": presented })),
        end: ended("outgoing", status, source, json!(callee)),
        seconds,
    }
}

fn ended(direction: &str, status: &str, source: Value, destination: Value) -> Value {
    json!({
        "event": "CallProcessed", "call_cost": 0.0, "call_type": direction, "call_status": status, "source": source,
        "destination": destination,
    })
}

impl Call {
    /// The call, if only its end is reported.
    pub(crate) fn only_its_end(self) -> Self {
        Self { begin: None, ..self }
    }

    fn matches(&self, other: &Self) -> bool {
        (&self.begin, &self.end) == (&other.begin, &other.end)
            && self.seconds.abs_diff(other.seconds) <= DURATION_TOLERANCE_S
    }
}

/// The events of one call, in the order in which they arrived, as a call.
pub(crate) fn call(events: &[Value]) -> Result<Call, String> {
    let mut events: Vec<Value> = events.to_vec();
    let complaint = || format!("not one beginning and one end: {events:?}");
    if events.len() > 2 || events.last().is_none_or(|last| last["event"] != "CallProcessed") {
        return Err(complaint());
    }
    let end = events.last().ok_or_else(complaint)?;
    let seconds = end["call_duration"].as_u64().ok_or_else(complaint)?;
    for event in &mut events {
        event.as_object_mut().unwrap().retain(|key, _| key != "call_id" && key != "call_duration");
    }
    let end = events.pop().unwrap();
    Ok(Call { begin: events.pop(), end, seconds })
}

/// What differs between the calls that were expected and those that were reported; nothing if they agree.
pub(crate) fn differences(expected: &[Call], reported: &[Vec<Value>]) -> Vec<String> {
    let mut missing = expected.to_vec();
    let mut complaints = Vec::new();
    for events in reported {
        match call(events) {
            Err(complaint) => complaints.push(complaint),
            Ok(call) => match missing.iter().position(|wanted| wanted.matches(&call)) {
                Some(at) => drop(missing.remove(at)),
                None => complaints.push(format!("reported: {}", line(&call))),
            },
        }
    }
    complaints.extend(missing.iter().map(|call| format!("expected: {}", line(call))));
    complaints
}

fn line(call: &Call) -> String {
    let begin = call.begin.as_ref().map_or_else(|| "(no beginning)".to_owned(), Value::to_string);
    format!("{begin} {} {} s", call.end, call.seconds)
}
