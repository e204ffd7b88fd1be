//! What users manage for themselves: passwords, sessions and email preferences.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    UnixMs,
    account::User,
    error::Result,
    id::UserId,
    time::{HOUR_MS, MINUTE_MS},
};

/// How long a password reset link is valid, in milliseconds.
pub const RESET_MS: i64 = HOUR_MS;
/// Minimum time between two reset emails to the same address, in milliseconds.
pub const RESET_PAUSE_MS: i64 = MINUTE_MS;

/// How long a browser counts as one that a user has signed in with before, in days.
pub const DEVICE_COOKIE_DAYS: u32 = 180;

/// A session of a signed-in user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrowserSession {
    /// Its handle in forms, useless as a cookie.
    pub handle: String,
    /// The `User-Agent` header (RFC 9110 section 10.1.5).
    pub agent: String,
    /// The client's IP address at sign-in.
    pub address: String,
    /// When the user signed in.
    pub since: UnixMs,
    /// When it was last used, accurate to about ten minutes.
    pub seen: UnixMs,
    /// Whether it is the current session.
    pub here: bool,
}

impl BrowserSession {
    /// BrowserSession and system for display: `Firefox on Linux`.
    #[must_use]
    pub fn label(&self) -> String {
        // Chrome claims to be Safari too, and Edge and Opera claim to be Chrome, so the first match counts.
        let browsers = [
            ("Edg", "Edge"),
            ("OPR/", "Opera"),
            ("Firefox/", "Firefox"),
            ("FxiOS/", "Firefox"),
            ("CriOS/", "Chrome"),
            ("Chrome/", "Chrome"),
            ("Safari/", "Safari"),
            ("curl/", "curl"),
        ];
        let systems = [
            ("iPhone", "iPhone"),
            ("iPad", "iPad"),
            ("Android", "Android"),
            ("Windows", "Windows"),
            ("Mac OS X", "macOS"),
            ("CrOS", "ChromeOS"),
            ("Linux", "Linux"),
        ];
        let first = |known: &[(&str, &'static str)]| {
            known.iter().find(|(mark, _)| self.agent.contains(mark)).map(|(_, name)| *name)
        };
        match (first(&browsers), first(&systems)) {
            (Some(browser), Some(system)) => format!("{browser} on {system}"),
            (Some(one), None) | (None, Some(one)) => one.to_owned(),
            (None, None) => "Unknown browser".to_owned(),
        }
    }
}

/// The form for changing a password.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPassword {
    /// The current password.
    #[serde(default)]
    pub current_password: String,
    /// The new password.
    #[serde(default)]
    pub password: String,
}

/// Which optional emails a user receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailPreferences {
    /// Failure alerts for endpoints of accounts where the user is an admin.
    pub failing: bool,
}

impl Default for EmailPreferences {
    fn default() -> Self {
        Self { failing: true }
    }
}

/// Passwords, sessions and email preferences of users.
#[async_trait]
pub trait Users {
    /// Emails a password reset link if a user has this address. The response is the same, and takes as long, if none
    /// does.
    ///
    /// # Errors
    /// `Invalid` for an invalid address, `Unavailable` while too many emails are waiting.
    async fn forgot(&self, email: &str) -> Result<()>;
    /// Checks that a password reset link is valid.
    ///
    /// # Errors
    /// `NotFound` for an unknown link, `Conflict` if it was used or has expired.
    async fn reset_link(&self, link: &str) -> Result<()>;
    /// Sets a new password with a reset link and ends all sessions of the user.
    ///
    /// # Errors
    /// As [`Self::reset_link`], and `Invalid` for the password.
    async fn reset_password(&self, link: &str, password: &str, client_ip: &str) -> Result<User>;
    /// Changes the password and ends all other sessions.
    ///
    /// # Errors
    /// `Invalid` per field, `TooMany` after too many wrong passwords.
    async fn change_password(&self, user: &UserId, form: &NewPassword, session: &str, client_ip: &str) -> Result<()>;
    /// The user's sessions: the current one first, then by last use.
    ///
    /// # Errors
    /// `Unavailable` or `Internal`.
    async fn browsers(&self, user: &UserId, session: &str) -> Result<Vec<BrowserSession>>;
    /// Signs out one session.
    ///
    /// # Errors
    /// `NotFound` if it has ended.
    async fn end_session(&self, user: &UserId, handle: &str) -> Result<()>;
    /// Signs out all other sessions; returns how many there were.
    ///
    /// # Errors
    /// `Unavailable` or `Internal`.
    async fn end_other_sessions(&self, user: &UserId, session: &str, client_ip: &str) -> Result<u64>;
    /// The user's email preferences.
    ///
    /// # Errors
    /// `Unavailable` or `Internal`.
    async fn email_preferences(&self, user: &UserId) -> Result<EmailPreferences>;
    /// Changes the user's email preferences.
    ///
    /// # Errors
    /// As [`Self::email_preferences`].
    async fn change_email_preferences(
        &self,
        user: &UserId,
        preferences: EmailPreferences,
        client_ip: &str,
    ) -> Result<()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(agent: &str) -> String {
        let at = UnixMs(0);
        let (handle, address) = (String::new(), String::new());
        BrowserSession { handle, agent: agent.to_owned(), address, since: at, seen: at, here: false }.label()
    }

    #[test]
    fn a_browser_is_recognised_from_its_user_agent() {
        let windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";
        assert_eq!(label(windows), "Chrome on Windows");
        assert_eq!(label(&format!("{windows} Edg/141.0.0.0")), "Edge on Windows");
        assert_eq!(label("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"), "Firefox on Linux");
        assert_eq!(label("curl/8.5.0"), "curl");
        assert!(label("").starts_with("Unknown browser"));
    }
}
