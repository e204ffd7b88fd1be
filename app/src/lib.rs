//! The pages of Offhook.
//!
//! Every page is rendered on the server. Only the pieces of the crate `islands` run in the browser.

#![expect(unreachable_pub, reason = "a component passed on by `use` needs a public function and public props")]
// The type of a view nests as deeply as its elements; the default limit of 128 is too low.
#![recursion_limit = "256"]

pub mod api;
pub mod components;
mod document;
pub mod error;
pub mod event_filter;
pub mod flash;
pub mod html;
pub mod links;
pub mod pages;
pub mod recover_form;
pub mod routes;
pub mod ssr;
pub mod visit;
pub mod zone;

pub use document::{Assets, error_document, shell};
pub use routes::App;
