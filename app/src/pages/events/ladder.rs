//! A call as a ladder: what happened, in order of time, and what of it was sent to each endpoint.

use domain::{
    UnixMs,
    call::CallDetail,
    delivery::DeliveryRow,
    event::{EventKind, EventRow},
    time::SECOND_MS,
};

use crate::components::call_row::{clock, status_label};

/// A step of the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rung {
    /// What happened: `Ring`.
    pub title: &'static str,
    /// When, if that is known.
    pub at: Option<UnixMs>,
    /// Since the beginning: `+0:06`; empty for the beginning.
    pub offset: String,
    /// What lies between the step before and this one: `0:08 ringing`.
    pub before: Option<String>,
    /// The event that reported it; `None` for what follows from others, and for what is missing.
    pub event: Option<EventRow>,
    /// What else there is to say.
    pub note: Option<&'static str>,
}

/// An endpoint to which some of the call was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its id.
    pub endpoint: String,
    /// Its name.
    pub name: String,
}

/// The endpoints, in the order in which they were first sent something.
#[must_use]
pub fn columns(deliveries: &[DeliveryRow]) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    for row in deliveries {
        if columns.iter().all(|column| column.endpoint != row.endpoint_id.as_str()) {
            columns.push(Column { endpoint: row.endpoint_id.to_string(), name: row.endpoint_name.clone() });
        }
    }
    columns
}

/// The steps of a call, oldest first.
#[must_use]
pub fn rungs(call: &CallDetail) -> Vec<Rung> {
    let first = call.events.first().map_or(0, |event| event.timestamp);
    let mut rungs = Vec::new();
    if call.events.iter().all(|event| event.kind == EventKind::CallProcessed) {
        rungs.push(missing("Ring", "Missing: no IncomingCall or OutgoingCall was reported."));
    }
    for event in &call.events {
        if event.kind == EventKind::CallProcessed {
            rungs.extend(answer(call, event, first));
        }
        rungs.push(of_event(call, event, first));
    }
    if !call.row.ended {
        rungs.push(missing("End", "Not reported yet: no CallProcessed."));
    }
    rungs
}

const fn missing(title: &'static str, note: &'static str) -> Rung {
    Rung { title, at: None, offset: String::new(), before: None, event: None, note: Some(note) }
}

fn at(second: i64) -> UnixMs {
    UnixMs(second.saturating_mul(SECOND_MS))
}

fn offset(second: i64, first: i64) -> String {
    let passed = second.saturating_sub(first);
    if passed <= 0 { String::new() } else { format!("+{}", clock(passed)) }
}

/// When the call was answered: no event says so, but the end says how long they talked.
fn answer(call: &CallDetail, end: &EventRow, first: i64) -> Option<Rung> {
    let talk_s = i64::from(call.row.end.talk_s?);
    if call.row.end.status.as_deref() != Some("answered") || rang(call).is_none() {
        return None;
    }
    let second = end.timestamp.saturating_sub(talk_s).max(first);
    Some(Rung {
        title: "Answer",
        at: Some(at(second)),
        offset: offset(second, first),
        before: Some(format!("{} ringing", clock(second - first))),
        event: None,
        note: None,
    })
}

fn rang(call: &CallDetail) -> Option<&EventRow> {
    call.events.iter().find(|event| event.kind != EventKind::CallProcessed)
}

fn of_event(call: &CallDetail, event: &EventRow, first: i64) -> Rung {
    let is_end = event.kind == EventKind::CallProcessed;
    let title = match event.kind {
        EventKind::IncomingCall => "Ring",
        EventKind::OutgoingCall => "Dial",
        EventKind::CallProcessed => "End",
    };
    let talked = call.row.end.talk_s.filter(|seconds| *seconds > 0);
    let waited = event.timestamp.saturating_sub(first);
    let before = match (is_end, talked) {
        (true, Some(seconds)) => Some(format!("{} talking", clock(seconds.into()))),
        (true, None) if waited > 0 => Some(format!("{} ringing", clock(waited))),
        _ => None,
    };
    let note = call.row.end.status.as_deref().filter(|_| is_end).map(status_label);
    Rung {
        title,
        at: Some(at(event.timestamp)),
        offset: offset(event.timestamp, first),
        before,
        event: Some(event.clone()),
        note,
    }
}

/// The call in one sentence.
#[must_use]
pub fn summary(call: &CallDetail) -> String {
    let rungs = rungs(call);
    let rang_s =
        rungs.iter().find(|rung| rung.title == "Answer").map(|rung| rung.offset.trim_start_matches('+').to_owned());
    let talked = call.row.end.talk_s.filter(|seconds| *seconds > 0).map(|seconds| clock(seconds.into()));
    let state = match (call.row.end.status.as_deref(), call.row.ended) {
        (_, false) => "The call is in progress: its end has not been reported yet.".to_owned(),
        (Some("answered"), _) => {
            let after = rang_s.filter(|text| !text.is_empty()).map(|text| format!(" after {text}")).unwrap_or_default();
            format!("Answered{after}{}.", talked.map(|text| format!(", talked for {text}")).unwrap_or_default())
        }
        (Some(status), _) => format!("{}.", status_label(status)),
        (None, true) => "Ended. The payload of its end is past its retention period.".to_owned(),
    };
    let start = if rang(call).is_none() { " The start of this call is missing." } else { "" };
    format!("{state}{start}")
}

#[cfg(test)]
mod tests {
    use domain::{
        call::{CallEnd, CallRow},
        delivery::Status,
        id::EventId,
    };

    use super::*;
    use crate::components::sample;

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

    fn call(events: &[EventRow], status: &str, talk_s: u32) -> CallDetail {
        let mut row = CallRow::of(events, None, &[]).unwrap();
        if row.ended {
            row.end = CallEnd { status: Some(status.into()), talk_s: Some(talk_s), ..CallEnd::default() };
        }
        CallDetail { row, events: events.to_vec(), deliveries: Vec::new() }
    }

    fn titles(call: &CallDetail) -> Vec<(&'static str, String)> {
        rungs(call).into_iter().map(|rung| (rung.title, rung.offset)).collect()
    }

    #[test]
    fn an_answered_call_rings_is_answered_and_ends() {
        let whole = call(&[event(EventKind::IncomingCall, 10), event(EventKind::CallProcessed, 209)], "answered", 191);
        assert_eq!(titles(&whole), [("Ring", "".into()), ("Answer", "+0:08".into()), ("End", "+3:19".into())]);
        let between: Vec<_> = rungs(&whole).into_iter().filter_map(|rung| rung.before).collect();
        assert_eq!(between, ["0:08 ringing", "3:11 talking"]);
        assert_eq!(summary(&whole), "Answered after 0:08, talked for 3:11.");
    }

    #[test]
    fn a_call_that_nobody_answered_only_rings() {
        let busy = call(&[event(EventKind::OutgoingCall, 10), event(EventKind::CallProcessed, 14)], "busy", 0);
        assert_eq!(titles(&busy), [("Dial", "".into()), ("End", "+0:04".into())]);
        assert_eq!((rungs(&busy)[1].before.as_deref(), summary(&busy)), (Some("0:04 ringing"), "Busy.".into()));
    }

    #[test]
    fn what_is_missing_is_a_rung_of_its_own() {
        let open = call(&[event(EventKind::IncomingCall, 10)], "", 0);
        assert_eq!(titles(&open), [("Ring", "".into()), ("End", "".into())]);
        assert!(rungs(&open)[1].note.unwrap().contains("Not reported") && summary(&open).contains("in progress"));
        let late = call(&[event(EventKind::CallProcessed, 10)], "answered", 5);
        assert_eq!(titles(&late), [("Ring", "".into()), ("End", "".into())]);
        assert!(summary(&late).contains("start of this call is missing"));
    }

    #[test]
    fn every_endpoint_has_one_column() {
        let row = sample::row(Status::Delivered);
        assert_eq!(columns(&[row.clone(), row]).len(), 1);
    }
}
