//! Tests of the crate: what recordings of a real Asterisk say, and what must hold whatever arrives.

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
