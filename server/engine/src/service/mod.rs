//! The services behind pages and REST. The actor is the first argument, then come the rules, then one transaction per
//! operation. Together they implement the port [`domain::Backend`] on [`crate::Engine`].

mod access;
mod accounts;
mod audit;
pub mod backfill;
mod calls;
pub(crate) mod connectors;
pub mod credentials;
mod deliveries;
mod endpoints;
mod events;
mod members;
mod metrics;
mod ops;
mod redactor;
mod sessions;
pub mod users;
