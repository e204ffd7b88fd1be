//! What only connectors of the platform have: routes, and numbers without one.

mod account_field;
pub mod import;
pub mod routes;
pub mod unrouted;
