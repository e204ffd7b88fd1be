//! Emails to users, and the port through which they are sent.
//!
//! Architecture invariant: an email is queued after the commit of what it reports, never inside a transaction, and queueing
//! does not wait for the mail server.

use std::sync::{Mutex, PoisonError};

/// An email to one user, as plain text.
#[derive(Clone, PartialEq, Eq)]
pub struct Email {
    /// Address.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// The text, with links written out. It may hold a key to an account, so debug output does not show it.
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
    /// It waits for the mail server.
    Waiting,
    /// The queue is full: it was dropped.
    Full,
}

/// Sends emails.
pub trait Mail: Send + Sync + 'static {
    /// Queues an email. Does not wait.
    fn enqueue(&self, email: Email) -> Enqueued;
    /// Whether emails reach users. Without a mail server only the operator sees them.
    fn is_configured(&self) -> bool {
        true
    }
}

/// Keeps emails instead of sending them: for commands that send none, and for tests that read them.
#[derive(Default)]
pub struct InMemoryMailer(Mutex<Vec<Email>>);

impl InMemoryMailer {
    /// The emails so far, oldest first. They stay.
    pub fn emails(&self) -> Vec<Email> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Mail for InMemoryMailer {
    fn enqueue(&self, email: Email) -> Enqueued {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(email);
        Enqueued::Waiting
    }
}
