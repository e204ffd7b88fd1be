//! The few pieces of a page that run in the browser. Each works as plain HTML before it wakes.
//!
//! The server renders them as part of its pages; `boot.js` loads this crate again, built for wasm, and wakes them.

#![expect(
    clippy::disallowed_methods,
    reason = "the island macro forgets its owner: an island lives as long as its page"
)]
#![expect(missing_docs, reason = "the island macro writes public structs and leaves them undocumented")]

pub mod ago;
pub mod copy;
mod feed;
pub mod live;
mod live_state;
mod patch;

/// The entry point in the browser: `boot.js` calls this once and then wakes each island of the page.
#[cfg(target_family = "wasm")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
