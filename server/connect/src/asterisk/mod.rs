//! Asterisk: its manager interface (AMI), its REST interface (ARI) and its call records. Each states what it observes in
//! the terms of [`crate::call`].

pub mod ami;
pub mod ari;
pub mod cdr;
pub mod session;

use domain::time::UnixMs;

use crate::call::{DialStatus, PbxEvent};

/// An event with the time that Asterisk states. AMI states none, unless `timestampevents` is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamped {
    /// When it happened, on Asterisk's clock.
    pub at: Option<UnixMs>,
    /// What happened.
    pub event: PbxEvent,
}

/// Reads the status that ends an attempt; `None` while it continues.
fn dial_status(text: &str) -> Option<DialStatus> {
    match text {
        "" | "RINGING" | "PROGRESS" | "PROCEEDING" => None,
        "ANSWER" => Some(DialStatus::Answered),
        "BUSY" => Some(DialStatus::Busy),
        "NOANSWER" => Some(DialStatus::NotAnswered),
        "CANCEL" => Some(DialStatus::Cancelled),
        _ => Some(DialStatus::Failed),
    }
}
