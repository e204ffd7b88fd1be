//! Passwords: argon2id with the parameters of the crate's defaults (19 MiB, two passes; OWASP's first choice).

use crate::random;
use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier, password_hash::SaltString};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use tokio::sync::Semaphore;

/// Hashings at the same time: each takes 19 MiB and a core, so more would starve everything else.
const AT_ONCE: usize = 2;
static ROOM: Semaphore = Semaphore::const_new(AT_ONCE);

/// A hash that no password has; verifying against it takes as long as against a real one.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$b2ZmaG9va29mZmhvb2s$q1V0cOHsoMrZ6rW6s0yZb8SBsHk0mcXvQdN5sQ0vQ8w";

/// The hash to store for a new password. Runs beside the runtime's threads.
pub async fn hash(password: String) -> String {
    aside(move || {
        let salt: [u8; 16] = random::any();
        // A salt of 16 bytes is always valid; a hash that failed would be empty and verify nothing.
        let Ok(salt) = SaltString::from_b64(&STANDARD_NO_PAD.encode(salt)) else { return String::new() };
        Argon2::default().hash_password(password.as_bytes(), &salt).map(|hash| hash.to_string()).unwrap_or_default()
    })
    .await
    .unwrap_or_default()
}

/// Whether the password fits the stored hash; with no hash, nobody's, in the same time.
pub async fn fits(password: String, stored: Option<String>) -> bool {
    let known = stored.is_some();
    let stored = stored.unwrap_or_else(|| NOBODY.to_owned());
    let fits = aside(move || {
        let Ok(hash) = PasswordHash::new(&stored) else { return false };
        Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
    });
    fits.await.unwrap_or(false) && known
}

async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let _room = ROOM.acquire().await.ok()?;
    tokio::task::spawn_blocking(work).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let stored = hash("correct horse battery".to_owned()).await;
        assert!(stored.starts_with("$argon2id$"));
        assert!(fits("correct horse battery".to_owned(), Some(stored.clone())).await);
        assert!(!fits("correct horse".to_owned(), Some(stored)).await);
        assert!(!fits("anything".to_owned(), None).await);
    }

    #[test]
    fn nobodys_hash_is_a_real_one_so_that_it_costs_the_same() {
        assert!(PasswordHash::new(NOBODY).is_ok_and(|hash| hash.hash.is_some_and(|h| h.len() == 32)));
    }
}
