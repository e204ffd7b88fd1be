//! Identifiers: a prefix and a `UUIDv7` (RFC 9562) in lower-case Crockford base32, so that they sort by time.

use serde::{Deserialize, Serialize};

use crate::{error::Error, time::UnixMs};

/// Crockford's base32 alphabet in lower case: no `i`, `l`, `o`, `u`.
pub(crate) const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters of 128 bits in base32.
const ENCODED_CHARS: usize = 26;
/// Maximum length of a caller's own event id, in characters.
const EVENT_ID_MAX_CHARS: usize = 128;

/// Random part of a `UUIDv7`: 74 bits are used.
pub type Entropy = u128;

/// Encodes a time and random bits as a `UUIDv7` in base32, without a prefix.
#[must_use]
pub fn encode(at: UnixMs, entropy: Entropy) -> String {
    let millis = (u128::from(at.0.unsigned_abs()) & 0xffff_ffff_ffff) << 80;
    let rand_a = (entropy >> 62) & 0xfff;
    let rand_b = entropy & ((1 << 62) - 1);
    base32(millis | (0x7 << 76) | (rand_a << 64) | (0b10 << 62) | rand_b)
}

pub(crate) fn base32(mut bits: u128) -> String {
    let mut chars = [b'0'; ENCODED_CHARS];
    for slot in chars.iter_mut().rev() {
        *slot = ALPHABET[(bits & 31) as usize];
        bits >>= 5;
    }
    String::from_utf8_lossy(&chars).into_owned()
}

/// Decodes a text written by [`encode`]; `None` for any other text.
#[must_use]
pub fn decode(text: &str) -> Option<(UnixMs, Entropy)> {
    if !is_encoded(text) {
        return None;
    }
    let digit = |byte: &u8| ALPHABET.iter().position(|known| known == byte);
    let bits = text.as_bytes().iter().try_fold(0_u128, |bits, byte| Some((bits << 5) | digit(byte)? as u128))?;
    let at = UnixMs(i64::try_from(bits >> 80).ok()?);
    let entropy = (((bits >> 64) & 0xfff) << 62) | (bits & ((1 << 62) - 1));
    // Its version and variant may be others.
    (encode(at, entropy) == text).then_some((at, entropy))
}

fn is_encoded(text: &str) -> bool {
    text.len() == ENCODED_CHARS && text.bytes().all(|b| ALPHABET.contains(&b)) && text.as_bytes()[0] <= b'7'
}

/// Conversions between an id and its text.
macro_rules! text {
    ($name:ident) => {
        impl $name {
            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;
            fn try_from(text: String) -> Result<Self, Error> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $noun:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
        /// The prefix of ids of this kind.
            pub const PREFIX: &'static str = $prefix;

/// A new id from a time and random bits; see [`encode`].
            #[must_use]
            pub fn new(at: UnixMs, entropy: Entropy) -> Self {
                Self(format!("{}{}", $prefix, encode(at, entropy)))
            }

/// Parses an id.
            ///
            /// # Errors
            /// `NotFound` naming the noun: a text that cannot be an id names nothing.
            pub fn parse(text: &str) -> Result<Self, Error> {
                match text.strip_prefix($prefix) {
                    Some(rest) if is_encoded(rest) => Ok(Self(text.to_owned())),
                    _ => Err(Error::NotFound($noun.to_owned())),
                }
            }
        }

        text!($name);
    };
}

id!(/// A customer of the phone platform.
    AccountId, "acct_", "Account");
id!(/// A user who signs in.
    UserId, "usr_", "User");
id!(/// An invitation to an account or to the staff.
    InvitationId, "inv_", "Invitation");
id!(/// An API token.
    TokenId, "tok_", "API token");
id!(/// A URL that receives events.
    EndpointId, "ep_", "Endpoint");
id!(/// A phone system that reports calls.
    ConnectorId, "con_", "Connector");
id!(/// The import of a call record file.
    ImportId, "imp_", "Import");
id!(/// One event to one endpoint.
    DeliveryId, "dlv_", "Delivery");
id!(/// One HTTP request of a delivery.
    AttemptId, "att_", "Attempt");
id!(/// Many deliveries being sent again.
    JobId, "job_", "Job");
id!(/// A support session.
    SupportId, "sup_", "Support session");
id!(/// A record of the audit log.
    AuditId, "aud_", "Record");

/// An event id: generated (`evt_…`) or the caller's own. Unique within an account, and the `webhook-id` of
/// every attempt (Standard Webhooks: no dot, since a dot separates the signed parts).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventId(String);

impl EventId {
    /// The prefix of generated event ids.
    pub const PREFIX: &'static str = "evt_";

    /// A new generated id.
    #[must_use]
    pub fn new(at: UnixMs, entropy: Entropy) -> Self {
        Self(format!("{}{}", Self::PREFIX, encode(at, entropy)))
    }

    /// Parses an id chosen by the caller: 1–128 visible ASCII characters without a dot.
    ///
    /// # Errors
    /// `Invalid` on the field `id`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let fits = (1..=EVENT_ID_MAX_CHARS).contains(&text.len());
        if fits && text.bytes().all(|b| b.is_ascii_graphic() && b != b'.') {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::invalid("id", "An event id must have 1 to 128 visible ASCII characters and no dot."))
    }
}

text!(EventId);

/// A source of new ids. The server's source is monotonic: later ids sort later, even within one
/// millisecond and when the clock steps back, because the order of a call's events depends on it.
pub trait Ids: Send + Sync + 'static {
    /// The time and entropy of the next id, greater than all previous ones.
    fn next(&self) -> (UnixMs, Entropy);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_then_by_entropy() {
        let early = DeliveryId::new(UnixMs(1_700_000_000_000), u128::MAX);
        let late = DeliveryId::new(UnixMs(1_700_000_000_001), 0);
        let same = DeliveryId::new(UnixMs(1_700_000_000_001), 1);
        assert!(early < late && late < same);
    }

    #[test]
    fn an_id_round_trips_and_other_texts_are_refused() {
        let id = AccountId::new(UnixMs(1_700_000_000_000), 42);
        assert_eq!(AccountId::parse(id.as_str()), Ok(id.clone()));
        assert_eq!(id.as_str().len(), 5 + 26);
        for wrong in ["", "acct_", "usr_01", "acct_0000000000000000000000000u", &format!("{id}0")] {
            assert_eq!(AccountId::parse(wrong), Err(Error::NotFound("Account".into())), "{wrong}");
        }
    }

    #[test]
    fn the_bits_carry_the_version_and_variant_of_rfc_9562() {
        let bits = encode(UnixMs(0x0192_3456_789a), u128::MAX)
            .bytes()
            .fold(0_u128, |bits, b| (bits << 5) | ALPHABET.iter().position(|&c| c == b).unwrap_or(0) as u128);
        assert_eq!(bits >> 80, 0x0192_3456_789a);
        assert_eq!((bits >> 76) & 0xf, 7);
        assert_eq!((bits >> 62) & 0b11, 0b10);
    }

    #[test]
    fn decoding_reverses_encoding() {
        let (at, entropy) = (UnixMs(1_764_000_000_123), (1 << 74) - 3);
        assert_eq!(decode(&encode(at, entropy)), Some((at, entropy)));
        assert!(encode(at, 7) < encode(at, 8), "more entropy sorts later");
        assert_eq!(decode("not an id"), None);
        assert_eq!(decode("01kb4qz1a2b3c4d5e6f7g8h9jk"), None, "128 bits of another version or variant");
    }

    #[test]
    fn a_callers_own_event_id_has_no_dot_and_no_space() {
        assert!(EventId::parse("call-42/incoming").is_ok());
        for wrong in ["", "a.b", "a b", "ä", &"x".repeat(129)] {
            assert!(EventId::parse(wrong).is_err(), "{wrong}");
        }
    }
}
