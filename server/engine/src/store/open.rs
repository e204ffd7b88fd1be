//! Opens a database by its URL.

use crate::store::{config::DatabaseConfig, db::Db, error::StoreResult, migrations, postgres, sqlite};

impl Db {
    /// Connects and brings the schema up to date.
    ///
    /// # Errors
    /// When the database cannot be reached or a migration fails.
    pub async fn open(config: &DatabaseConfig) -> StoreResult<Self> {
        let url = &config.url;
        let is_postgres = url.starts_with("postgres:") || url.starts_with("postgresql:");
        let db = if is_postgres { postgres::connect(config).await? } else { sqlite::connect(url).await? };
        migrations::run(&db).await?;
        Ok(Self { clock: config.clock.clone(), ..db })
    }
}
