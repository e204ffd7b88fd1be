//! Two-factor authentication: codes from an authenticator app, and recovery codes in case the app is lost.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use crate::account::{PasswordOutcome, PendingSignIn};
use crate::{
    account::User,
    error::{Error, Result},
    id::{ALPHABET, UserId, base32},
    time::{MINUTE_MS, UnixMs},
    totp::{DIGITS, grouped},
};

/// How long a user has to enter the code after the password, in milliseconds.
pub const PENDING_SIGN_IN_MS: i64 = 5 * MINUTE_MS;
/// How long a new key can be confirmed with its first code, in milliseconds.
pub const DRAFT_MS: i64 = 15 * MINUTE_MS;
/// Number of recovery codes in a set.
pub const RECOVERY_CODES: usize = 10;
/// Characters of a recovery code without hyphens: 80 bits, enough for an unsalted hash.
pub const RECOVERY_CHARS: usize = 16;

/// A user's second factor, which is turned on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactor {
    /// Since when.
    pub since: UnixMs,
    /// Number of unused recovery codes.
    pub codes_left: u32,
}

/// A new key that has not been confirmed yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TotpDraft {
    /// The key in groups, for typing it in.
    pub key: String,
    /// The `otpauth` URI of the key.
    pub uri: String,
}

/// How the second factor was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifiedBy {
    /// By the app.
    App,
    /// By a recovery code.
    RecoveryCode {
        /// Number of codes left.
        left: u32,
    },
}

/// A code as typed by the user, normalised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactorCode {
    /// A code from the app.
    Code(String),
    /// A recovery code.
    RecoveryCode(String),
}

impl FactorCode {
    /// Parses a code, ignoring white space, hyphens and case.
    ///
    /// # Errors
    /// `Invalid` if it is neither.
    pub fn parse(typed: &str) -> Result<Self> {
        let kept = typed.chars().filter(|c| !c.is_whitespace() && *c != '-');
        // Crockford's decoding: these characters look alike on paper.
        let plain: String = kept.map(|c| c.to_ascii_lowercase()).map(alike).collect();
        if plain.len() == DIGITS && plain.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(Self::Code(plain));
        }
        if plain.len() == RECOVERY_CHARS && plain.bytes().all(|b| ALPHABET.contains(&b)) {
            return Ok(Self::RecoveryCode(plain));
        }
        let message = if plain.is_empty() {
            "Enter the code your app shows."
        } else {
            "Enter the 6-digit code from your app, or a recovery code of 16 letters and digits."
        };
        Err(Error::invalid("code", message))
    }
}

const fn alike(c: char) -> char {
    match c {
        'o' => '0',
        'i' | 'l' => '1',
        other => other,
    }
}

/// A recovery code from random bits, for display: `4k7q-9mzr-0b2c-hd8w`.
#[must_use]
pub fn recovery_code(random: u128) -> String {
    let text = base32(random);
    grouped(&text[text.len() - RECOVERY_CHARS..], "-")
}

/// Setting up and verifying two-factor authentication.
///
/// Drafts and new recovery codes are returned encrypted, so that they can be kept in a session. Only the engine can
/// decrypt them, and only for the same user.
#[async_trait]
pub trait SecondFactors {
    /// The user's second factor; `None` while it is off.
    ///
    /// # Errors
    /// `Unavailable` or `Internal`.
    async fn second_factor(&self, user: &UserId) -> Result<Option<SecondFactor>>;
    /// Generates a key to set up an app. It has no effect until it is confirmed with a code.
    ///
    /// # Errors
    /// `Conflict` if two-factor authentication is on.
    async fn draft_factor(&self, user: &UserId) -> Result<String>;
    /// Decrypts a draft for display.
    ///
    /// # Errors
    /// `NotFound` if it has expired or belongs to another user.
    async fn drafted_factor(&self, user: &UserId, draft: &str) -> Result<TotpDraft>;
    /// Turns the second factor on, confirmed by its first code, and ends all other sessions. Returns the recovery
    /// codes, encrypted.
    ///
    /// # Errors
    /// `Invalid` for the code, `NotFound` as [`Self::drafted_factor`], `Conflict` if it is on already.
    async fn switch_factor_on(
        &self,
        user: &UserId,
        draft: &str,
        code: &str,
        session: &str,
        client_ip: &str,
    ) -> Result<String>;
    /// Turns two-factor authentication off.
    ///
    /// # Errors
    /// `Invalid` for the code, `TooMany` after too many wrong codes, `Conflict` if it is off.
    async fn switch_factor_off(&self, user: &UserId, code: &str, client_ip: &str) -> Result<()>;
    /// Generates new recovery codes, encrypted. The previous ones stop working.
    ///
    /// # Errors
    /// `Conflict` if two-factor authentication is off.
    async fn renew_recovery_codes(&self, user: &UserId, client_ip: &str) -> Result<String>;
    /// Decrypts newly generated recovery codes, to show them once.
    ///
    /// # Errors
    /// `NotFound` if they belong to another user.
    async fn open_recovery_codes(&self, user: &UserId, sealed: &str) -> Result<Vec<String>>;
    /// Completes a sign-in with a code.
    ///
    /// # Errors
    /// `Invalid` for the code, `TooMany` after too many wrong codes, `Unauthenticated` if the sign-in has expired
    /// or the password has changed since.
    async fn finish_sign_in(&self, pending: &PendingSignIn, code: &str, client_ip: &str) -> Result<(User, VerifiedBy)>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pasted_code_is_normalised() {
        assert_eq!(FactorCode::parse(" 123 456\n"), Ok(FactorCode::Code("123456".into())));
        let code = FactorCode::RecoveryCode("4k7q9mzr0b2chd1w".into());
        assert_eq!(FactorCode::parse("4K7Q-9MZR-OB2C-HDIW"), Ok(code), "o is 0 and i is 1");
        for neither in ["", "12345", "1234567", "４２３４５６", "4k7q-9mzr-0b2c-hd8", "4k7q-9mzr-0b2c-hd8u"] {
            assert_eq!(FactorCode::parse(neither).unwrap_err().fields()[0].field, "code", "{neither}");
        }
    }

    #[test]
    fn a_recovery_code_round_trips_with_eighty_bits() {
        assert_eq!(recovery_code(0), "0000-0000-0000-0000");
        assert_eq!(recovery_code(u128::MAX), "zzzz-zzzz-zzzz-zzzz");
        let code = recovery_code(0x1234_5678_9abc_def0_1234);
        assert_eq!(FactorCode::parse(&code), Ok(FactorCode::RecoveryCode(code.replace('-', ""))));
    }
}
