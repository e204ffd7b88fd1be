//! What a form or a REST call asks to recover.

use serde::{Deserialize, Serialize};

use super::{RATE_MAX_PER_S, RATE_PER_S, RecoveryRequest, RecoveryScope};
use crate::{
    error::{Error, FieldError, Result, noted, whole},
    event_kind::EventKind,
    time::{UnixMs, parse_utc},
};

/// The form for a recovery, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecoverForm {
    /// Accepted at or after this time.
    pub from: String,
    /// Accepted before this time; empty for now.
    pub to: String,
    /// Kinds of events; empty for those the endpoint is subscribed to.
    pub events: Vec<String>,
    /// Name of a [`RecoveryScope`]; empty for failed events.
    pub which: String,
    /// Events per second; empty for [`RATE_PER_S`].
    pub rate_per_s: String,
}

/// The events to recover, before any rule is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoverInput {
    /// Accepted at or after this time.
    pub from: UnixMs,
    /// Accepted before this time; now by default.
    pub to: Option<UnixMs>,
    /// Kinds of events; those the endpoint is subscribed to if empty.
    pub kinds: Vec<EventKind>,
    /// Which of them.
    pub which: RecoveryScope,
    /// Maximum rate in events per second; [`RATE_PER_S`] by default.
    pub rate_per_s: Option<u32>,
}

const RATE_MESSAGE: &str = "Enter a rate of 1 to 500 events per second.";

impl RecoverForm {
    /// Reads the form.
    ///
    /// # Errors
    /// As [`RecoverInput::read`].
    pub fn input(&self) -> Result<RecoverInput> {
        let rate = whole(&self.rate_per_s, "rate_per_s", RATE_MESSAGE);
        RecoverInput::read(&self.from, &self.to, &self.events, &self.which, rate)
    }
}

impl RecoverInput {
    /// Reads the texts of a form or a REST call. An empty one means the default, except for `from`.
    ///
    /// # Errors
    /// `Invalid` naming every invalid field.
    pub fn read(
        from: &str,
        to: &str,
        events: &[String],
        which: &str,
        rate_per_s: std::result::Result<Option<u32>, FieldError>,
    ) -> Result<Self> {
        let mut wrong = Vec::new();
        let from = noted(&mut wrong, moment("from", from));
        let to = if to.trim().is_empty() { None } else { noted(&mut wrong, moment("to", to)) };
        let kinds: Vec<_> = events.iter().filter_map(|name| EventKind::parse(name)).collect();
        if kinds.len() < events.len() {
            wrong.push(FieldError::new("events", "Choose from IncomingCall, OutgoingCall and CallProcessed."));
        }
        let which = if which.is_empty() { Some(RecoveryScope::default()) } else { RecoveryScope::parse(which) };
        if which.is_none() {
            wrong.push(FieldError::new("which", "Use failed or also_never_sent."));
        }
        let rate_per_s = noted(&mut wrong, rate_per_s.and_then(within_bounds)).flatten();
        match (from, which) {
            (Some(from), Some(which)) if wrong.is_empty() => Ok(Self { from, to, kinds, which, rate_per_s }),
            _ => Err(Error::Invalid(wrong)),
        }
    }

    /// Applies the defaults of an endpoint that is subscribed to these kinds.
    ///
    /// # Errors
    /// `Invalid`
    pub fn check(&self, subscribed: &[EventKind], now: UnixMs) -> Result<RecoveryRequest> {
        let mut wrong = Vec::new();
        let to = self.to.unwrap_or(now).min(now);
        if self.from >= to {
            wrong.push(FieldError::new("from", "The start must be before the end, and in the past."));
        }
        let rate_per_s = noted(&mut wrong, within_bounds(self.rate_per_s)).flatten().unwrap_or(RATE_PER_S);
        if !wrong.is_empty() {
            return Err(Error::Invalid(wrong));
        }
        let wanted = if self.kinds.is_empty() { subscribed } else { &self.kinds };
        let kinds = EventKind::ALL.into_iter().filter(|kind| wanted.contains(kind)).collect();
        Ok(RecoveryRequest { from: self.from, to, kinds, which: self.which, rate_per_s })
    }
}

fn moment(field: &str, typed: &str) -> std::result::Result<UnixMs, FieldError> {
    let message = "Enter a time such as 2026-11-22T13:00Z. Without a zone it is read as UTC.";
    parse_utc(typed.trim()).ok_or_else(|| FieldError::new(field, message))
}

/// The rate for a job; [`RATE_PER_S`] by default.
///
/// # Errors
/// `Invalid` outside 1 to [`RATE_MAX_PER_S`].
pub fn rate_or_default(rate_per_s: Option<u32>) -> Result<u32> {
    let rate = within_bounds(rate_per_s).map_err(|wrong| Error::Invalid(vec![wrong]))?;
    Ok(rate.unwrap_or(RATE_PER_S))
}

fn within_bounds(rate: Option<u32>) -> std::result::Result<Option<u32>, FieldError> {
    let wrong = rate.is_some_and(|rate| !(1..=RATE_MAX_PER_S).contains(&rate));
    if wrong { Err(FieldError::new("rate_per_s", RATE_MESSAGE)) } else { Ok(rate) }
}
