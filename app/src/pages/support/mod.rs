//! The support pages, and the parts that support sees in addition to an account's own pages.

pub mod home;
pub mod log;
pub mod numbers;
pub mod search;
pub mod start;
