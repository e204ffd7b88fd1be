//! Recordings of a real Asterisk, as if they happened now.

use std::{fs, path::PathBuf};

use domain::time::{Clock as _, SECOND_MS};
use engine::SystemClock;

use super::fake_asterisk::messages;

/// Begins every Unix time of the recordings.
const RECORDED: &str = "17958";

/// A recording.
#[derive(Debug, Clone)]
pub(super) struct Recording {
    pub text: String,
    pub messages: Vec<String>,
}

impl Recording {
    /// The recording of this name, shifted so that it ends now.
    pub(super) fn ending_now(name: &str) -> Self {
        Self::ending_in(name, 0)
    }

    /// The same, so many seconds later.
    pub(super) fn ending_in(name: &str, seconds: i64) -> Self {
        let text = read(&format!("{name}.ami"));
        let latest = messages(&text).iter().filter_map(|message| stamp(message)).max().unwrap();
        Self::new(shift(&text, SystemClock.now().0 / SECOND_MS + seconds - latest))
    }

    pub(super) fn new(text: String) -> Self {
        Self { messages: messages(&text), text }
    }

    /// The same with other channels and bridges: another call.
    pub(super) fn nth(&self, n: usize) -> Self {
        let mut text = self.text.replace("lab-", &format!("lab{n}-"));
        text = text.replace("BridgeUniqueid: ", &format!("BridgeUniqueid: {n}-"));
        for id in hexadecimal_suffixes(&text) {
            text = text
                .replace(&format!("-{id}"), &format!("-{:08x}", n * 4_096 + usize::from_str_radix(&id, 16).unwrap()));
        }
        Self::new(text)
    }

    /// What follows from the first message that begins like this.
    pub(super) fn split_at(&self, beginning: &str) -> (Vec<String>, Vec<String>) {
        let at = self.messages.iter().position(|message| message.starts_with(beginning)).unwrap();
        (self.messages[..at].to_vec(), self.messages[at..].to_vec())
    }
}

pub(super) fn read(file: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("connect/tests/recordings");
    fs::read_to_string(folder.join(file)).unwrap()
}

fn stamp(message: &str) -> Option<i64> {
    let line = message.split("\r\n").find_map(|line| line.strip_prefix("Timestamp: "))?;
    line.split('.').next()?.parse().ok()
}

/// All Unix times, later by so many seconds.
fn shift(text: &str, seconds: i64) -> String {
    let mut shifted = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(RECORDED) {
        let (before, after) = rest.split_at(at);
        shifted.push_str(before);
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = after.split_at(digits);
        match number.parse::<i64>() {
            Ok(time) if digits == 10 => shifted.push_str(&(time + seconds).to_string()),
            _ => shifted.push_str(number),
        }
        rest = after;
    }
    shifted + rest
}

/// The endings of all names of channels.
fn hexadecimal_suffixes(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in text.split("\r\n").filter(|line| line.contains("Channel: ")) {
        let Some((_, suffix)) = line.rsplit_once('-') else { continue };
        let suffix = suffix.split(';').next().unwrap_or_default();
        if suffix.len() == 8 && suffix.bytes().all(|b| b.is_ascii_hexdigit()) && !found.iter().any(|one| one == suffix)
        {
            found.push(suffix.to_owned());
        }
    }
    found
}
