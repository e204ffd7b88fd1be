//! `docs/states.md`, row by row: every transition of its tables is walked from each of its states.

mod deliveries;
mod endpoints;
mod jobs;

use std::{collections::BTreeSet, future::Future, pin::Pin};

use crate::harness::{On, TestHarness};

const DOCUMENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/states.md"));

/// Brings something into a state, pulls the trigger, and says where it stands then: `failed (gone)`.
type Walk = fn(TestHarness, &'static str) -> Pin<Box<dyn Future<Output = String>>>;

/// A row's trigger with its walk.
macro_rules! walk {
    ($trigger:literal, $walk:path) => {
        ($trigger, (|harness, from| Box::pin($walk(harness, from))) as Walk)
    };
}
use walk;

/// A row of a table.
struct Row {
    trigger: String,
    from: Vec<&'static str>,
    to: String,
}

/// What stands between a heading and the next one.
fn section(heading: &str) -> &'static str {
    let (_, rest) = DOCUMENT.split_once(&format!("## {heading}\n")).unwrap();
    rest.split("\n## ").next().unwrap()
}

/// The words in code type of a cell.
fn coded(cell: &'static str) -> Vec<&'static str> {
    cell.split('`').skip(1).step_by(2).collect()
}

fn rows(heading: &str) -> Vec<Row> {
    let (_, table) = section(heading).split_once("| trigger | from | to | who |\n").unwrap();
    let lines = table.lines().skip(1).take_while(|line| line.starts_with('|'));
    let row = |line: &'static str| {
        let cells: Vec<&'static str> = line.split('|').map(str::trim).collect();
        let from = if cells[2] == "–" { vec![""] } else { coded(cells[2]) };
        // A state, and its reason in brackets where there is one; what follows a comma or semicolon is for people.
        let to = cells[3].split([',', ';']).next().unwrap().replace('`', "");
        Row { trigger: cells[1].replace('`', ""), from, to }
    };
    lines.map(row).collect()
}

/// The arrows of a drawing, as pairs of states.
fn drawn(heading: &str) -> BTreeSet<(&'static str, &'static str)> {
    let arrow = |line: &'static str| {
        let (from, rest) = line.trim().split_once(" --> ")?;
        Some((from.trim_start_matches("[*]"), rest.split(':').next()?))
    };
    section(heading).lines().filter_map(arrow).collect()
}

async fn walk_all(heading: &str, walks: &[(&str, Walk)], on: On) {
    let rows = rows(heading);
    assert!(!rows.is_empty(), "{heading} has no table");
    for (trigger, _) in walks {
        assert!(rows.iter().any(|row| row.trigger == *trigger), "{heading}: no row says: {trigger}");
    }
    for row in rows {
        let walk = walks.iter().find(|(trigger, _)| *trigger == row.trigger);
        let (_, walk) = walk.unwrap_or_else(|| panic!("{heading}: nobody walks: {}", row.trigger));
        assert!(!row.from.is_empty(), "{heading}: from where: {}", row.trigger);
        for from in row.from {
            let to = walk(TestHarness::new(on).await, from).await;
            assert_eq!(to, row.to, "{heading}: {} from {from}", row.trigger);
        }
    }
}

#[test]
fn every_arrow_is_in_its_table_and_every_row_is_drawn() {
    for heading in ["Deliveries", "Jobs", "Endpoints"] {
        let rows = rows(heading);
        let told = rows.iter().flat_map(|row| {
            let to = row.to.split(' ').next().unwrap();
            row.from.iter().map(move |from| (*from, to))
        });
        let (told, drawn): (BTreeSet<_>, BTreeSet<_>) = (told.collect(), drawn(heading));
        assert_eq!(told, drawn, "{heading}");
    }
}

macro_rules! walked {
    ($($name:ident: $heading:literal, $walks:expr;)+) => {
        $(mod $name {
            use super::*;
            #[tokio::test]
            async fn sqlite() {
                walk_all($heading, &$walks, On::Sqlite).await;
            }
            #[tokio::test]
            async fn postgres() {
                walk_all($heading, &$walks, On::Postgres).await;
            }
        })+
    };
}

walked! {
    every_way_of_a_delivery: "Deliveries", deliveries::WALKS;
    every_way_of_a_job: "Jobs", jobs::WALKS;
    every_way_of_an_endpoint: "Endpoints", endpoints::WALKS;
}
