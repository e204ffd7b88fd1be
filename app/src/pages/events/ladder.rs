//! The order of a call's events, and what is missing in it.

use domain::{
    event::{EventKind, EventRow},
    time::{SECOND_MS, span},
};

/// How far the call has come, in a whole sentence; nothing when its story is complete.
#[must_use]
pub fn state(events: &[EventRow]) -> Option<&'static str> {
    let has = |kind| events.iter().any(|event| event.kind == kind);
    let began = has(EventKind::IncomingCall) || has(EventKind::OutgoingCall);
    match (began, has(EventKind::CallProcessed)) {
        (true, true) => None,
        (true, false) => Some("The call is still open: it has begun and has not been processed yet."),
        (false, _) => Some("The beginning of this call is missing: only its end has been reported to us."),
    }
}

/// When an event happened, from the first of its call on: `+6 s`; nothing for the first.
#[must_use]
pub fn offset(event: &EventRow, first: &EventRow) -> String {
    match event.timestamp.saturating_sub(first.timestamp) {
        0 => String::new(),
        seconds => format!("+{}", span(seconds.saturating_mul(SECOND_MS))),
    }
}

#[cfg(test)]
mod tests {
    use domain::{UnixMs, id::EventId};

    use super::*;

    fn event(kind: EventKind, timestamp: i64) -> EventRow {
        EventRow {
            id: EventId::new(UnixMs(timestamp), 1),
            kind,
            call_id: String::new(),
            caller: String::new(),
            callee: String::new(),
            timestamp,
            accepted_at: UnixMs(0),
            test: false,
            deliveries: 0,
        }
    }

    #[test]
    fn a_call_is_open_complete_or_lacks_its_beginning() {
        let (began, ended) = (event(EventKind::OutgoingCall, 10), event(EventKind::CallProcessed, 16));
        assert_eq!(state(&[began.clone(), ended.clone()]), None);
        assert!(state(std::slice::from_ref(&began)).is_some_and(|words| words.contains("still open")));
        assert!(state(std::slice::from_ref(&ended)).is_some_and(|words| words.contains("beginning")));
        assert_eq!((offset(&began, &began), offset(&ended, &began)), (String::new(), "+6 s".to_owned()));
    }
}
