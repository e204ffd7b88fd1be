//! Replaces a SQLite database by a copy, completely or not at all.
//!
//! A write-ahead log left over from the old database would be applied to the new one and destroy it, so the log is removed
//! before the copy is moved in. The old database is kept with its log, under another name.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt as _, chown},
    path::{Path, PathBuf},
};

use domain::{UnixMs, time::iso_utc};

use crate::store::sqlite::{self, beside, copies};

/// Files with data that SQLite creates beside a database and would apply to the new one.
const LOGS: [&str; 2] = ["-wal", "-journal"];
/// The same, without data.
const INDEX: &str = "-shm";

/// The result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The database.
    pub file: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Where the old database is now; none when there was none.
    pub before: Option<PathBuf>,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The URL does not name a file.
    #[error("only a SQLite database in a file can be restored")]
    NoFile,
    /// A server uses the database.
    #[error("a server uses {0}; stop it first. Nothing was changed")]
    InUse(PathBuf),
    /// The copy is the database.
    #[error("{0} is the database itself; nothing was changed")]
    Itself(PathBuf),
    /// The copy is damaged, or not an Offhook database.
    #[error("{0} is not a sound Offhook database: {1}. Nothing was changed")]
    Unsound(PathBuf, String),
    /// A file cannot be read, written or renamed.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
}

/// Replaces the database that this URL names by a copy. The copy itself is not changed.
///
/// # Errors
/// See each variant; the old database is still in place.
pub async fn restore(url: &str, from: &Path, now: UnixMs) -> Result<Restored, RestoreError> {
    let target = sqlite::file(url).ok_or(RestoreError::NoFile)?;
    let failed = |error| RestoreError::File(from.to_owned(), error);
    let source = fs::canonicalize(from).map_err(failed)?;
    if fs::canonicalize(&target).is_ok_and(|there| there == source) {
        return Err(RestoreError::Itself(source));
    }
    // Held until the end, so that no server starts in the middle.
    let _alone = lock(url, &target)?;
    let draft = Draft::new(beside(&target, ".restoring"));
    draft.fill(&source).map_err(failed)?;
    let wrong = copies::check(&draft.0).await.unwrap_or_else(|error| Some(error.to_string()));
    if let Some(wrong) = wrong {
        return Err(RestoreError::Unsound(from.to_owned(), wrong));
    }
    let failed = |error| RestoreError::File(target.clone(), error);
    let bytes = draft.finish().map_err(failed)?;
    let before = set_aside(&target, now).map_err(failed)?;
    fs::rename(&draft.0, &target).and_then(|()| sync_folder(&target)).map_err(failed)?;
    Ok(Restored { file: target, bytes, before })
}

fn lock(url: &str, target: &Path) -> Result<Option<fs::File>, RestoreError> {
    let locked = sqlite::lock(url).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => RestoreError::InUse(target.to_owned()),
        _ => RestoreError::File(target.to_owned(), error),
    })?;
    let file = beside(target, ".lock");
    // If root owned it, the server could not open it.
    own(&file).map_err(|error| RestoreError::File(file, error))?;
    Ok(locked)
}

/// The copy before it is moved in. It is removed on drop.
struct Draft(PathBuf);

impl Drop for Draft {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Draft {
    fn new(path: PathBuf) -> Self {
        let draft = Self(path);
        // A killed process may have left one.
        draft.clear();
        draft
    }

    fn clear(&self) {
        for ending in ["", INDEX].into_iter().chain(LOGS) {
            let _ = fs::remove_file(beside(&self.0, ending));
        }
    }

    /// Copies the file, and its write-ahead log if it has one, as a database does that was set aside.
    fn fill(&self, from: &Path) -> io::Result<()> {
        for ending in ["", "-wal"] {
            let mut file = match fs::File::open(beside(from, ending)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && !ending.is_empty() => continue,
                opened => opened?,
            };
            io::copy(&mut file, &mut copies::create(&beside(&self.0, ending))?)?;
        }
        Ok(())
    }

    /// Flushes it to disk and gives it to the server's user.
    fn finish(&self) -> io::Result<u64> {
        own(&self.0)?;
        let file = fs::File::open(&self.0)?;
        file.sync_all()?;
        Ok(file.metadata()?.len())
    }
}

/// Changes a file's owner to that of the folder: the server's user, whoever runs the command.
fn own(file: &Path) -> io::Result<()> {
    let (is, wanted) = (fs::metadata(file)?, fs::metadata(folder(file))?);
    if is.uid() == wanted.uid() {
        return Ok(());
    }
    chown(file, Some(wanted.uid()), Some(wanted.gid()))
}

/// Gives the database and its logs a second name, then removes the logs. The database keeps its name until the copy
/// replaces it, so that there is one at every moment.
fn set_aside(target: &Path, now: UnixMs) -> io::Result<Option<PathBuf>> {
    let stamp: String = iso_utc(now).chars().filter(char::is_ascii_alphanumeric).collect();
    let aside = beside(target, &format!(".before-restore-{stamp}"));
    let mut before = None;
    for ending in [""].into_iter().chain(LOGS) {
        match fs::hard_link(beside(target, ending), beside(&aside, ending)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            linked => {
                linked?;
                before = Some(aside.clone());
            }
        }
    }
    sync_folder(target)?;
    for ending in LOGS.into_iter().chain([INDEX]) {
        match fs::remove_file(beside(target, ending)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed?,
        }
    }
    // Removed from the disk before the copy is moved in: a power cut must not bring the log back beside it.
    sync_folder(target)?;
    Ok(before)
}

fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

fn sync_folder(file: &Path) -> io::Result<()> {
    fs::File::open(folder(file))?.sync_all()
}
