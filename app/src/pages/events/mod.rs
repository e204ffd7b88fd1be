//! Events from the platform: the list, a single event, and a call with all of its events.

pub mod call;
pub mod calls;
pub mod detail;
mod ladder;
pub mod list;
pub(super) mod outcome;
