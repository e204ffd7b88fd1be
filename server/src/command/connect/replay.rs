//! `offhook connect replay FILE`: what a recording of a phone system contains, to check trunks and rules without posting.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use anyhow::anyhow;
use clap::Args;
use connect::{
    call::{InternalCalls, PhoneSystem, Settings},
    replay::{Recording, RecordingError},
};

use crate::command::{CommandError, print_json};

/// Largest recording, in bytes: about 20,000 calls. It is held in memory.
const RECORDING_MAX_BYTES: u64 = 256 * 1_024 * 1_024;

/// A recording and how to read it.
#[derive(Debug, Args)]
pub struct Replay {
    /// An AMI stream (FILE.ami) or ARI events, one a line (FILE.ari.json). FILE.presentation.json beside it, without .ami
    /// or .ari.json, may state CALLERID(num-pres) by channel ID.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// An endpoint that leads outside, as in PJSIP/<NAME>-00000001; once for each.
    #[arg(long = "trunk", value_name = "NAME", required = true)]
    trunks: Vec<String>,
    /// The phone system's name, from which call IDs are derived.
    #[arg(long, value_name = "NAME", default_value = "pbx")]
    name: String,
    /// Report calls between extensions, too.
    #[arg(long)]
    internal: bool,
}

pub(super) fn run(replay: &Replay) -> Result<(), CommandError> {
    let recording = read(&replay.file)?;
    if recording.malformed > 0 {
        tracing::warn!(messages = recording.malformed, "messages that could not be read were skipped");
    }
    let internal = if replay.internal { InternalCalls::Report } else { InternalCalls::Ignore };
    let trunks = replay.trunks.iter().cloned().collect();
    let replayed = recording.replay(Settings {
        phone_system: PhoneSystem::Asterisk,
        system: replay.name.clone(),
        trunks,
        internal,
    });
    for event in &replayed.events {
        print_json(event)?;
    }
    if replayed.open > 0 {
        tracing::warn!(calls = replayed.open, "calls are still open where the recording ends");
    }
    if replayed.events.is_empty() {
        tracing::warn!(trunks = ?replay.trunks, "no call leads in or out: check the names of the trunks");
    }
    Ok(())
}

fn read(file: &Path) -> Result<Recording, CommandError> {
    let named = |error: &dyn std::fmt::Display| anyhow!("{}: {error}", file.display());
    let bytes = bounded(file).map_err(|error| named(&error))?;
    let mut recording = Recording::read(file, &bytes).map_err(|error| match error {
        RecordingError::UnknownFormat => CommandError::Usage(named(&error).to_string()),
        error => named(&error).into(),
    })?;
    let name = file.to_string_lossy();
    let stem = name.strip_suffix(".ami").or_else(|| name.strip_suffix(".ari.json")).unwrap_or(&name);
    match fs::read(format!("{stem}.presentation.json")) {
        Ok(json) => recording.add_presentations(&json).map_err(|error| named(&error))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(named(&error).into()),
    }
    Ok(recording)
}

fn bounded(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(RECORDING_MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > RECORDING_MAX_BYTES {
        return Err(io::Error::other(format!("a recording has at most {RECORDING_MAX_BYTES} bytes")));
    }
    Ok(bytes)
}
