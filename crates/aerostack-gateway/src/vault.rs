//! The master key and what is derived from it. The only holder of key and cipher.
//!
//! Every use has a key of its own (HKDF-SHA-256 with the use as its label): secrets, signing secrets of
//! alerts, the audit chain, the session ids that legacy clients carry, the handles of parked calls, and the keys of
//! master keys that were replaced. Sealed values are XChaCha20-Poly1305: a random nonce of 24 bytes, then the ciphertext.

use aerostack_core::audit::{AuditKey, AuditKeys};
use aerostack_core::secret::{SealedSecret, SecretPlace, SecretValue};
use aerostack_core::time::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use rand::CryptoRng;
use sha2::Sha256;
use zeroize::Zeroizing;

pub mod key_file;
mod signing;

pub use key_file::{MASTER_KEY_FILE, MasterKeyError, parse_master_key};

/// Bytes of a master key.
pub const MASTER_KEY_LEN: usize = 32;
const NONCE_LEN: usize = 24;
const DERIVED_LEN: usize = 32;
/// The name that audit rows carry until the master key is replaced for the first time.
const FIRST_AUDIT_KEY_ID: &str = "1";

/// A master key.
pub type MasterKey = Zeroizing<[u8; MASTER_KEY_LEN]>;

/// What is kept of a master key that was replaced, sealed under the present one: with it audit rows
/// of that time can be verified, and sessions of that time go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormerKey {
    /// The name that audit rows of its time carry.
    pub id: String,
    /// The name of the master key it is sealed under.
    pub sealed_by: String,
    /// Nonce and ciphertext.
    pub sealed: Vec<u8>,
    /// When it was replaced.
    pub retired_at: Timestamp,
}

/// The vault's key is not the one that was used before; nothing may be sealed under it for keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the master key is missing, or is not the one this database was sealed with")]
pub struct WrongKey;

/// Seals and opens values, and hands out the keys derived for other rooms.
pub struct Vault {
    id: String,
    secrets: XChaCha20Poly1305,
    alerts: XChaCha20Poly1305,
    former: XChaCha20Poly1305,
    session: XChaCha20Poly1305,
    parked: XChaCha20Poly1305,
    session_key: Zeroizing<[u8; DERIVED_LEN]>,
    session_before: Option<XChaCha20Poly1305>,
    audit_key: Zeroizing<[u8; DERIVED_LEN]>,
    audit: AuditKeys,
    fits: bool,
}

impl Vault {
    /// Derives every key from the master key.
    #[must_use]
    pub fn new(master: &[u8; MASTER_KEY_LEN]) -> Self {
        let session_key = derive(master, b"aerostack session id v1");
        let audit_key = derive(master, b"aerostack audit chain v1");
        Self {
            id: key_id(master),
            secrets: cipher(&derive(master, b"aerostack secret v1")),
            alerts: cipher(&derive(master, b"aerostack alert v1")),
            former: cipher(&derive(master, b"aerostack former key v1")),
            session: cipher(&session_key),
            parked: cipher(&derive(master, b"aerostack parked call v1")),
            session_key,
            session_before: None,
            audit: AuditKeys::of(FIRST_AUDIT_KEY_ID, AuditKey::new(*audit_key)),
            audit_key,
            fits: true,
        }
    }

    /// The same for a database whose master key was replaced before: with the keys of those times.
    ///
    /// # Errors
    /// [`WrongKey`] when they are not sealed under this master key.
    pub fn after(mut self, mut former: Vec<FormerKey>) -> Result<Self, WrongKey> {
        if former.is_empty() {
            return Ok(self);
        }
        former.sort_by_key(|former| former.retired_at);
        let mut audit = Vec::with_capacity(former.len());
        for former in former {
            let keys = self.open_former(&former).ok_or(WrongKey)?;
            let (audit_key, session_key) = keys.split_at(DERIVED_LEN);
            let audit_key: [u8; DERIVED_LEN] = audit_key.try_into().map_err(|_| WrongKey)?;
            let session_key: [u8; DERIVED_LEN] = session_key.try_into().map_err(|_| WrongKey)?;
            audit.push((former.id, AuditKey::new(audit_key)));
            // Those of the key before last end: a session id is worth nothing without its token anyway.
            self.session_before = Some(cipher(&Zeroizing::new(session_key)));
        }
        self.audit = AuditKeys::of(self.id.clone(), AuditKey::new(*self.audit_key)).after(audit);
        Ok(self)
    }

    /// The same, known not to be what the database was sealed with: it seals no secret.
    #[must_use]
    pub fn not_fitting(self) -> Self {
        Self { fits: false, ..self }
    }

    /// Tells whether this is the key the database was sealed with, as far as that can be told.
    #[must_use]
    pub const fn fits(&self) -> bool {
        self.fits
    }

    /// Names the master key; tells nothing of it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The keys that audit rows may be sealed under.
    #[must_use]
    pub const fn audit_keys(&self) -> &AuditKeys {
        &self.audit
    }

    /// The key that seals audit rows now.
    #[must_use]
    pub fn audit_key(&self) -> &AuditKey {
        self.audit.present().1
    }

    /// The name that audit rows carry now.
    #[must_use]
    pub fn audit_key_id(&self) -> &str {
        self.audit.present().0
    }

    /// Seals a secret's value for its place.
    ///
    /// # Errors
    /// [`WrongKey`]: what is sealed under a key that nobody keeps would be lost.
    pub fn seal_secret(
        &self,
        place: &SecretPlace,
        value: &SecretValue,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, WrongKey> {
        if !self.fits {
            return Err(WrongKey);
        }
        Ok(seal(&self.secrets, value.expose().as_bytes(), &place.bytes(&self.id), rng))
    }

    /// Opens a secret; `None` if it was sealed under another key, for another place, or changed.
    #[must_use]
    pub fn open_secret(&self, secret: &SealedSecret) -> Option<SecretValue> {
        let plain = open(&self.secrets, &secret.sealed, &secret.place.bytes(&secret.key_id))?;
        SecretValue::new(std::str::from_utf8(&plain).ok()?.to_owned()).ok()
    }

    /// Seals what is kept of a master key under this one, which takes its place at `retired_at`.
    pub fn seal_former(&self, former: &Self, retired_at: Timestamp, rng: &mut dyn CryptoRng) -> FormerKey {
        let keys = Zeroizing::new([&former.audit_key[..], &former.session_key[..]].concat());
        self.seal_keys(former.audit_key_id(), &keys, retired_at, rng)
    }

    /// Seals what is kept of an earlier master key under this one; `before` is the one it was sealed under.
    ///
    /// # Errors
    /// [`WrongKey`] when `before` does not open it.
    pub fn reseal_former(
        &self,
        former: &FormerKey,
        before: &Self,
        rng: &mut dyn CryptoRng,
    ) -> Result<FormerKey, WrongKey> {
        let keys = before.open_former(former).ok_or(WrongKey)?;
        Ok(self.seal_keys(&former.id, &keys, former.retired_at, rng))
    }

    fn seal_keys(&self, id: &str, keys: &[u8], retired_at: Timestamp, rng: &mut dyn CryptoRng) -> FormerKey {
        FormerKey {
            id: id.to_owned(),
            sealed_by: self.id.clone(),
            sealed: seal(&self.former, keys, &former_place(id, &self.id), rng),
            retired_at,
        }
    }

    fn open_former(&self, former: &FormerKey) -> Option<Zeroizing<Vec<u8>>> {
        let keys = open(&self.former, &former.sealed, &former_place(&former.id, &former.sealed_by))?;
        (former.sealed_by == self.id && keys.len() == 2 * DERIVED_LEN).then_some(keys)
    }

    /// Seals what a legacy session id carries; URL-safe text.
    pub fn seal_session(&self, plain: &[u8], rng: &mut dyn CryptoRng) -> String {
        URL_SAFE_NO_PAD.encode(seal(&self.session, plain, b"session", rng))
    }

    /// Seals what a handle carries; URL-safe text, and always the same for the same.
    #[must_use]
    pub fn seal_handle(&self, plain: &[u8]) -> String {
        let mut nonce = [0u8; NONCE_LEN];
        // Drawn from the plaintext under a key: equal only for what is equal, and nobody else can tell.
        Hkdf::<Sha256>::new(Some(&self.session_key[..]), plain)
            .expand(b"aerostack handle v1", &mut nonce)
            .expect("24 bytes are within HKDF's reach");
        URL_SAFE_NO_PAD.encode(seal_with(&self.session, nonce, plain, b"handle"))
    }

    /// Opens a handle, also one that was sealed under the master key before this one; `None` if this
    /// installation did not seal it.
    #[must_use]
    pub fn open_handle(&self, text: &str) -> Option<Vec<u8>> {
        self.open_either(text, b"handle")
    }

    /// Opens a session id, also one that was sealed under the master key before this one; `None` if
    /// this installation did not seal it.
    #[must_use]
    pub fn open_session(&self, text: &str) -> Option<Vec<u8>> {
        self.open_either(text, b"session")
    }

    fn open_either(&self, text: &str, place: &[u8]) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let mut ciphers = [Some(&self.session), self.session_before.as_ref()].into_iter().flatten();
        ciphers.find_map(|cipher| open(cipher, &bytes, place)).map(|plain| plain.to_vec())
    }

    /// Seals the handle of a parked call; URL-safe text.
    pub fn seal_parked(&self, plain: &[u8], rng: &mut dyn CryptoRng) -> String {
        URL_SAFE_NO_PAD.encode(seal(&self.parked, plain, b"parked call", rng))
    }

    /// Opens the handle of a parked call; `None` if this installation did not seal it.
    #[must_use]
    pub fn open_parked(&self, text: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        open(&self.parked, &bytes, b"parked call").map(|plain| plain.to_vec())
    }
}

/// The name of a master key: derived like its keys, so that it tells nothing of it.
#[must_use]
pub fn key_id(master: &[u8; MASTER_KEY_LEN]) -> String {
    derive(master, b"aerostack key name v1")[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn former_place(id: &str, sealed_by: &str) -> Vec<u8> {
    // Neither has a slash in it.
    format!("{id}/{sealed_by}").into_bytes()
}

fn derive(master: &[u8; MASTER_KEY_LEN], label: &[u8]) -> Zeroizing<[u8; DERIVED_LEN]> {
    let mut key = Zeroizing::new([0u8; DERIVED_LEN]);
    Hkdf::<Sha256>::new(None, master).expand(label, &mut key[..]).expect("32 bytes are within HKDF's reach");
    key
}

fn cipher(key: &[u8; DERIVED_LEN]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&Key::from(*key))
}

fn seal(cipher: &XChaCha20Poly1305, plain: &[u8], place: &[u8], rng: &mut dyn CryptoRng) -> Vec<u8> {
    let mut nonce = [0u8; NONCE_LEN];
    rng.fill_bytes(&mut nonce);
    seal_with(cipher, nonce, plain, place)
}

fn seal_with(cipher: &XChaCha20Poly1305, nonce: [u8; NONCE_LEN], plain: &[u8], place: &[u8]) -> Vec<u8> {
    let sealed = cipher
        .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: place })
        .expect("sealing fails only for values of hundreds of gigabytes");
    [&nonce[..], &sealed].concat()
}

fn open(cipher: &XChaCha20Poly1305, bytes: &[u8], place: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
    let nonce = XNonce::try_from(nonce).ok()?;
    cipher.decrypt(&nonce, Payload { msg: sealed, aad: place }).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests;
