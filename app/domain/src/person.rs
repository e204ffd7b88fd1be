//! What people do for themselves: passwords, the browsers in which they are signed in, the letters that they want.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    UnixMs,
    account::User,
    error::Result,
    id::UserId,
    time::{HOUR_MS, MINUTE_MS},
};

/// How long the link of a reset works, in milliseconds.
pub const RESET_MS: i64 = HOUR_MS;
/// Shortest time between two letters of a reset to the same address, in milliseconds.
pub const RESET_PAUSE_MS: i64 = MINUTE_MS;

/// A browser in which a person is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Browser {
    /// What names it in forms; worth nothing as a cookie.
    pub handle: String,
    /// What it calls itself (`User-Agent`, RFC 9110 section 10.1.5).
    pub agent: String,
    /// The client's address at sign-in.
    pub address: String,
    /// When the person signed in.
    pub since: UnixMs,
    /// When it was last used, to about ten minutes.
    pub seen: UnixMs,
    /// Whether it is the one that asks.
    pub here: bool,
}

impl Browser {
    /// Browser and system in words: `Firefox on Linux`.
    #[must_use]
    pub fn words(&self) -> String {
        // Chrome calls itself Safari too, and Edge and Opera call themselves Chrome: the first that fits is it.
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
            (None, None) => "A browser that does not say what it is".to_owned(),
        }
    }
}

/// What the form holds that changes a password.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPassword {
    /// The password until now.
    #[serde(default)]
    pub current_password: String,
    /// The new one.
    #[serde(default)]
    pub password: String,
}

/// Which letters a person wants, besides those about their own sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letters {
    /// About endpoints that fail, in accounts of which they are an admin.
    pub failing: bool,
}

impl Default for Letters {
    fn default() -> Self {
        Self { failing: true }
    }
}

/// People: the part of the port that guards their sign-in and writes to them as they like.
#[async_trait]
pub trait People {
    /// Mails a link that sets a new password, if somebody signs in with this address. The answer is the same if nobody
    /// does, and takes as long.
    ///
    /// # Errors
    /// `Invalid` for what is no address, `Unavailable` while too much mail waits.
    async fn forgot(&self, email: &str) -> Result<()>;
    /// Whether the link of a reset works still.
    ///
    /// # Errors
    /// `NotFound` for an unknown link, `Conflict` for one that was used or has expired.
    async fn reset_link(&self, link: &str) -> Result<()>;
    /// Sets a new password by the link of a reset, and ends all sessions of the person.
    ///
    /// # Errors
    /// As [`Self::reset_link`], and `Invalid` for the password.
    async fn reset_password(&self, link: &str, password: &str, client_ip: &str) -> Result<User>;
    /// Changes a password, and ends all sessions but the one that asks.
    ///
    /// # Errors
    /// `Invalid` per field, `TooMany` after too many wrong ones.
    async fn change_password(&self, user: &UserId, form: &NewPassword, session: &str, client_ip: &str) -> Result<()>;
    /// Where the person is signed in: the browser that asks first, then those used last.
    ///
    /// # Errors
    /// `Unavailable` or `Internal`.
    async fn browsers(&self, user: &UserId, session: &str) -> Result<Vec<Browser>>;
    /// Ends one session.
    ///
    /// # Errors
    /// `NotFound` when it has ended.
    async fn end_session(&self, user: &UserId, handle: &str) -> Result<()>;
    /// Ends all sessions but the one that asks; how many there were.
    ///
    /// # Errors
    /// `Unavailable` or `Internal`.
    async fn end_other_sessions(&self, user: &UserId, session: &str, client_ip: &str) -> Result<u64>;
    /// Which letters the person wants.
    ///
    /// # Errors
    /// `Unavailable` or `Internal`.
    async fn letters(&self, user: &UserId) -> Result<Letters>;
    /// Changes which letters the person wants.
    ///
    /// # Errors
    /// As [`Self::letters`].
    async fn change_letters(&self, user: &UserId, letters: Letters, client_ip: &str) -> Result<()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(agent: &str) -> String {
        let at = UnixMs(0);
        let (handle, address) = (String::new(), String::new());
        Browser { handle, agent: agent.to_owned(), address, since: at, seen: at, here: false }.words()
    }

    #[test]
    fn a_browser_is_named_as_people_know_it() {
        let windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";
        assert_eq!(words(windows), "Chrome on Windows");
        assert_eq!(words(&format!("{windows} Edg/141.0.0.0")), "Edge on Windows");
        assert_eq!(words("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"), "Firefox on Linux");
        assert_eq!(words("curl/8.5.0"), "curl");
        assert!(words("").starts_with("A browser"));
    }
}
