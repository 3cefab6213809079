//! The servers behind the gateway, as the tables call them.

use aerostack_tests::upstream::{Era, Prompt, Resource, Setup, Tool};

/// One of them.
pub(crate) struct Server {
    /// How it is installed.
    pub(crate) slug: &'static str,
    /// What it is.
    pub(crate) what: &'static str,
    /// The package it comes in, as the lists of versions name it; `None` if it is ours.
    pub(crate) package: Option<&'static str>,
    /// How the gateway reaches it.
    pub(crate) transport: &'static str,
}

const EVERYTHING: Option<&str> = Some("@modelcontextprotocol/server-everything");
const TIME: Option<&str> = Some("mcp-server-time");

impl Server {
    /// All of them, in the order of the tables.
    pub(crate) const ALL: [Self; 10] = [
        Self::new("everything", "the reference server", EVERYTHING, "Streamable HTTP"),
        Self::new("everything-sse", "the reference server", EVERYTHING, "HTTP+SSE"),
        Self::new("everything-stdio", "the reference server", EVERYTHING, "stdio"),
        Self::new("files-stdio", "files", Some("@modelcontextprotocol/server-filesystem"), "stdio"),
        Self::new("memory-stdio", "a graph of notes", Some("@modelcontextprotocol/server-memory"), "stdio"),
        Self::new("git-stdio", "a repository", Some("mcp-server-git"), "stdio"),
        Self::new("time-stdio", "the time", TIME, "stdio"),
        Self::new("time", "the time, put on HTTP by supergateway", TIME, "Streamable HTTP"),
        Self::new("example", "our example, 2026-07-28", None, "Streamable HTTP"),
        Self::new("example-legacy", "our example, 2025-11-25", None, "Streamable HTTP"),
    ];

    const fn new(
        slug: &'static str,
        what: &'static str,
        package: Option<&'static str>,
        transport: &'static str,
    ) -> Self {
        Self { slug, what, package, transport }
    }
}

/// Our own, which have something of every kind.
pub(crate) const EXAMPLES: [(&str, Era); 2] = [("example", Era::Modern), ("example-legacy", Era::Legacy)];

/// One of our own, as it is to be started.
pub(crate) fn example(slug: &str, era: Era) -> Setup {
    let uri = |rest: &str| format!("file:///{slug}/{rest}");
    let resources = [Resource::at(&uri("notes")), Resource::template(&uri("{name}/raw"))];
    let tools = [Tool::talk(), Tool::held("hold")];
    Setup::new(era)
        .tools(Tool::examples().into_iter().chain(tools))
        .prompts([Prompt::greet()])
        .resources(resources)
        .logging()
}
