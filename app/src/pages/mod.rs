//! A folder or file per page: what it loads and how it is laid out. Only pages call the server functions.

mod place;

pub use place::{Place, account_page, public_page};

pub mod me;
pub mod not_found;
