//! What a page says once after a form was obeyed, on the way from the form to the page that follows.
//!
//! The text stands in a cookie, beside a digest of it, the browser's seed and its session: nobody else
//! can make a page of ours say something. It is short-lived and gone once a page was shown. A token, a
//! key or a link never travels like this: the answer to the form itself shows those.

use std::time::Duration;

use aerostack_core::api::segment;
use aerostack_core::bearer::RawToken;
use aerostack_core::text::clean_line;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Most characters of what is said.
const TEXT_MAX_CHARS: usize = 300;
/// How long it waits for a page.
pub(super) const LIFE: Duration = Duration::from_secs(60);

/// Writes what is to be said as a cookie's value.
pub(super) fn seal(text: &str, seed: &RawToken, session: Option<&RawToken>) -> String {
    let text = clean_line(text, TEXT_MAX_CHARS);
    format!("{}.{}", digest(&text, seed, session), segment::encode(&text))
}

/// Reads it, if this very browser and session were to be told.
pub(super) fn open(value: &str, seed: &RawToken, session: Option<&RawToken>) -> Option<String> {
    let (given, text) = value.split_once('.')?;
    let text = segment::decode(text)?;
    let is_ours: bool = digest(&text, seed, session).as_bytes().ct_eq(given.as_bytes()).into();
    is_ours.then_some(text)
}

fn digest(text: &str, seed: &RawToken, session: Option<&RawToken>) -> String {
    let mut digest = Sha256::new();
    for part in ["aerostack flash", seed.expose(), session.map_or("", RawToken::expose), text] {
        digest.update(part);
        digest.update(b"\0");
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aerostack_core::bearer::TokenKind;

    #[test]
    fn what_is_said_is_heard_by_its_own_browser_and_session_only() {
        let raw = |kind| RawToken::generate(kind, "", &mut rand::rng());
        let (seed, session) = (raw(TokenKind::FormSeed), raw(TokenKind::Session));
        let sealed = seal("Revoked „Łukasz <b>“.", &seed, Some(&session));
        assert!(sealed.bytes().all(|byte| byte.is_ascii_graphic() && !b";,\\\"".contains(&byte)));
        assert_eq!(open(&sealed, &seed, Some(&session)).as_deref(), Some("Revoked „Łukasz <b>“."));
        assert_eq!(open(&sealed, &seed, None), None);
        assert_eq!(open(&sealed, &raw(TokenKind::FormSeed), Some(&session)), None);
        assert_eq!(open(&sealed.replace("Revoked", "Deleted"), &seed, Some(&session)), None);
        assert_eq!(open("", &seed, None), None);
    }
}
