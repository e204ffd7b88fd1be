//! The services behind pages and REST: who asks comes first, then the rules, then one transaction per operation.
//! Together they implement the port [`domain::Backend`] on [`crate::Engine`].

pub mod accounts;
mod adding;
pub mod audit;
pub mod backfill;
mod deleting;
pub mod deliveries;
mod discretion;
pub mod endpoints;
pub mod events;
mod invitations;
pub mod keys;
pub mod letters;
pub mod members;
mod metrics;
mod operate;
pub mod people;
mod policies;
pub mod recover;
pub mod rotation;
mod rotation_everywhere;
mod second_factor;
mod sessions;
mod settings;
mod staffing;
mod summaries;
mod support;
mod suspending;
pub mod test_lines;
pub mod tokens;
mod trial;
mod vetting;
