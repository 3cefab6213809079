//! MCP servers: the account's catalogue, installs of a workspace, and their tools.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{InstallId, ServerId};
use crate::secret::SecretName;
use crate::server::{Auth, SessionMode};
use crate::skill::Version;
use crate::slug::Slug;
use crate::stdio::StdioCommand;
use crate::time::Timestamp;

/// Adds a server to the account's catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddServerRequest {
    /// Its name in the catalogue.
    pub slug: Slug,
    /// Where it is, `http://` or `https://`. Either this or `stdio`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The program that is the server. For operators, where the gateway was started with `--allow-stdio`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdio: Option<StdioCommand>,
    /// How the gateway proves itself to it: `none`, `bearer:KEY` or `headers`. A program gets its secrets in
    /// its environment, whatever stands here.
    #[serde(default)]
    #[schema(value_type = String, pattern = "^(none|headers|environment|bearer:.+)$", example = "bearer:GITHUB_TOKEN")]
    pub auth: Auth,
    /// Whose session it sees.
    #[serde(default)]
    pub session: SessionMode,
    /// Idle limit of a call in seconds, 1 to 3,600; else the gateway's setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
}

/// Changes a server in the catalogue; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditServerRequest {
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What is run; of a program only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdio: Option<EditStdio>,
    /// How the gateway proves itself to it: `none`, `bearer:KEY` or `headers`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, pattern = "^(none|headers|environment|bearer:.+)$", example = "bearer:GITHUB_TOKEN")]
    pub auth: Option<Auth>,
    /// Whose session it sees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionMode>,
    /// Idle limit of a call in seconds; 0 goes back to the gateway's setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
}

/// Changes what is run; what is absent stays, what is there takes the whole place of what was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditStdio {
    /// The program and its arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// Plain settings, put into its environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<BTreeMap<String, String>>,
    /// The secrets that others than operators may set for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secrets: Option<Vec<SecretName>>,
}

/// A server in the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ServerView {
    /// Its identifier.
    pub id: ServerId,
    /// Its name in the catalogue.
    pub slug: Slug,
    /// Username of the account whose catalogue it stands in.
    pub owner: Slug,
    /// Where it is; of a program, `stdio:` and a digest of what is run, to which its secrets are bound.
    pub url: String,
    /// What is run, if it is a program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdio: Option<StdioCommand>,
    /// How the gateway proves itself to it: `none`, `bearer:KEY` or `headers`; to a program, `environment`.
    #[schema(value_type = String, pattern = "^(none|headers|environment|bearer:.+)$", example = "bearer:GITHUB_TOKEN")]
    pub auth: Auth,
    /// Whose session it sees.
    pub session: SessionMode,
    /// Idle limit of a call in seconds, if it has its own.
    pub timeout: Option<u64>,
    /// Slugs of the workspaces it is installed in.
    pub installed_in: Vec<Slug>,
    /// When it was added.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// What asking a server came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TestReply {
    /// Whether it answered as an MCP server.
    pub ok: bool,
    /// The protocol revision spoken with it.
    pub protocol_version: Option<String>,
    /// How it was reached: `modern`, `streamable-http`, `http+sse` or `stdio`.
    pub transport: Option<String>,
    /// What it calls itself.
    pub server_name: Option<String>,
    /// The names of its tools.
    pub tools: Vec<String>,
    /// How long connecting and listing took, in milliseconds.
    pub elapsed_ms: u64,
    /// Why it did not answer.
    pub error: Option<String>,
}

/// Installs a server into a workspace. What is installed already is a success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InstallRequest {
    /// `name`, `user/name` or `@user/name`; a name alone is of the workspace owner's catalogue.
    pub server: String,
    /// Its name in this workspace; else its own.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub alias: Option<Slug>,
}

/// What installing came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct InstalledReply {
    /// The install.
    pub install: InstallView,
    /// Whether it was there before, so that nothing was done.
    pub already_installed: bool,
    /// Why its tools are not known yet, or which of them are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

/// How an installed server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum InstallStatus {
    /// It answered when it was last asked.
    Ok,
    /// It did not; its last good tool list goes on being served.
    Failing,
    /// It has not been asked yet.
    Pending,
    /// Somebody switched it off.
    Disabled,
    /// It is a skill the workspace's owner has no right to any more: its tools are gone.
    Withdrawn,
}

impl InstallStatus {
    /// The word shown and sent.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failing => "failing",
            Self::Pending => "pending",
            Self::Disabled => "disabled",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// A server or a skill installed into a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct InstallView {
    /// Its identifier.
    pub id: InstallId,
    /// Its name in this workspace.
    pub slug: Slug,
    /// What it is, `@user/name`: a server of a catalogue or a skill.
    pub server: String,
    /// Its version, if it is a skill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub version: Option<Version>,
    /// Whether that version was yanked: it works on, and is not installed anywhere else.
    #[serde(default)]
    pub yanked: bool,
    /// How it does.
    pub status: InstallStatus,
    /// Tools that are listed.
    pub tools: u32,
    /// Prompts that are listed.
    #[serde(default)]
    pub prompts: u32,
    /// Resources and resource templates that are listed.
    #[serde(default)]
    pub resources: u32,
    /// Tools switched off one by one.
    pub disabled_tools: Vec<String>,
    /// Why it last failed; with status `ok`, what was left out of its list and why.
    pub last_error: Option<String>,
    /// When its tools were last listed.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub listed_at: Option<Timestamp>,
    /// When it was installed.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// Switches an installed server, or one of its tools, on or off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateInstallRequest {
    /// On or off.
    pub enabled: bool,
    /// One tool, by its own or its exposed name; without it the whole server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
}

/// A removed install.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Uninstalled {
    /// The name it had in the workspace.
    pub slug: Slug,
}

/// A server deleted from the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeletedServer {
    /// The name it had.
    pub slug: Slug,
}

/// One tool of a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ToolView {
    /// The name under which it is listed and called.
    pub name: String,
    /// The install it belongs to, by its slug.
    pub server: Slug,
    /// The upstream's own name.
    pub tool: String,
    /// What it does, in the upstream's words.
    pub description: Option<String>,
    /// Whether it is listed and may be called.
    pub enabled: bool,
}
