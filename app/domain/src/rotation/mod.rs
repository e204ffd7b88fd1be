//! Rotation of an endpoint's two credentials without a refused delivery.
//!
//! A request carries one auth token, so its rotation is prepare, prove, switch, retire: the receiver adds the next
//! token in advance, a test proves that it did, and the switch can be undone for a day.
//! A request can carry two signatures, so the secret rotates by overlap: both sign for a set time.
//!
//! The state is derived from the times below, not from what has been executed, so it is the same on every node
//! and after a restart.

mod port;

use serde::{Deserialize, Serialize};

pub use self::port::{RotationStep, RotationView, Rotations, StepOutcome, StepResult};
use crate::{
    error::{Error, Result},
    id::DeliveryId,
    time::{DAY_MS, SECOND_MS, UnixMs},
};

/// How long a switch of the auth token can be undone, in milliseconds.
pub const UNDO_MS: i64 = DAY_MS;
/// Default overlap of two secrets, in seconds.
pub const OVERLAP_S: u32 = 24 * 60 * 60;
/// Maximum overlap of two secrets in seconds, also after an extension.
pub const OVERLAP_MAX_S: u32 = 7 * 24 * 60 * 60;
/// How far in the future a switch can be scheduled, in milliseconds.
const SWITCH_AHEAD_MAX_MS: i64 = 90 * DAY_MS;

/// One of the two credentials of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Credential {
    /// Sent in the body.
    #[serde(rename = "auth_token")]
    AuthToken,
    /// Signs the request.
    #[serde(rename = "secret")]
    SigningSecret,
}

impl Credential {
    /// The name in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthToken => "auth_token",
            Self::SigningSecret => "secret",
        }
    }

    /// The credential with that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::AuthToken, Self::SigningSecret].into_iter().find(|credential| credential.as_str() == name)
    }

    /// The noun for use within a sentence.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::AuthToken => "auth token",
            Self::SigningSecret => "signing secret",
        }
    }
}

/// Whether to proceed although no test has succeeded with the next credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllowUnverified {
    /// Refuse and explain.
    Refuse,
    /// Proceed anyway.
    Allow,
}

/// The phase of an auth token rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "is")]
pub enum TokenPhase {
    /// The current token is sent; the next one is prepared.
    Prepared {
        /// When the switch is scheduled; `None` if it is manual.
        switch_at: Option<UnixMs>,
    },
    /// The new token is sent; the switch can be undone.
    Switched {
        /// When it was switched.
        at: UnixMs,
        /// Until when the switch can be undone. The previous token is deleted then.
        undo_until: UnixMs,
    },
}

/// A rotation of the auth token in progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRotation {
    /// When it was prepared; distinguishes it from other rotations of the endpoint.
    pub since: UnixMs,
    /// The previous token, masked.
    pub earlier_masked: String,
    /// The next token, masked.
    pub next_masked: String,
    /// The latest test with the next token.
    pub test: Option<DeliveryId>,
    /// When a test with the next token got a 2xx response.
    pub proved_at: Option<UnixMs>,
    /// Its phase.
    pub phase: TokenPhase,
}

impl TokenRotation {
    /// A rotation that starts now.
    #[must_use]
    pub const fn prepared(now: UnixMs, earlier_masked: String, next_masked: String) -> Self {
        let phase = TokenPhase::Prepared { switch_at: None };
        Self { since: now, earlier_masked, next_masked, test: None, proved_at: None, phase }
    }

    /// The rotation at a time: a scheduled switch has happened once it is due, and `None` once the rotation is over.
    #[must_use]
    pub fn at(self, now: UnixMs) -> Option<Self> {
        let phase = match self.phase {
            TokenPhase::Prepared { switch_at: Some(at) } if at <= now => {
                TokenPhase::Switched { at, undo_until: at.plus_ms(UNDO_MS) }
            }
            phase => phase,
        };
        let over = matches!(phase, TokenPhase::Switched { undo_until, .. } if undo_until <= now);
        (!over).then_some(Self { phase, ..self })
    }

    /// When it next changes on schedule.
    #[must_use]
    pub const fn changes_at(&self) -> Option<UnixMs> {
        match self.phase {
            TokenPhase::Prepared { switch_at } => switch_at,
            TokenPhase::Switched { undo_until, .. } => Some(undo_until),
        }
    }

    /// Whether the switch has happened.
    #[must_use]
    pub const fn is_switched(&self) -> bool {
        matches!(self.phase, TokenPhase::Switched { .. })
    }

    /// Checks that the switch has not happened.
    ///
    /// # Errors
    /// `Conflict` after the switch.
    pub fn require_prepared(&self) -> Result<()> {
        if self.is_switched() {
            return Err(conflict(
                "The switch to the next auth token has already happened. Undo it, or retire the previous token.",
            ));
        }
        Ok(())
    }

    /// Switches now, or schedules the switch.
    ///
    /// # Errors
    /// `Conflict` after the switch, and without a successful test unless that is allowed; `Invalid` for a
    /// time in the past or further ahead than `SWITCH_AHEAD_MAX_MS`.
    pub fn switch(self, at: Option<UnixMs>, unverified: AllowUnverified, now: UnixMs) -> Result<Self> {
        self.require_prepared()?;
        if self.proved_at.is_none() && unverified == AllowUnverified::Refuse {
            return Err(conflict(
                "No test with the next auth token has succeeded, so the endpoint may reject every event after the \
                 switch. Send a test first, or confirm that you want to switch anyway.",
            ));
        }
        let phase = match at {
            None => TokenPhase::Switched { at: now, undo_until: now.plus_ms(UNDO_MS) },
            Some(at) if at <= now => {
                return Err(Error::invalid("switch_at", "Choose a time in the future, or switch now."));
            }
            Some(at) if at.since_ms(now) > SWITCH_AHEAD_MAX_MS => {
                return Err(Error::invalid("switch_at", "Choose a time within the next 90 days."));
            }
            Some(at) => TokenPhase::Prepared { switch_at: Some(at) },
        };
        Ok(Self { phase, ..self })
    }

    /// Undoes the switch: the rotation is prepared again, with its successful test kept.
    ///
    /// # Errors
    /// `Conflict` before the switch.
    pub fn undo(self) -> Result<Self> {
        self.require_switched()?;
        Ok(Self { phase: TokenPhase::Prepared { switch_at: None }, ..self })
    }

    /// Checks that the switch has happened.
    ///
    /// # Errors
    /// `Conflict` before it.
    pub fn require_switched(&self) -> Result<()> {
        if self.is_switched() {
            return Ok(());
        }
        Err(conflict("The next auth token is not in use yet. Switch to it first, or cancel the rotation."))
    }
}

/// A rotation of the signing secret in progress: an overlap of two secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretRotation {
    /// When it started; distinguishes it from other rotations of the endpoint.
    pub since: UnixMs,
    /// The previous secret, masked.
    pub earlier_masked: String,
    /// The new secret, masked.
    pub next_masked: String,
    /// The latest test signed only with the new secret.
    pub test: Option<DeliveryId>,
    /// When such a test got a 2xx response.
    pub proved_at: Option<UnixMs>,
    /// The chosen overlap, in seconds.
    pub overlap_s: u32,
    /// Until when both sign.
    pub overlap_until: UnixMs,
    /// Whether it has been extended, which is possible once.
    pub extended: bool,
}

impl SecretRotation {
    /// An overlap that starts now.
    ///
    /// # Errors
    /// `Invalid` if it is longer than [`OVERLAP_MAX_S`].
    pub fn begin(now: UnixMs, overlap_s: u32, earlier_masked: String, next_masked: String) -> Result<Self> {
        if overlap_s > OVERLAP_MAX_S {
            return Err(Error::invalid("overlap_s", "An overlap must be 0 to 604800 seconds (7 days)."));
        }
        let overlap_until = now.plus_ms(i64::from(overlap_s) * SECOND_MS);
        let (test, proved_at) = (None, None);
        Ok(Self { since: now, earlier_masked, next_masked, test, proved_at, overlap_s, overlap_until, extended: false })
    }

    /// The rotation at a time; `None` once it is over.
    #[must_use]
    pub fn at(self, now: UnixMs) -> Option<Self> {
        (now < self.overlap_until).then_some(self)
    }

    /// Checks that a test with the new secret has succeeded, unless that is allowed to be skipped.
    ///
    /// # Errors
    /// `Conflict` without a successful test.
    pub fn require_proved(&self, unverified: AllowUnverified) -> Result<()> {
        if self.proved_at.is_none() && unverified == AllowUnverified::Refuse {
            return Err(conflict(
                "No test signed only with the new secret has succeeded, so the endpoint may reject every event once the \
                 previous one is retired. Send such a test first, or confirm that you want to retire it anyway.",
            ));
        }
        Ok(())
    }

    /// Extends the overlap by its own length, but to at most [`OVERLAP_MAX_S`] from now.
    ///
    /// # Errors
    /// `Conflict` if it has been extended already.
    pub fn extend(self, now: UnixMs) -> Result<Self> {
        if self.extended {
            return Err(conflict(
                "This overlap has already been extended once. Retire the previous secret, then rotate again.",
            ));
        }
        let longer = self.overlap_until.plus_ms(i64::from(self.overlap_s) * SECOND_MS);
        let latest = now.plus_ms(i64::from(OVERLAP_MAX_S) * SECOND_MS).max(self.overlap_until);
        Ok(Self { overlap_until: longer.min(latest), extended: true, ..self })
    }
}

/// The error if no rotation is in progress.
#[must_use]
pub fn none_runs(credential: Credential) -> Error {
    let what = credential.label();
    conflict(&format!("No rotation of this endpoint's {what} is in progress. Start one first."))
}

/// The error if a rotation is already in progress.
#[must_use]
pub fn one_runs(credential: Credential) -> Error {
    conflict(match credential {
        Credential::AuthToken => {
            "A rotation of this endpoint's auth token is already in progress. Finish or cancel it first."
        }
        Credential::SigningSecret => {
            "A rotation of this endpoint's signing secret is already in progress. Retire the previous secret first."
        }
    })
}

fn conflict(detail: &str) -> Error {
    Error::Conflict { detail: detail.to_owned(), existing: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_000_000);

    fn prepared() -> TokenRotation {
        TokenRotation::prepared(NOW, "a".into(), "b".into())
    }

    fn overlap(overlap_s: u32) -> SecretRotation {
        SecretRotation::begin(NOW, overlap_s, "a".into(), "b".into()).unwrap()
    }

    #[test]
    fn a_switch_without_a_successful_test_needs_confirmation() {
        let refused = prepared().switch(None, AllowUnverified::Refuse, NOW).unwrap_err();
        assert!(refused.to_string().contains("switch anyway"), "{refused}");
        assert!(prepared().switch(None, AllowUnverified::Allow, NOW).unwrap().is_switched());
        let proved = TokenRotation { proved_at: Some(NOW), ..prepared() };
        assert!(proved.switch(None, AllowUnverified::Refuse, NOW).unwrap().is_switched());
    }

    #[test]
    fn a_scheduled_switch_happens_on_time_and_the_rotation_ends_a_day_later() {
        let at = NOW.plus_ms(5_000);
        let set = prepared().switch(Some(at), AllowUnverified::Allow, NOW).unwrap();
        assert_eq!((set.is_switched(), set.changes_at()), (false, Some(at)));
        assert!(!set.clone().at(at.plus_ms(-1)).unwrap().is_switched());
        let switched = set.clone().at(at).unwrap();
        assert_eq!(switched.phase, TokenPhase::Switched { at, undo_until: at.plus_ms(UNDO_MS) });
        assert_eq!(set.at(at.plus_ms(UNDO_MS)), None);
    }

    #[test]
    fn a_switch_is_scheduled_within_the_next_90_days() {
        for at in [NOW, NOW.plus_ms(-1), NOW.plus_ms(SWITCH_AHEAD_MAX_MS + 1)] {
            assert!(matches!(prepared().switch(Some(at), AllowUnverified::Allow, NOW), Err(Error::Invalid(_))));
        }
    }

    #[test]
    fn an_undone_switch_is_prepared_and_keeps_its_successful_test() {
        let proved = TokenRotation { proved_at: Some(NOW), ..prepared() };
        let switched = proved.clone().switch(None, AllowUnverified::Refuse, NOW).unwrap();
        assert!(switched.require_prepared().is_err());
        assert_eq!(switched.undo().unwrap(), proved);
        assert!(prepared().undo().is_err());
    }

    #[test]
    fn an_overlap_ends_on_time_and_can_be_extended_once() {
        let hour = overlap(3_600);
        let until = hour.overlap_until;
        assert!(hour.clone().at(until.plus_ms(-1)).is_some() && hour.clone().at(until).is_none());
        let longer = hour.extend(NOW).unwrap();
        assert_eq!(longer.overlap_until.since_ms(until), 3_600_000);
        assert!(longer.extend(NOW).is_err());
    }

    #[test]
    fn retiring_a_secret_without_a_successful_test_needs_confirmation() {
        let refused = overlap(3_600).require_proved(AllowUnverified::Refuse).unwrap_err();
        assert!(refused.to_string().contains("retire it anyway"), "{refused}");
        assert!(overlap(3_600).require_proved(AllowUnverified::Allow).is_ok());
        let proved = SecretRotation { proved_at: Some(NOW), ..overlap(3_600) };
        assert!(proved.require_proved(AllowUnverified::Refuse).is_ok());
    }

    #[test]
    fn an_overlap_never_exceeds_seven_days() {
        assert!(SecretRotation::begin(NOW, OVERLAP_MAX_S + 1, String::new(), String::new()).is_err());
        let week = overlap(OVERLAP_MAX_S);
        let week_ms = i64::from(OVERLAP_MAX_S) * SECOND_MS;
        assert_eq!(week.clone().extend(NOW).unwrap().overlap_until, NOW.plus_ms(week_ms));
        assert_eq!(week.extend(NOW.plus_ms(5)).unwrap().overlap_until, NOW.plus_ms(week_ms + 5));
        assert_eq!(overlap(0).at(NOW), None);
    }
}
