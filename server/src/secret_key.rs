//! The instance key: 32 bytes that encrypt the endpoints' credentials. Lost with it, they cannot be read again.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rand::{TryRngCore as _, rngs::OsRng};

/// Bytes of the key.
pub const KEY_BYTES: usize = 32;
/// Its file in the data folder.
pub const KEY_FILE: &str = "secret.key";
/// What others may do with the file: nothing.
const KEY_MODE: u32 = 0o600;
/// What others may do in the data folder: nothing.
const DATA_MODE: u32 = 0o700;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The text is not 32 bytes in base64.
    #[error("the secret key must be 32 bytes in base64 (make one with: openssl rand -base64 32)")]
    Malformed,
    /// The file cannot be read or written.
    #[error("secret key file {0}: {1}")]
    File(PathBuf, #[source] io::Error),
    /// The system has no randomness to give.
    #[error("no randomness from the system: {0}")]
    Randomness(#[from] rand::rand_core::OsError),
}

/// The key in its text form.
///
/// # Errors
/// `Malformed`.
pub fn parse(text: &str) -> Result<[u8; KEY_BYTES], KeyError> {
    let bytes = STANDARD.decode(text.trim()).map_err(|_| KeyError::Malformed)?;
    bytes.try_into().map_err(|_| KeyError::Malformed)
}

/// The key in a file.
///
/// # Errors
/// As [`parse`], and when the file cannot be read.
pub fn read(path: &Path) -> Result<[u8; KEY_BYTES], KeyError> {
    let failed = |error| KeyError::File(path.to_owned(), error);
    let text = fs::read_to_string(path).map_err(failed)?;
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "others may read the secret key; make it yours alone: chmod 600");
    }
    parse(&text)
}

/// The key of this data folder; made when there is none yet.
///
/// # Errors
/// As [`read`].
pub fn of_data_folder(data: &Path) -> Result<[u8; KEY_BYTES], KeyError> {
    let path = data.join(KEY_FILE);
    let failed = |error| KeyError::File(path.clone(), error);
    fs::DirBuilder::new().recursive(true).mode(DATA_MODE).create(data).map_err(failed)?;
    if !path.exists() {
        let mut key = [0; KEY_BYTES];
        OsRng.try_fill_bytes(&mut key)?;
        write_once(&path, &STANDARD.encode(key)).map_err(failed)?;
    }
    read(&path)
}

/// Puts the whole file in place at once. Of two that start together one wins, and both read the winner's.
fn write_once(path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_extension(format!("key.{}", std::process::id()));
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(KEY_MODE).open(&draft)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
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
    fn a_key_is_made_once_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let key = of_data_folder(&data).unwrap();
        assert_eq!(of_data_folder(&data).unwrap(), key);
        let mode = fs::metadata(data.join(KEY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, KEY_MODE);
        assert_eq!(fs::read_dir(&data).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn a_key_of_another_length_is_refused() {
        assert!(parse(&STANDARD.encode([7; 32])).is_ok());
        assert!(parse(&STANDARD.encode([7; 31])).is_err());
        assert!(parse("not base64").is_err());
    }
}
