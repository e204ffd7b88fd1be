//! Passwords: the rules for new ones, and argon2id for storing them.

use std::{collections::HashSet, sync::LazyLock};

use crate::random;
use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version, password_hash::SaltString,
};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use domain::{FieldError, account::password_complaint};
use tokio::sync::Semaphore;
use zxcvbn::{Score, zxcvbn};

/// Words that common passwords consist of, one per line.
const COMMON_WORDS: &str = include_str!("../data/common_words.txt");
static COMMON: LazyLock<HashSet<&'static str>> = LazyLock::new(|| COMMON_WORDS.lines().collect());
/// The longest of them, in characters.
const COMMON_MAX_CHARS: usize = 16;

/// What is wrong with a new password: its length, or that it is easy to guess. The same rule applies wherever one is chosen.
/// `about` is what others know about the user: address, name, account.
#[must_use]
pub fn complaint(field: &str, password: &str, about: &[&str]) -> Option<FieldError> {
    password_complaint(field, password).or_else(|| weakness(password, about).map(|words| FieldError::new(field, words)))
}

fn weakness(password: &str, about: &[&str]) -> Option<String> {
    // The parts of an address are known too: ana.smith@acme.example contains ana, smith and acme.
    let parts = about.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric())).filter(|part| part.len() > 2);
    let parts: Vec<String> = parts.map(str::to_ascii_lowercase).collect();
    if is_common(password, &parts) {
        return Some("This is a commonly used password. Choose a few unrelated words.".into());
    }
    let known: Vec<&str> = about.iter().copied().chain(parts.iter().map(String::as_str)).collect();
    let judged = zxcvbn(password, &known);
    if judged.score() >= Score::Three {
        return None;
    }
    let feedback = judged.feedback();
    let warning = feedback.and_then(|feedback| feedback.warning()).map(|words| words.to_string());
    let advice = feedback.and_then(|feedback| feedback.suggestions().first()).map(ToString::to_string);
    let text = [warning, advice].into_iter().flatten().collect::<Vec<_>>().join(" ");
    Some(format!("This is easy to guess. {text}").trim_end().to_owned())
}

/// Whether nothing is left of a password without digits, signs, common words and what is known about the user: `Password1234!`, `P@ssw0rd-Summer-2026`.
fn is_common(password: &str, known: &[String]) -> bool {
    let plain = |c: char| match c.to_ascii_lowercase() {
        '@' | '4' => 'a',
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    };
    let letters = |text: &str| text.chars().filter(char::is_ascii_alphabetic).collect::<String>();
    if password.chars().any(|c| c.is_alphabetic() && !c.is_ascii()) {
        return false;
    }
    let as_typed = letters(&password.to_ascii_lowercase());
    let as_meant = letters(&password.chars().map(plain).collect::<String>());
    let trimmed = password.trim_matches(|c: char| !c.is_ascii_alphabetic());
    let inner = letters(&trimmed.chars().map(plain).collect::<String>());
    [as_typed, as_meant, inner].iter().any(|text| !text.is_empty() && made_of_common_words(text, known))
}

fn made_of_common_words(text: &str, known: &[String]) -> bool {
    let is_word = |part: &str| COMMON.contains(part) || known.iter().any(|one| one == part);
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for end in 1..=text.len() {
        let from = end.saturating_sub(COMMON_MAX_CHARS);
        reached[end] = (from..end).any(|begin| reached[begin] && is_word(&text[begin..end]));
    }
    reached[text.len()]
}

/// Concurrent hash computations: each takes 19 MiB and a core, so more would starve everything else.
const AT_ONCE: usize = 2;
static PERMITS: Semaphore = Semaphore::const_new(AT_ONCE);

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

    /// The hash to store for a new password. Runs beside the runtime's threads.
    pub async fn hash(self, password: String) -> String {
        run_blocking(move || {
            let salt: [u8; 16] = random::any();
            // A salt of 16 bytes is always valid; a hash that failed would be empty and verify nothing.
            let Ok(salt) = SaltString::from_b64(&STANDARD_NO_PAD.encode(salt)) else { return String::new() };
            let Ok(params) = Params::new(self.memory_kib, self.passes, 1, None) else { return String::new() };
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            argon2.hash_password(password.as_bytes(), &salt).map(|hash| hash.to_string()).unwrap_or_default()
        })
        .await
        .unwrap_or_default()
    }

    /// Whether the password matches the stored hash; without a hash, `false` after the same time.
    pub async fn verify(self, password: String, stored: Option<String>) -> bool {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.unmatched());
        let matches = run_blocking(move || {
            let Ok(hash) = PasswordHash::new(&stored) else { return false };
            // The parameters come from the stored hash.
            Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
        });
        matches.await.unwrap_or(false) && known
    }

    fn unmatched(self) -> String {
        format!("$argon2id$v=19$m={},t={},p=1${NO_PASSWORD}", self.memory_kib, self.passes)
    }
}

async fn run_blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let _permit = PERMITS.acquire().await.ok()?;
    tokio::task::spawn_blocking(work).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_verifies_its_own_password_only() {
        for cost in [HashCost::default(), HashCost::FOR_TESTS] {
            let stored = cost.hash("correct horse battery".to_owned()).await;
            assert!(stored.starts_with(&format!("$argon2id$v=19$m={},t={},p=1$", cost.memory_kib, cost.passes)));
            assert!(cost.verify("correct horse battery".to_owned(), Some(stored.clone())).await);
            assert!(!cost.verify("correct horse".to_owned(), Some(stored)).await);
            assert!(!cost.verify("anything".to_owned(), None).await);
        }
    }

    #[test]
    fn the_default_cost_is_what_owasp_recommends() {
        assert_eq!((HashCost::default().memory_kib, HashCost::default().passes), (19_456, 2));
    }

    #[test]
    fn a_commonly_used_password_is_refused() {
        for weak in [
            "Password1234!",
            "P@ssw0rd-Summer-2026",
            "iloveyouforever",
            "qwertyuiop12",
            "WelcomeToAcme1",
            "123456789012",
            "aaaaaaaaaaaaa",
            "ana.smith@acme",
            "anasmithacme",
        ] {
            let about = ["ana.smith@acme.example", "Ana Smith", "Acme"];
            assert!(complaint("password", weak, &about).is_some(), "{weak}");
        }
        assert!(complaint("password", "short", &[]).unwrap().message.contains("12 characters"));
    }

    #[test]
    fn a_few_unrelated_words_are_accepted() {
        for fine in ["correct horse battery", "violet kettle ran 7 miles", "Übermut tut selten gut!", "x7#kQ9!vTz2p"] {
            assert_eq!(complaint("password", fine, &["ana@acme.example"]), None, "{fine}");
        }
        assert!(COMMON.iter().all(|word| word.len() <= COMMON_MAX_CHARS));
    }

    #[test]
    fn refusing_an_unknown_user_costs_as_much_as_a_wrong_password() {
        let hash = HashCost::default().unmatched();
        let parsed = PasswordHash::new(&hash).unwrap();
        assert_eq!(Params::try_from(&parsed).unwrap(), Params::new(19_456, 2, 1, Some(32)).unwrap());
    }
}
