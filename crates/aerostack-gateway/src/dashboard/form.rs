//! What forms send, and how it is known that a page of ours drew them.
//!
//! A form carries a digest of a seed, which stands in a cookie of its own, and of the session. Another
//! site can neither read the page nor the cookies; and what was drawn for one session does not fit
//! another.

use std::collections::HashMap;

use aerostack_core::bearer::RawToken;
use http::header::{CONTENT_TYPE, HOST, ORIGIN};
use http::{HeaderMap, StatusCode};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use url::Url;

use super::frame::Notice;
use crate::app::App;
use crate::http::body::{self, RequestBody};

/// Largest form.
const FORM_LIMIT_BYTES: usize = 64 * 1_024;
/// Name of the field that holds the token.
const TOKEN_FIELD: &str = "form_token";

/// The fields of a form.
#[derive(Default)]
pub(super) struct Form(HashMap<String, String>);

impl Form {
    /// A field without blanks at its ends; empty if it was not sent.
    pub(super) fn field(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// A field exactly as it was sent.
    pub(super) fn raw(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// A form as if these fields had been sent.
    pub(super) fn of<const N: usize>(fields: [(&str, &str); N]) -> Self {
        Self(fields.map(|(name, text)| (name.to_owned(), text.to_owned())).into())
    }

    /// What an address says behind the question mark; what cannot be read says nothing.
    pub(super) fn of_query(text: &str) -> Self {
        serde_urlencoded::from_str(text).map(Self).unwrap_or_default()
    }

    /// Whether a page of ours drew it, in this browser and for this session.
    pub(super) fn is_ours(&self, seed: Option<&RawToken>, session: Option<&RawToken>) -> bool {
        let Some(seed) = seed else { return false };
        self.field(TOKEN_FIELD).as_bytes().ct_eq(token(seed, session).as_bytes()).into()
    }
}

/// The token of a form.
pub(super) fn token(seed: &RawToken, session: Option<&RawToken>) -> String {
    let mut digest = Sha256::new();
    digest.update(b"aerostack form\0");
    digest.update(seed.expose());
    digest.update(b"\0");
    digest.update(session.map_or("", RawToken::expose));
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads a form.
pub(super) async fn receive(app: &App, headers: &HeaderMap, body: impl RequestBody) -> Result<Form, Notice> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let unreadable = |status| Notice::new(status, "This form cannot be read", "Go back and try again.");
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return Err(unreadable(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    let bytes = body::read(body, FORM_LIMIT_BYTES, app.config.limits.body_timeout, app.budget.of_all()).await;
    let bytes = bytes.map_err(|_| unreadable(StatusCode::BAD_REQUEST))?;
    serde_urlencoded::from_bytes(&bytes).map(Form).map_err(|_| unreadable(StatusCode::BAD_REQUEST))
}

/// Whether a form comes from the very place it is sent to. Nearer than the allow-list of origins:
/// another port of this machine is another place.
pub(super) fn is_from_here(app: &App, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let Some(origin) = origin.to_str().ok().and_then(|origin| Url::parse(origin).ok()) else { return false };
    let public = app.config.public_url.as_ref().is_some_and(|url| url.origin() == origin.origin());
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let here = host.and_then(|host| Url::parse(&format!("{}://{host}", origin.scheme())).ok());
    public || here.is_some_and(|here| here.origin() == origin.origin())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aerostack_core::bearer::TokenKind;

    #[test]
    fn a_form_fits_its_own_browser_and_session_only() {
        let raw = |kind| RawToken::generate(kind, "", &mut rand::rng());
        let (seed, session) = (raw(TokenKind::FormSeed), raw(TokenKind::Session));
        let drawn = |session| Form([(TOKEN_FIELD.to_owned(), token(&seed, session))].into());
        assert!(drawn(None).is_ours(Some(&seed), None));
        assert!(drawn(Some(&session)).is_ours(Some(&seed), Some(&session)));
        assert!(!drawn(None).is_ours(Some(&seed), Some(&session)));
        assert!(!drawn(None).is_ours(Some(&raw(TokenKind::FormSeed)), None));
        assert!(!drawn(None).is_ours(None, None));
        assert!(!Form::default().is_ours(Some(&seed), None));
    }
}
