//! Which database, and how it is used.

use std::sync::Arc;

use domain::time::Clock;

/// Connections to PostgreSQL per node unless configured, besides the one that listens to other nodes.
pub const CONNECTIONS_DEFAULT: u32 = 16;
/// Fewest connections that a node works with.
pub const CONNECTIONS_MIN: u32 = 4;

/// Which database, and how it is used.
#[derive(Clone)]
pub struct DatabaseConfig {
    /// `sqlite:///path/offhook.db` or `postgres://…`.
    pub url: String,
    /// Connections to PostgreSQL. A quarter of them write. SQLite ignores it.
    pub connections: u32,
    /// The clock that leases and heartbeats follow. Usually none: they follow the clock of PostgreSQL. Tests set one.
    pub clock: Option<Arc<dyn Clock>>,
}

impl<T: Into<String>> From<T> for DatabaseConfig {
    fn from(url: T) -> Self {
        Self { url: url.into(), connections: CONNECTIONS_DEFAULT, clock: None }
    }
}
