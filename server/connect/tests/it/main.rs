//! Tests of the crate: what recordings of a real Asterisk say, and what must hold whatever arrives.

mod connector;
mod fuzz;
mod gaps;
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
