//! Call records, folded: alone, as after a gap in which whole calls took place.

use std::{
    collections::{BTreeMap, HashSet},
    fs::File,
};

use crate::{
    outcome::lines,
    scenario::{Scenario, folder, read, scenarios, settings},
};
use connect::{
    asterisk::cdr,
    call::{Action, Calls, RecordEnd, Resync, Since},
    event::CallEvent,
};
use domain::time::UnixMs;

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
        unchanged: HashSet::new(),
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

/// A call that was busy and then answered, as `cdr.conf` has it written: with these columns at the end.
fn written(columns: [&str; 2]) -> String {
    let row = |disposition: &str, columns: &str| {
        format!(
            r#""","01632960001","01632960100","from-trunk","","PJSIP/trunk-00000000","PJSIP/7048-00000001","Dial","PJSIP/7048,8","2026-11-28 02:27:45","2026-11-28 02:27:46","2026-11-28 02:27:49",4,3,"{disposition}","DOCUMENTATION"{columns}"#
        )
    };
    format!("{}\n{}\n", row("BUSY", columns[0]), row("ANSWERED", columns[1]))
}

#[test]
fn the_columns_that_cdr_conf_can_leave_out_are_not_taken_for_others() {
    let id = "lab-1795832865.0";
    let with = |before: &str, after: [&str; 2]| after.map(|after| before.replace("ID", id) + &after.replace("ID", id));
    let new = [r#","","ID",0"#, r#","","ID",1"#];
    for (columns, calls) in [
        (with(r#","ID","of the user""#, new), 1),
        (with(r#","ID""#, new), 1),
        (with(r#","ID","of the user""#, [""; 2]), 1),
        (with(r#","ID""#, [""; 2]), 1),
        // Without unique ID: rows that belong to no call.
        (with(r#","of the user""#, new), 0),
        (with("", new), 0),
        (with(r#","of the user""#, [""; 2]), 0),
        (with("", [""; 2]), 0),
    ] {
        let file = written([&columns[0], &columns[1]]);
        let folded = cdr::fold(file.as_bytes(), None).unwrap();
        assert_eq!(folded.records.len(), calls, "{file}");
        assert_eq!(folded.not_understood, if calls == 0 { 2 } else { 0 }, "{file}");
        for record in folded.records {
            assert_eq!(record.linked_id, id, "{file}");
            assert!(matches!(record.end, RecordEnd::Answered { talk_s: 3, .. }), "{file}");
        }
    }
}

#[test]
fn a_call_that_ended_in_the_second_of_the_loss_has_a_record() {
    let id = r#","lab-1795832865.0","","lab-1795832865.0",0"#;
    let file = written([id, id]);
    let ended_ms = 1_795_832_869_000;
    let found = |since_ms| cdr::fold(file.as_bytes(), Some(UnixMs(since_ms))).unwrap().records.len();
    assert_eq!([ended_ms, ended_ms + 999, ended_ms + 1_000].map(found), [1, 1, 0]);
}
