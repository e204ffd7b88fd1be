//! What pages load, and the server functions behind forms: who asks, call the backend, answer.
//!
//! Only a form needs a server function. Each one is a public address, so loading is done by plain functions.

#![expect(missing_docs, reason = "the server macro writes public structs and leaves their fields undocumented")]

pub mod audit;
pub mod deliveries;
pub mod endpoints;
pub mod events;
pub mod me;
pub mod members;
pub mod ops;
pub mod ops_policies;
pub mod ops_staff;
pub mod ops_tokens;
pub mod overview;
pub mod people;
pub mod recover;
pub mod rotation;
pub mod rotation_everywhere;
pub mod second_factor;
pub mod security;
pub mod settings;
pub mod support;
pub mod test_line;
pub mod tokens;
pub mod tries;
pub mod visit;
