//! The types and rules of Offhook: accounts, endpoints, events, deliveries, attempts and causes.
//!
//! Architecture invariant: nothing here does I/O, reads a clock or generates random numbers, and nothing here
//! knows Leptos, axum or sqlx. Time and randomness arrive as parameters. The crate compiles to wasm.
//!
//! The file or folder of each noun holds its types, parsing, rules, and its part of the port [`backend::Backend`],
//! through which pages and REST reach the engine.

pub mod account;
pub mod actor;
pub mod attempt;
pub mod audit;
pub mod backend;
pub mod body;
pub mod call;
pub mod cause;
pub mod client;
pub mod connector;
pub mod country;
pub mod csv;
pub mod delivery;
pub mod details;
pub mod endpoint;
pub mod error;
pub mod event;
pub mod event_kind;
pub mod filter;
pub mod fix;
pub mod id;
pub mod json;
pub mod masking;
pub mod member;
pub mod name;
pub mod ops;
pub mod order;
pub mod payload;
pub mod permission;
pub mod phone;
pub mod phone_key;
pub mod query;
pub mod recover;
pub mod retry;
pub mod role;
pub mod rotation;
pub mod scope;
pub mod second_factor;
pub mod secret;
pub mod sentence;
pub mod signature;
pub mod status;
pub mod support;
pub mod tally;
pub mod target;
pub mod test_line;
pub mod time;
pub mod token;
pub mod totp;
pub mod user;

pub use backend::Backend;
pub use error::{Error, FieldError, Result};
pub use time::UnixMs;
