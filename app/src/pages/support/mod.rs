//! The desk of the provider's support, and what its view of an account has besides the account's own pages.

pub mod desk;
pub mod log;
pub mod numbers;
pub mod search;
pub mod start;
