//! Tests of the crate: what recordings of a real Asterisk say, and what must hold whatever arrives.

mod fake_asterisk;
mod outcome;
mod recordings;
mod records;
mod scenario;
mod session;
