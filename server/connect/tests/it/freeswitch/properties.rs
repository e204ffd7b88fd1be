//! What holds for any calls, in any order, cut anywhere.

use std::collections::{BTreeMap, BTreeSet};

use connect::{
    event::{CallEvent, Payload},
    session::Session as _,
};
use proptest::{collection::vec, prelude::*, sample::Index};

use super::{connector::Connector, fake::Step, scenarios::SCENARIOS};
use crate::outcome::line;

fn ends(events: &[CallEvent]) -> BTreeMap<uuid::Uuid, usize> {
    let mut all = BTreeMap::new();
    for event in events.iter().filter(|event| matches!(event.payload, Payload::CallProcessed(_))) {
        *all.entry(event.payload.call_id()).or_default() += 1;
    }
    all
}

fn ids(events: &[CallEvent]) -> BTreeSet<&str> {
    events.iter().map(|event| event.id.as_str()).collect()
}

#[test]
fn a_connector_that_is_killed_anywhere_posts_each_event_exactly_once() {
    let mut cuts = 0;
    for scenario in &SCENARIOS {
        let steps = (scenario.steps)(1);
        for cut in 1..steps.len() {
            let mut connector = Connector::connected();
            connector.play(&steps[..cut]);
            connector.restart();
            connector.connect().unwrap();
            connector.play(&steps[cut..]);
            let lines: Vec<String> = connector.posted.iter().map(line).collect();
            let place = format!("{}, cut at {cut}: {lines:#?}", scenario.name);
            assert_eq!(ids(&connector.posted).len(), connector.posted.len(), "{place}");
            let found: Vec<String> = lines.iter().map(|line| without_seconds(line)).collect();
            let expected: Vec<String> = scenario.outcome.iter().map(|line| without_seconds(line)).collect();
            assert_eq!(found, expected, "{place}");
            cuts += 1;
        }
    }
    assert!(cuts > 200, "{cuts}");
}

#[test]
fn after_a_gap_anywhere_every_call_has_one_end() {
    for scenario in &SCENARIOS {
        let steps = (scenario.steps)(1);
        for from in 0..steps.len() {
            for to in from..=steps.len() {
                let mut connector = Connector::connected();
                connector.play(&steps[..from]);
                connector.lose();
                connector.miss(&steps[from..to]);
                connector.connect().unwrap();
                connector.play(&steps[to..]);
                let place = format!("{} {from}..{to}", scenario.name);
                let begun: BTreeSet<uuid::Uuid> =
                    connector.posted.iter().map(|event| event.payload.call_id()).collect();
                let ends = ends(&connector.posted);
                assert!(ends.values().all(|times| *times == 1), "{place}");
                assert_eq!(begun, ends.into_keys().collect(), "every call that began has ended: {place}");
                assert_eq!(ids(&connector.posted).len(), connector.posted.len(), "{place}");
                assert_eq!((connector.session.report().calls_open, connector.session.channels()), (0, 0), "{place}");
            }
        }
    }
}

/// Independent calls, each step of one of them at a time. Time passes in none of them.
fn shuffled(numbers: &[usize], choices: &[usize]) -> (Vec<Step>, Vec<String>) {
    let scenarios: Vec<_> = numbers.iter().map(|number| &SCENARIOS[number % SCENARIOS.len()]).collect();
    let mut calls: Vec<_> = (1..).zip(&scenarios).map(|(n, scenario)| (scenario.steps)(n)).collect();
    calls.iter_mut().for_each(|steps| steps.retain(|step| !matches!(step, Step::Wait(_))));
    let mut queues: Vec<_> = calls.into_iter().map(Vec::into_iter).collect();
    let (mut steps, mut choices) = (Vec::new(), choices.iter().cycle());
    while !queues.is_empty() {
        let at = choices.next().unwrap_or(&0) % queues.len();
        match queues[at].next() {
            Some(step) => steps.push(step),
            None => drop(queues.swap_remove(at)),
        }
    }
    let expected = scenarios.iter().flat_map(|scenario| scenario.outcome).map(|line| without_seconds(line)).collect();
    (steps, expected)
}

/// The line without the seconds of talk: shuffled calls take other times, and a restart may cost a moment.
fn without_seconds(line: &str) -> String {
    let parts = line.split_once(" s, ").and_then(|(status, parties)| Some((status.rsplit_once(' ')?.0, parties)));
    parts.map_or_else(|| line.to_owned(), |(status, parties)| format!("{status}, {parties}"))
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

fn some_calls() -> impl Strategy<Value = (Vec<usize>, Vec<usize>)> {
    (vec(0_usize..1_000, 1..6), vec(0_usize..1_000, 1..100))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn calls_that_are_shuffled_into_each_other_stay_apart((numbers, choices) in some_calls()) {
        let (steps, expected) = shuffled(&numbers, &choices);
        let mut connector = Connector::connected();
        connector.play(&steps);
        let found = connector.posted.iter().map(|event| without_seconds(&line(event))).collect();
        prop_assert_eq!(sorted(found), sorted(expected));
        prop_assert_eq!(connector.session.report().calls_open, 0);
        prop_assert_eq!(connector.session.channels(), 0);
    }

    #[test]
    fn restarts_and_reconnections_neither_lose_nor_repeat_an_event(
        (numbers, choices) in some_calls(),
        cuts in vec((any::<Index>(), any::<bool>()), 1..4),
    ) {
        let (steps, expected) = shuffled(&numbers, &choices);
        let cuts: BTreeMap<usize, bool> = cuts.iter().map(|(cut, kills)| (cut.index(steps.len()), *kills)).collect();
        let mut connector = Connector::connected();
        let mut from = 0;
        for (cut, kills) in cuts {
            connector.play(&steps[from..cut]);
            if kills { connector.restart() } else { connector.lose() }
            connector.connect().unwrap();
            from = cut;
        }
        connector.play(&steps[from..]);
        prop_assert_eq!(ids(&connector.posted).len(), connector.posted.len());
        let found = connector.posted.iter().map(|event| without_seconds(&line(event))).collect();
        prop_assert_eq!(sorted(found), sorted(expected));
        prop_assert_eq!(connector.session.report().calls_open, 0);
    }
}
