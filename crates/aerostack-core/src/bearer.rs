//! Bearer credentials: workspace tokens (`mwt_…`), account keys (`ak_…`), and what pages and mails
//! hold: links (`jl_…`, `sl_…`), sessions (`ses_…`) and the seeds of forms (`fs_…`).
//!
//! `<prefix>[<label>_]<40 hex digits of chance><8 hex digits of CRC-32 over all before them>`. The
//! checksum lets a scanner, a commit hook and the gateway tell a credential from noise without a
//! database; the label is for human eyes and nothing is ever decided from it. What is stored is
//! the SHA-256 of the whole text; the text itself exists in one reply and nowhere else.

use std::fmt;

use rand::CryptoRng;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const RANDOM_BYTES: usize = 20;
const CHECKSUM_LEN: usize = 8;
/// Hex digits at the end of every credential: 40 of chance and 8 of checksum.
pub const SECRET_LEN: usize = RANDOM_BYTES * 2 + CHECKSUM_LEN;
/// Most characters of each of the two words of a label.
pub const LABEL_WORD_MAX_LEN: usize = 16;
/// Most characters of any credential; longer text is refused before it is looked at.
pub const BEARER_MAX_LEN: usize = 4 + 2 * LABEL_WORD_MAX_LEN + 2 + SECRET_LEN;

/// Which credential a text claims to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// What an editor presents to the gateway.
    Workspace,
    /// What the command line and scripts present to the admin API.
    AccountKey,
    /// The end of an invitation's link; it is used once.
    JoinLink,
    /// The end of a link that signs in; it is used once.
    SignInLink,
    /// What a browser holds while somebody is signed in.
    Session,
    /// What a browser holds so that a form is known to come from a page of ours.
    FormSeed,
}

impl TokenKind {
    /// Every kind.
    const ALL: [Self; 6] =
        [Self::Workspace, Self::AccountKey, Self::JoinLink, Self::SignInLink, Self::Session, Self::FormSeed];

    /// The text every credential of this kind begins with.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Workspace => "mwt_",
            Self::AccountKey => "ak_",
            Self::JoinLink => "jl_",
            Self::SignInLink => "sl_",
            Self::Session => "ses_",
            Self::FormSeed => "fs_",
        }
    }
}

/// A credential in the clear. Neither `Debug` nor serialization shows it; the memory is wiped on drop.
#[derive(Clone)]
pub struct RawToken(SecretString);

impl RawToken {
    /// Makes a new credential from the generator's bytes.
    ///
    /// *Shape*: `label` is the result of [`label`]; empty means none.
    pub fn generate(kind: TokenKind, label: &str, rng: &mut dyn CryptoRng) -> Self {
        let mut random = [0u8; RANDOM_BYTES];
        rng.fill_bytes(&mut random);
        let mut text = String::with_capacity(BEARER_MAX_LEN);
        text.push_str(kind.prefix());
        if !label.is_empty() {
            text.push_str(label);
            text.push('_');
        }
        push_hex(&mut text, &random);
        let checksum = crc32fast::hash(text.as_bytes());
        push_hex(&mut text, &checksum.to_be_bytes());
        Self(text.into())
    }

    /// Reads a credential of `kind`: prefix, alphabet, length and checksum are checked.
    ///
    /// `None` means that no gateway ever issued this text.
    #[must_use]
    pub fn parse(kind: TokenKind, text: &str) -> Option<Self> {
        is_well_formed(kind, text).then(|| Self(text.to_owned().into()))
    }

    /// The SHA-256 of the whole text.
    #[must_use]
    pub fn digest(&self) -> TokenDigest {
        TokenDigest::of(self.0.expose_secret())
    }

    /// The text itself. For the one reply that shows it, and for what a person typed to be sent on.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for RawToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RawToken(…)")
    }
}

/// Tells whether a text is a credential of `kind`, from its shape and checksum alone.
#[must_use]
pub fn is_well_formed(kind: TokenKind, text: &str) -> bool {
    let Some(rest) = text.strip_prefix(kind.prefix()) else { return false };
    if text.len() > BEARER_MAX_LEN || rest.len() < SECRET_LEN || !rest.is_ascii() {
        return false;
    }
    let (label, secret) = rest.split_at(rest.len() - SECRET_LEN);
    let label_fits = label.is_empty()
        || label.strip_suffix('_').is_some_and(|words| !words.is_empty() && words.bytes().all(is_label_byte));
    if !label_fits || !secret.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
        return false;
    }
    let (checked, checksum) = text.split_at(text.len() - CHECKSUM_LEN);
    u32::from_str_radix(checksum, 16) == Ok(crc32fast::hash(checked.as_bytes()))
}

/// Tells whether a credential of any kind stands somewhere in a text.
///
/// *Shape*: a short text, such as a name; the time it takes grows with the square of its length.
#[must_use]
pub fn stands_in(text: &str) -> bool {
    TokenKind::ALL.into_iter().any(|kind| {
        let shortest = kind.prefix().len() + SECRET_LEN;
        text.match_indices(kind.prefix()).any(|(start, _)| {
            let mut ends = start + shortest..=text.len().min(start + BEARER_MAX_LEN);
            ends.any(|end| text.get(start..end).is_some_and(|part| is_well_formed(kind, part)))
        })
    })
}

fn is_label_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'
}

/// The label of a name: its first word, then the first word inside brackets.
///
/// ASCII letters and digits only, lower-cased, at most 16 characters each: `Alice Chen (new laptop)`
/// gives `alice_new`, `李雷` gives nothing.
#[must_use]
pub fn label(name: &str) -> String {
    let (outside, inside) = name.split_once('(').unwrap_or((name, ""));
    let words = [label_word(outside), label_word(inside)];
    words.iter().filter(|word| !word.is_empty()).cloned().collect::<Vec<_>>().join("_")
}

fn label_word(text: &str) -> String {
    let first = text.split_whitespace().next().unwrap_or("");
    let usable = first.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase());
    usable.take(LABEL_WORD_MAX_LEN).collect()
}

/// The SHA-256 of a credential: what is stored and looked up. Equality takes constant time.
#[derive(Clone, Copy, Eq)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// Digests the text of a credential.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// Takes a digest back from where it was stored; `None` unless it has 32 bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Reads 64 hex digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        let mut bytes = [0u8; 32];
        for (place, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *place = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// 64 hex digits.
    #[must_use]
    pub fn to_hex(&self) -> String {
        let mut text = String::with_capacity(64);
        push_hex(&mut text, &self.0);
        text
    }
}

impl PartialEq for TokenDigest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// The first eight bytes are enough: what digests anything else comes out with others.
impl std::hash::Hash for TokenDigest {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        state.write_u64(u64::from_ne_bytes([a, b, c, d, e, f, g, h]));
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest(…)")
    }
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    #[test]
    fn labels_follow_the_name() {
        for (name, expected) in [
            ("Alice Chen", "alice"),
            ("Alice Chen (new laptop)", "alice_new"),
            ("CI Bot", "ci"),
            ("Łukasz", "ukasz"),
            ("李雷", ""),
            ("Contractor: Jane Doe", "contractor"),
            ("(new) Alice", "new"),
            ("Abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnop"),
        ] {
            assert_eq!(label(name), expected, "{name}");
        }
    }

    #[test]
    fn a_token_has_the_label_and_forty_eight_hex_digits() {
        let token = RawToken::generate(TokenKind::Workspace, "alice", &mut StdRng::seed_from_u64(7));
        let secret = token.expose().strip_prefix("mwt_alice_").expect("prefix and label");
        assert_eq!(secret.len(), 48);
        assert!(is_well_formed(TokenKind::Workspace, token.expose()));
        assert!(!is_well_formed(TokenKind::AccountKey, token.expose()));
        assert_eq!(format!("{token:?} {:?}", token.digest()), "RawToken(…) TokenDigest(…)");
    }

    #[test]
    fn a_changed_character_is_noticed_without_a_database() {
        let token = RawToken::generate(TokenKind::Workspace, "", &mut StdRng::seed_from_u64(7));
        let text = token.expose();
        for place in 4..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[place] = if bytes[place] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(!is_well_formed(TokenKind::Workspace, &changed), "{place}");
        }
    }

    proptest! {
        #[test]
        fn every_generated_token_is_read_back(name in ".{0,40}", seed in any::<u64>()) {
            let token = RawToken::generate(TokenKind::Workspace, &label(&name), &mut StdRng::seed_from_u64(seed));
            prop_assert!(token.expose().len() <= BEARER_MAX_LEN);
            let read = RawToken::parse(TokenKind::Workspace, token.expose());
            prop_assert_eq!(read.map(|token| token.digest()), Some(token.digest()));
            prop_assert_eq!(TokenDigest::from_hex(&token.digest().to_hex()), Some(token.digest()));
        }

        #[test]
        fn no_other_text_is_taken_for_a_token(text in ".{0,120}") {
            prop_assert!(!is_well_formed(TokenKind::Workspace, &text));
        }
    }
}
