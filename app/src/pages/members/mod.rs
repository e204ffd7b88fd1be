//! Who belongs to an account, and who is invited. For admins.

pub mod change;
pub mod invite;
pub mod list;
pub mod remove;
