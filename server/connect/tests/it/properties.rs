//! What holds for any calls, in any order, cut anywhere.

use std::collections::{BTreeMap, BTreeSet};

use connect::{
    call::Since,
    event::{CallEvent, Payload},
};
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::{
    connector::Connector,
    outcome::json,
    scenario::scenarios,
    streams::{Stream, nth, shuffle, streams},
};

/// Events that only one of the two has, or has more often.
fn difference(found: &[CallEvent], expected: &[CallEvent]) -> Vec<String> {
    let mut counts: BTreeMap<String, i32> = BTreeMap::new();
    found.iter().for_each(|event| *counts.entry(json(event).to_string()).or_default() += 1);
    expected.iter().for_each(|event| *counts.entry(json(event).to_string()).or_default() -= 1);
    counts.into_iter().filter(|(_, count)| *count != 0).map(|(event, count)| format!("{count:+} {event}")).collect()
}

/// Without the time of ringing: a call that a list shows before it is dialled began a moment earlier.
fn without_ringing(mut events: Vec<CallEvent>) -> Vec<CallEvent> {
    for details in events.iter_mut().filter_map(|event| event.details.as_mut()) {
        details.ring_s = None;
    }
    events
}

/// What each of the streams alone leads to.
fn alone(streams: &[Stream]) -> Vec<CallEvent> {
    streams.iter().flat_map(|stream| Connector::run(stream).posted).collect()
}

/// The IDs of the calls that have ended, and how often.
fn ends(events: &[CallEvent]) -> BTreeMap<uuid::Uuid, usize> {
    let mut all = BTreeMap::new();
    for event in events {
        if let Payload::CallProcessed(ended) = &event.payload {
            *all.entry(ended.call_id).or_default() += 1;
        }
    }
    all
}

fn some_calls() -> impl Strategy<Value = (Vec<usize>, Vec<usize>)> {
    (vec(0_usize..1_000, 1..6), vec(0_usize..1_000, 1..200))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn calls_that_are_shuffled_into_each_other_stay_apart((numbers, choices) in some_calls(), patience in 0_usize..3) {
        let mut streams = streams(&numbers);
        let merged = shuffle(&mut streams, &choices);
        let mut connector = Connector::new(&merged, patience);
        connector.feed(&merged.events);
        prop_assert_eq!(difference(&connector.posted, &alone(&streams)), Vec::<String>::new());
        prop_assert_eq!(connector.calls.open(), 0);
        for (id, times) in ends(&connector.posted) {
            prop_assert_eq!(times, 1);
            let of_call: Vec<&CallEvent> = connector.posted.iter().filter(|event| event.payload.call_id() == id).collect();
            prop_assert!(matches!(of_call[of_call.len() - 1].payload, Payload::CallProcessed(_)), "the end comes last");
        }
    }

    #[test]
    fn a_restart_from_the_saved_state_changes_no_event(
        (numbers, choices) in some_calls(),
        cuts in vec(any::<Index>(), 1..4),
        patience in 0_usize..3,
    ) {
        let mut streams = streams(&numbers);
        let merged = shuffle(&mut streams, &choices);
        let cuts: BTreeSet<usize> = cuts.iter().map(|cut| cut.index(merged.events.len())).collect();
        let mut connector = Connector::new(&merged, patience);
        let mut from = 0;
        for cut in cuts {
            connector.feed(&merged.events[from..cut]);
            connector.restart(Some(connector.saved()));
            connector.resync(Since::Gap { lost_at: connector.now() });
            from = cut;
        }
        connector.feed(&merged.events[from..]);
        let found = without_ringing(connector.posted);
        prop_assert_eq!(difference(&found, &without_ringing(alone(&streams))), Vec::<String>::new());
    }
}

/// Scenarios that a connector without saved state continues from any moment. In the others there are moments when the phone
/// system no longer lists what was dialled: in menus, after blind transfers, and when the line of an outgoing call is gone.
const CONTINUED: [&str; 13] = [
    "in_answered",
    "in_attended_transfer",
    "in_busy",
    "in_cancelled",
    "in_no_answer",
    "in_queue_abandoned",
    "in_queue_answered",
    "in_rejected",
    "in_ring_group",
    "in_ring_group_cancelled",
    "in_ring_group_local",
    "in_voicemail",
    "in_withheld",
];

#[test]
fn a_connector_without_saved_state_ends_every_call_once() {
    for scenario in scenarios() {
        let stream = nth(&scenario, 0);
        let expected = Connector::run(&stream).posted;
        for cut in 0..stream.events.len() {
            let mut connector = Connector::new(&stream, 1);
            connector.feed(&stream.events[..cut]);
            connector.restart(None);
            connector.resync(Since::Gap { lost_at: connector.now() });
            connector.feed(&stream.events[cut..]);
            let (found, all) = (ends(&connector.posted), ends(&expected));
            assert!(found.iter().all(|(id, times)| all.contains_key(id) && *times == 1), "{} {cut}", scenario.name);
            assert_eq!(connector.calls.open(), 0, "{} {cut}", scenario.name);
            if CONTINUED.contains(&scenario.name.as_str()) {
                assert_eq!(found, all, "{} {cut}", scenario.name);
                assert_same_start(&connector.posted);
            }
        }
    }
}

/// Events with the same ID are the same, so that Offhook recognises the second as a repetition.
fn assert_same_start(events: &[CallEvent]) {
    let mut by_id: BTreeMap<&str, String> = BTreeMap::new();
    for event in events {
        let text = json(event).to_string();
        assert_eq!(*by_id.entry(&event.id).or_insert_with(|| text.clone()), text);
    }
}

#[test]
fn after_a_gap_anywhere_every_call_has_one_end() {
    for scenario in scenarios() {
        let stream = nth(&scenario, 0);
        let all = ends(&Connector::run(&stream).posted).into_keys().collect::<BTreeSet<_>>();
        let length = stream.events.len();
        let gaps = (0..length).flat_map(|from| (from..=length).step_by(3).map(move |to| (from, to)));
        for (from, to) in gaps {
            let mut connector = Connector::new(&stream, 0);
            connector.feed(&stream.events[..from]);
            let lost_at = connector.now();
            connector.lose(&stream.events[from..to]);
            connector.resync(Since::Gap { lost_at });
            connector.feed(&stream.events[to..]);
            connector.resync(Since::Comparison);
            let place = format!("{} {from}..{to}", scenario.name);
            let found = ends(&connector.posted);
            assert!(found.iter().all(|(id, times)| all.contains(id) && *times == 1), "{place}");
            let begun: BTreeSet<uuid::Uuid> = connector.posted.iter().map(|event| event.payload.call_id()).collect();
            assert_eq!(begun, found.into_keys().collect(), "every call that began has ended: {place}");
            assert_eq!(connector.calls.open(), 0, "{place}");
        }
    }
}

/// What can happen to a single event on its way.
#[derive(Debug, Clone, Copy)]
enum Damage {
    Drop,
    Repeat,
    Swap,
    Move(usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![Just(Damage::Drop), Just(Damage::Repeat), Just(Damage::Swap), (0_usize..100).prop_map(Damage::Move)]
}

fn damaged(stream: &mut Stream, place: Index, damage: Damage) {
    let events = &mut stream.events;
    let at = place.index(events.len());
    match damage {
        Damage::Drop => drop(events.remove(at)),
        Damage::Repeat => events.insert(at, events[at].clone()),
        Damage::Swap => {
            let other = (at + 1) % events.len();
            events.swap(at, other);
        }
        Damage::Move(to) => {
            let event = events.remove(at);
            events.insert(to % (events.len() + 1), event);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn lost_repeated_and_disordered_events_leave_no_call_behind(
        (numbers, choices) in some_calls(),
        damages in vec((any::<Index>(), damage()), 1..20),
    ) {
        let mut merged = shuffle(&mut streams(&numbers), &choices);
        for (place, damage) in damages {
            if merged.events.len() > 1 {
                damaged(&mut merged, place, damage);
            }
        }
        let mut connector = Connector::new(&merged, 0);
        connector.feed(&merged.events);
        prop_assert!(ends(&connector.posted).values().all(|times| *times == 1));
        connector.hang_up_all();
        connector.resync(Since::Comparison);
        prop_assert_eq!(connector.calls.open(), 0);
        prop_assert!(ends(&connector.posted).values().all(|times| *times == 1));
        let begun: BTreeSet<uuid::Uuid> = connector.posted.iter().map(|event| event.payload.call_id()).collect();
        prop_assert_eq!(begun.len(), ends(&connector.posted).len(), "every call that began has ended");
    }
}
