//! What the pieces of a list need to know about who looks and when.

use domain::UnixMs;

use crate::{links, visit::Frame, zone::Zone};

/// The account, the moment and the clock that a page goes by.
#[derive(Debug, Clone)]
pub struct RenderContext {
    /// The account's id as it stands in paths.
    pub acct: String,
    /// The moment that all times on the page are measured from.
    pub now: UnixMs,
    /// The zone that times are written in.
    pub zone: Zone,
}

impl RenderContext {
    /// A page of the account: `deliveries/dlv_…`.
    #[must_use]
    pub fn path(&self, rest: &str) -> String {
        links::account(&self.acct, rest)
    }

    /// Which clock the page goes by, said once: `Times in Europe/Berlin (UTC+1)`.
    #[must_use]
    pub fn clock(&self) -> String {
        let (name, offset) = (self.zone.name(), self.zone.offset(self.now));
        if name == offset { format!("Times in {name}") } else { format!("Times in {name} ({offset})") }
    }
}

impl From<&Frame> for RenderContext {
    fn from(frame: &Frame) -> Self {
        Self { acct: frame.acct().to_owned(), now: frame.now(), zone: frame.visit.zone() }
    }
}
