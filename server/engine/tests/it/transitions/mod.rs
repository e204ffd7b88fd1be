//! Tests every transition in the tables of `docs/states.md` from each of its states.

mod deliveries;
mod endpoints;
mod jobs;

use std::{collections::BTreeSet, future::Future, pin::Pin};

use crate::harness::{On, TestHarness};

const DOCUMENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/states.md"));

/// Sets up a state, pulls the trigger, and returns the new state: `failed (gone)`.
type Test = fn(TestHarness, &'static str) -> Pin<Box<dyn Future<Output = String>>>;

/// A row's trigger with its test.
macro_rules! transition {
    ( $trigger : literal , $test : path ) => {
        ($trigger, (|harness, from| Box::pin($test(harness, from))) as Test)
    };
}
use transition;

/// A row of a table.
struct Row {
    trigger: String,
    from: Vec<&'static str>,
    to: String,
}

/// The text between a heading and the next one.
fn section(heading: &str) -> &'static str {
    let (_, rest) = DOCUMENT.split_once(&format!("## {heading}\n")).unwrap();
    rest.split("\n## ").next().unwrap()
}

/// The words of a cell that are marked as code.
fn coded(cell: &'static str) -> Vec<&'static str> {
    cell.split('`').skip(1).step_by(2).collect()
}

fn rows(heading: &str) -> Vec<Row> {
    let (_, table) = section(heading).split_once("| trigger | from | to | who |\n").unwrap();
    let lines = table.lines().skip(1).take_while(|line| line.starts_with('|'));
    let row = |line: &'static str| {
        let cells: Vec<&'static str> = line.split('|').map(str::trim).collect();
        let from = if cells[2] == "–" { vec![""] } else { coded(cells[2]) };
        // A state, with its reason in brackets if any; what follows a comma or semicolon is explanation.
        let to = cells[3].split([',', ';']).next().unwrap().replace('`', "");
        Row { trigger: cells[1].replace('`', ""), from, to }
    };
    lines.map(row).collect()
}

/// The arrows of the diagram, as pairs of states.
fn drawn(heading: &str) -> BTreeSet<(&'static str, &'static str)> {
    let arrow = |line: &'static str| {
        let (from, rest) = line.trim().split_once(" --> ")?;
        Some((from.trim_start_matches("[*]"), rest.split(':').next()?))
    };
    section(heading).lines().filter_map(arrow).collect()
}

async fn test_all(heading: &str, tests: &[(&str, Test)], on: On) {
    let rows = rows(heading);
    assert!(!rows.is_empty(), "{heading} has no table");
    for (trigger, _) in tests {
        assert!(rows.iter().any(|row| row.trigger == *trigger), "{heading}: no such row: {trigger}");
    }
    for row in rows {
        let test = tests.iter().find(|(trigger, _)| *trigger == row.trigger);
        let (_, test) = test.unwrap_or_else(|| panic!("{heading}: not tested: {}", row.trigger));
        assert!(!row.from.is_empty(), "{heading}: no starting state: {}", row.trigger);
        for from in row.from {
            let to = test(TestHarness::new(on).await, from).await;
            assert_eq!(to, row.to, "{heading}: {} from {from}", row.trigger);
        }
    }
}

#[test]
fn every_arrow_is_in_its_table_and_every_row_is_drawn() {
    for heading in ["Deliveries", "Jobs", "Endpoints"] {
        let rows = rows(heading);
        let listed = rows.iter().flat_map(|row| {
            let to = row.to.split(' ').next().unwrap();
            row.from.iter().map(move |from| (*from, to))
        });
        let (listed, drawn): (BTreeSet<_>, BTreeSet<_>) = (listed.collect(), drawn(heading));
        assert_eq!(listed, drawn, "{heading}");
    }
}

macro_rules! all_tested {
    ($($name:ident: $heading:literal, $tests:expr;)+) => {
        $(mod $name {
            use super::*;
            #[tokio::test]
            async fn sqlite() {
                test_all($heading, &$tests, On::Sqlite).await;
            }
            #[tokio::test]
            async fn postgres() {
                test_all($heading, &$tests, On::Postgres).await;
            }
        })+
    };
}

all_tested! {
    every_transition_of_a_delivery: "Deliveries", deliveries::TRANSITIONS;
    every_transition_of_a_job: "Jobs", jobs::TRANSITIONS;
    every_transition_of_an_endpoint: "Endpoints", endpoints::TRANSITIONS;
}
