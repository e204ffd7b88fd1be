//! Browser sessions: sealed before they reach the store.

use domain::{Error, UnixMs, error::Result};

use crate::{
    Engine,
    detached::detached,
    store::users::sessions::{self, Owner, Stored},
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

    /// Changes a stored session: `change` gets its data, and returns the new data, expiry and owner. No other request changes
    /// it in between. A session that was deleted meanwhile stays deleted.
    ///
    /// # Errors
    /// `Unavailable` or `Internal`.
    pub async fn update_session(
        &self,
        id: &str,
        change: impl FnOnce(&str) -> Option<(String, UnixMs, Option<Owner>)> + Send,
    ) -> Result<()> {
        let (context, mut tx) = (sessions::seal_context(id), self.db().begin().await?);
        let Some(sealed) = sessions::lock(&mut tx, id).await? else { return Ok(()) };
        let Ok(current) = self.vault().open(&sealed, &context) else { return Ok(()) };
        let (data, expires, owner) = change(&current).ok_or(Error::Internal)?;
        let sealed = self.vault().seal(&data, &context);
        sessions::save(&mut tx, Stored { id, data: &sealed, expires, owner: owner.as_ref() }, self.now()).await?;
        Ok(tx.commit().await?)
    }

    /// Deletes a session.
    ///
    /// # Errors
    /// `Unavailable` or `Internal`.
    pub async fn delete_session(&self, id: &str) -> Result<()> {
        let (db, id, changed) = (self.db().clone(), id.to_owned(), self.access_changed(&Self::session_handle(id)));
        detached(async move {
            sessions::delete(&db, &id).await?;
            changed.await;
            Ok(())
        })
        .await
    }
}
