//! The pages of Offhook.
//!
//! Every page is rendered on the server. In the browser, `boot.js` loads this crate compiled to wasm and hydrates the
//! few components in `islands`; nothing else runs there.

// The type of a view nests as deeply as its elements; the default limit of 128 is too low.
#![recursion_limit = "256"]

pub mod api;
pub mod components;
pub mod error;
pub mod flash;
pub mod islands;
pub mod links;
pub mod pages;
pub mod routes;
#[cfg(feature = "ssr")]
pub mod ssr;
pub mod visit;
pub mod zone;

#[cfg(feature = "ssr")]
pub use ssr::shell;

pub use routes::App;

/// Entry point in the browser: `boot.js` calls this once to hydrate the islands of the page.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
