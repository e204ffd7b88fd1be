//! Encryption at rest of endpoint credentials and of what holds them for a while: XChaCha20-Poly1305
//! (draft-irtf-cfrg-xchacha) with the instance key.
//!
//! A sealed text is the key's id, a dot, and base64 of nonce and ciphertext. What it belongs to (account, endpoint,
//! which credential) is associated data, so that a sealed value moved to another row cannot be opened.
//!
//! The key ring may change while the process runs: it is read again before anything is sealed, and when something was
//! sealed with an unknown key. Keys removed from it can open until the process ends, for what was read before.

use std::sync::{Arc, PoisonError, RwLock};

use crate::{
    key_ring::{KeyId, KeyRing, KeySource, Keys},
    random,
};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use chacha20poly1305::{
    Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};

/// Bytes of an `XChaCha20` nonce; random ones do not repeat in practice.
const NONCE_BYTES: usize = 24;

/// A sealed value could not be opened: it was changed, moved, or sealed with another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored credential cannot be decrypted with this instance's keys")]
pub struct DecryptError;

/// A key ready for use.
type Cipher = (KeyId, XChaCha20Poly1305);

/// Seals and opens.
pub struct Vault {
    /// The first one seals.
    ciphers: RwLock<Vec<Cipher>>,
    source: Option<Arc<dyn KeySource>>,
}

impl Vault {
    /// A vault with these keys.
    #[must_use]
    pub fn new(keys: &Keys) -> Self {
        Self { ciphers: RwLock::new(ciphers(&keys.ring, &[])), source: keys.source.clone() }
    }

    /// The key that seals now.
    #[must_use]
    pub fn current(&self) -> KeyId {
        self.refresh();
        self.first().0
    }

    fn first(&self) -> Cipher {
        let ciphers = self.ciphers.read().unwrap_or_else(PoisonError::into_inner);
        // A ring is never empty.
        ciphers.first().cloned().unwrap_or_else(|| (KeyId::FIRST, XChaCha20Poly1305::new(&Key::default())))
    }

    fn known(&self, id: KeyId) -> Option<XChaCha20Poly1305> {
        let ciphers = self.ciphers.read().unwrap_or_else(PoisonError::into_inner);
        ciphers.iter().find(|(known, _)| *known == id).map(|(_, cipher)| cipher.clone())
    }

    /// Reads the key ring again, if it changed.
    fn refresh(&self) {
        if let Some(ring) = self.source.as_ref().and_then(|source| source.changed()) {
            let mut known = self.ciphers.write().unwrap_or_else(PoisonError::into_inner);
            *known = ciphers(&ring, &known);
        }
    }

    /// Seals `text` for what `belongs_to` names.
    #[must_use]
    pub fn seal(&self, text: &str, belongs_to: &str) -> String {
        self.refresh();
        let (id, cipher) = self.first();
        let nonce: [u8; NONCE_BYTES] = random::any();
        let payload = Payload { msg: text.as_bytes(), aad: belongs_to.as_bytes() };
        // Encryption of texts shorter than 256 GiB cannot fail; an empty result could not be opened.
        let ciphertext = cipher.encrypt(XNonce::from_slice(&nonce), payload).unwrap_or_default();
        format!("{id}.{}", STANDARD_NO_PAD.encode([&nonce[..], &ciphertext].concat()))
    }

    /// Opens what was sealed for the same `belongs_to`.
    ///
    /// # Errors
    /// [`DecryptError`].
    pub fn open(&self, sealed: &str, belongs_to: &str) -> Result<String, DecryptError> {
        let (id, coded) = sealed.split_once('.').ok_or(DecryptError)?;
        let id = KeyId::parse(id).ok_or(DecryptError)?;
        let cipher = self.known(id).or_else(|| {
            self.refresh();
            self.known(id)
        });
        let bytes = STANDARD_NO_PAD.decode(coded).map_err(|_| DecryptError)?;
        let (nonce, ciphertext) = bytes.split_at_checked(NONCE_BYTES).ok_or(DecryptError)?;
        let payload = Payload { msg: ciphertext, aad: belongs_to.as_bytes() };
        let text = cipher.ok_or(DecryptError)?.decrypt(XNonce::from_slice(nonce), payload).map_err(|_| DecryptError)?;
        String::from_utf8(text).map_err(|_| DecryptError)
    }
}

/// The keys of a ring ready for use, followed by earlier ones that it no longer has.
fn ciphers(ring: &KeyRing, known: &[Cipher]) -> Vec<Cipher> {
    let now = ring.keys().map(|key| (key.id, XChaCha20Poly1305::new(Key::from_slice(&key.bytes))));
    let earlier = known.iter().filter(|(id, _)| ring.keys().all(|key| key.id != *id));
    now.chain(earlier.cloned()).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// A source whose ring a test changes.
    #[derive(Default)]
    struct TestSource(Mutex<Option<KeyRing>>);

    impl KeySource for TestSource {
        fn changed(&self) -> Option<KeyRing> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
        }
    }

    fn vault(byte: u8) -> Vault {
        Vault::new(&[byte; 32].into())
    }

    #[test]
    fn a_sealed_value_opens_only_for_its_owner_and_with_its_key() {
        let one = vault(1);
        let sealed = one.seal("my-token", "ep_1/auth_token");
        assert!(sealed.starts_with("k1.") && !sealed.contains("my-token"));
        assert_eq!(one.open(&sealed, "ep_1/auth_token").as_deref(), Ok("my-token"));
        assert_eq!(one.open(&sealed, "ep_2/auth_token"), Err(DecryptError));
        assert_eq!(vault(2).open(&sealed, "ep_1/auth_token"), Err(DecryptError));
        for nothing in ["k1.AAAA", "k1", "", "k2.AAAA"] {
            assert_eq!(one.open(nothing, "ep_1/auth_token"), Err(DecryptError), "{nothing}");
        }
        assert_ne!(sealed, one.seal("my-token", "ep_1/auth_token"), "each sealed value has its own nonce");
    }

    #[test]
    fn a_new_key_ring_is_read_when_needed_and_the_old_one_still_opens() {
        let source = Arc::new(TestSource::default());
        let ring = KeyRing::one([1; 32]);
        let running = Vault::new(&Keys { ring: ring.clone(), source: Some(source.clone()) });
        let old = running.seal("a", "here");
        let next = ring.with_waiting([2; 32]).promoted();
        let elsewhere = Vault::new(&next.clone().into()).seal("b", "here");
        assert!(elsewhere.starts_with("k2."));
        *source.0.lock().unwrap() = Some(next.clone());
        assert_eq!(running.open(&elsewhere, "here").as_deref(), Ok("b"));
        assert!(running.seal("c", "here").starts_with("k2."));
        *source.0.lock().unwrap() = Some(next.without(&[KeyId::FIRST]));
        assert!(running.seal("d", "here").starts_with("k2."));
        assert_eq!(running.open(&old, "here").as_deref(), Ok("a"), "it may have been read before the key left");
    }
}
