//! Tests of the crate: what recordings of a real Asterisk say, and what must hold whatever arrives.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops where it fails")]

mod connector;
mod imports;
mod load;
mod outcome;
mod pbx;
mod properties;
mod recordings;
mod records;
mod scenario;
mod streams;
