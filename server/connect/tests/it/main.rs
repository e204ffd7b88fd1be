//! Tests of the crate: what recordings of a real Asterisk say, and what must hold whatever arrives.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops where it fails")]

mod ami_connector;
mod ari_asterisk;
mod ari_session;
mod connector;
mod disk;
mod fake_asterisk;
mod freeswitch;
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
mod session;
mod session_problems;
mod streams;
