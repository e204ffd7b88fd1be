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

/// Ofcom's numbers for drama, and what else looks like one: times, IDs and ports.
#[test]
fn recordings_have_only_fictitious_numbers_and_no_names_of_machines() {
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let text = String::from_utf8(fs::read(&path).unwrap()).unwrap();
        for number in numbers(&text) {
            let is_fictitious =
                ["01632960", "+447700900", "447700900", "07700900"].iter().any(|start| number.starts_with(start));
            assert!(is_fictitious, "{number} in {}", path.display());
        }
        for word in ["/tmp", "/home", "/root", "/usr", "/var", ".local\"", "@1"] {
            assert!(!text.replace("@127.0.0.", "").contains(word), "{word} in {}", path.display());
        }
    }
}

/// The values of everything that may be a number.
fn numbers(text: &str) -> Vec<&str> {
    let keys = [
        "CallerIDNum: ",
        "ConnectedLineNum: ",
        "CallerIDnum: ",
        "CallerIDani: ",
        "\"number\":\"",
        "Exten: ",
        "\"exten\":\"",
    ];
    let values =
        keys.iter().flat_map(|key| text.split(key).skip(1)).map(|rest| rest.split(['\r', '"']).next().unwrap());
    values.filter(|value| value.bytes().filter(u8::is_ascii_digit).count() > 4).collect()
}

#[test]
fn some_recordings_have_events_that_say_nothing_about_calls() {
    for (name, noise) in [
        ("in_answered.ami", "Event: CEL"),
        ("in_queue_answered.ami", "Event: Cdr"),
        ("in_answered.ari.json", "ChannelVarset"),
    ] {
        assert!(fs::read_to_string(folder().join(name)).unwrap().contains(noise), "{name}");
    }
}
