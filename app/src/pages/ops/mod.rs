//! The ops pages: health, accounts, platform tokens, staff, policies and the audit log.

pub mod account;
pub mod accounts;
pub mod audit;
pub mod connectors;
pub mod health;
pub mod new_account;
pub mod policies;
mod policy;
pub mod suspend;
mod tasks;
pub mod tokens;
