//! Members of an account and pending invitations. For admins.

pub mod change;
pub mod invite;
pub mod list;
pub mod remove;
