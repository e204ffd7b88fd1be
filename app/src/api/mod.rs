//! Server functions: who asks, call the backend, answer. Pages call them to load, forms post to them.

#![expect(missing_docs, reason = "the server macro writes public structs and leaves their fields undocumented")]

pub mod deliveries;
pub mod endpoints;
pub mod events;
pub mod me;
pub mod overview;
pub mod people;
pub mod recover;
pub mod rotation;
pub mod test_line;
pub mod tries;
pub mod visit;
