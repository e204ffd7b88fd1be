//! Many calls at once cost no more per event than few, and ended calls cost nothing.

use std::collections::HashSet;

use connect::{
    call::{Action, Bridge, BridgeKind, Calls, ChannelState, Facts, PbxEvent, Presentation, Resync, Since},
    event::{CallEvent, Payload},
};
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

/// A conference of callers from outside, whose channels Asterisk puts into one group.
struct Conference {
    calls: Calls,
    at_s: i64,
    ended: Vec<CallEvent>,
}

impl Conference {
    fn of(members: usize) -> Self {
        let mut conference = Self { calls: Calls::new(settings()), at_s: 1_795_900_000, ended: Vec::new() };
        (0..members).for_each(|n| conference.joins(n));
        conference
    }

    fn feed(&mut self, event: &PbxEvent) {
        for action in self.calls.feed(UnixMs(self.at_s * 1_000), event) {
            match action {
                Action::AskPresentation { channel_id, .. } => {
                    self.calls.presentation(&channel_id, Some(Presentation::Allowed));
                }
                Action::Post(event) => self.ended.push(*event),
            }
        }
    }

    fn member(n: usize) -> Facts {
        let id = |n: usize| format!("lab-1795900000.{n}");
        Facts {
            id: id(n),
            linked_id: id(0),
            name: format!("PJSIP/trunk-{n:08x}"),
            state: ChannelState::Ring,
            number: "01632960001".to_owned(),
            dialled: "01632960100".to_owned(),
            ..Facts::default()
        }
    }

    fn bridge() -> Bridge {
        Bridge { id: "conference".to_owned(), kind: BridgeKind::Mixing }
    }

    fn joins(&mut self, n: usize) {
        let member = Self::member(n);
        self.feed(&PbxEvent::Began(Facts { linked_id: member.id.clone(), ..member.clone() }));
        self.feed(&PbxEvent::BridgeEntered(member, Self::bridge()));
    }

    fn leaves(&mut self, n: usize) {
        self.feed(&PbxEvent::BridgeLeft(Self::member(n), Self::bridge()));
        self.feed(&PbxEvent::HungUp(Self::member(n), Some(16)));
    }
}

#[test]
fn joining_and_leaving_a_conference_costs_the_same_with_a_hundred_and_with_a_thousand_members() {
    let cost = |members: usize| {
        let mut conference = Conference::of(members);
        let before = conference.calls.examined();
        conference.joins(members);
        conference.leaves(members / 2);
        conference.leaves(members);
        conference.calls.examined() - before
    };
    assert_eq!(cost(100), cost(1_000));
}

#[test]
fn everyone_in_a_large_conference_talks_until_the_last_but_one_leaves() {
    const MEMBERS: usize = 200;
    let mut conference = Conference::of(MEMBERS);
    for n in 0..MEMBERS {
        conference.at_s += 1;
        conference.leaves(n);
    }
    let talked: Vec<u64> = conference
        .ended
        .iter()
        .filter_map(|event| match &event.payload {
            Payload::CallProcessed(call) => Some(call.call_duration),
            _ => None,
        })
        .collect();
    let mut expected: Vec<u64> = (1..MEMBERS as u64).collect();
    // With no one left to talk to, the last one's talk ended when the last but one left.
    expected.push(MEMBERS as u64 - 1);
    assert_eq!(talked, expected);
}
