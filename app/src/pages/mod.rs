//! A file or folder per page: what it loads and how it is rendered. Only pages call server functions to load data.

mod email_link;
mod page;

pub use page::{Page, RouteParams, account_page, ops_page, public_page, support_page};

pub mod audit;
pub mod connectors;
pub mod deliveries;
pub mod endpoints;
pub mod events;
pub mod forgot;
pub mod help;
pub mod home;
pub mod invitation;
pub mod me;
pub mod members;
pub mod not_found;
pub mod ops;
pub mod overview;
pub mod recover;
pub mod reset;
pub mod second_factor;
pub mod security;
pub mod settings;
pub mod sign_in;
pub mod sign_up;
pub mod start;
pub mod support;
pub mod test_line;
pub mod tokens;
pub mod verify;
