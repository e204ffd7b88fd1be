//! Items that were set aside, because handling them failed again and again while everything around them went well.

use serde::{Deserialize, Serialize};

use crate::time::UnixMs;

/// The worker name of deliveries whose outcome could not be recorded, or which could not be claimed.
pub const DELIVERIES: &str = "deliveries";
/// Most parked items that are listed.
pub const LISTED_MAX: u32 = 100;

/// An item that was set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// The task that could not handle it.
    pub worker: String,
    /// Its id.
    pub item: String,
    /// The account it belongs to, if to one.
    pub account: Option<String>,
    /// The error.
    pub reason: String,
    /// When it was parked.
    pub at: UnixMs,
}
