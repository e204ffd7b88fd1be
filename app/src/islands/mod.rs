//! The few pieces that run in the browser. Each works as plain HTML before it wakes.

#![expect(missing_docs, reason = "the island macro writes public structs and leaves them undocumented")]

pub mod ago;
pub mod copy;
mod feed;
pub mod live;
mod patch;
