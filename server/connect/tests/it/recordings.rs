//! Recordings of a real Asterisk give the outcomes that people wrote down.

use std::{collections::BTreeSet, fs};

use domain::payload::Payload;

use crate::{
    outcome::{json, lines},
    scenario::{FORMATS, folder, scenarios, settings},
};

#[test]
fn every_recording_gives_its_outcome_from_ami_and_from_ari() {
    let all = scenarios();
    assert!(all.len() >= 38);
    let mut wrong = Vec::new();
    for scenario in &all {
        for format in FORMATS {
            let replayed = scenario.recording(format).replay(settings());
            let found = lines(&replayed.events);
            if found != scenario.outcome || replayed.open != 0 {
                wrong.push(format!("{} {format}: {found:#?} open {}", scenario.name, replayed.open));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn ami_and_ari_give_the_same_events_to_the_byte() {
    for scenario in scenarios() {
        let [ami, ari] = FORMATS.map(|format| scenario.recording(format).replay(settings()).events);
        let without_system = |events: Vec<_>| events.iter().map(json).collect::<Vec<_>>();
        assert_eq!(without_system(ami), without_system(ari), "{}", scenario.name);
    }
}

#[test]
fn every_payload_fits_the_contract_and_its_keys_are_in_order() {
    for scenario in scenarios() {
        for event in scenario.recording("ami").replay(settings()).events {
            let text = serde_json::to_string(&event.payload).unwrap();
            assert_eq!(Payload::parse(&text).unwrap().text, text, "{}", scenario.name);
            assert!(event.id.starts_with(&event.payload.call_id().to_string()));
        }
    }
}

#[test]
fn every_file_of_the_recordings_is_in_the_table() {
    let named: BTreeSet<String> = scenarios().into_iter().map(|scenario| scenario.name).collect();
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let scenario = name.split('.').next().unwrap().to_owned();
        assert!(["outcomes", "from_records"].contains(&scenario.as_str()) || named.contains(&scenario), "{name}");
    }
}
