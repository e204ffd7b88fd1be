//! What forms say about the emails they send. Without a mail server, nothing is sent.

use super::backend;
use crate::error::UiError;

/// Where the link is then.
const IN_THE_LOG: &str = "No mail server is configured, so no email was sent. The link is in the server log; \
                          your operator can pass it on.";

/// What whoever invites does then.
const COPY_THE_LINK: &str = "No mail server is configured, so no email was sent. Copy the link below and pass it on: it is \
                             shown only once.";

/// After an invitation.
///
/// # Errors
/// `Internal` outside of a request.
pub fn invited(email: &str) -> Result<String, UiError> {
    Ok(if backend()?.mail_configured() {
        format!("We’ll email an invitation to {email}. The link is valid for 7 days.")
    } else {
        format!("{email} is invited. The invitation is valid for 7 days. {COPY_THE_LINK}")
    })
}

/// After an invitation was resent.
///
/// # Errors
/// `Internal` outside of a request.
pub fn invited_again(email: &str) -> Result<String, UiError> {
    Ok(if backend()?.mail_configured() {
        format!("We’ll email a new invitation to {email}. The previous link no longer works.")
    } else {
        format!("{email} has a new link. The previous one no longer works. {COPY_THE_LINK}")
    })
}

/// After a password reset request; the same whether or not the address is known.
///
/// # Errors
/// `Internal` outside of a request.
pub fn reset() -> Result<String, UiError> {
    Ok(if backend()?.mail_configured() {
        "If that address has an account, we've emailed a link to it. The link is valid for one hour.".to_owned()
    } else {
        format!("If that address has an account, we've created a link. It is valid for one hour. {IN_THE_LOG}")
    })
}
