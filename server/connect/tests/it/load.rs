//! Many calls at once cost no more per event than few, and ended calls cost nothing.

use connect::call::{Action, Calls, Presentation};

use crate::{
    scenario::{Scenario, scenarios, settings},
    streams::{at, copy},
};

fn scenario(name: &str) -> Scenario {
    scenarios().into_iter().find(|scenario| scenario.name == name).unwrap()
}

/// Feeds part of a call, and allows its number.
fn feed(calls: &mut Calls, stream: &crate::streams::Stream, events: std::ops::Range<usize>) {
    for stamped in &stream.events[events] {
        for action in calls.feed(at(stamped), &stamped.event) {
            if let Action::AskPresentation { channel_id, .. } = action {
                calls.presentation(&channel_id, Some(Presentation::Allowed));
            }
        }
    }
}

/// What one more call costs while this many are in the middle of their talk.
fn cost_beside(open: usize, name: &str) -> u64 {
    let talking = scenario("in_answered").recording("ami");
    let mut calls = Calls::new(settings());
    for n in 0..open {
        let stream = copy(&talking, n);
        feed(&mut calls, &stream, 0..stream.events.len() * 2 / 3);
    }
    assert_eq!(calls.open(), open);
    calls.take_changes();
    let before = calls.examined();
    let another = copy(&scenario(name).recording("ami"), open + 1);
    feed(&mut calls, &another, 0..another.events.len());
    assert_eq!(calls.open(), open);
    assert_eq!(calls.take_changes().ended.len(), 1, "only what changed is saved");
    calls.examined() - before
}

#[test]
fn a_call_costs_the_same_beside_ten_and_beside_ten_thousand_others() {
    for name in ["in_ring_group_local", "in_queue_abandoned", "out_blind_transfer"] {
        let (few, many) = (cost_beside(10, name), cost_beside(10_000, name));
        assert_eq!(few, many, "{name}");
    }
}

#[test]
fn calls_that_ended_are_forgotten_but_for_a_bounded_number_of_ids() {
    let recording = scenario("in_attended_transfer").recording("ami");
    let mut calls = Calls::new(settings());
    let mut most = 0;
    for n in 0..12_000 {
        let stream = copy(&recording, n);
        feed(&mut calls, &stream, 0..stream.events.len());
        most = most.max(calls.entries());
    }
    assert_eq!(calls.open(), 0);
    assert!(most < 5 * connect::call::FINISHED_MAX, "{most} entries");
}
