//! Deliveries: the list, a single delivery, resending and cancelling.

mod attempts;
pub mod bulk;
pub mod cancel;
mod counts;
mod curl;
pub mod detail;
pub mod facets;
mod filter_form;
pub mod list;
mod next;
mod no_match;
pub mod resend;
mod rows;
mod ticket;

pub use rows::Rows;
