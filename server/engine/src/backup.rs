//! A copy of a SQLite database, beside a server that may be running.

use std::{fs, io, path::Path};

use crate::{
    Engine,
    store::{error::StoreError, sqlite::copies},
};

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file cannot be made or written.
    #[error("{0}: {1}")]
    File(String, io::Error),
    /// The database cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Writes a consistent copy of a SQLite database to a new file, which its owner alone may read. The instance key is not
    /// in it. Answers with its size in bytes.
    ///
    /// # Errors
    /// When the file exists or cannot be written; then nothing is left behind.
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
                // An empty file would pass for a copy. If it cannot be taken away either, the error says enough.
                let _ = fs::remove_file(path);
                Err(error)
            }
        }
    }
}
