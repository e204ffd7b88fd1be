//! What the provider's staff reads and sets across accounts.

pub mod overview;
pub mod parked;
pub mod policies;
pub mod support;
