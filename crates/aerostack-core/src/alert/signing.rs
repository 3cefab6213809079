//! How a receiver knows that a message is ours: HMAC-SHA-256 in the form of Standard Webhooks, for which
//! there are libraries in most languages.
//!
//! Source: Standard Webhooks, "Signature scheme": `v1,` and the base 64 of the code over id, moment in
//! seconds and body, joined by dots; the secret is `whsec_` and the base 64 of the key.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use rand::CryptoRng;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use zeroize::Zeroizing;

const PREFIX: &str = "whsec_";
const KEY_LEN: usize = 32;
/// Bytes of a key that receivers' libraries take.
const KEY_LENS: std::ops::RangeInclusive<usize> = 24..=64;

/// What messages are signed with. Not shown by `Debug`; wiped on drop.
#[derive(Clone)]
pub struct SigningSecret(SecretString);

/// A text that is no signing secret. The text itself is in no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a signing secret is {PREFIX} and the base 64 of 24 to 64 bytes")]
pub struct SigningSecretError;

impl SigningSecret {
    /// Makes a new one.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut key = Zeroizing::new([0u8; KEY_LEN]);
        rng.fill_bytes(&mut key[..]);
        let text = Zeroizing::new(format!("{PREFIX}{}", STANDARD.encode(&key[..])));
        Self(SecretString::from(text.as_str()))
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`SigningSecretError`] when it has another form.
    pub fn parse(text: &str) -> Result<Self, SigningSecretError> {
        let secret = Self(SecretString::from(text));
        secret.key().map(|_| secret)
    }

    fn key(&self) -> Result<Zeroizing<Vec<u8>>, SigningSecretError> {
        let encoded = self.0.expose_secret().strip_prefix(PREFIX).ok_or(SigningSecretError)?;
        let key = STANDARD.decode(encoded).map(Zeroizing::new).map_err(|_| SigningSecretError)?;
        if KEY_LENS.contains(&key.len()) { Ok(key) } else { Err(SigningSecretError) }
    }

    /// The text itself. For the vault that seals it, and the reply that made it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Signs a message: what stands in `webhook-signature`.
    #[must_use]
    pub fn sign(&self, id: &str, at_seconds: i64, body: &str) -> String {
        let key = self.key().expect("it was read or made here");
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes keys of every length");
        for part in [id, ".", &at_seconds.to_string(), ".", body] {
            mac.update(part.as_bytes());
        }
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}
