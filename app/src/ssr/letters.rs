//! What forms say about the letters that they cause. Without a mail server nobody gets one by mail.

use super::backend;
use crate::error::UiError;

/// Where the link of a letter is then.
const IN_THE_LOG: &str = "No mail server is set, so nothing was mailed: the link stands in the log of the server. \
                          Whoever operates it can hand the link on.";

/// After an invitation.
///
/// # Errors
/// `Internal` outside of a request.
pub fn invited(email: &str) -> Result<String, UiError> {
    Ok(if backend()?.letters_leave() {
        format!("Invitation sent to {email}. The link in it works for 7 days.")
    } else {
        format!("{email} is invited for 7 days. {IN_THE_LOG}")
    })
}

/// After an invitation that was sent once more.
///
/// # Errors
/// `Internal` outside of a request.
pub fn invited_again(email: &str) -> Result<String, UiError> {
    Ok(if backend()?.letters_leave() {
        format!("Sent to {email} again. The earlier link has ended.")
    } else {
        format!("{email} has a new link; the earlier one has ended. {IN_THE_LOG}")
    })
}

/// After a forgotten password; the same whether or not somebody has that address.
///
/// # Errors
/// `Internal` outside of a request.
pub fn reset() -> Result<String, UiError> {
    Ok(if backend()?.letters_leave() {
        "If somebody signs in with that address, a letter is on its way to it. The link in it works for an hour."
            .to_owned()
    } else {
        format!("If somebody signs in with that address, a link was made that works for an hour. {IN_THE_LOG}")
    })
}
