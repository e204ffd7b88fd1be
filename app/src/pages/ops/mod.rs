//! The ops pages: health, accounts, platform tokens, staff, policies and the audit log.

pub mod account;
pub mod accounts;
pub mod audit;
pub mod health;
pub mod join_staff;
pub mod new_account;
pub mod policies;
mod policy;
pub mod staff;
pub mod staff_change;
pub mod suspend;
mod tasks;
pub mod tokens;

use crate::{components::render_context::RenderContext, visit::Visit};

/// Time and time zone of an ops page, which belongs to no account.
fn render_context(visit: &Visit) -> RenderContext {
    RenderContext { acct: String::new(), now: visit.now, zone: visit.zone() }
}
