//! Offhook's delivery engine: the store on SQLite and Postgres, the services behind pages and REST, the delivery of
//! webhooks, and the only HTTP client.
//!
//! Layers, from top to bottom: `service`, `engine`, `background`, `delivery`, then `outbound`, `credentials`, `policies` and
//! `store`. Nothing uses a layer above its own.
//!
//! Architecture invariant: nothing here knows Leptos or axum. Pages and REST reach the engine through the port
//! [`domain::Backend`], which [`Engine`] implements; the server adds what only an operator may do.

mod auth_cache;
pub mod background;
mod backup;
pub mod clock;
mod cluster_time;
mod context;
mod credentials;
pub mod delivery;
mod detached;
mod digest;
mod engine;
pub mod key_ring;
pub mod mail;
mod metrics;
pub mod outbound;
mod parking;
pub mod password;
mod policies;
mod random;
mod readiness;
mod restore;
pub mod service;
pub mod shares;
mod storage;
pub mod store;
mod supervisor;
pub mod vault;
mod write_health;

pub use backup::BackupError;
pub use clock::SystemClock;
pub use context::Context;
pub use engine::{Config, Engine, OpenError};
pub use metrics::{Histogram, Labels, Metric, Value};
pub use restore::{RestoreError, Restored, restore};
pub use service::connectors::import_runs::{ImportRun, RENEW_EVERY_MS, Wait};
pub use service::users::create::Affiliation;
pub use store::config::DatabaseConfig;
