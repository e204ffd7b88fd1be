//! Hashes of secrets that the store looks up but must not hold.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// SHA-256 of a secret in URL-safe base64. Only for secrets with enough random bits that a plain hash cannot be guessed.
pub(crate) fn hash(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(secret.as_bytes()))
}
