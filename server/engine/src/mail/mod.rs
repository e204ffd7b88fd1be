//! Emails: how they are queued, and the port that sends them.
//!
//! Architecture invariant: an email is queued in the transaction of what it reports, and sent by a worker after its commit. No
//! form waits for the mail server, and no email is lost with the process.

pub(crate) mod naming;

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use domain::{
    UnixMs,
    time::{DAY_MS, HOUR_MS},
};

use crate::{
    context::Context,
    metrics::count,
    store::{
        db::Tx,
        emails::{self, NewEmail, Written},
        error::StoreResult,
    },
    vault::Vault,
};

/// How long an email that reports something is worth sending, in milliseconds.
const NOTICE_MS: i64 = 3 * DAY_MS;

/// A plain-text email to one recipient.
#[derive(Clone, PartialEq, Eq)]
pub struct Email {
    /// Recipient.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// Body, with full links. It may contain a secret link, so debug output omits it.
    pub text: String,
    /// Where the recipient can switch off such emails; none if they cannot.
    pub unsubscribe: Option<String>,
}

impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Email").field("to", &self.to).field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// What an email is for. Each purpose has limits of its own: whoever causes emails for one uses up nothing of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A stranger signs up.
    SignUp,
    /// A stranger asks for a new password.
    Reset,
    /// A user invites an address.
    Invitation,
    /// It reports something to a user.
    Notice,
}

impl Purpose {
    /// Its name in the database.
    const fn as_str(self) -> &'static str {
        match self {
            Self::SignUp => "sign_up",
            Self::Reset => "reset",
            Self::Invitation => "invitation",
            Self::Notice => "notice",
        }
    }

    /// Most emails for this purpose per hour, of the installation and to one recipient: the fewer, the less it takes to
    /// cause one.
    const fn hourly_max(self) -> Written {
        match self {
            Self::SignUp | Self::Reset => Written { all: 250, to_recipient: 10 },
            Self::Invitation => Written { all: 500, to_recipient: 15 },
            Self::Notice => Written { all: 2_000, to_recipient: 30 },
        }
    }
}

/// How an email is queued.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Queueing<'a> {
    /// What it is for.
    pub(crate) purpose: Purpose,
    /// The invitation that it carries, if any.
    pub(crate) about: Option<&'a str>,
    /// For how long it is worth sending, in milliseconds.
    pub(crate) valid_ms: i64,
}

impl Queueing<'_> {
    /// Of an email that reports something.
    pub(crate) const fn notice() -> Self {
        Self { purpose: Purpose::Notice, about: None, valid_ms: NOTICE_MS }
    }
}

/// Whether there is room for another email to this address.
async fn has_room(tx: &mut Tx, recipient: &str, purpose: Purpose, now: UnixMs) -> StoreResult<bool> {
    let written = emails::written_since(tx, purpose.as_str(), recipient, now.plus_ms(-HOUR_MS)).await?;
    let max = purpose.hourly_max();
    Ok(written.all < max.all && written.to_recipient < max.to_recipient)
}

/// Whether so many more notices can be queued, apart from the limits of their recipients.
pub(crate) async fn has_room_for_notices(tx: &mut Tx, context: &Context, more: usize) -> StoreResult<bool> {
    let notice = Purpose::Notice;
    let written = emails::written_since(tx, notice.as_str(), "", context.now().plus_ms(-HOUR_MS)).await?;
    let max = notice.hourly_max().all;
    // More than all of them at once would wait for ever.
    Ok(written.all + i64::try_from(more).unwrap_or(max).min(max) <= max)
}

/// Queues an email, which is sent after the commit. False if too many were written for its purpose within the last hour, to its
/// recipient or by the installation: then it is not sent.
pub(crate) async fn queue(
    tx: &mut Tx,
    context: &Context,
    vault: &Vault,
    email: &Email,
    Queueing { purpose, about, valid_ms }: Queueing<'_>,
) -> StoreResult<bool> {
    let (id, now) = (new_id(context), context.now());
    if !has_room(tx, &email.to, purpose, now).await? {
        count(&context.counters.emails.dropped, 1);
        tracing::warn!(?purpose, "an email was not queued: there were too many within an hour");
        return Ok(false);
    }
    let sealed = vault.seal(&email.text, &seal_context(&id));
    let row = NewEmail {
        id: &id,
        purpose: purpose.as_str(),
        about,
        recipient: &email.to,
        subject: &email.subject,
        text_sealed: Some(&sealed),
        unsubscribe: email.unsubscribe.as_deref(),
        expires: now.plus_ms(valid_ms),
    };
    emails::add(tx, &row, now).await?;
    Ok(true)
}

/// Writes as much as [`queue`], and sends nothing: so that the time of a request does not reveal whether there is a recipient.
pub(crate) async fn queue_nothing(tx: &mut Tx, context: &Context) -> StoreResult<()> {
    let (id, now) = (new_id(context), context.now());
    has_room(tx, "", Purpose::Reset, now).await?;
    let row = NewEmail {
        id: &id,
        purpose: Purpose::Reset.as_str(),
        about: None,
        recipient: "",
        subject: "",
        text_sealed: None,
        unsubscribe: None,
        expires: now,
    };
    emails::add(tx, &row, now).await
}

fn new_id(context: &Context) -> String {
    let (at, entropy) = context.ids.next();
    format!("mail_{}", domain::id::encode(at, entropy))
}

/// Associated data of an email's sealed text.
pub(crate) fn seal_context(id: &str) -> String {
    format!("email/{id}")
}

/// An email as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingEmail {
    /// Its id: the same in each attempt, so that a mail server that gets it twice can tell.
    pub id: String,
    /// When it was written.
    pub written_at: UnixMs,
    /// The email.
    pub email: Email,
}

/// Why an email could not be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct SendError {
    /// The reason, for the admin who waits for it.
    pub reason: String,
    /// Whether another attempt would fail as well.
    pub is_final: bool,
}

/// Sends emails.
#[async_trait]
pub trait Mail: Send + Sync + 'static {
    /// Sends an email, or shows it to the operator if no mail server is configured.
    ///
    /// # Errors
    /// [`SendError`] when the mail server cannot be reached or refuses it.
    async fn send(&self, email: &OutgoingEmail) -> Result<(), SendError>;
    /// Whether a mail server is configured. Without one, only the operator sees emails.
    fn is_configured(&self) -> bool {
        true
    }
}

/// Keeps emails instead of sending them: for commands that send none, and for tests.
#[derive(Default)]
pub struct InMemoryMailer(Mutex<Inbox>);

#[derive(Default)]
struct Inbox {
    emails: Vec<OutgoingEmail>,
    failures: Vec<SendError>,
    unconfigured: bool,
}

impl InMemoryMailer {
    fn inbox(&self) -> std::sync::MutexGuard<'_, Inbox> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All emails so far, oldest first.
    pub fn emails(&self) -> Vec<Email> {
        self.outgoing().into_iter().map(|outgoing| outgoing.email).collect()
    }

    /// The same as they were sent.
    pub fn outgoing(&self) -> Vec<OutgoingEmail> {
        self.inbox().emails.clone()
    }

    /// Refuses the next attempts with these errors.
    pub fn fail(&self, failures: impl IntoIterator<Item = SendError>) {
        self.inbox().failures = failures.into_iter().collect();
    }

    /// Behaves as if a mail server were configured, or not.
    pub fn configure(&self, is_configured: bool) {
        self.inbox().unconfigured = !is_configured;
    }
}

#[async_trait]
impl Mail for InMemoryMailer {
    async fn send(&self, email: &OutgoingEmail) -> Result<(), SendError> {
        let mut inbox = self.inbox();
        if !inbox.failures.is_empty() {
            return Err(inbox.failures.remove(0));
        }
        inbox.emails.push(email.clone());
        Ok(())
    }

    fn is_configured(&self) -> bool {
        !self.inbox().unconfigured
    }
}
