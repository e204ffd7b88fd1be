//! Copies a SQLite database, also while a server uses it.

use std::{fs, io, path::Path};

use crate::{
    Engine,
    store::{error::StoreError, sqlite::copies},
};

/// Why the copy failed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file cannot be created or written.
    #[error("{0}: {1}")]
    File(String, io::Error),
    /// The database cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Writes a consistent copy of a SQLite database to a new file that only its owner may read. It does not contain the
    /// instance key. Returns its size in bytes.
    ///
    /// # Errors
    /// When the file exists or cannot be written; no partial file remains.
    pub async fn backup(&self, path: &str) -> Result<u64, BackupError> {
        let failed = |error| BackupError::File(path.to_owned(), error);
        let file = copies::create(Path::new(path)).map_err(failed)?;
        let written = async {
            copies::write(self.db(), path).await?;
            file.sync_all().and_then(|()| file.metadata()).map_err(failed)
        };
        match written.await {
            Ok(file) => Ok(file.len()),
            Err(error) => {
                // An empty file could be mistaken for a copy. If it cannot be removed either, the error says enough.
                let _ = fs::remove_file(path);
                Err(error)
            }
        }
    }
}
