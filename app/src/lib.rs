//! The pages of Offhook.
//!
//! Every page is rendered on the server; the few pieces under `islands` are woken in the browser by
//! `boot.js`, which loads this crate again, built for wasm. Nothing else of it runs there.

// A view's type nests as deep as its elements; the compiler's usual 128 is not enough for a page in its frame.
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

/// Where the browser's half starts: `boot.js` calls this once and then wakes each island of the page.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
