//! Many calls at once cost no more per event than few, and ended calls cost nothing.

use std::collections::HashSet;

use connect::call::{Action, Calls, Presentation, Resync, Since};
use domain::time::UnixMs;

use crate::{
    pbx::Pbx,
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

/// The calls of which one more is tried.
const NAMES: [&str; 3] = ["in_ring_group_local", "in_queue_abandoned", "out_blind_transfer"];

/// What each of these calls costs while this many others are in the middle of their talk.
fn costs_beside(open: usize) -> Vec<u64> {
    let talking = scenario("in_answered").recording("ami");
    let mut calls = Calls::new(settings());
    for n in 0..open {
        let stream = copy(&talking, n);
        feed(&mut calls, &stream, 0..stream.events.len() * 2 / 3);
    }
    let mut cost = |(n, name): (usize, &&str)| {
        calls.take_changes();
        let before = calls.examined();
        let another = copy(&scenario(name).recording("ami"), open + n);
        feed(&mut calls, &another, 0..another.events.len());
        assert_eq!(calls.open(), open);
        assert_eq!(calls.take_changes().ended.len(), 1, "only what changed is saved");
        calls.examined() - before
    };
    NAMES.iter().enumerate().map(&mut cost).collect()
}

#[test]
fn a_call_costs_the_same_beside_ten_and_beside_ten_thousand_others() {
    assert_eq!(costs_beside(10), costs_beside(10_000));
}

#[test]
fn a_comparison_examines_each_channel_a_few_times() {
    let talking = scenario("in_answered").recording("ami");
    let mut cost = [100_u32, 1_000].map(|open| {
        let (mut calls, mut pbx) = (Calls::new(settings()), Pbx::default());
        for n in 0..open as usize {
            let stream = copy(&talking, n);
            let part = 0..stream.events.len() * 2 / 3;
            stream.events[part.clone()].iter().for_each(|stamped| pbx.feed(&stamped.event));
            feed(&mut calls, &stream, part);
        }
        let (mark, before) = (calls.listing_begins(), calls.examined());
        let at = UnixMs(1_795_900_000_000);
        let done = calls.resync(Resync {
            at,
            since: Since::Comparison,
            mark,
            channels: pbx.list(),
            unchanged: HashSet::new(),
            records: Vec::new(),
        });
        assert_eq!((done.closed, done.begun, calls.open()), (0, 0, open as usize));
        (calls.examined() - before) / u64::from(open)
    });
    cost.sort_unstable();
    assert!(cost[1] <= cost[0] + 1 && cost[1] < 20, "{cost:?}");
}

#[test]
fn calls_that_ended_are_forgotten_but_for_a_bounded_number_of_ids() {
    let recording = scenario("in_attended_transfer").recording("ami");
    let mut calls = Calls::new(settings());
    let mut most = 0;
    for n in 0..6_000 {
        let stream = copy(&recording, n);
        feed(&mut calls, &stream, 0..stream.events.len());
        most = most.max(calls.entries());
    }
    assert_eq!(calls.open(), 0);
    assert!(most < 5 * connect::call::FINISHED_MAX, "{most} entries");
}
