//! The spool of a connector.

use domain::{
    UnixMs,
    connector::{Gap, GapReason},
};
use engine::store::spool::{Backlog, NewEvent, Spool, SpoolChanges, SpoolError, SpoolLimits, Urgency};
use tempfile::TempDir;

const NOW: UnixMs = UnixMs(1_795_833_600_000);
const PLENTY: SpoolLimits = SpoolLimits { rows: 1_000, bytes: 1_000_000 };

async fn spool(folder: &TempDir, limits: SpoolLimits) -> Spool {
    Spool::open(&folder.path().join("connect.db"), limits).await.unwrap()
}

fn start(call: u32) -> NewEvent {
    event(call, "in", Urgency::Start)
}

fn end(call: u32) -> NewEvent {
    event(call, "done", Urgency::End)
}

fn event(call: u32, kind: &str, urgency: Urgency) -> NewEvent {
    let call_id = format!("call-{call}");
    NewEvent { id: format!("{call_id}-{kind}"), call_id, urgency, body: format!("{{\"call\":{call}}}") }
}

fn events(events: impl IntoIterator<Item = NewEvent>) -> SpoolChanges {
    SpoolChanges { events: events.into_iter().collect(), ..SpoolChanges::default() }
}

/// Posts everything in order; returns the IDs.
async fn drain(spool: &Spool) -> Vec<String> {
    let (mut ids, mut accepted) = (Vec::new(), Vec::new());
    loop {
        let next = spool.next(accepted, 1_000, NOW).await.unwrap();
        if next.is_empty() {
            return ids;
        }
        accepted = next.iter().map(|event| event.number).collect();
        ids.extend(next.into_iter().map(|event| event.id));
    }
}

#[tokio::test]
async fn only_the_oldest_event_of_each_call_is_next() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool(&folder, PLENTY).await;
    spool.save(events([start(1), start(2), end(1), end(1)]), NOW).await.unwrap();
    let ids =
        |next: Vec<engine::store::spool::SpooledEvent>| next.into_iter().map(|event| event.id).collect::<Vec<_>>();
    assert_eq!(ids(spool.next(Vec::new(), 9, NOW).await.unwrap()), ["call-1-in", "call-2-in"]);
    let first = spool.next(Vec::new(), 1, NOW).await.unwrap();
    assert_eq!(ids(spool.next(vec![first[0].number], 9, NOW).await.unwrap()), ["call-2-in", "call-1-done"]);
    assert_eq!(spool.backlog().await.events, 2, "the same ID is spooled once");
}

#[tokio::test]
async fn events_calls_and_facts_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = spool(&folder, PLENTY).await;
    let open = |key: &str, state: &str| (key.to_owned(), state.to_owned());
    let changes = SpoolChanges {
        events: vec![start(1)],
        open: vec![open("1.0", "rings"), open("2.0", "rings"), open("1.0", "talks")],
        ended: vec!["2.0".to_owned()],
        facts: vec![("observed", "yesterday".to_owned())],
        gaps: Vec::new(),
    };
    first.save(changes, NOW).await.unwrap();
    drop(first);
    let second = spool(&folder, PLENTY).await;
    assert_eq!(second.open_calls().await.unwrap(), ["talks"]);
    assert_eq!(second.finished().await.unwrap(), ["2.0"]);
    assert_eq!(second.fact("observed").await.unwrap().as_deref(), Some("yesterday"));
    assert_eq!(second.fact("other").await.unwrap(), None);
    assert_eq!(second.backlog().await.events, 1);
    assert_eq!(drain(&second).await, ["call-1-in"]);
    assert_eq!(second.backlog().await, Backlog::default());
}

#[tokio::test]
async fn a_full_spool_drops_the_oldest_starts_first_and_counts_them_as_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool(&folder, SpoolLimits { rows: 10, bytes: 1_000_000 }).await;
    spool.save(events((0..10).flat_map(|call| [start(call), end(call)])), NOW).await.unwrap();
    assert_eq!(spool.backlog().await.events, 10);
    let gap = |calls_closed, incomplete, to| Gap {
        from: NOW,
        to,
        reason: GapReason::SpoolFull,
        calls_closed,
        filled: 0,
        incomplete,
    };
    assert_eq!(spool.unreported_gaps().await.unwrap(), [gap(10, 0, None)]);
    spool.gap_reported(&gap(10, 0, None)).await.unwrap();
    assert!(spool.unreported_gaps().await.unwrap().is_empty());
    // Only ends are left: the oldest of them has to go.
    spool.save(events([end(10)]), NOW.plus_ms(5)).await.unwrap();
    assert!(spool.is_full().await.unwrap());
    assert_eq!(spool.unreported_gaps().await.unwrap(), [gap(11, 1, None)]);
    let ids = drain(&spool).await;
    assert_eq!(ids, (1..=10).map(|call| format!("call-{call}-done")).collect::<Vec<_>>());
    assert!(!spool.is_full().await.unwrap());
    assert_eq!(spool.unreported_gaps().await.unwrap(), [gap(11, 1, Some(NOW))]);
}

#[tokio::test]
async fn a_spool_is_bounded_in_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let limits = SpoolLimits { rows: 1_000_000, bytes: 64 * 1_024 };
    let spool = spool(&folder, limits).await;
    for call in 0..200 {
        let large = NewEvent { body: "x".repeat(4_096), ..end(call) };
        spool.save(events([large]), NOW).await.unwrap();
        assert!(spool.backlog().await.bytes <= limits.bytes);
    }
    let ids = drain(&spool).await;
    assert_eq!((ids.len(), ids.last().unwrap().as_str()), (15, "call-199-done"));
}

#[tokio::test]
async fn a_refused_event_is_kept_with_the_reason_and_no_longer_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool(&folder, PLENTY).await;
    spool.save(events([start(1), end(1)]), NOW).await.unwrap();
    let first = spool.next(Vec::new(), 9, NOW).await.unwrap().remove(0);
    spool.refused(first, "422: no such account".to_owned(), NOW).await.unwrap();
    assert_eq!(spool.refusals().await.unwrap()[0].reason, "422: no such account");
    assert_eq!(drain(&spool).await, ["call-1-done"]);
    assert_eq!(spool.backlog().await, Backlog::default());
}

#[tokio::test]
async fn a_gap_that_ends_replaces_what_was_known_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool(&folder, PLENTY).await;
    let began =
        Gap { from: NOW, to: None, reason: GapReason::ConnectionLost, calls_closed: 0, filled: 0, incomplete: 0 };
    let ended = Gap { to: Some(NOW.plus_ms(7)), reason: GapReason::PbxRestart, calls_closed: 3, ..began.clone() };
    for gap in [&began, &ended] {
        spool.save(SpoolChanges { gaps: vec![gap.clone()], ..SpoolChanges::default() }, NOW).await.unwrap();
    }
    // A report of the first says nothing about the second.
    spool.gap_reported(&began).await.unwrap();
    assert_eq!(spool.unreported_gaps().await.unwrap(), [ended]);
}

#[tokio::test]
async fn a_spool_is_opened_by_one_connector_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let _first = spool(&folder, PLENTY).await;
    let second = Spool::open(&folder.path().join("connect.db"), PLENTY).await;
    assert!(matches!(second, Err(SpoolError::InUse)));
}
