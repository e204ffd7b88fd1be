//! Encryption at rest of endpoint credentials: XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha) with the instance key.
//!
//! A sealed text is `k1.` and base64 of nonce and ciphertext. What it belongs to (account, endpoint, which
//! credential) is associated data, so that a sealed value moved to another row does not open.

use crate::random;
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use chacha20poly1305::{
    Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};

/// Names the key that sealed a value; a later key gets the next number.
const KEY_ID: &str = "k1.";
/// Bytes of an `XChaCha20` nonce; random ones do not repeat in practice.
const NONCE_BYTES: usize = 24;

/// A sealed value did not open: it was changed, moved, or sealed with another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored credential does not open with this instance's key")]
pub struct DoesNotOpen;

/// Seals and opens.
pub struct Vault(XChaCha20Poly1305);

impl Vault {
    /// A vault with this key.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(Key::from_slice(key)))
    }

    /// Seals `text` for the place that `belongs_to` names.
    #[must_use]
    pub fn seal(&self, text: &str, belongs_to: &str) -> String {
        let nonce: [u8; NONCE_BYTES] = random::any();
        let payload = Payload { msg: text.as_bytes(), aad: belongs_to.as_bytes() };
        // Encryption of texts shorter than 256 GiB cannot fail; an empty box would not open.
        let boxed = self.0.encrypt(XNonce::from_slice(&nonce), payload).unwrap_or_default();
        format!("{KEY_ID}{}", STANDARD_NO_PAD.encode([&nonce[..], &boxed].concat()))
    }

    /// Opens what was sealed for the same place.
    ///
    /// # Errors
    /// [`DoesNotOpen`].
    pub fn open(&self, sealed: &str, belongs_to: &str) -> Result<String, DoesNotOpen> {
        let coded = sealed.strip_prefix(KEY_ID).ok_or(DoesNotOpen)?;
        let bytes = STANDARD_NO_PAD.decode(coded).map_err(|_| DoesNotOpen)?;
        let (nonce, boxed) = bytes.split_at_checked(NONCE_BYTES).ok_or(DoesNotOpen)?;
        let payload = Payload { msg: boxed, aad: belongs_to.as_bytes() };
        let text = self.0.decrypt(XNonce::from_slice(nonce), payload).map_err(|_| DoesNotOpen)?;
        String::from_utf8(text).map_err(|_| DoesNotOpen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_only_in_its_place_and_with_its_key() {
        let vault = Vault::new(&[1; 32]);
        let sealed = vault.seal("my-token", "ep_1/auth_token");
        assert!(!sealed.contains("my-token"));
        assert_eq!(vault.open(&sealed, "ep_1/auth_token").as_deref(), Ok("my-token"));
        assert_eq!(vault.open(&sealed, "ep_2/auth_token"), Err(DoesNotOpen));
        assert_eq!(Vault::new(&[2; 32]).open(&sealed, "ep_1/auth_token"), Err(DoesNotOpen));
        assert_eq!(vault.open("k1.AAAA", "ep_1/auth_token"), Err(DoesNotOpen));
        assert_ne!(sealed, vault.seal("my-token", "ep_1/auth_token"), "each sealing has its own nonce");
    }
}
