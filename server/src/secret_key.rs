//! The instance keys: 32 bytes each. They encrypt credentials in the database, which cannot be read without them.
//!
//! In a file or in the environment they are written `k2:BASE64 k1:BASE64`; the first one encrypts (decision 0010). Base64
//! alone is `k1`, the first key of every instance.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use engine::key_ring::{KEY_BYTES, Key, KeyId, KeyRing, KeySource, Keys};
use rand::{TryRngCore as _, rngs::OsRng};

/// The key file in the data folder.
pub const KEY_FILE: &str = "secret.key";
/// Only the owner reads the key file.
const KEY_MODE: u32 = 0o600;
/// Only the owner reads the data folder.
const DATA_MODE: u32 = 0o700;

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The text holds no keys.
    #[error(
        "a secret key must be 32 bytes in base64 (generate one with: openssl rand -base64 32); write several as \
         k2:BASE64 k1:BASE64, each name once"
    )]
    Malformed,
    /// The file cannot be read or written.
    #[error("secret key file {0}: {1}")]
    File(PathBuf, #[source] io::Error),
    /// Another command is changing the keys.
    #[error("another command is changing the keys in {0}; wait until it has finished")]
    Busy(PathBuf),
    /// The system provides no randomness.
    #[error("no randomness from the system: {0}")]
    Randomness(#[from] rand::rand_core::OsError),
}

/// The keys in their text form.
///
/// # Errors
/// `Malformed`.
pub fn parse(text: &str) -> Result<KeyRing, KeyError> {
    let parts = text.split(|c: char| c.is_whitespace() || c == ',').filter(|part| !part.is_empty());
    let keys: Option<Vec<Key>> = parts.map(key).collect();
    keys.and_then(KeyRing::new).ok_or(KeyError::Malformed)
}

fn key(text: &str) -> Option<Key> {
    let (id, coded) = text.split_once(':').unwrap_or(("k1", text));
    let bytes = STANDARD.decode(coded).ok()?.try_into().ok()?;
    Some(Key { id: KeyId::parse(id)?, bytes })
}

/// The text form of keys, one per line. A single `k1` is written without its name.
fn text(ring: &KeyRing) -> String {
    let lone = ring.keys().count() == 1 && ring.current().id == KeyId::FIRST;
    let line = |key: &Key| {
        let coded = STANDARD.encode(key.bytes);
        if lone { coded } else { format!("{}:{coded}", key.id) }
    };
    ring.keys().map(line).collect::<Vec<_>>().join("\n")
}

/// A new key.
///
/// # Errors
/// `Randomness`.
pub fn random() -> Result<[u8; KEY_BYTES], KeyError> {
    let mut key = [0; KEY_BYTES];
    OsRng.try_fill_bytes(&mut key)?;
    Ok(key)
}

/// The keys in a file.
///
/// # Errors
/// As [`parse`], and when the file cannot be read.
pub fn read(path: &Path) -> Result<KeyRing, KeyError> {
    let failed = |error| KeyError::File(path.to_owned(), error);
    let text = fs::read_to_string(path).map_err(failed)?;
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "other users can read the secret key; restrict it with chmod 600");
    }
    parse(&text)
}

/// The keys in a file, which is read again when it changes.
///
/// # Errors
/// As [`read`].
pub fn watched(path: PathBuf) -> Result<Keys, KeyError> {
    let seen = Stamp::of(&path);
    let ring = read(&path)?;
    Ok(Keys { ring, source: Some(Arc::new(KeyFile { path, seen: Mutex::new(seen) })) })
}

/// Creates the data folder if it is missing.
///
/// # Errors
/// When it cannot be created.
pub fn create_data_folder(data: &Path) -> Result<(), KeyError> {
    let created = fs::DirBuilder::new().recursive(true).mode(DATA_MODE).create(data);
    created.map_err(|error| KeyError::File(data.to_owned(), error))
}

/// Creates a key file with a new key of this name, unless there is one. The caller has checked that no other key has
/// encrypted anything.
///
/// # Errors
/// When it cannot be written.
pub fn create(path: &Path, id: KeyId) -> Result<(), KeyError> {
    let ring = KeyRing::new(vec![Key { id, bytes: random()? }]).ok_or(KeyError::Malformed)?;
    write_once(path, &text(&ring)).map_err(|error| KeyError::File(path.to_owned(), error))
}

/// The key file of this data folder, created with a new key if it is missing.
///
/// # Errors
/// As [`create`].
pub fn file_of_data_folder(data: &Path) -> Result<PathBuf, KeyError> {
    let path = data.join(KEY_FILE);
    create_data_folder(data)?;
    if !path.exists() {
        create(&path, KeyId::FIRST)?;
    }
    Ok(path)
}

/// The keys of this data folder.
///
/// # Errors
/// As [`read`].
pub fn of_data_folder(data: &Path) -> Result<Keys, KeyError> {
    watched(file_of_data_folder(data)?)
}

/// Identifies a version of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    inode: u64,
    bytes: u64,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let file = fs::metadata(path).ok()?;
        Some(Self { modified: file.modified().ok(), inode: file.ino(), bytes: file.len() })
    }
}

/// A key file as it was last read.
struct KeyFile {
    path: PathBuf,
    seen: Mutex<Option<Stamp>>,
}

impl KeySource for KeyFile {
    fn changed(&self) -> Option<KeyRing> {
        let now = Stamp::of(&self.path);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if now.is_none() || now == *seen {
            return None;
        }
        *seen = now;
        match read(&self.path) {
            Ok(ring) => {
                tracing::info!(current = %ring.current().id, "the secret keys have changed");
                Some(ring)
            }
            Err(error) => {
                tracing::error!(%error, "the secret keys cannot be read; still using the previous ones");
                None
            }
        }
    }
}

/// Prevents other commands from changing the same file until it is dropped.
///
/// # Errors
/// `Busy` when another command has the lock, or when the lock file cannot be created.
pub fn lock(path: &Path) -> Result<fs::File, KeyError> {
    let lock_file = path.with_extension("key.lock");
    let failed = |error| KeyError::File(lock_file.clone(), error);
    let file = fs::OpenOptions::new().write(true).create(true).truncate(false).mode(KEY_MODE).open(&lock_file);
    let file = file.map_err(failed)?;
    file.try_lock().map_err(|_| KeyError::Busy(path.to_owned()))?;
    Ok(file)
}

/// Replaces the keys in the file atomically. The file keeps its owner.
///
/// # Errors
/// When it cannot be written.
pub fn replace(path: &Path, ring: &KeyRing) -> Result<(), KeyError> {
    let replace = || {
        let before = fs::metadata(path)?;
        let draft = write_draft(path, &text(ring))?;
        let now = fs::metadata(&draft)?;
        if (now.uid(), now.gid()) != (before.uid(), before.gid()) {
            chown(&draft, Some(before.uid()), Some(before.gid()))?;
        }
        fs::rename(&draft, path)?;
        // The directory entry must be on disk as well before anything is encrypted with the new key.
        path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
    };
    replace().map_err(|error| KeyError::File(path.to_owned(), error))
}

fn write_draft(path: &Path, text: &str) -> io::Result<PathBuf> {
    let draft = path.with_extension(format!("key.{}", std::process::id()));
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(KEY_MODE).open(&draft)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    Ok(draft)
}

/// Creates the file atomically. If two processes start together one wins, and both read the winner's key.
fn write_once(path: &Path, text: &str) -> io::Result<()> {
    let draft = write_draft(path, text)?;
    let linked = match fs::hard_link(&draft, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    };
    fs::remove_file(&draft)?;
    linked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_created_once_and_readable_by_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let key = of_data_folder(&data).unwrap().ring;
        assert_eq!(of_data_folder(&data).unwrap().ring, key);
        let mode = fs::metadata(data.join(KEY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, KEY_MODE);
        assert_eq!(fs::read_dir(&data).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn a_key_of_another_length_is_refused() {
        assert!(parse(&STANDARD.encode([7; 32])).is_ok());
        let (one, short) = (STANDARD.encode([7; 32]), STANDARD.encode([7; 31]));
        for wrong in [short.clone(), "not base64".into(), String::new(), format!("k1:{one} {one}"), format!("x:{one}")]
        {
            assert!(parse(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn keys_survive_a_round_trip_through_text() {
        let ring = KeyRing::one([1; 32]);
        assert_eq!(text(&ring), STANDARD.encode([1; 32]));
        let two = ring.with_waiting([2; 32]).promoted();
        assert!(text(&two).starts_with("k2:"));
        let alone = two.clone().without(&[KeyId::FIRST]);
        for ring in [two.clone(), alone] {
            assert_eq!(parse(&text(&ring)).unwrap(), ring);
        }
        assert_eq!(parse(&text(&two).replace('\n', ",")).unwrap(), two);
    }

    #[test]
    fn a_changed_file_is_read_once_and_a_broken_one_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let path = file_of_data_folder(folder.path()).unwrap();
        let keys = watched(path.clone()).unwrap();
        let source = keys.source.unwrap();
        assert_eq!(source.changed(), None);
        let next = keys.ring.with_waiting([2; 32]).promoted();
        replace(&path, &next).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, KEY_MODE);
        assert_eq!((source.changed(), source.changed()), (Some(next), None));
        fs::write(&path, "broken").unwrap();
        assert_eq!(source.changed(), None);
    }

    #[test]
    fn only_one_command_at_a_time_changes_the_keys() {
        let folder = tempfile::tempdir().unwrap();
        let path = file_of_data_folder(folder.path()).unwrap();
        let held = lock(&path).unwrap();
        assert!(matches!(lock(&path), Err(KeyError::Busy(_))));
        drop(held);
        assert!(lock(&path).is_ok());
    }
}
