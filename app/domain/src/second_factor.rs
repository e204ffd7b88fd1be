//! The second factor: a code from an app beside the password, and recovery codes for the day when the app is gone.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    account::User,
    error::{Error, Result},
    id::{ALPHABET, UserId, base32},
    time::{MINUTE_MS, UnixMs},
    totp::{DIGITS, grouped},
};

/// How long somebody who gave a right password may take over the code, in milliseconds.
pub const PENDING_SIGN_IN_MS: i64 = 5 * MINUTE_MS;
/// How long a new key waits for its first code, in milliseconds.
pub const DRAFT_MS: i64 = 15 * MINUTE_MS;
/// How many recovery codes are made at once.
pub const RECOVERY_CODES: usize = 10;
/// Characters of a recovery code without its hyphens: 80 bits, so that a plain hash of it gives nothing away.
pub const RECOVERY_CHARS: usize = 16;

/// A person's second factor that is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactor {
    /// Since when.
    pub since: UnixMs,
    /// Recovery codes that were not used.
    pub codes_left: u32,
}

/// A key that waits for its first code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// The key in groups, for those who type it.
    pub key: String,
    /// The same as an address that apps read.
    pub uri: String,
}

/// A right password that waits for its code. It stands in the session and opens nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingSignIn {
    /// Whose password it was.
    pub user: UserId,
    /// Until when the code is taken.
    pub until: UnixMs,
    /// Hash of what the store knew of the password: a new password ends this.
    pub mark: String,
}

/// What a right password leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirstStep {
    /// In: the person has no second factor.
    Enough(User),
    /// To the question for a code.
    Half(PendingSignIn),
}

impl FirstStep {
    /// The person, if the password was enough.
    #[must_use]
    pub fn enough(self) -> Option<User> {
        if let Self::Enough(user) = self { Some(user) } else { None }
    }

    /// What waits for a code, if one is asked for.
    #[must_use]
    pub fn half(self) -> Option<PendingSignIn> {
        if let Self::Half(pending) = self { Some(pending) } else { None }
    }
}

/// With what somebody proved their second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProvedBy {
    /// With the app.
    App,
    /// With a recovery code.
    RecoveryCode {
        /// How many are left.
        left: u32,
    },
}

/// What somebody typed to prove a second factor, in the form in which it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// A code of the app.
    Code(String),
    /// A recovery code.
    RecoveryCode(String),
}

impl Proof {
    /// Reads what was typed: white space, hyphens and capitals do not matter.
    ///
    /// # Errors
    /// `Invalid` for what is neither.
    pub fn parse(typed: &str) -> Result<Self> {
        let kept = typed.chars().filter(|c| !c.is_whitespace() && *c != '-');
        // As Crockford reads his letters: nobody can tell these apart on paper.
        let plain: String = kept.map(|c| c.to_ascii_lowercase()).map(alike).collect();
        if plain.len() == DIGITS && plain.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(Self::Code(plain));
        }
        if plain.len() == RECOVERY_CHARS && plain.bytes().all(|b| ALPHABET.contains(&b)) {
            return Ok(Self::RecoveryCode(plain));
        }
        let says = if plain.is_empty() {
            "Give the code that your app shows now."
        } else {
            "A code of your app has 6 digits, a recovery code has 16 letters and digits. Check what you typed."
        };
        Err(Error::invalid("code", says))
    }
}

const fn alike(c: char) -> char {
    match c {
        'o' => '0',
        'i' | 'l' => '1',
        other => other,
    }
}

/// A recovery code from random bits, as people read it: `4k7q-9mzr-0b2c-hd8w`.
#[must_use]
pub fn recovery_code(random: u128) -> String {
    let text = base32(random);
    grouped(&text[text.len() - RECOVERY_CHARS..], "-")
}

/// People's second factors: the part of the port that guards the second step of signing in.
///
/// Drafts and fresh recovery codes come as sealed texts, which may wait in a session: only the engine opens them, and
/// only for the same person.
#[async_trait]
pub trait SecondFactors {
    /// The person's second factor; none while it is off.
    ///
    /// # Errors
    /// `Unavailable` or `Internal`.
    async fn second_factor(&self, user: &UserId) -> Result<Option<SecondFactor>>;
    /// Makes a key for the person to set their app up with. Nothing is asked for until it is proved.
    ///
    /// # Errors
    /// `Conflict` when a second factor is on.
    async fn draft_factor(&self, user: &UserId) -> Result<String>;
    /// What to show of a sealed draft.
    ///
    /// # Errors
    /// `NotFound` when its time is over or it is not this person's.
    async fn drafted_factor(&self, user: &UserId, draft: &str) -> Result<Draft>;
    /// Switches the drafted factor on, proved by its first code, and ends all sessions but the one that asks. Answers
    /// with the recovery codes, sealed.
    ///
    /// # Errors
    /// `Invalid` for the code, `NotFound` as [`Self::drafted_factor`], `Conflict` when a second factor is on.
    async fn switch_factor_on(
        &self,
        user: &UserId,
        draft: &str,
        code: &str,
        session: &str,
        client_ip: &str,
    ) -> Result<String>;
    /// Switches it off.
    ///
    /// # Errors
    /// `Invalid` for the code, `TooMany` after too many wrong ones, `Conflict` when it is off.
    async fn switch_factor_off(&self, user: &UserId, code: &str, client_ip: &str) -> Result<()>;
    /// Makes new recovery codes, sealed; those until now end.
    ///
    /// # Errors
    /// `Conflict` when the second factor is off.
    async fn renew_recovery_codes(&self, user: &UserId, client_ip: &str) -> Result<String>;
    /// Recovery codes that were just made, to be shown once.
    ///
    /// # Errors
    /// `NotFound` when they are not this person's.
    async fn open_recovery_codes(&self, user: &UserId, sealed: &str) -> Result<Vec<String>>;
    /// The second step of signing in.
    ///
    /// # Errors
    /// `Invalid` for the code, `TooMany` after too many wrong ones, `Unauthenticated` when the first step is too long
    /// ago or the password has changed since.
    async fn finish_sign_in(&self, pending: &PendingSignIn, code: &str, client_ip: &str) -> Result<(User, ProvedBy)>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_it_is_pasted() {
        assert_eq!(Proof::parse(" 123 456\n"), Ok(Proof::Code("123456".into())));
        let code = Proof::RecoveryCode("4k7q9mzr0b2chd1w".into());
        assert_eq!(Proof::parse("4K7Q-9MZR-OB2C-HDIW"), Ok(code), "o is 0 and i is 1");
        for neither in ["", "12345", "1234567", "４２３４５６", "4k7q-9mzr-0b2c-hd8", "4k7q-9mzr-0b2c-hd8u"] {
            assert_eq!(Proof::parse(neither).unwrap_err().fields()[0].field, "code", "{neither}");
        }
    }

    #[test]
    fn a_recovery_code_reads_back_and_uses_eighty_bits() {
        assert_eq!(recovery_code(0), "0000-0000-0000-0000");
        assert_eq!(recovery_code(u128::MAX), "zzzz-zzzz-zzzz-zzzz");
        let code = recovery_code(0x1234_5678_9abc_def0_1234);
        assert_eq!(Proof::parse(&code), Ok(Proof::RecoveryCode(code.replace('-', ""))));
    }
}
