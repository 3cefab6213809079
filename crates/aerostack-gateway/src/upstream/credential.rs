//! What the gateway proves itself with to one installed server: the opened secrets of that install and
//! the headers they become. Beside the vault, and whoever sets a secret, nothing sees a plaintext.
//!
//! A credential never leaves its client. Its headers are marked sensitive, it is not shown by `Debug`,
//! and what a server says of it is masked (`mask`) before anybody reads it.

use std::fmt;
use std::sync::Arc;

use aerostack_core::secret::{Carriage, SealedSecret, SecretName, SecretValue};
use aerostack_core::server::{Auth, Server};
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use crate::vault::Vault;

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
pub(super) mod tests {
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

    /// What a server that takes headers is sent: these values by their names.
    pub(crate) fn holding(values: &[(&str, &str)]) -> Credential {
        let secrets: Vec<_> = values.iter().map(|(name, value)| secret(name, value, 1)).collect();
        Credential::open(&vault(), &server("headers", ADDRESS), &secrets)
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
}
