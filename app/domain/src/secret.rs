//! The two credentials of an endpoint: the auth token in the body and the signing secret.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The prefix of signing secrets (Standard Webhooks).
const SECRET_PREFIX: &str = "whsec_";
/// Bytes of a new signing secret.
pub const SECRET_BYTES: usize = 32;
/// Characters of a generated auth token.
const AUTH_TOKEN_CHARS: usize = 30;
/// Maximum length of a chosen auth token, in characters.
const AUTH_TOKEN_MAX_CHARS: usize = 256;

const TOKEN_ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A signing secret: `whsec_` and base64 of its bytes. Its `Debug` output does not reveal it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SigningSecret(String);

impl SigningSecret {
    /// A secret from random bytes.
    #[must_use]
    pub fn new(random: &[u8; SECRET_BYTES]) -> Self {
        Self(format!("{SECRET_PREFIX}{}", STANDARD.encode(random)))
    }

    /// Parses a secret.
    ///
    /// # Errors
    /// `Invalid` if it is not `whsec_` followed by base64.
    pub fn parse(text: &str) -> Result<Self> {
        let bytes = text.strip_prefix(SECRET_PREFIX).and_then(|rest| STANDARD.decode(rest).ok());
        match bytes {
            Some(bytes) if !bytes.is_empty() => Ok(Self(text.to_owned())),
            _ => Err(Error::invalid("signing_secret", "A signing secret must be whsec_ followed by base64.")),
        }
    }

    /// The key of the HMAC.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        STANDARD.decode(self.0.trim_start_matches(SECRET_PREFIX)).unwrap_or_default()
    }

    /// The unmasked secret. Show it to the customer only.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The masked secret: `whsec_••••••••3fA9`.
    #[must_use]
    pub fn masked(&self) -> String {
        format!("{SECRET_PREFIX}{}", masked(self.0.trim_start_matches(SECRET_PREFIX).trim_end_matches('=')))
    }
}

impl std::fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

/// An auth token of `AUTH_TOKEN_CHARS` characters from random bytes. Bytes beyond the last whole multiple of
/// the alphabet are skipped, so that no character is more likely; `None` if too few bytes remain.
#[must_use]
pub fn auth_token(random: &[u8]) -> Option<String> {
    let fair = random.iter().filter(|b| **b < 248).map(|b| char::from(TOKEN_ALPHABET[usize::from(*b) % 62]));
    let token: String = fair.take(AUTH_TOKEN_CHARS).collect();
    (token.len() == AUTH_TOKEN_CHARS).then_some(token)
}

/// Checks an auth token chosen by a customer.
///
/// # Errors
/// `Invalid` on the field `auth_token`.
pub fn check_auth_token(token: &str) -> Result<()> {
    let chars = token.chars().count();
    if (1..=AUTH_TOKEN_MAX_CHARS).contains(&chars) && !token.chars().any(char::is_control) {
        return Ok(());
    }
    Err(Error::invalid("auth_token", "An auth token must have 1 to 256 printable characters."))
}

/// Masks a credential: dots and its last four characters, or only dots if it is short.
#[must_use]
pub fn masked(credential: &str) -> String {
    let chars: Vec<char> = credential.chars().collect();
    let shown: String = if chars.len() >= 12 { chars[chars.len() - 4..].iter().collect() } else { String::new() };
    format!("••••••••{shown}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_secret_shows_four_characters_and_debug_shows_none() {
        let secret = SigningSecret::new(&[7; SECRET_BYTES]);
        assert_eq!(SigningSecret::parse(secret.reveal()).map(|s| s.bytes()), Ok(vec![7; SECRET_BYTES]));
        assert_eq!(secret.masked(), "whsec_••••••••HBwc");
        assert!(!format!("{secret:?}").contains("BwcH"));
        assert_eq!(masked("my-token"), "••••••••");
    }

    #[test]
    fn an_auth_token_has_thirty_characters_or_is_not_generated() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(auth_token(&bytes).map(|t| t.len()), Some(30));
        assert_eq!(auth_token(&[255; 64]), None);
    }
}
