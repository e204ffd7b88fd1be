//! Passwords: the rules for new ones, and argon2id for storing them.

mod hashing;
mod queue;

use std::{collections::HashSet, sync::LazyLock};

use domain::{
    FieldError,
    account::{EMAIL_MAX_CHARS, password_complaint},
    error::Result,
};
use zxcvbn::{Score, zxcvbn};

pub use hashing::HashCost;
pub(crate) use queue::Turn;

/// Words that common passwords consist of, one per line.
const COMMON_WORDS: &str = include_str!("../../data/common_words.txt");
static COMMON: LazyLock<HashSet<&'static str>> = LazyLock::new(|| COMMON_WORDS.lines().collect());
/// The longest of them, in characters.
const COMMON_MAX_CHARS: usize = 16;

/// What is wrong with a new password: its length, or that it is easy to guess. The same rule applies wherever one is chosen.
/// `about` is what others know about the user: address, name, account. Lengths are checked first, because the rest takes
/// milliseconds even for a password that is not too long, and runs beside the runtime's threads.
///
/// # Errors
/// `Unavailable` as in [`Turn::run`].
pub(crate) async fn complaint(turn: &Turn, field: &str, password: &str, about: &[&str]) -> Result<Option<FieldError>> {
    if let Some(complaint) = password_complaint(field, password) {
        return Ok(Some(complaint));
    }
    let password = password.to_owned();
    let about: Vec<String> = about.iter().map(|text| text.chars().take(EMAIL_MAX_CHARS).collect()).collect();
    let weakness = turn.run(move || weakness(&password, &about)).await?;
    Ok(weakness.map(|words| FieldError::new(field, words)))
}

fn weakness(password: &str, about: &[String]) -> Option<String> {
    // The parts of an address are known too: ana.smith@acme.example contains ana, smith and acme.
    let parts = about.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric())).filter(|part| part.len() > 2);
    let parts: Vec<String> = parts.map(str::to_ascii_lowercase).collect();
    if is_common(password, &parts) {
        return Some("This is a commonly used password. Choose a few unrelated words.".into());
    }
    let known: Vec<&str> = about.iter().chain(&parts).map(String::as_str).collect();
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

/// Whether a password consists of common words, what is known about the user, digits and punctuation: `Password1234!`,
/// `P@ssw0rd-Summer-2026`.
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
    let alphabetic = |text: &str| text.chars().filter(char::is_ascii_alphabetic).collect::<String>();
    if password.chars().any(|c| c.is_alphabetic() && !c.is_ascii()) {
        return false;
    }
    let typed = alphabetic(&password.to_ascii_lowercase());
    // `P@ssw0rd` reads as `password`.
    let substituted = alphabetic(&password.chars().map(plain).collect::<String>());
    let trimmed = password.trim_matches(|c: char| !c.is_ascii_alphabetic());
    let inner = alphabetic(&trimmed.chars().map(plain).collect::<String>());
    [typed, substituted, inner].iter().any(|text| !text.is_empty() && made_of_common_words(text, known))
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

#[cfg(test)]
mod tests {
    use super::*;

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
            let about = ["ana.smith@acme.example", "Ana Smith", "Acme"].map(str::to_owned);
            assert!(weakness(weak, &about).is_some(), "{weak}");
        }
    }

    #[test]
    fn a_few_unrelated_words_are_accepted() {
        for fine in ["correct horse battery", "violet kettle ran 7 miles", "Übermut tut selten gut!", "x7#kQ9!vTz2p"] {
            assert_eq!(weakness(fine, &["ana@acme.example".to_owned()]), None, "{fine}");
        }
        assert!(COMMON.iter().all(|word| word.len() <= COMMON_MAX_CHARS));
    }

    #[expect(clippy::disallowed_methods, reason = "what it costs is measured")]
    #[tokio::test]
    async fn lengths_are_checked_before_anything_that_takes_long() {
        let turn = Turn::take("192.0.2.1").unwrap();
        let refused = complaint(&turn, "password", &"x y ".repeat(1_000), &[]).await.unwrap().unwrap();
        assert!(refused.message.contains("256 characters"), "{refused:?}");
        let short = complaint(&turn, "password", "short", &[]).await.unwrap().unwrap();
        assert!(short.message.contains("12 characters"), "{short:?}");
        // What is known about a user is cut, however long they made it.
        let (name, password) = ("very long name ".repeat(100_000), "violet kettle ran 7 miles ".repeat(9));
        let begun = std::time::Instant::now();
        assert_eq!(complaint(&turn, "password", &password, &[&name]).await, Ok(None));
        assert!(begun.elapsed().as_secs() < 1, "{:?}", begun.elapsed());
    }
}
