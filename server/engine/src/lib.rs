//! Offhook's delivery engine: the store on SQLite and Postgres, the services behind pages and REST, the sender, and
//! the only HTTP client.
//!
//! Architecture invariant: nothing here knows Leptos or axum. Pages and REST reach the engine through the port
//! [`domain::Backend`], which [`Engine`] implements; the server adds what only an operator may do.

mod auth_cache;
mod backup;
pub mod clock;
mod credentials;
mod digest;
mod engine;
mod figures;
pub mod key_ring;
pub mod mail;
pub mod outbound;
pub mod password;
mod policies;
mod random;
mod restore;
pub mod sender;
pub mod service;
pub mod store;
pub mod vault;

pub use backup::BackupError;
pub use clock::SystemClock;
pub use engine::{Config, Engine, OpenError};
pub use figures::{Figure, Value};
pub use restore::{RestoreError, Restored, restore};
pub use service::users::create::Affiliation;
