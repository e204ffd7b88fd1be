//! Browser sessions: sealed before they reach the store.

use domain::error::Result;

use crate::{
    Engine,
    store::users::sessions::{self, Stored},
};

impl Engine {
    /// A browser session's data, unless it has expired.
    ///
    /// # Errors
    /// `Unavailable` or `Internal`.
    pub async fn load_session(&self, id: &str) -> Result<Option<String>> {
        let Some(sealed) = sessions::load(self.db(), id, self.now()).await? else { return Ok(None) };
        let data = self.vault().open(&sealed, &sessions::seal_context(id));
        Ok(data.inspect_err(|error| tracing::warn!(%error, "a session was dropped")).ok())
    }

    /// Stores a session under a new id; false when the id is taken.
    ///
    /// # Errors
    /// `Unavailable` or `Internal`.
    pub async fn create_session(&self, session: Stored<'_>) -> Result<bool> {
        let sealed = self.vault().seal(session.data, &sessions::seal_context(session.id));
        Ok(sessions::create(self.db(), Stored { data: &sealed, ..session }, self.now()).await?)
    }

    /// Stores a session.
    ///
    /// # Errors
    /// `Unavailable` or `Internal`.
    pub async fn save_session(&self, session: Stored<'_>) -> Result<()> {
        let sealed = self.vault().seal(session.data, &sessions::seal_context(session.id));
        Ok(sessions::save(self.db(), Stored { data: &sealed, ..session }, self.now()).await?)
    }

    /// Deletes a session.
    ///
    /// # Errors
    /// `Unavailable` or `Internal`.
    pub async fn delete_session(&self, id: &str) -> Result<()> {
        Ok(sessions::delete(self.db(), id).await?)
    }
}
