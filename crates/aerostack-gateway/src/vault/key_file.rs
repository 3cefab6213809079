//! Where a master key is kept: its text, its file, and the file of the one that is to follow.
//!
//! A key never replaces another by being written: it is written beside it, synced, and moved.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rand::CryptoRng;
use zeroize::Zeroizing;

use super::{MASTER_KEY_LEN, MasterKey};

/// The file a master key is kept in, inside the data folder.
pub const MASTER_KEY_FILE: &str = "master.key";
/// The file of the key that is to take its place, while that is under way.
pub const NEXT_KEY_FILE: &str = "master.key.new";
/// The file of the key that was replaced last, for backups of its time.
pub const FORMER_KEY_FILE: &str = "master.key.old";

/// Why there is no usable master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The text is not 32 bytes in hex or base64.
    #[error("a master key is 32 bytes, written as 64 hex digits or in base64")]
    Malformed,
    /// The file cannot be read or made.
    #[error("the master key file {} cannot be used", .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Reads a master key from text: 64 hex digits, or base64 of 32 bytes.
///
/// # Errors
/// [`MasterKeyError::Malformed`]; the text itself is in no message.
pub fn parse_master_key(text: &str) -> Result<MasterKey, MasterKeyError> {
    let text = text.trim();
    let bytes = Zeroizing::new(if text.len() == MASTER_KEY_LEN * 2 {
        let pairs = text.as_bytes().chunks_exact(2);
        pairs
            .map(|pair| std::str::from_utf8(pair).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok()))
            .collect::<Option<Vec<u8>>>()
            .ok_or(MasterKeyError::Malformed)?
    } else {
        STANDARD
            .decode(text)
            .or_else(|_| URL_SAFE_NO_PAD.decode(text))
            .map_err(|_| MasterKeyError::Malformed)?
    });
    let key: [u8; MASTER_KEY_LEN] = bytes[..].try_into().map_err(|_| MasterKeyError::Malformed)?;
    Ok(Zeroizing::new(key))
}

/// Reads a master key from a file of the data folder; `None` if there is no such file.
///
/// # Errors
/// [`MasterKeyError`] when the file cannot be read or understood.
pub fn find(data_dir: &Path, file: &str) -> Result<Option<MasterKey>, MasterKeyError> {
    let path = data_dir.join(file);
    let mut text = Zeroizing::new(String::new());
    let read = fs::File::open(&path).and_then(|mut file| file.read_to_string(&mut text));
    match read {
        Ok(_) => parse_master_key(&text).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(MasterKeyError::File { path, source }),
    }
}

/// Reads the key of a file in the data folder, or makes one (mode 0600) if there is none yet.
///
/// Two processes at once agree: the file is made under another name and linked into place, and whoever
/// comes second reads the first one's.
///
/// # Errors
/// [`MasterKeyError`] when the file cannot be read, made or understood.
pub fn find_or_make(
    data_dir: &Path,
    file: &str,
    rng: &mut dyn CryptoRng,
) -> Result<MasterKey, MasterKeyError> {
    if let Some(key) = find(data_dir, file)? {
        return Ok(key);
    }
    let path = data_dir.join(file);
    let failed = |source| MasterKeyError::File { path: path.clone(), source };
    let mut key = Zeroizing::new([0u8; MASTER_KEY_LEN]);
    rng.fill_bytes(&mut key[..]);
    let text = Zeroizing::new(STANDARD.encode(&key[..]) + "\n");
    let draft = data_dir.join(format!("{file}.{}", std::process::id()));
    write_private(&draft, text.as_bytes()).map_err(failed)?;
    let linked = fs::hard_link(&draft, &path);
    fs::remove_file(&draft).map_err(failed)?;
    match linked {
        Ok(()) => {
            sync_folder(data_dir).map_err(failed)?;
            Ok(key)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => find_or_make(data_dir, file, rng),
        Err(error) => Err(failed(error)),
    }
}

/// Puts the next key in the place of the present one, which is kept as the former if it is there.
///
/// Killed between its steps, it can be called again: the present key's name never stands empty before
/// the next key's file is ready to be moved there.
///
/// # Errors
/// [`MasterKeyError::File`] when a file cannot be moved.
pub fn swap(data_dir: &Path) -> Result<(), MasterKeyError> {
    if find(data_dir, MASTER_KEY_FILE)?.is_some() {
        set_aside(data_dir)?;
    }
    let (next, present) = (data_dir.join(NEXT_KEY_FILE), data_dir.join(MASTER_KEY_FILE));
    let moved = fs::rename(&next, &present).and_then(|()| sync_folder(data_dir));
    moved.map_err(|source| MasterKeyError::File { path: present, source })
}

/// Keeps a copy of the present key as the former one.
///
/// # Errors
/// [`MasterKeyError::File`] when it cannot be written.
pub fn set_aside(data_dir: &Path) -> Result<(), MasterKeyError> {
    let (present, former) = (data_dir.join(MASTER_KEY_FILE), data_dir.join(FORMER_KEY_FILE));
    let draft = data_dir.join(format!("{FORMER_KEY_FILE}.{}", std::process::id()));
    let copied = fs::read(&present).map(Zeroizing::new).and_then(|bytes| {
        write_private(&draft, &bytes)?;
        fs::rename(&draft, &former)?;
        sync_folder(data_dir)
    });
    copied.map_err(|source| MasterKeyError::File { path: former, source })
}

/// Removes the present key's file, whose key has another place from now on.
///
/// # Errors
/// [`MasterKeyError::File`] when it cannot be removed.
pub fn remove(data_dir: &Path) -> Result<(), MasterKeyError> {
    let path = data_dir.join(MASTER_KEY_FILE);
    let removed = fs::remove_file(&path).and_then(|()| sync_folder(data_dir));
    removed.map_err(|source| MasterKeyError::File { path, source })
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A name that was moved lasts only once its folder is on disk.
fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    fs::File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    #[test]
    fn the_key_file_is_made_once_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let mut rng = StdRng::seed_from_u64(1);
        let first = find_or_make(folder.path(), MASTER_KEY_FILE, &mut rng).unwrap();
        let second = find_or_make(folder.path(), MASTER_KEY_FILE, &mut rng).unwrap();
        assert_eq!(first, second);
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &fs::metadata(folder.path().join(MASTER_KEY_FILE)).unwrap().permissions(),
        );
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_swap_keeps_the_former_key_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let mut rng = StdRng::seed_from_u64(1);
        let first = find_or_make(folder, MASTER_KEY_FILE, &mut rng).unwrap();
        let second = find_or_make(folder, NEXT_KEY_FILE, &mut rng).unwrap();
        set_aside(folder).unwrap();
        swap(folder).unwrap();
        assert_eq!(find(folder, MASTER_KEY_FILE).unwrap(), Some(second));
        assert_eq!(find(folder, FORMER_KEY_FILE).unwrap(), Some(first));
        assert_eq!(fs::read_dir(folder).unwrap().count(), 2);
    }

    #[test]
    fn keys_are_read_in_hex_and_base64_and_nothing_else() {
        assert_eq!(parse_master_key(&"07".repeat(32)).unwrap()[..], [7; 32]);
        assert_eq!(parse_master_key(&STANDARD.encode([7; 32])).unwrap()[..], [7; 32]);
        assert!(parse_master_key("short").is_err());
        assert!(parse_master_key(&"zz".repeat(32)).is_err());
    }
}
