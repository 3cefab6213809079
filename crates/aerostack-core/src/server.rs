//! MCP servers: in the catalogue of an account, and installed into workspaces.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

use crate::id::{AccountId, InstallId, ServerId, SkillVersionId, WorkspaceId};
use crate::secret::{Carriage, SecretName};
use crate::slug::Slug;
use crate::stdio::StdioCommand;
use crate::time::Timestamp;

/// Most bytes of a server's address.
pub const URL_MAX_LEN: usize = 2_048;
/// Most servers installed into one workspace.
pub const INSTALLS_MAX: u32 = 100;
/// Most servers in the catalogue of one account.
pub const CATALOGUE_MAX: u32 = 1_000;
/// Shortest idle limit of a call.
pub const TIMEOUT_MIN: Duration = Duration::from_secs(1);
/// Longest idle limit of a call.
pub const TIMEOUT_MAX: Duration = Duration::from_secs(3_600);

/// Whose session an upstream that issues sessions sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SessionMode {
    /// One per caller: nobody drives another's browser tab.
    #[default]
    PerCaller,
    /// One for everybody in the workspace.
    Shared,
}

impl SessionMode {
    /// The word used on the wire and in the database.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::PerCaller => "per-caller",
            Self::Shared => "shared",
        }
    }
}

/// A word that names no session mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected per-caller or shared")]
pub struct SessionModeError;

impl std::str::FromStr for SessionMode {
    type Err = SessionModeError;

    fn from_str(text: &str) -> Result<Self, SessionModeError> {
        [Self::PerCaller, Self::Shared].into_iter().find(|mode| mode.word() == text).ok_or(SessionModeError)
    }
}

/// How the gateway proves itself to a server. One string on the wire: `none`, `bearer:KEY`, `headers`, and
/// for programs `environment`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    /// It does not.
    #[default]
    None,
    /// With one secret, as `Authorization: Bearer <value>`, and with nothing else.
    Bearer(SecretName),
    /// With every secret of the install, each in a header of its own.
    Headers,
    /// With every secret of the install, in the body of each call: so functions take them, and nothing else.
    /// It is no word that can be chosen.
    Body,
    /// With every secret of the install, each a variable of its environment: so programs take them, and nothing
    /// else.
    Environment,
}

impl Auth {
    /// How a secret of this name is sent; `None` if it is not.
    #[must_use]
    pub fn carriage(&self, name: &SecretName) -> Option<Carriage> {
        match self {
            Self::None => None,
            Self::Bearer(key) => (key == name).then_some(Carriage::Bearer),
            Self::Headers => Some(Carriage::Header),
            Self::Body => Some(Carriage::Body),
            Self::Environment => Some(Carriage::Environment),
        }
    }
}

impl fmt::Display for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Bearer(key) => write!(f, "bearer:{key}"),
            Self::Headers => f.write_str("headers"),
            Self::Body => f.write_str("body"),
            Self::Environment => f.write_str("environment"),
        }
    }
}

/// A word that names no way to authenticate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected none, bearer:KEY (KEY is the name of a secret) or headers")]
pub struct AuthError;

impl std::str::FromStr for Auth {
    type Err = AuthError;

    fn from_str(text: &str) -> Result<Self, AuthError> {
        match text.split_once(':') {
            Some(("bearer", key)) => SecretName::normalise(key).map(Self::Bearer).map_err(|_| AuthError),
            None if text == "none" => Ok(Self::None),
            None if text == "headers" => Ok(Self::Headers),
            None if text == "environment" => Ok(Self::Environment),
            _ => Err(AuthError),
        }
    }
}

impl Serialize for Auth {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Auth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not quoted: somebody may have put the value itself in the place of its name.
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Why an address cannot be a server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerUrlError {
    /// It is no URL, or has no host.
    #[error("expected an address such as https://mcp.example.com/mcp")]
    Unreadable,
    /// It is not HTTP.
    #[error("a server's address begins with http:// or https://")]
    Scheme,
    /// It carries a user name or password, which would end in lists and logs.
    #[error("a server's address holds no user name or password")]
    Credentials,
    /// It is too long.
    #[error("a server's address has at most {URL_MAX_LEN} bytes")]
    TooLong,
}

/// Reads the address of a server: `http` or `https`, no credentials; a fragment is dropped.
///
/// # Errors
/// [`ServerUrlError`] otherwise.
pub fn parse_url(text: &str) -> Result<Url, ServerUrlError> {
    if text.len() > URL_MAX_LEN {
        return Err(ServerUrlError::TooLong);
    }
    let mut url = Url::parse(text.trim()).map_err(|_| ServerUrlError::Unreadable)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(ServerUrlError::Scheme);
    }
    if !url.has_host() {
        return Err(ServerUrlError::Unreadable);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(ServerUrlError::Credentials);
    }
    url.set_fragment(None);
    Ok(url)
}

/// A server in the catalogue of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its identifier.
    pub id: ServerId,
    /// The account whose catalogue it stands in.
    pub owner: AccountId,
    /// Its name in the catalogue; unique there.
    pub slug: Slug,
    /// Where it is; of a program, [`StdioCommand::address`].
    pub url: Url,
    /// What is run, if it is a program.
    pub stdio: Option<StdioCommand>,
    /// How the gateway proves itself to it.
    pub auth: Auth,
    /// Whose session it sees.
    pub session: SessionMode,
    /// Idle limit of a call; else the gateway's setting.
    pub timeout: Option<Duration>,
    /// Whether an operator gave its address: such a one may lie in a private network.
    pub trusted: bool,
    /// When it was added.
    pub created_at: Timestamp,
}

/// What was installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A server of a catalogue.
    Server(ServerId),
    /// One version of a skill.
    Skill(SkillVersionId),
}

/// A server or a skill installed into a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Install {
    /// Its identifier.
    pub id: InstallId,
    /// The workspace.
    pub workspace: WorkspaceId,
    /// What it is.
    pub source: Source,
    /// Its name in this workspace, which prefixes its tools; the server's own unless `--as` said otherwise.
    pub slug: Slug,
    /// Whether it is switched on.
    pub enabled: bool,
    /// Whether the right to it has ended: it is a skill that the workspace's owner may not use any more.
    pub withdrawn: bool,
    /// Tools switched off one by one, by the upstream's own names, sorted.
    pub disabled_tools: Vec<String>,
    /// When it was installed; the order in which name collisions are numbered.
    pub created_at: Timestamp,
}

impl Install {
    /// Tells whether it offers anything: it is switched on, and the right to it holds.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.enabled && !self.withdrawn
    }

    /// Tells whether one tool, by the upstream's own name, is listed and may be called.
    ///
    /// The one decision for list and call.
    #[must_use]
    pub fn offers(&self, tool: &str) -> bool {
        self.is_active() && self.disabled_tools.binary_search_by(|name| name.as_str().cmp(tool)).is_err()
    }

    /// Offers from now on only what the other, a later state of the same install, offers as well.
    pub fn hold_back(&mut self, other: &Self) {
        self.enabled &= other.enabled;
        self.withdrawn |= other.withdrawn;
        self.disabled_tools.extend_from_slice(&other.disabled_tools);
        self.disabled_tools.sort_unstable();
        self.disabled_tools.dedup();
    }
}

/// A reference to a server: `name`, `user/name` or `@user/name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Whose catalogue; none is the workspace owner's.
    pub username: Option<Slug>,
    /// The name in the catalogue.
    pub name: Slug,
}

/// A text that is no reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected name, user/name or @user/name")]
pub struct ReferenceError;

impl std::str::FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let parse = |text| Slug::parse(text).map_err(|_| ReferenceError);
        let rest = text.strip_prefix('@');
        match rest.unwrap_or(text).split_once('/') {
            Some((username, name)) => Ok(Self { username: Some(parse(username)?), name: parse(name)? }),
            None if rest.is_some() => Err(ReferenceError),
            None => Ok(Self { username: None, name: parse(text)? }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_http_without_credentials() {
        assert_eq!(parse_url("https://x.test/mcp#top").unwrap().as_str(), "https://x.test/mcp");
        assert_eq!(parse_url("ftp://x.test/"), Err(ServerUrlError::Scheme));
        assert_eq!(parse_url("https://me:pw@x.test/"), Err(ServerUrlError::Credentials));
        assert_eq!(parse_url("mcp"), Err(ServerUrlError::Unreadable));
        assert_eq!(parse_url(&format!("http://x.test/{}", "a".repeat(3_000))), Err(ServerUrlError::TooLong));
    }

    #[test]
    fn a_way_to_authenticate_reads_and_prints_the_same() {
        for text in ["none", "bearer:GITHUB_TOKEN", "headers", "environment"] {
            let auth: Auth = text.parse().unwrap();
            assert_eq!(auth.to_string(), text);
            assert_eq!(serde_json::from_value::<Auth>(serde_json::to_value(&auth).unwrap()).unwrap(), auth);
        }
        assert_eq!("bearer:github-token".parse(), Ok("bearer:GITHUB_TOKEN".parse::<Auth>().unwrap()));
        for bad in ["", "bearer", "bearer:", "Bearer:X", "basic:X", "headers:X", "none:", "body"] {
            assert_eq!(bad.parse::<Auth>(), Err(AuthError), "{bad}");
        }
    }

    #[test]
    fn a_server_gets_the_secret_it_names_or_all_of_its_own_or_none() {
        let [own, other] = ["GITHUB_TOKEN", "OTHER"].map(|name| SecretName::normalise(name).unwrap());
        let bearer = Auth::Bearer(own.clone());
        assert_eq!(bearer.carriage(&own), Some(Carriage::Bearer));
        assert_eq!(bearer.carriage(&other), None);
        assert_eq!(Auth::Headers.carriage(&other), Some(Carriage::Header));
        assert_eq!(Auth::Body.carriage(&other), Some(Carriage::Body));
        assert_eq!(Auth::Environment.carriage(&other), Some(Carriage::Environment));
        assert_eq!(Auth::None.carriage(&own), None);
        assert_eq!(Carriage::Bearer.line(&own), "Authorization: Bearer …");
        assert_eq!(Carriage::Header.line(&own), "X-Mcp-Secret-GITHUB-TOKEN: …");
    }

    #[test]
    fn references_name_a_catalogue_or_leave_it_open() {
        let read = |text: &str| {
            text.parse::<Reference>().map(|r| (r.username.map(|u| u.to_string()), r.name.to_string()))
        };
        assert_eq!(read("github"), Ok((None, "github".to_owned())));
        assert_eq!(read("acme/github"), Ok((Some("acme".to_owned()), "github".to_owned())));
        assert_eq!(read("@acme/github"), read("acme/github"));
        for bad in ["@github", "a/b/c", "", "Git Hub"] {
            assert_eq!(read(bad), Err(ReferenceError), "{bad}");
        }
    }
}
