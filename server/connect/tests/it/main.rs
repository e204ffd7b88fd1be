//! Tests of the crate: what recordings of a real Asterisk say, and what must hold whatever arrives.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops where it fails")]

mod ari_asterisk;
mod ari_session;
mod connector;
mod fuzz;
mod gaps;
mod imports;
mod load;
mod outcome;
mod pbx;
mod phone_system;
mod properties;
mod recordings;
mod records;
mod rules;
mod scenario;
mod streams;
