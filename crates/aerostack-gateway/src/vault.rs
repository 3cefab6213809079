//! The master key and what is derived from it. The only holder of the key.
//!
//! Every use has a key of its own (HKDF-SHA-256 with the use as its label): the audit chain, and the
//! session ids that legacy clients carry. Sealed values are XChaCha20-Poly1305: a random nonce of 24
//! bytes, then the ciphertext.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use aerostack_core::audit::AuditKey;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use rand::CryptoRng;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Bytes of a master key.
pub const MASTER_KEY_LEN: usize = 32;
/// The file a master key is kept in, inside the data folder.
pub const MASTER_KEY_FILE: &str = "master.key";
const NONCE_LEN: usize = 24;

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

/// Seals and opens values, and hands out the keys derived for other rooms.
pub struct Vault {
    audit: AuditKey,
    session: XChaCha20Poly1305,
}

impl Vault {
    /// Derives every key from the master key.
    #[must_use]
    pub fn new(master: &[u8; MASTER_KEY_LEN]) -> Self {
        let session = derive(master, b"aerostack session id v1");
        Self {
            audit: AuditKey::new(*derive(master, b"aerostack audit chain v1")),
            session: XChaCha20Poly1305::new(&Key::from(*session)),
        }
    }

    /// The key of the audit chains.
    #[must_use]
    pub const fn audit_key(&self) -> &AuditKey {
        &self.audit
    }

    /// Seals what a legacy session id carries; URL-safe text.
    ///
    /// # Panics
    /// Never in practice: sealing fails only for values of hundreds of gigabytes.
    pub fn seal_session(&self, plain: &[u8], rng: &mut dyn CryptoRng) -> String {
        let mut nonce = [0u8; NONCE_LEN];
        rng.fill_bytes(&mut nonce);
        let sealed = self
            .session
            .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: b"session" })
            .expect("a short value can be sealed");
        URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat())
    }

    /// Opens a session id; `None` if this installation did not seal it.
    #[must_use]
    pub fn open_session(&self, text: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = XNonce::try_from(nonce).ok()?;
        self.session.decrypt(&nonce, Payload { msg: sealed, aad: b"session" }).ok()
    }
}

fn derive(master: &[u8; MASTER_KEY_LEN], label: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0u8; 32]);
    Hkdf::<Sha256>::new(None, master).expand(label, &mut key[..]).expect("32 bytes are within HKDF's reach");
    key
}

/// Reads a master key from text: 64 hex digits, or base64 of 32 bytes.
///
/// # Errors
/// [`MasterKeyError::Malformed`]; the text itself is in no message.
pub fn parse_master_key(text: &str) -> Result<Zeroizing<[u8; MASTER_KEY_LEN]>, MasterKeyError> {
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

/// Reads the master key of a data folder, or makes one (mode 0600) if there is none yet.
///
/// Two processes starting at once agree: the file is made under another name and linked into place,
/// and whoever comes second reads the first one's.
///
/// # Errors
/// [`MasterKeyError`] when the file cannot be read, made or understood.
pub fn master_key_of(
    data_dir: &Path,
    rng: &mut dyn CryptoRng,
) -> Result<Zeroizing<[u8; MASTER_KEY_LEN]>, MasterKeyError> {
    let path = data_dir.join(MASTER_KEY_FILE);
    let failed = |source| MasterKeyError::File { path: path.clone(), source };
    let mut text = Zeroizing::new(String::new());
    match fs::File::open(&path) {
        Ok(mut file) => {
            file.read_to_string(&mut text).map_err(failed)?;
            return parse_master_key(&text);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let mut key = Zeroizing::new([0u8; MASTER_KEY_LEN]);
    rng.fill_bytes(&mut key[..]);
    text.push_str(&STANDARD.encode(&key[..]));
    text.push('\n');
    let draft = data_dir.join(format!("{MASTER_KEY_FILE}.{}", std::process::id()));
    write_private(&draft, text.as_bytes()).map_err(failed)?;
    let linked = fs::hard_link(&draft, &path);
    fs::remove_file(&draft).map_err(failed)?;
    match linked {
        Ok(()) => Ok(key),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => master_key_of(data_dir, rng),
        Err(error) => Err(failed(error)),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    #[test]
    fn a_sealed_session_opens_with_the_same_key_only() {
        let mut rng = StdRng::seed_from_u64(1);
        let vault = Vault::new(&[1; 32]);
        let text = vault.seal_session(b"state", &mut rng);
        assert_eq!(vault.open_session(&text).as_deref(), Some(&b"state"[..]));
        assert_eq!(Vault::new(&[2; 32]).open_session(&text), None);
        assert_eq!(vault.open_session(&text[1..]), None);
        assert_eq!(vault.open_session(""), None);
    }

    #[test]
    fn the_key_file_is_made_once_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let mut rng = StdRng::seed_from_u64(1);
        let first = master_key_of(folder.path(), &mut rng).unwrap();
        let second = master_key_of(folder.path(), &mut rng).unwrap();
        assert_eq!(first, second);
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &fs::metadata(folder.path().join(MASTER_KEY_FILE)).unwrap().permissions(),
        );
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn keys_are_read_in_hex_and_base64_and_nothing_else() {
        assert_eq!(parse_master_key(&"07".repeat(32)).unwrap()[..], [7; 32]);
        assert_eq!(parse_master_key(&STANDARD.encode([7; 32])).unwrap()[..], [7; 32]);
        assert!(parse_master_key("short").is_err());
        assert!(parse_master_key(&"zz".repeat(32)).is_err());
    }
}
