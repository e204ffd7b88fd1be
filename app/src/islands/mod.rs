//! The few components that run in the browser. Each works as plain HTML before it is hydrated.

#![expect(
    clippy::disallowed_methods,
    reason = "the island macro forgets its owner: an island lives as long as its page"
)]
#![expect(missing_docs, reason = "the island macro writes public structs and leaves them undocumented")]

pub mod ago;
pub mod copy;
mod feed;
pub mod live;
mod patch;
