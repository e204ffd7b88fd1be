//! Time-based one-time passwords: TOTP (RFC 6238) in the form every authenticator app supports, which is
//! SHA-1, six digits and steps of 30 seconds.

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, Mac};
use sha1::Sha1;

use crate::{query::encode, time::UnixMs};

/// Length of a time step in seconds (RFC 6238 section 4.1).
pub const STEP_S: i64 = 30;
/// Digits of a code.
pub const DIGITS: usize = 6;
/// Number of steps before and after the current one that are accepted too: clocks differ, and typing takes time.
const SKEW_STEPS: i64 = 1;
/// Bytes of a key: the output size of HMAC-SHA-1 (RFC 4226 section 4, R6).
pub const KEY_BYTES: usize = 20;
/// A step before all real ones.
pub const NO_STEP: i64 = -1;
/// Characters per group of a displayed key.
const GROUP_CHARS: usize = 4;
/// 10 to the number of digits.
const CODES: u32 = 1_000_000;

/// The key shared with a user's authenticator app. `Debug` does not reveal it.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpKey([u8; KEY_BYTES]);

impl std::fmt::Debug for TotpKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpKey")
    }
}

/// The result of checking a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TotpCheck {
    /// Correct and not used before.
    Right {
        /// The step of the code, to be stored as the last one used.
        step: i64,
    },
    /// Correct, but a code of this or a later step was used before.
    Reused,
    /// Not the code of any step near the current one.
    Wrong,
}

impl TotpKey {
    /// A key from random bytes.
    #[must_use]
    pub const fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// Parses a key in base32 (RFC 4648 section 6, without padding).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        BASE32_NOPAD.decode(text.as_bytes()).ok()?.try_into().ok().map(Self)
    }

    /// The key in base32, for apps and, encrypted, for the database.
    #[must_use]
    pub fn reveal(&self) -> String {
        BASE32_NOPAD.encode(&self.0)
    }

    /// The key in groups, for typing it in.
    #[must_use]
    pub fn in_groups(&self) -> String {
        grouped(&self.reveal(), " ")
    }

    /// The URI for a QR code (the de-facto standard `otpauth`, Key Uri Format).
    #[must_use]
    pub fn uri(&self, issuer: &str, email: &str) -> String {
        let (issuer, email) = (percent(issuer), percent(email));
        let key = self.reveal();
        format!(
            "otpauth://totp/{issuer}:{email}?secret={key}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={STEP_S}"
        )
    }

    /// Checks a code, given that codes up to `last_step` have been used before.
    #[must_use]
    pub fn judge(&self, code: &str, now: UnixMs, last_step: i64) -> TotpCheck {
        let here = step_at(now);
        let fits = (here - SKEW_STEPS..=here + SKEW_STEPS).filter(|step| self.code(*step) == code);
        // Two steps may share a code: the later one counts, so that neither can be used again.
        match fits.max() {
            Some(step) if step > last_step => TotpCheck::Right { step },
            Some(_) => TotpCheck::Reused,
            None => TotpCheck::Wrong,
        }
    }

    /// The code of a step (RFC 4226 section 5.3).
    #[must_use]
    pub fn code(&self, step: i64) -> String {
        // HMAC accepts keys of any length (RFC 2104), so this cannot fail; an empty code never matches.
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(&self.0) else { return String::new() };
        mac.update(&step.to_be_bytes());
        let tag: [u8; 20] = mac.finalize().into_bytes().into();
        let at = usize::from(tag[19] & 0x0f);
        let number = u32::from_be_bytes([tag[at] & 0x7f, tag[at + 1], tag[at + 2], tag[at + 3]]);
        format!("{:0DIGITS$}", number % CODES)
    }
}

/// The step of a time.
#[must_use]
pub const fn step_at(now: UnixMs) -> i64 {
    now.unix_seconds().div_euclid(STEP_S)
}

/// Splits a text into groups of four characters.
#[must_use]
pub fn grouped(text: &str, between: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(GROUP_CHARS).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(between)
}

/// Percent-encodes a text. Apps do not read `+` as a space here.
fn percent(text: &str) -> String {
    encode(text).replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published() -> TotpKey {
        TotpKey::new(*b"12345678901234567890")
    }

    /// RFC 6238 appendix B has eight digits; six are the last of them.
    #[test]
    fn the_test_vectors_of_rfc_6238_match() {
        for (seconds, code) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            assert_eq!(published().code(step_at(UnixMs(seconds * 1_000))), code[2..], "{seconds}");
        }
    }

    /// RFC 4226 appendix D.
    #[test]
    fn the_test_vectors_of_rfc_4226_match() {
        let codes =
            ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
        for (step, code) in (0..).zip(codes) {
            assert_eq!(published().code(step), code);
        }
    }

    #[test]
    fn a_code_is_accepted_one_step_early_or_late_but_only_once() {
        let (key, now) = (published(), UnixMs(1_790_000_010_000));
        let here = step_at(now);
        for step in here - 1..=here + 1 {
            assert_eq!(key.judge(&key.code(step), now, NO_STEP), TotpCheck::Right { step });
        }
        for step in [here - 2, here + 2] {
            assert_eq!(key.judge(&key.code(step), now, NO_STEP), TotpCheck::Wrong);
        }
        assert_eq!(key.judge(&key.code(here), now, here), TotpCheck::Reused);
        assert_eq!(key.judge(&key.code(here - 1), now, here), TotpCheck::Reused, "an earlier one as well");
        assert_eq!(key.judge(&key.code(here + 1), now, here), TotpCheck::Right { step: here + 1 });
        assert_eq!(key.judge("", now, NO_STEP), TotpCheck::Wrong);
    }

    #[test]
    fn a_key_round_trips_and_is_hidden_in_debug_output() {
        let key = published();
        assert_eq!(key.reveal(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(TotpKey::parse(&key.reveal()), Some(key.clone()));
        assert_eq!(TotpKey::parse("GEZD"), None);
        assert_eq!(key.in_groups(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        assert_eq!(format!("{key:?}"), "TotpKey");
        let uri = key.uri("Offhook at a b", "ana+x@acme.example");
        assert!(uri.starts_with("otpauth://totp/Offhook%20at%20a%20b:ana%2Bx%40acme.example?secret=GEZD"), "{uri}");
        assert!(uri.ends_with("&issuer=Offhook%20at%20a%20b&algorithm=SHA1&digits=6&period=30"), "{uri}");
    }
}
