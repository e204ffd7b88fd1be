//! Notices that the database file was deleted or replaced while it is open. SQLite would keep writing to the old one, which
//! disappears with the process.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use crate::store::error::{StoreError, StoreResult};

/// The file as it was opened.
#[derive(Debug)]
pub(crate) struct OpenFile {
    path: PathBuf,
    identity: Identity,
}

/// Device and inode: the same file, whatever its name.
#[derive(Debug, PartialEq, Eq)]
struct Identity(u64, u64);

impl OpenFile {
    /// Remembers the file at this path.
    ///
    /// # Errors
    /// I/O errors.
    pub(super) fn new(path: PathBuf) -> StoreResult<Self> {
        let identity = identity(&path).map_err(sqlx::Error::from)?;
        Ok(Self { path, identity })
    }

    /// Whether the same file is still there.
    ///
    /// # Errors
    /// `FileReplaced`.
    pub(crate) fn check(&self) -> StoreResult<()> {
        match identity(&self.path) {
            Ok(found) if found == self.identity => Ok(()),
            _ => Err(StoreError::FileReplaced(self.path.clone())),
        }
    }
}

fn identity(path: &Path) -> io::Result<Identity> {
    fs::metadata(path).map(|file| Identity(file.dev(), file.ino()))
}
