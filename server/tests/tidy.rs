//! The rules of the house that a machine can check. Each complaint names file and line.
//!
//! What the compiler and clippy check (docs on public items, banned calls, reasons for exceptions) is not repeated.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

#[path = "tidy/edges.rs"]
mod edges;
#[path = "tidy/lengths.rs"]
mod lengths;
#[path = "tidy/places.rs"]
mod places;
#[path = "tidy/source.rs"]
mod source;
