//! The recorded scenarios with their right outcomes.

use std::{collections::BTreeSet, fs, path::PathBuf};

use connect::{
    call::{InternalCalls, PhoneSystem, Settings},
    replay::Recording,
};

/// A recorded scenario.
pub(crate) struct Scenario {
    pub name: String,
    /// The events, one per line.
    pub outcome: Vec<String>,
}

/// The formats of the recordings.
pub(crate) const FORMATS: [&str; 2] = ["ami", "ari.json"];

/// The lab's phone system.
pub(crate) fn settings() -> Settings {
    let trunks = BTreeSet::from(["trunk".to_owned(), "trunk2".to_owned()]);
    Settings { phone_system: PhoneSystem::Asterisk, system: "lab".to_owned(), trunks, internal: InternalCalls::Ignore }
}

pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/recordings")
}

/// All scenarios in `outcomes.txt`: a name per block, then its events, each indented.
pub(crate) fn scenarios() -> Vec<Scenario> {
    read("outcomes.txt")
}

pub(crate) fn read(table: &str) -> Vec<Scenario> {
    let text = fs::read_to_string(folder().join(table)).unwrap();
    let mut all: Vec<Scenario> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        match line.strip_prefix("    ") {
            Some(event) => all.last_mut().unwrap().outcome.push(event.to_owned()),
            None => all.push(Scenario { name: line.to_owned(), outcome: Vec::new() }),
        }
    }
    all
}

impl Scenario {
    pub(crate) fn bytes(&self, format: &str) -> Vec<u8> {
        fs::read(folder().join(format!("{}.{format}", self.name))).unwrap()
    }

    pub(crate) fn recording(&self, format: &str) -> Recording {
        let path = folder().join(format!("{}.{format}", self.name));
        let mut recording = Recording::read(&path, &self.bytes(format)).unwrap();
        let beside = folder().join(format!("{}.presentation.json", self.name));
        if let Ok(json) = fs::read(beside) {
            recording.add_presentations(&json).unwrap();
        }
        recording
    }
}
