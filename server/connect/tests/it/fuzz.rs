//! What a broken or hostile phone system sends, against properties that hold for every input. An ordinary run tries a few;
//! `make faults` gives each test a minute.

use std::{collections::HashSet, fs};

use bolero::{TypeGenerator, check};
use connect::{
    asterisk::{ami, cdr},
    event::CallEvent,
    replay::Recording,
};
use domain::payload::Payload;

use crate::scenario::{folder, settings};

/// What parsers treat specially.
const TOKENS: &[&str] = &[
    "\r\n",
    "\r\n\r\n",
    "\n",
    ":",
    ": ",
    "\0",
    "\"",
    "{",
    "}",
    ",",
    "-1",
    "18446744073709551616",
    "\u{1b}",
    "\u{fffd}",
    "Event: Hangup\r\n",
    "Event: DialBegin\r\n",
    "Uniqueid: lab-1795832523.77\r\n",
    "Linkedid: \r\n",
    "Local/;1",
    "<ZOMBIE>",
];
/// Longest input in bytes.
const INPUT_MAX_BYTES: usize = 128 * 1_024;

/// One change of an input. Positions count modulo its length.
#[derive(Debug, Clone, Copy, TypeGenerator)]
enum Edit {
    Token(u32, u8),
    Overwrite(u32, u8),
    Remove(u32, u16),
    Repeat(u32, u16, u32),
    Cut(u32),
}

impl Edit {
    fn apply(self, bytes: &mut Vec<u8>) {
        let at = |at: u32| at as usize % (bytes.len() + 1);
        let part = |from: u32, length: u16| at(from)..(at(from) + usize::from(length)).min(bytes.len());
        match self {
            Self::Token(to, token) => {
                let token = TOKENS[usize::from(token) % TOKENS.len()].bytes();
                bytes.splice(at(to)..at(to), token);
            }
            Self::Overwrite(to, byte) => drop(bytes.splice(part(to, 1), [byte])),
            Self::Remove(from, length) => drop(bytes.drain(part(from, length))),
            Self::Repeat(from, length, to) => {
                let copy = bytes[part(from, length)].to_vec();
                bytes.splice(at(to)..at(to), copy);
            }
            Self::Cut(end) => bytes.truncate(at(end)),
        }
    }
}

/// Checks `runs` random changes of the recordings in this format.
fn recordings(format: &str, runs: usize, check: impl Fn(&[u8]) + std::panic::RefUnwindSafe) {
    let names = ["in_withheld", "in_voicemail", "in_attended_transfer_out", "in_ring_group_local", "out_cancelled"];
    let all: Vec<Vec<u8>> =
        names.iter().map(|name| fs::read(folder().join(format!("{name}.{format}"))).unwrap()).collect();
    all.iter().for_each(|bytes| check(bytes));
    check!().with_type::<(u8, Vec<Edit>)>().with_iterations(runs).for_each(|(which, edits)| {
        let mut bytes = all[usize::from(*which) % all.len()].clone();
        for edit in edits.iter().take(16) {
            edit.apply(&mut bytes);
            bytes.truncate(INPUT_MAX_BYTES);
        }
        check(&bytes);
    });
}

fn fit_the_contract(events: &[CallEvent]) {
    let mut ids = HashSet::new();
    for event in events {
        let text = serde_json::to_string(&event.payload).unwrap();
        assert_eq!(Payload::parse(&text).unwrap().text, text);
        assert!(ids.insert(&event.id), "an event is posted once");
    }
}

#[test]
fn a_damaged_stream_of_ami_gives_valid_events_and_holds_little() {
    recordings("ami", 300, |bytes| {
        fit_the_contract(&Recording::ami(bytes).replay(settings()).events);
        let mut decoder = ami::Decoder::default();
        for piece in bytes.chunks(1_000) {
            for frame in decoder.push(piece) {
                let ami::Frame::Message(message) = frame else { continue };
                let _ = (ami::event(&message), ami::channel_row(&message), ami::presentation(&message));
            }
            assert!(decoder.held_bytes() <= ami::LINE_MAX_BYTES + ami::MESSAGE_MAX_BYTES);
        }
    });
}

#[test]
fn damaged_events_of_ari_give_valid_events() {
    recordings("ari.json", 200, |bytes| {
        fit_the_contract(&Recording::ari(bytes).replay(settings()).events);
    });
}

#[test]
fn damaged_call_records_give_no_calls_without_an_id() {
    recordings("csv", 500, |bytes| {
        let folded = cdr::fold(bytes, None).unwrap();
        assert!(folded.records.iter().all(|record| !record.linked_id.is_empty()));
    });
}
