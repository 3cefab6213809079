//! What kind of server to start, as data.

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::{Value, json};

use super::prompt::Prompt;
use super::resource::Resource;
use super::server::Upstream;
use super::task;
use super::tool::Tool;

/// Which revisions a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    /// Streamable HTTP up to 2025-11-25.
    Legacy,
    /// 2026-07-28 only.
    Modern,
    /// Both, decided by each request's body.
    Dual,
    /// HTTP+SSE of 2024-11-05: GET opens the stream, POST is refused at that address.
    OldSse,
}

/// How requests are answered where a revision leaves the choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// `application/json`, but an event stream where there is progress to tell.
    Json,
    /// Always an event stream.
    Stream,
}

/// Whether a legacy server issues session ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sessions {
    /// Yes, and asks for them.
    Issued,
    /// No: every request stands alone.
    None,
}

/// A server to be started.
#[derive(Clone, Debug)]
pub struct Setup {
    pub(super) era: Era,
    pub(super) answers: Answers,
    pub(super) sessions: Sessions,
    pub(super) page_len: usize,
    pub(super) tools: Vec<Tool>,
    pub(super) prompts: Vec<Prompt>,
    pub(super) resources: Vec<Resource>,
    pub(super) has_logging: bool,
    pub(super) has_tasks: bool,
    pub(super) asks_beside: bool,
    pub(super) bearer: Option<String>,
    pub(super) name: String,
    pub(super) instructions: Option<String>,
}

impl Setup {
    /// A server of an era with the example tools (`echo`, `add`, `slow`, `fail`, `big`), JSON
    /// answers, sessions where the era has them, and all tools on one page.
    #[must_use]
    pub fn new(era: Era) -> Self {
        Self {
            era,
            answers: Answers::Json,
            sessions: Sessions::Issued,
            page_len: usize::MAX,
            tools: Tool::examples(),
            prompts: Vec::new(),
            resources: Vec::new(),
            has_logging: false,
            has_tasks: false,
            asks_beside: false,
            bearer: None,
            name: "mcp-example".to_owned(),
            instructions: None,
        }
    }

    /// Streamable HTTP up to 2025-11-25.
    #[must_use]
    pub fn legacy() -> Self {
        Self::new(Era::Legacy)
    }

    /// 2026-07-28 only.
    #[must_use]
    pub fn modern() -> Self {
        Self::new(Era::Modern)
    }

    /// Both eras at one address.
    #[must_use]
    pub fn dual() -> Self {
        Self::new(Era::Dual)
    }

    /// HTTP+SSE of 2024-11-05.
    #[must_use]
    pub fn old_sse() -> Self {
        Self::new(Era::OldSse)
    }

    /// Chooses how requests are answered.
    #[must_use]
    pub fn answers(self, answers: Answers) -> Self {
        Self { answers, ..self }
    }

    /// Chooses whether a legacy server issues session ids.
    #[must_use]
    pub fn sessions(self, sessions: Sessions) -> Self {
        Self { sessions, ..self }
    }

    /// Lists at most `page_len` definitions at once, at least one.
    #[must_use]
    pub fn page_len(self, page_len: usize) -> Self {
        Self { page_len: page_len.max(1), ..self }
    }

    /// Offers these tools instead of the examples.
    #[must_use]
    pub fn tools(self, tools: impl IntoIterator<Item = Tool>) -> Self {
        Self { tools: tools.into_iter().collect(), ..self }
    }

    /// Offers these prompts, and completes their arguments. Without any it declares none.
    #[must_use]
    pub fn prompts(self, prompts: impl IntoIterator<Item = Prompt>) -> Self {
        Self { prompts: prompts.into_iter().collect(), ..self }
    }

    /// Offers these resources and templates. Without any it declares none.
    #[must_use]
    pub fn resources(self, resources: impl IntoIterator<Item = Resource>) -> Self {
        Self { resources: resources.into_iter().collect(), ..self }
    }

    /// Declares that it sends log messages.
    #[must_use]
    pub fn logging(self) -> Self {
        Self { has_logging: true, ..self }
    }

    /// Makes tasks of calls where its era lets it.
    #[must_use]
    pub fn tasks(self) -> Self {
        Self { has_tasks: true, ..self }
    }

    /// Asks on the stream of notices of a session in place of the call's, as many legacy servers do.
    #[must_use]
    pub fn asking_beside(self) -> Self {
        Self { asks_beside: true, ..self }
    }

    /// What it declares in a handshake.
    pub(super) fn capabilities(&self) -> Value {
        let mut declared = json!({ "tools": { "listChanged": true } });
        if !self.prompts.is_empty() {
            declared["prompts"] = json!({ "listChanged": true });
            declared["completions"] = json!({});
        }
        if !self.resources.is_empty() {
            declared["resources"] = json!({ "listChanged": true, "subscribe": true });
        }
        if self.has_logging {
            declared["logging"] = json!({});
        }
        if self.has_tasks {
            declared["tasks"] = json!({ "list": {}, "cancel": {}, "requests": { "tools": { "call": {} } } });
            declared["extensions"] = json!({ (task::EXTENSION): {} });
        }
        declared
    }

    /// Answers 401 to whoever does not present this bearer.
    #[must_use]
    pub fn bearer(self, text: impl Into<String>) -> Self {
        Self { bearer: Some(text.into()), ..self }
    }

    /// Calls itself so in `serverInfo`.
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// Hands these instructions to clients.
    #[must_use]
    pub fn instructions(self, text: impl Into<String>) -> Self {
        Self { instructions: Some(text.into()), ..self }
    }

    /// Starts it on any free loopback port.
    ///
    /// # Panics
    /// When no port can be had.
    pub async fn start(self) -> Upstream {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        self.start_at(address).await.expect("a free loopback port")
    }

    /// Brings it back where another one was, whose address may not be free at once.
    pub async fn back_at(self, address: SocketAddr) -> Upstream {
        loop {
            match self.clone().start_at(address).await {
                Ok(upstream) => return upstream,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    }

    /// Starts it at an address, as one does to bring a server back where it was.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start_at(self, address: SocketAddr) -> std::io::Result<Upstream> {
        Upstream::start(self, address).await
    }
}
