//! Opens a database by its URL.

use crate::store::{db::Db, error::StoreResult, migrations, postgres, sqlite};

impl Db {
    /// Connects by URL (`sqlite:///path/offhook.db`, `postgres://…`) and brings the schema up to date.
    ///
    /// # Errors
    /// When the database cannot be reached or a migration fails.
    pub async fn open(url: &str) -> StoreResult<Self> {
        let is_postgres = url.starts_with("postgres:") || url.starts_with("postgresql:");
        let db = if is_postgres { postgres::connect(url).await? } else { sqlite::connect(url).await? };
        migrations::run(&db).await?;
        Ok(db)
    }
}
