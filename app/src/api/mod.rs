//! Server functions: identify the user, call the backend, respond. Pages load data with them; forms submit to them.

#![expect(missing_docs, reason = "the server macro writes public structs and leaves their fields undocumented")]

pub mod audit;
pub mod auth;
pub mod bulk_rotation;
pub mod connectors;
pub mod deliveries;
pub mod endpoints;
pub mod events;
pub mod me;
pub mod members;
pub mod ops;
pub mod ops_connectors;
pub mod ops_policies;
pub mod ops_tokens;
pub mod overview;
pub mod recover;
pub mod rotation;
pub mod second_factor;
pub mod security;
pub mod settings;
pub mod support;
pub mod test_events;
pub mod test_line;
pub mod tokens;
pub mod visit;
