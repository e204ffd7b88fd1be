//! Device cookies: browsers that a user signed in with before.
//!
//! Wrong passwords for an address make everyone wait, also its owner. So a browser in which they have signed in before has
//! a count of its own, which no stranger can use up (OWASP, "Slow Down Online Guessing Attacks with Device Cookies"). The
//! cookie grants nothing else.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{UnixMs, id::UserId, time::DAY_MS, user::DEVICE_COOKIE_DAYS};

use crate::{Engine, digest::hash, random};

/// Associated data of a sealed cookie.
const SEAL_CONTEXT: &str = "device_cookie";
/// Longest cookie that is looked at, in bytes; ours are shorter.
const COOKIE_MAX_BYTES: usize = 512;

impl Engine {
    /// A cookie for the browser in which this user has just signed in.
    pub(crate) fn seal_device(&self, user: &UserId) -> String {
        let nonce: [u8; 16] = random::any();
        let until = self.now().plus_ms(i64::from(DEVICE_COOKIE_DAYS) * DAY_MS);
        let text = format!("{user} {} {}", until.0, URL_SAFE_NO_PAD.encode(nonce));
        self.vault().seal(&text, SEAL_CONTEXT)
    }

    /// What identifies the browser with this cookie, if this user has signed in with it.
    pub(crate) fn known_device(&self, cookie: &str, user: &UserId) -> Option<String> {
        let short = Some(cookie).filter(|cookie| !cookie.is_empty() && cookie.len() <= COOKIE_MAX_BYTES)?;
        let text = self.vault().open(short, SEAL_CONTEXT).ok()?;
        let mut parts = text.split(' ');
        let (owner, until, nonce) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
        (owner == user.as_str() && self.now() < UnixMs(until)).then(|| hash(nonce))
    }
}
