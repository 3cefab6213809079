//! What the gateway proves itself with to one installed server: the opened secrets of that install and
//! the headers they become. Beside the vault, and whoever sets a secret, nothing sees a plaintext.
//!
//! A credential never leaves its client. Its headers are marked sensitive, it is not shown by `Debug`,
//! and what a server says of it is masked before anybody reads it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use aerostack_core::secret::{Carriage, SealedSecret, SecretName, SecretValue};
use aerostack_core::server::{Auth, Server};
use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use zeroize::Zeroizing;

use super::message::{Message, Outcome};
use super::target::Listing;
use crate::vault::Vault;

/// What stands in the place of a secret in a server's words.
const MASK: &str = "[secret]";
/// Shortest value that is masked in errors: shorter ones stand in any text by chance.
const MASKED_IN_ERRORS_MIN_BYTES: usize = 4;
/// Shortest value that is masked in tool definitions, which models have to read.
const MASKED_IN_LISTS_MIN_BYTES: usize = 8;

/// How JSON may write a character otherwise than as itself, where it could.
const ESCAPES: [&str; 2] = ["\\u", "\\/"];

/// What is sent to one server, and nobody else.
#[derive(Clone, Default)]
pub struct Credential(Option<Arc<Parts>>);

struct Parts {
    /// Which values these are; equal for no others.
    revision: Revision,
    values: Vec<(SecretName, SecretValue)>,
    headers: HeaderMap,
    /// Why nothing may be sent without it: what the server needs is not there.
    lacking: Option<String>,
}

/// How they are sent, and each secret's name and revision.
#[derive(Clone, PartialEq, Eq)]
struct Revision {
    auth: Auth,
    secrets: Vec<(SecretName, i64)>,
    address: String,
    can_be_opened: bool,
}

impl Credential {
    /// Nothing: the server is asked as a stranger would.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Opens the secrets of one install, and makes of them what its server is sent.
    ///
    /// A value that was given for another address stays closed: whoever moved the server is not sent it.
    #[must_use]
    pub fn open<'a>(
        vault: &Vault,
        server: &Server,
        secrets: impl IntoIterator<Item = &'a SealedSecret>,
    ) -> Self {
        let sealed: Vec<&SealedSecret> = secrets.into_iter().collect();
        if server.auth == Auth::None && sealed.is_empty() {
            return Self::none();
        }
        let mut parts = Parts {
            revision: Revision {
                auth: server.auth.clone(),
                secrets: sealed.iter().map(|one| (one.place.name.clone(), one.revision)).collect(),
                address: server.url.as_str().to_owned(),
                can_be_opened: vault.fits(),
            },
            values: Vec::with_capacity(sealed.len()),
            headers: HeaderMap::new(),
            lacking: None,
        };
        for secret in &sealed {
            let name = &secret.place.name;
            let carriage = server.auth.carriage(name);
            let opened = if secret.place.address == server.url.as_str() {
                vault.open_secret(secret).ok_or("cannot be opened: the master key is missing or another one")
            } else {
                Err("was set for another address of this server; set it again")
            };
            match opened {
                Ok(value) => parts.take(name, value, carriage),
                Err(why) if carriage.is_some() => parts.lacking = Some(format!("the secret {name} {why}")),
                Err(_) => {}
            }
        }
        if let Auth::Bearer(name) = &server.auth
            && !sealed.iter().any(|secret| secret.place.name == *name)
        {
            parts.lacking = Some(format!("the secret {name} is not set"));
        }
        Self(Some(Arc::new(parts)))
    }

    /// Puts what is sent among a request's headers; nothing else of these names stays there.
    ///
    /// # Errors
    /// Why nothing may be sent: a secret that the server needs is not there.
    pub(super) fn apply(&self, headers: &mut HeaderMap) -> Result<(), String> {
        let Some(parts) = &self.0 else { return Ok(()) };
        if let Some(lacking) = &parts.lacking {
            return Err(lacking.clone());
        }
        for (name, value) in &parts.headers {
            headers.insert(name, value.clone());
        }
        Ok(())
    }

    /// Tells whether nothing is lacking.
    ///
    /// # Errors
    /// As `apply`.
    pub(super) fn complete(&self) -> Result<(), String> {
        self.0.as_ref().and_then(|parts| parts.lacking.clone()).map_or(Ok(()), Err)
    }

    /// The opened secrets of the install, by name, for servers that take them in a body.
    pub fn values(&self) -> impl Iterator<Item = (&SecretName, &SecretValue)> {
        self.0.iter().flat_map(|parts| &parts.values).map(|(name, value)| (name, value))
    }

    /// A server's words without the secrets in them.
    pub(super) fn mask(&self, text: String) -> String {
        match self.masked(&text, MASKED_IN_ERRORS_MIN_BYTES) {
            Cow::Borrowed(_) => text,
            Cow::Owned(masked) => masked,
        }
    }

    /// A listing without the secrets in it: it is kept, and shown to models.
    pub(super) fn mask_listing(&self, listing: &mut Listing) {
        let Listing { tools, instructions, server_name, .. } = listing;
        for tool in tools {
            if let Some(masked) = self.masked_json(tool, MASKED_IN_LISTS_MIN_BYTES) {
                *tool = masked;
            }
        }
        for text in instructions.iter_mut().chain(server_name) {
            if let Cow::Owned(masked) = self.masked(text, MASKED_IN_LISTS_MIN_BYTES) {
                *text = masked;
            }
        }
    }

    /// A whole message as callers may read it: an error that repeats a secret is masked. Results pass
    /// as they are: a server that wants to give its secret away cannot be kept from it.
    pub(super) fn mask_error(&self, message: Bytes) -> Bytes {
        let Ok(text) = std::str::from_utf8(&message) else { return message };
        let Some(masked) = self.masked_json(text, MASKED_IN_ERRORS_MIN_BYTES) else { return message };
        match Message::read(&message) {
            Some(Message::Response { outcome: Outcome::Error(_), .. }) => masked.into(),
            _ => message,
        }
    }

    /// JSON without the secrets in its texts, however these are written there; `None` if there are none.
    /// Numbers and the form of the document are left alone: it stays what it was.
    fn masked_json(&self, json: &str, min_bytes: usize) -> Option<String> {
        let as_written = self.masked(json, min_bytes);
        if matches!(as_written, Cow::Borrowed(_)) && !ESCAPES.iter().any(|escape| json.contains(escape)) {
            return None;
        }
        match serde_json::from_str::<Value>(json) {
            Ok(mut value) => self.mask_texts(&mut value, min_bytes).then(|| value.to_string()),
            // Nested so deeply that it is not read: nobody else will read it either.
            Err(_) => matches!(as_written, Cow::Owned(_)).then(|| as_written.into_owned()),
        }
    }

    /// Masks every text of a value; tells whether there was anything to mask.
    fn mask_texts(&self, value: &mut Value, min_bytes: usize) -> bool {
        let mut any = false;
        match value {
            Value::String(text) => {
                if let Cow::Owned(masked) = self.masked(text, min_bytes) {
                    (*text, any) = (masked, true);
                }
            }
            Value::Array(items) => {
                for item in items {
                    any |= self.mask_texts(item, min_bytes);
                }
            }
            Value::Object(fields) => {
                for (name, mut field) in std::mem::take(fields) {
                    any |= self.mask_texts(&mut field, min_bytes);
                    let masked = self.masked(&name, min_bytes);
                    any |= matches!(masked, Cow::Owned(_));
                    fields.insert(masked.into_owned(), field);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        any
    }

    fn masked<'a>(&self, text: &'a str, min_bytes: usize) -> Cow<'a, str> {
        let mut masked = Cow::Borrowed(text);
        for (_, value) in self.values().filter(|(_, value)| value.expose().len() >= min_bytes) {
            let in_json = Zeroizing::new(serde_json::to_string(value.expose()).unwrap_or_default());
            let in_json = in_json.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
            // Of one with several lines, each may stand alone.
            let lines = value.expose().lines().map(str::trim).filter(|line| line.len() >= min_bytes);
            for form in [Some(value.expose()), in_json].into_iter().flatten().chain(lines) {
                if masked.contains(form) {
                    masked = Cow::Owned(masked.replace(form, MASK));
                }
            }
        }
        masked
    }
}

impl Parts {
    fn take(&mut self, name: &SecretName, value: SecretValue, carriage: Option<Carriage>) {
        let in_header = carriage.filter(|carriage| carriage.is_header());
        match in_header.map(|carriage| header(carriage, name, &value)) {
            None => {}
            Some(Some((header, value))) => {
                self.headers.insert(header, value);
            }
            Some(None) => self.lacking = Some(format!("the secret {name} cannot be sent in a header")),
        }
        self.values.push((name.clone(), value));
    }
}

/// A secret as a header; `None` if its value was not made for one.
fn header(carriage: Carriage, name: &SecretName, value: &SecretValue) -> Option<(HeaderName, HeaderValue)> {
    value.check_header().ok()?;
    let (name, text) = match carriage {
        Carriage::Bearer => (AUTHORIZATION, Zeroizing::new(format!("Bearer {}", value.expose()))),
        Carriage::Header => (name.header().parse().ok()?, Zeroizing::new(value.expose().to_owned())),
        Carriage::Body | Carriage::Environment => return None,
    };
    let mut value = HeaderValue::from_bytes(text.as_bytes()).ok()?;
    value.set_sensitive(true);
    Some((name, value))
}

impl PartialEq for Credential {
    fn eq(&self, other: &Self) -> bool {
        let revision = |credential: &Self| credential.0.as_ref().map(|parts| parts.revision.clone());
        revision(self) == revision(other)
    }
}

impl Eq for Credential {}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.values().map(|(name, _)| name.as_str())).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aerostack_core::id::{AccountId, InstallId, ServerId, WorkspaceId};
    use aerostack_core::secret::SecretPlace;
    use aerostack_core::server::{SessionMode, parse_url};
    use aerostack_core::slug::Slug;
    use aerostack_core::time::Timestamp;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    const NOW: Timestamp = Timestamp::from_millis(1);
    const ADDRESS: &str = "https://mcp.example.com/mcp";

    fn vault() -> Vault {
        Vault::new(&[1; 32])
    }

    fn server(auth: &str, address: &str) -> Server {
        Server {
            id: ServerId::from_stored("srv_1".to_owned()),
            owner: AccountId::from_stored("acc_1".to_owned()),
            slug: Slug::parse("github").unwrap(),
            url: parse_url(address).unwrap(),
            stdio: None,
            auth: auth.parse().unwrap(),
            session: SessionMode::PerCaller,
            timeout: None,
            trusted: false,
            created_at: NOW,
        }
    }

    fn secret(name: &str, value: &str, revision: i64) -> SealedSecret {
        let place = SecretPlace {
            workspace: WorkspaceId::from_stored("ws_1".to_owned()),
            install: InstallId::from_stored("ins_1".to_owned()),
            address: ADDRESS.to_owned(),
            name: SecretName::normalise(name).unwrap(),
        };
        let value = SecretValue::new(value.to_owned()).unwrap();
        let sealed = vault().seal_secret(&place, &value, &mut StdRng::seed_from_u64(1)).unwrap();
        SealedSecret {
            place,
            key_id: vault().id().to_owned(),
            sealed,
            revision,
            created_at: NOW,
            updated_at: NOW,
        }
    }

    /// What a server is sent, or why nothing.
    fn sent(credential: &Credential) -> Result<Vec<String>, String> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer of-a-stranger"));
        headers.remove(AUTHORIZATION);
        credential.apply(&mut headers)?;
        assert!(headers.values().all(HeaderValue::is_sensitive));
        let mut lines: Vec<String> =
            headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        lines.sort();
        Ok(lines)
    }

    #[test]
    fn a_server_is_sent_its_bearer_or_all_its_headers_and_nothing_else() {
        let secrets = [secret("GITHUB_TOKEN", "ghp_value", 1), secret("ORG", "acme", 2)];
        let sent = |auth: &str| sent(&Credential::open(&vault(), &server(auth, ADDRESS), &secrets)).unwrap();
        assert_eq!(sent("bearer:GITHUB_TOKEN"), ["authorization: Bearer ghp_value"]);
        assert_eq!(sent("headers"), ["x-mcp-secret-github-token: ghp_value", "x-mcp-secret-org: acme"]);
        assert_eq!(sent("none"), [""; 0]);
    }

    #[test]
    fn without_the_secret_a_server_needs_nothing_is_sent() {
        let lacks = |vault: &Vault, auth: &str, address: &str, secrets: &[SealedSecret]| {
            sent(&Credential::open(vault, &server(auth, address), secrets)).unwrap_err()
        };
        let held = [secret("KEY", "ghp_value", 1)];
        assert_eq!(lacks(&vault(), "bearer:KEY", ADDRESS, &[]), "the secret KEY is not set");
        let moved = "the secret KEY was set for another address of this server; set it again";
        for address in
            ["https://evil.example.com/mcp", "https://mcp.example.com/mcp/2", "http://mcp.example.com/mcp"]
        {
            assert_eq!(lacks(&vault(), "bearer:KEY", address, &held), moved);
            assert_eq!(lacks(&vault(), "headers", address, &held), moved);
        }
        let locked = "the secret KEY cannot be opened: the master key is missing or another one";
        assert_eq!(lacks(&Vault::new(&[2; 32]), "headers", ADDRESS, &held), locked);
        let lines = [secret("KEY", "two\nlines", 1)];
        assert_eq!(lacks(&vault(), "headers", ADDRESS, &lines), "the secret KEY cannot be sent in a header");
    }

    #[test]
    fn another_revision_is_another_credential() {
        let open = |auth: &str, secrets: &[SealedSecret]| {
            Credential::open(&vault(), &server(auth, ADDRESS), secrets)
        };
        let first = open("headers", &[secret("KEY", "one", 1)]);
        assert_eq!(first, open("headers", &[secret("KEY", "one", 1)]));
        for other in [
            open("headers", &[secret("KEY", "two", 2)]),
            open("headers", &[]),
            open("bearer:KEY", &[secret("KEY", "one", 1)]),
            Credential::none(),
        ] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn what_a_server_says_of_its_secrets_is_masked() {
        let quoted = "gh\"p\\value";
        let secrets = [secret("KEY", quoted, 1), secret("SHORT", "abc", 2)];
        let credential = Credential::open(&vault(), &server("headers", ADDRESS), &secrets);
        assert_eq!(credential.mask(format!("bad token {quoted} abc")), "bad token [secret] abc");
        let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"bad gh\"p\\value"}}"#;
        let masked = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"bad [secret]"}}"#;
        assert_eq!(credential.mask_error(Bytes::from(error)), masked);
        let result = r#"{"jsonrpc":"2.0","id":1,"result":{"x":"gh\"p\\value"}}"#;
        assert_eq!(credential.mask_error(Bytes::from(result)), result);
        let lines =
            Credential::open(&vault(), &server("none", ADDRESS), &[secret("KEY", "first line\nsecond", 1)]);
        assert_eq!(lines.mask("it reads: second".to_owned()), "it reads: [secret]");
        assert_eq!(format!("{credential:?}"), r#"["KEY", "SHORT"]"#);
    }

    #[test]
    fn what_is_masked_in_a_message_leaves_it_a_message() {
        let masked = |value: &str, error: &str| {
            let secrets = [secret("KEY", value, 1)];
            let credential = Credential::open(&vault(), &server("headers", ADDRESS), &secrets);
            let message =
                format!(r#"{{"jsonrpc":"2.0","id":1234,"error":{{"code":-32000,"message":{error}}}}}"#);
            let masked = credential.mask_error(Bytes::from(message));
            let masked: serde_json::Value = serde_json::from_slice(&masked).unwrap();
            assert_eq!(masked["id"], 1234);
            masked["error"]["message"].as_str().unwrap().to_owned()
        };
        assert_eq!(masked("quoted\"", r#""bad quoted\" x""#), "bad [secret] x");
        assert_eq!(masked("quoted\\", r#""bad quoted\" x""#), "bad quoted\" x");
        assert_eq!(masked("1234", r#""bad 1234""#), "bad [secret]");
        assert_eq!(masked("ghp_value", r#""bad \u0067hp_v\u0061lue""#), "bad [secret]");
    }
}
