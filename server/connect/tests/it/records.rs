//! Call records, folded: alone, as after a gap in which whole calls took place.

use std::{collections::BTreeMap, fs::File};

use crate::{
    outcome::lines,
    scenario::{Scenario, folder, read, scenarios, settings},
};
use connect::{
    asterisk::cdr,
    call::{Action, Calls, Resync, Since},
    event::CallEvent,
};

fn from_records(scenario: &Scenario) -> Vec<CallEvent> {
    let file = File::open(folder().join(format!("{}.csv", scenario.name))).unwrap();
    let folded = cdr::fold(file, None).unwrap();
    assert_eq!((folded.not_understood, folded.beyond_limit), (0, 0));
    let mut calls = Calls::new(settings());
    let at = folded.records.iter().map(|record| record.ended_at).max().unwrap();
    let lost_at = folded.records.iter().map(|record| record.began_at).min().unwrap();
    let now = Resync {
        at,
        since: Since::Gap { lost_at },
        mark: calls.listing_begins(),
        channels: Vec::new(),
        records: folded.records,
    };
    let done = calls.resync(now);
    assert_eq!((done.closed, done.filled, done.incomplete), (done.filled, done.actions.len(), 0));
    let posted = |action| if let Action::Post(event) = action { *event } else { panic!("records ask nothing") };
    done.actions.into_iter().map(posted).collect()
}

#[test]
fn a_call_that_began_and_ended_in_a_gap_is_posted_from_its_records() {
    let different = read("from_records.txt");
    let different: BTreeMap<&str, &Vec<String>> =
        different.iter().map(|one| (one.name.as_str(), &one.outcome)).collect();
    let mut wrong = Vec::new();
    for scenario in scenarios() {
        let ends: Vec<String> =
            scenario.outcome.iter().filter(|line| line.starts_with("CallProcessed")).cloned().collect();
        // Records do not tell whether a number may be shown.
        let ends: Vec<String> = ends.iter().map(|line| line.replace("01632960001 ->", "anonymous ->")).collect();
        let found = lines(&from_records(&scenario));
        if found != **different.get(scenario.name.as_str()).unwrap_or(&&ends) {
            wrong.push(format!("{}\n    {}", scenario.name, found.join("\n    ")));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
