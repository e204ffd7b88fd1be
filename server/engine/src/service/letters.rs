//! The letters to people, and the links in them. A link holds 256 random bits; the store knows only its hash.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Error, error::Result, installation::staff::StaffInvitation, member::Invitation};
use url::Url;

use super::tokens::hash;
use crate::{
    Engine,
    mail::{Email, Enqueued},
    random,
};

/// Random bytes of a link.
const LINK_BYTES: usize = 32;
/// Seconds until there may be room for another letter.
const MAIL_RETRY_AFTER_S: u32 = 60;

/// The secret end of a link, and its hash for the store.
pub(super) struct Link {
    pub(super) text: String,
    pub(super) hash: String,
}

impl Link {
    pub(super) fn new() -> Self {
        let bytes: [u8; LINK_BYTES] = random::any();
        let text = URL_SAFE_NO_PAD.encode(bytes);
        Self { hash: hash(&text), text }
    }
}

impl Engine {
    /// Hands a letter over. What it tells stands in the database already; whoever asked hears when it could not leave.
    pub(super) fn post(&self, letter: Email) -> Result<()> {
        match self.config().mail.post(letter) {
            Enqueued::Waiting => Ok(()),
            Enqueued::Full => Err(Error::Unavailable {
                detail: "Too much mail is waiting, so this letter was not sent. Try again in a minute.".to_owned(),
                retry_after_s: MAIL_RETRY_AFTER_S,
            }),
        }
    }

    /// A page of this installation as it stands in a letter.
    pub(super) fn page(&self, path: &str) -> String {
        self.config().public_url.join(path).map(Url::into).unwrap_or_default()
    }
}

pub(super) fn invitation(invitation: &Invitation, account: &str, page: &str) -> Email {
    let (by, role) = (&invitation.invited_by, invitation.role.as_str());
    Email {
        to: invitation.email.clone(),
        subject: format!("Invitation to {account} on Offhook"),
        text: format!(
            "{by} invites you to the account {account} on Offhook, as {role}.\n\n\
             Accept within 7 days:\n{page}\n\n\
             If you do not know {by}, leave this letter alone: nothing happens then.\n"
        ),
    }
}

pub(super) fn staff_invitation(invitation: &StaffInvitation, page: &str) -> Email {
    let (by, role) = (&invitation.invited_by, invitation.role.as_str());
    Email {
        to: invitation.email.clone(),
        subject: "Invitation to the staff of Offhook".to_owned(),
        text: format!(
            "{by} invites you to work for the provider on Offhook, as {role}.\n\n\
             Accept within 7 days:\n{page}\n\n\
             If you do not know {by}, leave this letter alone: nothing happens then.\n"
        ),
    }
}

pub(super) fn reset(to: &str, page: &str) -> Email {
    Email {
        to: to.to_owned(),
        subject: "Set a new password for Offhook".to_owned(),
        text: format!(
            "Somebody, probably you, asked to set a new password for {to}.\n\n\
             The link works once, within an hour:\n{page}\n\n\
             If it was not you, leave this letter alone: your password stays as it is.\n"
        ),
    }
}

pub(super) fn password_changed(to: &str, page: &str) -> Email {
    Email {
        to: to.to_owned(),
        subject: "Your password for Offhook was changed".to_owned(),
        text: format!(
            "The password of {to} was changed. Browsers that were signed in elsewhere are signed out.\n\n\
             If it was not you, set a new one at once:\n{page}\n"
        ),
    }
}

/// What happened to somebody's second factor.
#[derive(Debug, Clone, Copy)]
pub(super) enum FactorEvent {
    On,
    Off,
    Reset,
    CodesRenewed,
    CodeUsed { left: u32 },
}

pub(super) fn second_factor(to: &str, news: FactorEvent, page: &str) -> Email {
    let (subject, what) = match news {
        FactorEvent::On => {
            ("on", "is on. From now on signing in asks for a code of your app after the password.".into())
        }
        FactorEvent::Off => ("off", "is off. The password is all that signs you in now.".into()),
        FactorEvent::Reset => {
            ("off", "was taken away by an operator. The password is all that signs you in now.".into())
        }
        FactorEvent::CodesRenewed => {
            ("new recovery codes", "has new recovery codes. Those until now have ended.".into())
        }
        FactorEvent::CodeUsed { left } => {
            let left = domain::time::counted(i64::from(left), "recovery code");
            ("recovery code used", format!("was proved with a recovery code. {left} left."))
        }
    };
    Email {
        to: to.to_owned(),
        subject: format!("Your second factor for Offhook: {subject}"),
        text: format!(
            "The second factor of {to} {what}\n\n\
             If it was not you, change your password and look where you are signed in:\n{page}\n"
        ),
    }
}
