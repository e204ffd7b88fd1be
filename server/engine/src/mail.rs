//! Emails, and the port that sends them.
//!
//! Architecture invariant: an email is queued after its transaction has committed, never inside it, and queueing does not
//! wait for the mail server.

use std::sync::{Mutex, PoisonError};

/// A plain-text email to one recipient.
#[derive(Clone, PartialEq, Eq)]
pub struct Email {
    /// Recipient.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// Body, with full links. It may contain a secret link, so debug output omits it.
    pub text: String,
}

impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Email").field("to", &self.to).field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// Whether an email was queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enqueued {
    /// It is queued.
    Queued,
    /// The queue is full. It was not queued.
    Full,
}

/// Sends emails.
pub trait Mail: Send + Sync + 'static {
    /// Queues an email, without waiting.
    fn send(&self, email: Email) -> Enqueued;
    /// Whether a mail server is configured. Without one, only the operator sees emails.
    fn is_configured(&self) -> bool {
        true
    }
}

/// Keeps emails instead of sending them: for commands that send none, and for tests.
#[derive(Default)]
pub struct InMemoryMailer(Mutex<Vec<Email>>);

impl InMemoryMailer {
    /// All emails so far, oldest first.
    pub fn emails(&self) -> Vec<Email> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Mail for InMemoryMailer {
    fn send(&self, email: Email) -> Enqueued {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(email);
        Enqueued::Queued
    }
}
