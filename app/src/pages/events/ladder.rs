//! The progress of a call, and which of its events are missing.

use domain::{
    event::{EventKind, EventRow},
    time::{SECOND_MS, span},
};

/// The progress of a call in a full sentence; none if it is complete.
#[must_use]
pub fn state(events: &[EventRow]) -> Option<&'static str> {
    let has = |kind| events.iter().any(|event| event.kind == kind);
    let began = has(EventKind::IncomingCall) || has(EventKind::OutgoingCall);
    match (began, has(EventKind::CallProcessed)) {
        (true, true) => None,
        (true, false) => Some("The call is in progress: it has started but has not been processed yet."),
        (false, _) => Some("The start of this call is missing: we only received its end."),
    }
}

/// The time of an event relative to the first one of its call: `+6 s`; empty for the first.
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
    fn a_call_is_in_progress_complete_or_missing_its_start() {
        let (began, ended) = (event(EventKind::OutgoingCall, 10), event(EventKind::CallProcessed, 16));
        assert_eq!(state(&[began.clone(), ended.clone()]), None);
        assert!(state(std::slice::from_ref(&began)).is_some_and(|text| text.contains("in progress")));
        assert!(state(std::slice::from_ref(&ended)).is_some_and(|text| text.contains("start")));
        assert_eq!((offset(&began, &began), offset(&ended, &began)), (String::new(), "+6 s".to_owned()));
    }
}
