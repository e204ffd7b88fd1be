//! Letters to people: what they say, and the port through which they leave.
//!
//! Architecture invariant: a letter is handed over after the commit of what it tells, never inside a transaction, and
//! handing over does not wait for the mail server.

use std::sync::{Mutex, PoisonError};

/// A letter to one person, as plain text.
#[derive(Clone, PartialEq, Eq)]
pub struct Email {
    /// Address.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// The text, with links written out. It may hold a key to an account, so a letter's debug form does not show it.
    pub text: String,
}

impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Email").field("to", &self.to).field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// Whether a letter is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enqueued {
    /// It waits for the mail server.
    Waiting,
    /// Too many others wait. It has not been taken.
    Full,
}

/// Takes letters to where people get them.
pub trait Mail: Send + Sync + 'static {
    /// Takes a letter. Does not wait.
    fn post(&self, letter: Email) -> Enqueued;
    /// Whether letters reach people. Without a mail server only the operator sees them.
    fn is_configured(&self) -> bool {
        true
    }
}

/// Keeps letters instead of sending them: for commands that send none, and for tests that read them.
#[derive(Default)]
pub struct InMemoryMailer(Mutex<Vec<Email>>);

impl InMemoryMailer {
    /// The letters so far, oldest first. They stay.
    pub fn letters(&self) -> Vec<Email> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Mail for InMemoryMailer {
    fn post(&self, letter: Email) -> Enqueued {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(letter);
        Enqueued::Waiting
    }
}
