//! Rotation of an endpoint's two credentials, so that no delivery is refused on the way.
//!
//! A request carries one auth token, so its rotation is prepare, prove, switch, retire: the receiver learns the next
//! token before it comes, a test proves that it did, and after the switch the earlier one can come back for a day.
//! A request can carry two signatures, so the secret rotates by overlap: both sign until a moment that was set.
//!
//! What holds is read from the times below and not from what has been carried out, so it is the same on every node
//! and after a restart.

pub mod everywhere;
mod port;

use serde::{Deserialize, Serialize};

pub use self::{
    everywhere::RotationsEverywhere,
    port::{RotationView, Rotations},
};
use crate::{
    error::{Error, Result},
    id::DeliveryId,
    time::{DAY_MS, SECOND_MS, UnixMs},
};

/// How long after the switch the earlier auth token can come back.
pub const UNDO_MS: i64 = DAY_MS;
/// How long both secrets sign unless somebody says otherwise, in seconds.
pub const OVERLAP_S: u32 = 24 * 60 * 60;
/// Longest overlap of two secrets in seconds, also when it is extended.
pub const OVERLAP_MAX_S: u32 = 7 * 24 * 60 * 60;
/// How far ahead a switch may be set, in milliseconds.
pub const SWITCH_AHEAD_MAX_MS: i64 = 90 * DAY_MS;

/// One of the two credentials of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Credential {
    /// Stands in the body.
    #[serde(rename = "auth_token")]
    AuthToken,
    /// Signs the headers.
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

    /// The credential of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::AuthToken, Self::SigningSecret].into_iter().find(|credential| credential.as_str() == name)
    }

    /// What people read in the middle of a sentence.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::AuthToken => "auth token",
            Self::SigningSecret => "signing secret",
        }
    }
}

/// What to do about a next credential that no test has proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unproved {
    /// Refuse to go on, and say why.
    Refuse,
    /// Go on all the same.
    Allow,
}

/// Where the rotation of an auth token stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "is")]
pub enum TokenPhase {
    /// The earlier token is sent; the next is known.
    Prepared {
        /// When the switch happens by itself; none when somebody switches.
        switch_at: Option<UnixMs>,
    },
    /// The next token is sent; the earlier can come back.
    Switched {
        /// When.
        at: UnixMs,
        /// Until when the earlier token can come back. It is forgotten then.
        undo_until: UnixMs,
    },
}

/// A running rotation of an auth token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRotation {
    /// When it was prepared; tells it from other rotations of the endpoint.
    pub since: UnixMs,
    /// The token from before, masked.
    pub earlier_masked: String,
    /// The token that follows, masked.
    pub next_masked: String,
    /// The latest test with the next token.
    pub test: Option<DeliveryId>,
    /// When a test with the next token was answered with 2xx.
    pub proved_at: Option<UnixMs>,
    /// Where it stands.
    pub phase: TokenPhase,
}

impl TokenRotation {
    /// A rotation that begins now.
    #[must_use]
    pub const fn prepared(now: UnixMs, earlier_masked: String, next_masked: String) -> Self {
        let phase = TokenPhase::Prepared { switch_at: None };
        Self { since: now, earlier_masked, next_masked, test: None, proved_at: None, phase }
    }

    /// How it stands at a moment: a switch whose time has come has happened, and a rotation that is over is none.
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

    /// When it changes by itself.
    #[must_use]
    pub const fn changes_at(&self) -> Option<UnixMs> {
        match self.phase {
            TokenPhase::Prepared { switch_at } => switch_at,
            TokenPhase::Switched { undo_until, .. } => Some(undo_until),
        }
    }

    /// Whether the next token is the one that is sent.
    #[must_use]
    pub const fn is_switched(&self) -> bool {
        matches!(self.phase, TokenPhase::Switched { .. })
    }

    /// Goes on only before the switch: what is done to a prepared rotation.
    ///
    /// # Errors
    /// `Conflict` after the switch.
    pub fn require_prepared(&self) -> Result<()> {
        if self.is_switched() {
            return Err(conflict(
                "The switch to the next auth token has happened. Undo it, or retire the earlier token.",
            ));
        }
        Ok(())
    }

    /// The rotation after a switch now, or with a switch set for a later moment.
    ///
    /// # Errors
    /// `Conflict` after the switch, and when nothing is proved and that was not said to be fine; `Invalid` for a
    /// moment in the past or further away than [`SWITCH_AHEAD_MAX_MS`].
    pub fn switch(self, at: Option<UnixMs>, unproved: Unproved, now: UnixMs) -> Result<Self> {
        self.require_prepared()?;
        if self.proved_at.is_none() && unproved == Unproved::Refuse {
            return Err(conflict(
                "No test with the next auth token has succeeded, so the endpoint may refuse every event after the \
                 switch. Send a test first, or say that you want to switch anyway.",
            ));
        }
        let phase = match at {
            None => TokenPhase::Switched { at: now, undo_until: now.plus_ms(UNDO_MS) },
            Some(at) if at <= now => {
                return Err(Error::invalid("switch_at", "Choose a time that is still to come, or switch now."));
            }
            Some(at) if at.since_ms(now) > SWITCH_AHEAD_MAX_MS => {
                return Err(Error::invalid("switch_at", "Choose a time within the next 90 days."));
            }
            Some(at) => TokenPhase::Prepared { switch_at: Some(at) },
        };
        Ok(Self { phase, ..self })
    }

    /// The rotation with the earlier token back in use, prepared once more. What was proved stays proved.
    ///
    /// # Errors
    /// `Conflict` before the switch.
    pub fn undo(self) -> Result<Self> {
        self.require_switched()?;
        Ok(Self { phase: TokenPhase::Prepared { switch_at: None }, ..self })
    }

    /// Goes on only after the switch.
    ///
    /// # Errors
    /// `Conflict` before it.
    pub fn require_switched(&self) -> Result<()> {
        if self.is_switched() {
            return Ok(());
        }
        Err(conflict("The next auth token is not in use yet. Switch to it first, or drop the rotation."))
    }
}

/// A running overlap of two signing secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretRotation {
    /// When it began; tells it from other rotations of the endpoint.
    pub since: UnixMs,
    /// The old secret, masked.
    pub earlier_masked: String,
    /// The new secret, masked.
    pub next_masked: String,
    /// The latest test that only the new secret signed.
    pub test: Option<DeliveryId>,
    /// When such a test was answered with 2xx.
    pub proved_at: Option<UnixMs>,
    /// The overlap as it was chosen, in seconds.
    pub overlap_s: u32,
    /// Until when both sign.
    pub overlap_until: UnixMs,
    /// Whether it was extended; that is possible once.
    pub extended: bool,
}

impl SecretRotation {
    /// An overlap that begins now.
    ///
    /// # Errors
    /// `Invalid` when it is longer than [`OVERLAP_MAX_S`].
    pub fn begin(now: UnixMs, overlap_s: u32, earlier_masked: String, next_masked: String) -> Result<Self> {
        if overlap_s > OVERLAP_MAX_S {
            return Err(Error::invalid("overlap_s", "An overlap is 0 to 604800 seconds, which is 7 days."));
        }
        let overlap_until = now.plus_ms(i64::from(overlap_s) * SECOND_MS);
        let (test, proved_at) = (None, None);
        Ok(Self { since: now, earlier_masked, next_masked, test, proved_at, overlap_s, overlap_until, extended: false })
    }

    /// How it stands at a moment; none when it is over.
    #[must_use]
    pub fn at(self, now: UnixMs) -> Option<Self> {
        (now < self.overlap_until).then_some(self)
    }

    /// Goes on only when a test has proved the new secret, or that was said not to matter: what ends the overlap.
    ///
    /// # Errors
    /// `Conflict` when nothing is proved and that was not said to be fine.
    pub fn require_proved(&self, unproved: Unproved) -> Result<()> {
        if self.proved_at.is_none() && unproved == Unproved::Refuse {
            return Err(conflict(
                "No test that only the new secret signs has succeeded, so the endpoint may refuse every event once the \
                 old one is retired. Send such a test first, or say that you want to retire it anyway.",
            ));
        }
        Ok(())
    }

    /// The overlap, longer by its own length, but at most [`OVERLAP_MAX_S`] from now.
    ///
    /// # Errors
    /// `Conflict` when it was extended before.
    pub fn extend(self, now: UnixMs) -> Result<Self> {
        if self.extended {
            return Err(conflict("This overlap was extended once already. Retire the old secret, then rotate again."));
        }
        let longer = self.overlap_until.plus_ms(i64::from(self.overlap_s) * SECOND_MS);
        let latest = now.plus_ms(i64::from(OVERLAP_MAX_S) * SECOND_MS).max(self.overlap_until);
        Ok(Self { overlap_until: longer.min(latest), extended: true, ..self })
    }
}

/// Why there is nothing to do to a rotation.
#[must_use]
pub fn none_runs(credential: Credential) -> Error {
    let what = credential.words();
    conflict(&format!("No rotation of this endpoint's {what} is running. Begin one first."))
}

/// Why a second rotation does not begin.
#[must_use]
pub fn one_runs(credential: Credential) -> Error {
    conflict(match credential {
        Credential::AuthToken => {
            "A rotation of this endpoint's auth token is running. Finish it or drop it, then begin the next."
        }
        Credential::SigningSecret => {
            "Two signing secrets of this endpoint overlap already. Retire the old one, then rotate again."
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
    fn a_switch_before_anything_is_proved_must_be_asked_for() {
        let refused = prepared().switch(None, Unproved::Refuse, NOW).unwrap_err();
        assert!(refused.to_string().contains("switch anyway"), "{refused}");
        assert!(prepared().switch(None, Unproved::Allow, NOW).unwrap().is_switched());
        let proved = TokenRotation { proved_at: Some(NOW), ..prepared() };
        assert!(proved.switch(None, Unproved::Refuse, NOW).unwrap().is_switched());
    }

    #[test]
    fn a_set_switch_happens_at_its_time_and_the_rotation_is_over_a_day_later() {
        let at = NOW.plus_ms(5_000);
        let set = prepared().switch(Some(at), Unproved::Allow, NOW).unwrap();
        assert_eq!((set.is_switched(), set.changes_at()), (false, Some(at)));
        assert!(!set.clone().at(at.plus_ms(-1)).unwrap().is_switched());
        let switched = set.clone().at(at).unwrap();
        assert_eq!(switched.phase, TokenPhase::Switched { at, undo_until: at.plus_ms(UNDO_MS) });
        assert_eq!(set.at(at.plus_ms(UNDO_MS)), None);
    }

    #[test]
    fn a_switch_lies_ahead_but_not_too_far() {
        for at in [NOW, NOW.plus_ms(-1), NOW.plus_ms(SWITCH_AHEAD_MAX_MS + 1)] {
            assert!(matches!(prepared().switch(Some(at), Unproved::Allow, NOW), Err(Error::Invalid(_))));
        }
    }

    #[test]
    fn an_undone_switch_is_prepared_and_still_proved() {
        let proved = TokenRotation { proved_at: Some(NOW), ..prepared() };
        let switched = proved.clone().switch(None, Unproved::Refuse, NOW).unwrap();
        assert!(switched.require_prepared().is_err());
        assert_eq!(switched.undo().unwrap(), proved);
        assert!(prepared().undo().is_err());
    }

    #[test]
    fn an_overlap_ends_at_its_time_and_is_extended_once_by_its_own_length() {
        let hour = overlap(3_600);
        let until = hour.overlap_until;
        assert!(hour.clone().at(until.plus_ms(-1)).is_some() && hour.clone().at(until).is_none());
        let longer = hour.extend(NOW).unwrap();
        assert_eq!(longer.overlap_until.since_ms(until), 3_600_000);
        assert!(longer.extend(NOW).is_err());
    }

    #[test]
    fn an_old_secret_is_retired_before_the_new_one_is_proved_only_when_asked_for() {
        let refused = overlap(3_600).require_proved(Unproved::Refuse).unwrap_err();
        assert!(refused.to_string().contains("retire it anyway"), "{refused}");
        assert!(overlap(3_600).require_proved(Unproved::Allow).is_ok());
        let proved = SecretRotation { proved_at: Some(NOW), ..overlap(3_600) };
        assert!(proved.require_proved(Unproved::Refuse).is_ok());
    }

    #[test]
    fn an_overlap_never_reaches_further_than_seven_days() {
        assert!(SecretRotation::begin(NOW, OVERLAP_MAX_S + 1, String::new(), String::new()).is_err());
        let week = overlap(OVERLAP_MAX_S);
        let week_ms = i64::from(OVERLAP_MAX_S) * SECOND_MS;
        assert_eq!(week.clone().extend(NOW).unwrap().overlap_until, NOW.plus_ms(week_ms));
        assert_eq!(week.extend(NOW.plus_ms(5)).unwrap().overlap_until, NOW.plus_ms(week_ms + 5));
        assert_eq!(overlap(0).at(NOW), None);
    }
}
