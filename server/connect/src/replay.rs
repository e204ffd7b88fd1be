//! Recordings of a phone system's events, and what calls they contain. Nothing is posted.
//!
//! A live connector asks whether a caller's number may be shown. A recording can't be asked: what it, or a file beside it,
//! states last about a channel counts, else the number may be shown.

use std::{collections::HashMap, path::Path};

use domain::time::UnixMs;

use crate::{
    asterisk::{Stamped, ami, ari},
    call::{Action, Calls, Presentation, Settings},
    event::CallEvent,
};

/// A recording.
#[derive(Debug, Default)]
pub struct Recording {
    /// The events in their order.
    pub events: Vec<Stamped>,
    /// The last that was stated about the presentation of each channel's number.
    pub presentations: HashMap<String, Presentation>,
    /// Messages that could not be read.
    pub malformed: u64,
}

/// What a recording contains.
#[derive(Debug)]
pub struct Replayed {
    /// The events that a connector would have posted.
    pub events: Vec<CallEvent>,
    /// Calls that are still open at the end.
    pub open: usize,
}

/// Why a recording was not read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// Neither of the two formats.
    #[error("this is no recording: its name must end with .ami or .ari.json")]
    UnknownFormat,
    /// The file beside it.
    #[error("the presentations are not a JSON object of channel IDs and values such as \"prohib\": {0}")]
    Presentations(serde_json::Error),
    /// Nothing in it was an event.
    #[error("there is no event in it: {0} messages could not be read")]
    NoEvents(u64),
}

impl Recording {
    /// Reads a recording in the format that its name states.
    ///
    /// # Errors
    /// If the name states none, or nothing in it is an event.
    pub fn read(name: &Path, bytes: &[u8]) -> Result<Self, RecordingError> {
        let name = name.to_string_lossy();
        let recording = if name.ends_with(".ami") {
            Self::ami(bytes)
        } else if name.ends_with(".ari.json") {
            Self::ari(bytes)
        } else {
            return Err(RecordingError::UnknownFormat);
        };
        if recording.events.is_empty() {
            return Err(RecordingError::NoEvents(recording.malformed));
        }
        Ok(recording)
    }

    /// Reads a stream of AMI as it came.
    #[must_use]
    pub fn ami(bytes: &[u8]) -> Self {
        let mut decoder = ami::Decoder::default();
        let mut recording = Self::default();
        for frame in decoder.push(bytes) {
            let ami::Frame::Message(message) = frame else { continue };
            let prefix = format!("{}=", ari::PRESENTATION);
            for (id, variable) in [("Uniqueid", "ChanVariable"), ("DestUniqueid", "DestChanVariable")] {
                let value = message.all(variable).find_map(|value| value.strip_prefix(&prefix));
                if let (Some(id), Some(value)) = (message.get(id), value) {
                    recording.presentations.insert(id.to_owned(), Presentation::parse(value));
                }
            }
            recording.events.extend(ami::event(&message));
        }
        recording.malformed = decoder.malformed();
        recording
    }

    /// Reads events of ARI, one a line.
    #[must_use]
    pub fn ari(bytes: &[u8]) -> Self {
        let mut recording = Self::default();
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
            match (ari::event(line), ari::presentations(line)) {
                (Ok(event), Ok(presentations)) => {
                    recording.events.extend(event);
                    recording.presentations.extend(presentations);
                }
                _ => recording.malformed += 1,
            }
        }
        recording
    }

    /// Adds what a file beside the recording states: an object of channel IDs and values of `CALLERID(num-pres)`.
    ///
    /// # Errors
    /// If it is not such an object.
    pub fn add_presentations(&mut self, json: &[u8]) -> Result<(), RecordingError> {
        let stated: HashMap<String, String> = serde_json::from_slice(json).map_err(RecordingError::Presentations)?;
        self.presentations.extend(stated.into_iter().map(|(id, value)| (id, Presentation::parse(&value))));
        Ok(())
    }

    /// Whether this channel's number may be shown.
    #[must_use]
    pub fn presentation(&self, channel_id: &str) -> Presentation {
        self.presentations.get(channel_id).copied().unwrap_or(Presentation::Allowed)
    }

    /// Plays the recording.
    #[must_use]
    pub fn replay(&self, settings: Settings) -> Replayed {
        let mut calls = Calls::new(settings);
        let mut events = Vec::new();
        let mut at = UnixMs::default();
        for stamped in &self.events {
            at = stamped.at.unwrap_or(at);
            let mut actions = calls.feed(at, &stamped.event);
            while !actions.is_empty() {
                actions = actions.into_iter().flat_map(|action| self.act(&mut calls, &mut events, action)).collect();
            }
        }
        Replayed { events, open: calls.open() }
    }

    fn act(&self, calls: &mut Calls, events: &mut Vec<CallEvent>, action: Action) -> Vec<Action> {
        match action {
            Action::Post(event) => {
                events.push(*event);
                Vec::new()
            }
            Action::AskPresentation { channel_id, .. } => {
                calls.presentation(&channel_id, Some(self.presentation(&channel_id)))
            }
        }
    }
}
