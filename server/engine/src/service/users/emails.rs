//! Emails to users, and the links in them. A link has 256 random bits; the store has only its hash.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{error::Result, member::Invitation};
use url::Url;

use crate::{
    Engine,
    digest::hash,
    mail::{self, Email, Queueing, naming},
    random,
    store::db::Tx,
};

/// Random bytes of a link.
const LINK_BYTES: usize = 32;

/// The secret part of a link, and its hash for the store.
pub(crate) struct Link {
    pub(crate) text: String,
    pub(crate) hash: String,
}

impl Link {
    pub(crate) fn new() -> Self {
        let bytes: [u8; LINK_BYTES] = random::any();
        let text = URL_SAFE_NO_PAD.encode(bytes);
        Self { hash: hash(&text), text }
    }
}

impl Engine {
    /// Queues an email in the transaction of what it reports. `about` is the invitation that it carries.
    /// False if too many were written within an hour, so that it is not sent.
    pub(crate) async fn queue_email(&self, tx: &mut Tx, email: Email, how: Queueing<'_>) -> Result<bool> {
        Ok(mail::queue(tx, self.context(), self.vault(), &email, how).await?)
    }

    /// The absolute URL of a page, for emails.
    pub(crate) fn page_url(&self, path: &str) -> String {
        self.config().public_url.join(path).map(Url::into).unwrap_or_default()
    }
}

/// The email with the link to `page`. `what` is the scope in words, such as "the account Acme".
pub(crate) fn invitation(invitation: &Invitation, what: &str, page: &str) -> Email {
    let (by, role) = (&invitation.invited_by, invitation.role.as_str());
    Email {
        to: invitation.email.clone(),
        subject: format!("Invitation to join {what} on Offhook"),
        text: format!(
            "{by} has invited you to join {what} on Offhook, with the role {role}.\n\n\
             Accept the invitation within 7 days:\n{page}\n\n\
             If you don't know {by}, you can ignore this email.\n"
        ),
        unsubscribe: None,
    }
}

pub(crate) fn sign_up(to: &str, account: &str, page: &str) -> Email {
    let account = naming::to_stranger(account);
    Email {
        to: to.to_owned(),
        subject: "Confirm your email address for Offhook".to_owned(),
        text: format!(
            "We received a request to create the account {account} on Offhook for {to}.\n\n\
             Choose a password within 24 hours to create it:\n{page}\n\n\
             If you didn't request this, ignore this email. Nothing is created without you.\n"
        ),
        unsubscribe: None,
    }
}

/// For someone who signs up although they are a user.
pub(crate) fn already_signed_up(to: &str, sign_in: &str, forgot: &str) -> Email {
    Email {
        to: to.to_owned(),
        subject: "You already have an Offhook user".to_owned(),
        text: format!(
            "We received a request to sign up to Offhook with {to}, which already has a user.\n\n\
             Sign in:\n{sign_in}\n\n\
             Forgot your password?\n{forgot}\n\n\
             If you didn't request this, ignore this email. Nothing has changed.\n"
        ),
        unsubscribe: None,
    }
}

pub(crate) fn reset(to: &str, page: &str) -> Email {
    Email {
        to: to.to_owned(),
        subject: "Reset your Offhook password".to_owned(),
        text: format!(
            "We received a request to reset the password for {to}.\n\n\
             Use this single-use link within one hour:\n{page}\n\n\
             If you didn't request this, ignore this email. Your password won't change.\n"
        ),
        unsubscribe: None,
    }
}

pub(crate) fn password_changed(to: &str, page: &str) -> Email {
    Email {
        to: to.to_owned(),
        subject: "Your Offhook password was changed".to_owned(),
        text: format!(
            "The password for {to} was changed. All other browsers have been signed out.\n\n\
             If this wasn't you, reset your password now:\n{page}\n"
        ),
        unsubscribe: None,
    }
}

/// A change to a user's second factor.
#[derive(Debug, Clone, Copy)]
pub(crate) enum FactorEvent {
    On,
    Off,
    Reset,
    CodesRenewed,
    CodeUsed { left: u32 },
}

pub(crate) fn second_factor(to: &str, event: FactorEvent, page: &str) -> Email {
    let (subject, what) = match event {
        FactorEvent::On => {
            ("on", "is on. Signing in now requires a code from your authenticator app as well as your password.".into())
        }
        FactorEvent::Off => ("off", "is off. You now sign in with your password only.".into()),
        FactorEvent::Reset => ("off", "was turned off by an operator. You now sign in with your password only.".into()),
        FactorEvent::CodesRenewed => {
            ("new recovery codes", "has new recovery codes. The previous codes no longer work.".into())
        }
        FactorEvent::CodeUsed { left } => {
            let left = domain::time::counted(i64::from(left), "recovery code");
            ("recovery code used", format!("was used with a recovery code. You have {left} left."))
        }
    };
    Email {
        to: to.to_owned(),
        subject: format!("Offhook two-factor authentication: {subject}"),
        text: format!(
            "Two-factor authentication for {to} {what}\n\n\
             If this wasn't you, change your password and review your signed-in browsers:\n{page}\n"
        ),
        unsubscribe: None,
    }
}
