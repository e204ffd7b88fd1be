//! The pages of Offhook.
//!
//! Every page is rendered on the server; the few pieces under `islands` are woken in the browser by
//! `boot.js`, which loads this crate again, built for wasm. Nothing else of it runs there.

pub mod islands;
pub mod routes;
#[cfg(feature = "ssr")]
pub mod ssr;

#[cfg(feature = "ssr")]
pub use ssr::shell;

pub use routes::App;

/// Where the browser's half starts: `boot.js` calls this once and then wakes each island of the page.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
