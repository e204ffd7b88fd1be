//! Notices that the database file or its write-ahead log was deleted or replaced while it is open. SQLite would keep writing
//! to the old one, which disappears with the process.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use crate::store::error::{StoreError, StoreResult};

/// The file as it was opened.
#[derive(Debug)]
pub(crate) struct OpenFile {
    path: PathBuf,
    identity: Identity,
    /// The write-ahead log, which has the latest commits. SQLite creates it, and keeps it while the database is open.
    wal: PathBuf,
    wal_identity: OnceLock<Identity>,
}

/// Device and inode: the same file, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity(u64, u64);

impl OpenFile {
    /// Remembers the file at this path, and where its write-ahead log is.
    ///
    /// # Errors
    /// I/O errors.
    pub(super) fn new(path: PathBuf, wal: PathBuf) -> StoreResult<Self> {
        let identity = identity(&path).map_err(sqlx::Error::from)?;
        Ok(Self { path, identity, wal, wal_identity: OnceLock::new() })
    }

    /// Whether the same files are still there.
    ///
    /// # Errors
    /// `FileReplaced`.
    pub(crate) fn check(&self) -> StoreResult<()> {
        match identity(&self.path) {
            Ok(found) if found == self.identity => self.check_wal(),
            _ => Err(StoreError::FileReplaced(self.path.clone())),
        }
    }

    fn check_wal(&self) -> StoreResult<()> {
        let is_same = match identity(&self.wal) {
            // The first that is seen is the one that SQLite has just created.
            Ok(found) => *self.wal_identity.get_or_init(|| found) == found,
            Err(_) => self.wal_identity.get().is_none(),
        };
        if is_same { Ok(()) } else { Err(StoreError::FileReplaced(self.wal.clone())) }
    }
}

fn identity(path: &Path) -> io::Result<Identity> {
    fs::metadata(path).map(|file| Identity(file.dev(), file.ino()))
}
