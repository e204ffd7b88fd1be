//! What components need to render links and times.

use domain::UnixMs;

use crate::{
    links,
    visit::{Frame, Visit},
    zone::Zone,
};

/// The account, the current time and the time zone of a page.
#[derive(Debug, Clone)]
pub struct RenderContext {
    /// The account ID used in paths.
    pub acct: String,
    /// The reference for all relative times on the page.
    pub now: UnixMs,
    /// The reader's time zone.
    pub zone: Zone,
}

impl RenderContext {
    /// The path of a page of the account: `deliveries/dlv_…`.
    #[must_use]
    pub fn path(&self, rest: &str) -> String {
        links::account(&self.acct, rest)
    }

    /// The time zone in words: `Times in Europe/Berlin (UTC+1)`.
    #[must_use]
    pub fn clock(&self) -> String {
        let (name, offset) = (self.zone.name(), self.zone.offset(self.now));
        if name == offset { format!("Times in {name}") } else { format!("Times in {name} ({offset})") }
    }
}

/// For a page that belongs to no account.
impl From<&Visit> for RenderContext {
    fn from(visit: &Visit) -> Self {
        Self { acct: String::new(), now: visit.now, zone: visit.zone() }
    }
}

impl From<&Frame> for RenderContext {
    fn from(frame: &Frame) -> Self {
        Self { acct: frame.acct().to_owned(), ..Self::from(&frame.visit) }
    }
}
