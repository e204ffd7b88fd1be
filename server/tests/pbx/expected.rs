//! What a call's events must say, and what they do say.

use std::ops::RangeInclusive;

use serde_json::{Value, json};

use crate::receiver::Arrival as Event;

/// How far a duration may be off, in seconds: phones and Asterisk share the machine with everything else.
const DURATION_TOLERANCE_S: u64 = 1;

/// The events of a call, without what differs from one run to the next.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    /// The event for its beginning; none for a call that is known from call records only.
    pub begin: Option<Value>,
    /// The event for its end, without its duration.
    pub end: Value,
    /// Its duration.
    pub seconds: RangeInclusive<u64>,
    /// Why the end is not known.
    pub incomplete: Option<String>,
    /// It may be over before it is known whether the caller's number may be shown; then the caller is anonymous.
    pub is_brief: bool,
}

/// How exactly a call must be reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exactness {
    /// As expected.
    Exact,
    /// The connector was killed at any moment: what it did not see may be missing, but nothing may be wrong. A caller of whom
    /// it is not known whether the number may be shown is anonymous.
    AfterKill,
}

/// A call from outside.
pub(crate) fn incoming(caller: &str, dialled: &str, status: &str, seconds: u64, destination: Value) -> Call {
    Call {
        begin: Some(json!({ "event": "IncomingCall", "callee_number": dialled, "caller_number": caller })),
        end: ended("incoming", status, json!(caller), destination),
        seconds: about(seconds),
        incomplete: None,
        is_brief: false,
    }
}

/// A call to the outside.
pub(crate) fn outgoing(presented: &str, source: Value, callee: &str, status: &str, seconds: u64) -> Call {
    Call {
        begin: Some(json!({ "event": "OutgoingCall", "callee_number": callee, "caller_number": presented })),
        end: ended("outgoing", status, source, json!(callee)),
        seconds: about(seconds),
        incomplete: None,
        is_brief: false,
    }
}

fn about(seconds: u64) -> RangeInclusive<u64> {
    seconds.saturating_sub(DURATION_TOLERANCE_S)..=seconds + DURATION_TOLERANCE_S
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

    /// The call, if its end is not known for this reason.
    pub(crate) fn incomplete(self, reason: &str) -> Self {
        Self { incomplete: Some(reason.to_owned()), ..self }
    }

    /// The call, if its duration is only known to be one of these.
    pub(crate) fn lasting(self, seconds: RangeInclusive<u64>) -> Self {
        Self { seconds, ..self }
    }

    /// The call, if it ends as soon as it begins.
    pub(crate) fn brief(self) -> Self {
        Self { is_brief: true, ..self }
    }

    fn matches(&self, reported: &Self, exactness: Exactness) -> bool {
        let may_miss = exactness == Exactness::AfterKill;
        let is_same = |call: &Self| {
            call.end == reported.end && (call.begin == reported.begin || may_miss && reported.begin.is_none())
        };
        let is_named = is_same(self) || (self.is_brief || may_miss) && is_same(&self.clone().anonymous());
        is_named
            && self.seconds.contains(reported.seconds.start())
            && (self.incomplete == reported.incomplete || may_miss)
    }

    fn anonymous(mut self) -> Self {
        let anonymous = json!("anonymous");
        if self.end["call_type"] == "incoming" {
            self.end["source"] = anonymous.clone();
            self.begin.iter_mut().for_each(|begin| begin["caller_number"] = anonymous.clone());
        }
        self
    }
}

/// The events of one call, in the order in which they arrived, as a call.
pub(crate) fn call(events: &[Event]) -> Result<Call, String> {
    let complaint = || format!("not one beginning and one end: {events:?}");
    let mut payloads: Vec<Value> = events.iter().map(|event| event.payload.clone()).collect();
    let [.., last] = events else { return Err(complaint()) };
    if payloads.len() > 2 || last.payload["event"] != "CallProcessed" {
        return Err(complaint());
    }
    let seconds = last.payload["call_duration"].as_u64().ok_or_else(complaint)?;
    for payload in &mut payloads {
        payload.as_object_mut().unwrap().retain(|key, _| key != "call_id" && key != "call_duration");
    }
    let (end, begin) = (payloads.pop().unwrap(), payloads.pop());
    let incomplete = last.details["incomplete"].as_str().map(str::to_owned);
    Ok(Call { begin, end, seconds: seconds..=seconds, incomplete, is_brief: false })
}

/// What differs between the calls that were expected and the calls that were reported; nothing if they agree.
pub(crate) fn differences(expected: &[Call], reported: &[Vec<Event>], exactness: Exactness) -> Vec<String> {
    let mut missing = expected.to_vec();
    let mut complaints = Vec::new();
    for events in reported {
        match call(events) {
            Err(complaint) => complaints.push(complaint),
            Ok(call) => match missing.iter().position(|wanted| wanted.matches(&call, exactness)) {
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
    let incomplete = call.incomplete.as_deref().unwrap_or("complete");
    format!("{begin} {} {:?} s, {incomplete}", call.end, call.seconds)
}
