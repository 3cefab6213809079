//! What the floor above hands down: where a server is, who calls, what is to be sent.

use std::sync::Arc;
use std::time::Duration;

use aerostack_core::capability::Capabilities;
use aerostack_core::client_capability::ClientCapabilities;
use aerostack_core::id::{InstallId, TokenId};
use aerostack_core::manifest::ManifestTool;
use aerostack_core::server::SessionMode;
use aerostack_core::stdio::StdioCommand;
use bytes::Bytes;
use http::HeaderMap;
use url::Url;

use super::credential::Credential;
use super::left_out::LeftOut;
use crate::http::budget::Room;

/// An installed server: everything a client of it needs. Equal targets share one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The install.
    pub install: InstallId,
    /// Its name in the workspace, for messages.
    pub slug: String,
    /// Where it is.
    pub url: Url,
    /// Whose session it sees.
    pub session: SessionMode,
    /// Time without a byte after which a call is given up.
    pub idle_timeout: Duration,
    /// Whether it is an operator's: then it may be on loopback and in private networks.
    pub trusted: bool,
    /// What is run, if the server is a program.
    pub stdio: Option<StdioCommand>,
    /// The tools of a function; without it, an MCP server stands there.
    pub function: Option<Vec<ManifestTool>>,
    /// What it is sent as proof. Another value is another target, so that nothing goes on under the old.
    pub credential: Credential,
}

/// Which family of protocol revisions a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    /// 2025-11-25 and older: `initialize`, perhaps a session.
    Legacy,
    /// 2026-07-28 and newer: every request stands alone.
    Modern,
}

/// Who calls: upstreams that issue sessions get one for each.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Caller {
    /// The gateway itself, for lists.
    Gateway,
    /// The holder of a workspace token.
    Token(TokenId),
    /// The same, where it can be asked something: legacy servers see a session of its own.
    Own(Own),
}

/// A caller that can be asked something.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Own {
    /// Its token.
    pub token: TokenId,
    /// Its session with the gateway; modern callers have none.
    pub session: Option<Arc<str>>,
    /// What it can be asked for.
    pub capabilities: ClientCapabilities,
}

impl Caller {
    /// What servers are told that it can be asked for.
    #[must_use]
    pub fn capabilities(&self) -> ClientCapabilities {
        match self {
            Self::Own(own) => own.capabilities,
            Self::Gateway | Self::Token(_) => ClientCapabilities::default(),
        }
    }

    /// The same as somebody who cannot be asked anything.
    #[must_use]
    pub fn unasked(&self) -> Self {
        match self {
            Self::Own(own) => Self::Token(own.token.clone()),
            Self::Gateway | Self::Token(_) => self.clone(),
        }
    }
}

/// A request on its way to a server. The floor above writes it, once the era and the id are known.
pub trait Outgoing: Send + Sync {
    /// The JSON-RPC message for a server of `era` with `id` as its id. Where the caller asked for
    /// progress, its progress token is replaced by `id` as well.
    fn body(&self, era: Era, id: u64) -> Bytes;

    /// Headers to send along: protocol headers that depend on the message (`Mcp-Method`, `Mcp-Name`,
    /// `Mcp-Param-*` towards modern servers) and trace context. Version, session, content type and
    /// `Accept` are the client's own business.
    fn headers(&self, era: Era) -> HeaderMap;

    /// Asked immediately before anything is written to the server; `false` sends nothing and gives
    /// [`UpstreamError::AccessEnded`](super::UpstreamError::AccessEnded).
    fn may_be_sent(&self) -> bool;

    /// Where what is gathered for the caller is counted.
    fn room(&self) -> Room<'_>;

    /// The least level of log messages that a legacy server is to send, if the caller said so.
    fn log_level(&self) -> Option<&'static str> {
        None
    }

    /// Whether it repeats something that only a modern server can have answered before. A legacy one is not
    /// sent it.
    fn is_repeat(&self) -> bool {
        false
    }

    /// Asked when the caller stops waiting before an answer began: whether a legacy server is told,
    /// which otherwise goes on. Modern servers always notice. By default they are not told.
    fn cancel_on_drop(&self) -> bool {
        false
    }
}

/// What a server says of itself and offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Its tool definitions that clients can be given, each a JSON object as the server wrote it, in
    /// the server's order.
    pub tools: Vec<String>,
    /// Its prompts in the same way, or why they are not known.
    pub prompts: Result<Vec<String>, String>,
    /// Its resources.
    pub resources: Result<Vec<String>, String>,
    /// Its resource templates.
    pub templates: Result<Vec<String>, String>,
    /// What it has beside tools.
    pub capabilities: Capabilities,
    /// What no client can be given.
    pub left_out: LeftOut,
    /// Its instructions to models.
    pub instructions: Option<String>,
    /// What it calls itself.
    pub server_name: Option<String>,
    /// The protocol revision spoken with it.
    pub protocol_version: String,
    /// How it was reached: `modern`, `streamable-http`, `http+sse`, `stdio`, or `function`.
    pub transport: &'static str,
    /// Whether it announces changes of its lists.
    pub announces_changes: bool,
}

impl Listing {
    /// Of something that has these tools and nothing else.
    #[must_use]
    pub fn of_tools(tools: Vec<String>, transport: &'static str) -> Self {
        Self {
            tools,
            prompts: Ok(Vec::new()),
            resources: Ok(Vec::new()),
            templates: Ok(Vec::new()),
            capabilities: Capabilities::default(),
            left_out: LeftOut::default(),
            instructions: None,
            server_name: None,
            protocol_version: String::new(),
            transport,
            announces_changes: false,
        }
    }

    /// The size of all definitions.
    #[must_use]
    pub fn len_bytes(&self) -> usize {
        let more = [&self.prompts, &self.resources, &self.templates];
        let more = more.into_iter().filter_map(|listed| listed.as_ref().ok());
        more.chain([&self.tools]).flatten().map(String::len).sum()
    }
}
