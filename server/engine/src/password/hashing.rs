//! Argon2id.

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version,
    password_hash::{self, SaltString},
};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use domain::{Error, error::Result};

use super::queue::{Permit, Turn};
use crate::random;

/// Salt and hash that no password has, so that an unknown address takes as long to refuse as a wrong password.
const NO_PASSWORD: &str = "b2ZmaG9va29mZmhvb2s$q1V0cOHsoMrZ6rW6s0yZb8SBsHk0mcXvQdN5sQ0vQ8w";

/// What it costs to hash a password with argon2id. No setting of the server changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashCost {
    memory_kib: u32,
    passes: u32,
}

impl Default for HashCost {
    /// 19 MiB, two passes: OWASP's first choice.
    fn default() -> Self {
        Self { memory_kib: 19 * 1_024, passes: 2 }
    }
}

impl HashCost {
    /// The least that argon2 accepts: hundreds of test harnesses sign users up. `server/tidy` refuses it outside of tests.
    pub const FOR_TESTS: Self = Self { memory_kib: 8, passes: 1 };

    /// The hash to store for a new password.
    ///
    /// # Errors
    /// As [`Turn::run`].
    pub(crate) async fn hash(self, turn: &Turn, password: String) -> Result<String> {
        turn.run(move || self.compute(&password)).await?.map_err(|error| {
            tracing::error!(%error, "a password could not be hashed");
            Error::Internal
        })
    }

    fn compute(self, password: &str) -> password_hash::Result<String> {
        let salt: [u8; 16] = random::any();
        let salt = SaltString::from_b64(&STANDARD_NO_PAD.encode(salt))?;
        let params = Params::new(self.memory_kib, self.passes, 1, None)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon2.hash_password(password.as_bytes(), &salt).map(|hash| hash.to_string())
    }

    /// Whether the password matches the stored hash; without a hash, `false` after the same time. Returns the permit, too.
    ///
    /// # Errors
    /// As [`Permit::run`].
    pub(crate) async fn verify(
        self,
        permit: Permit,
        password: String,
        stored: Option<String>,
    ) -> Result<(bool, Permit)> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.unmatched());
        let matches = permit.run(move || {
            let Ok(hash) = PasswordHash::new(&stored) else { return false };
            // The parameters come from the stored hash.
            Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
        });
        let (matches, permit) = matches.await?;
        Ok((matches && known, permit))
    }

    fn unmatched(self) -> String {
        format!("$argon2id$v=19$m={},t={},p=1${NO_PASSWORD}", self.memory_kib, self.passes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_verifies_its_own_password_only() {
        let turn = Turn::take("192.0.2.1").unwrap();
        for cost in [HashCost::default(), HashCost::FOR_TESTS] {
            let stored = cost.hash(&turn, "correct horse battery".to_owned()).await.unwrap();
            assert!(stored.starts_with(&format!("$argon2id$v=19$m={},t={},p=1$", cost.memory_kib, cost.passes)));
            let verify = async |password: &str, stored| {
                cost.verify(turn.begin().await.unwrap(), password.to_owned(), stored).await.unwrap().0
            };
            assert!(verify("correct horse battery", Some(stored.clone())).await);
            assert!(!verify("correct horse", Some(stored)).await);
            assert!(!verify("anything", None).await);
        }
    }

    #[test]
    fn the_default_cost_is_what_owasp_recommends() {
        assert_eq!((HashCost::default().memory_kib, HashCost::default().passes), (19_456, 2));
    }

    #[test]
    fn refusing_an_unknown_user_costs_as_much_as_a_wrong_password() {
        let hash = HashCost::default().unmatched();
        let parsed = PasswordHash::new(&hash).unwrap();
        assert_eq!(Params::try_from(&parsed).unwrap(), Params::new(19_456, 2, 1, Some(32)).unwrap());
    }
}
