//! A copy takes the place of a SQLite database, whole or not at all.
//!
//! A write-ahead log that is left of the old database would be folded into the new one and destroy it, so the log goes
//! before the copy comes. What was there is kept: the old database with its log, under another name.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt as _, chown},
    path::{Path, PathBuf},
};

use domain::{UnixMs, time::iso_utc};

use crate::store::sqlite::{self, beside, copies};

/// Files that SQLite makes beside a database and would take for the new one's, and which hold data.
const LOGS: [&str; 2] = ["-wal", "-journal"];
/// The same, without data.
const INDEX: &str = "-shm";

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The database.
    pub file: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Where the database from before is now; none when there was none.
    pub before: Option<PathBuf>,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The URL names no file.
    #[error("only a SQLite database in a file can be restored")]
    NoFile,
    /// A server works on the database.
    #[error("a server uses {0}; stop it first. Nothing was changed")]
    InUse(PathBuf),
    /// The copy is the database.
    #[error("{0} is the database itself; nothing was changed")]
    Itself(PathBuf),
    /// The copy is not what it should be.
    #[error("{0} is not a sound Offhook database: {1}. Nothing was changed")]
    Unsound(PathBuf, String),
    /// A file cannot be read, written or renamed.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
}

/// Puts a copy in the place of the database that this URL names. The copy itself stays as it is.
///
/// # Errors
/// As said of each; the database from before is still in place.
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
    // Made by root, it would keep the server out.
    own(&file).map_err(|error| RestoreError::File(file, error))?;
    Ok(locked)
}

/// The copy on its way. Whatever becomes of it, nothing of it is left.
struct Draft(PathBuf);

impl Drop for Draft {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Draft {
    fn new(path: PathBuf) -> Self {
        let draft = Self(path);
        // One that was killed may have left its own.
        draft.clear();
        draft
    }

    fn clear(&self) {
        for ending in ["", INDEX].into_iter().chain(LOGS) {
            let _ = fs::remove_file(beside(&self.0, ending));
        }
    }

    /// Copies the file, and its write-ahead log where it has one, as a database has that was put aside.
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

    /// Makes it last, and the server's.
    fn finish(&self) -> io::Result<u64> {
        own(&self.0)?;
        let file = fs::File::open(&self.0)?;
        file.sync_all()?;
        Ok(file.metadata()?.len())
    }
}

/// Gives a file to whom the folder belongs: the server, whoever runs the command.
fn own(file: &Path) -> io::Result<()> {
    let (is, wanted) = (fs::metadata(file)?, fs::metadata(folder(file))?);
    if is.uid() == wanted.uid() {
        return Ok(());
    }
    chown(file, Some(wanted.uid()), Some(wanted.gid()))
}

/// Gives the database and its logs a second name, then takes the logs away. The database keeps its place until the copy
/// takes it, so that there is one at every moment.
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
    // Gone from the disk before the copy comes: a power cut must not bring the log back beside it.
    sync_folder(target)?;
    Ok(before)
}

fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

fn sync_folder(file: &Path) -> io::Result<()> {
    fs::File::open(folder(file))?.sync_all()
}
