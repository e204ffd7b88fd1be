//! The operator's pages: how the installation does, accounts, platform tokens, staff, policies, audit.

pub mod account;
pub mod accounts;
pub mod audit;
pub mod health;
pub mod joining;
pub mod new_account;
pub mod policies;
mod policy;
pub mod staff;
pub mod staff_change;
pub mod suspend;
pub mod tokens;

use crate::{components::render_context::RenderContext, visit::Visit};

/// The moment and the clock that a page of the operator goes by; it is about no account.
fn render_context(visit: &Visit) -> RenderContext {
    RenderContext { acct: String::new(), now: visit.now, zone: visit.zone() }
}
