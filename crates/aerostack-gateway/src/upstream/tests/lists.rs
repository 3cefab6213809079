//! Listing a server's tools.

use aerostack_core::capability::Capabilities;

use super::super::testing::{Answer, Seen, Server, json, status, target};
use super::super::{LeftOut, Listing, UpstreamError, Upstreams};
use super::plays::{client, config, modern, sessionless, with_sessions};
use crate::definition::{Kind, Unfit};

fn bad(reason: &str) -> Result<Listing, UpstreamError> {
    Err(UpstreamError::BadAnswer(reason.into()))
}

fn tool(name: &str) -> String {
    format!(r#"{{"name":"{name}","inputSchema":{{"type":"object"}}}}"#)
}

/// What is left out of [`pages`].
fn left_out() -> LeftOut {
    let mut left_out = LeftOut::default();
    left_out.add(Kind::Tool, None, Unfit::NoName);
    left_out.add(Kind::Tool, None, Unfit::Malformed);
    left_out.add(Kind::Tool, Some("odd"), Unfit::InputSchema);
    left_out.add(Kind::Tool, Some("none"), Unfit::InputSchema);
    left_out
}

fn pages(seen: &Seen) -> Answer {
    match seen.body["params"]["cursor"].as_str() {
        None => json(seen.result(
            r#"{"tools":[{"name":"b",  "x":2.50,"inputSchema":{"type":"object"}},{"title":"nameless"},7,
                    {"name":"odd"},{"name":"none","inputSchema":null}],"nextCursor":"2"}"#,
        )),
        Some("2") => json(seen.result(&format!(r#"{{"tools":[{}],"nextCursor":"3"}}"#, tool("a")))),
        Some(_) => json(seen.result(r#"{"tools":[]}"#)),
    }
}

#[tokio::test]
async fn a_modern_list_follows_its_pages_and_keeps_every_byte() {
    let server = Server::start(modern(pages)).await;
    let listing = client(&server).list().await.unwrap();
    let expected = Listing {
        prompts: Ok(Vec::new()),
        resources: Ok(Vec::new()),
        templates: Ok(Vec::new()),
        capabilities: Capabilities::default(),
        tools: vec![r#"{"name":"b",  "x":2.50,"inputSchema":{"type":"object"}}"#.into(), tool("a")],
        left_out: left_out(),
        instructions: Some("be kind".into()),
        server_name: Some("gw".into()),
        protocol_version: "2026-07-28".into(),
        transport: "modern",
        announces_changes: true,
    };
    assert_eq!(listing, expected);
    let page = server.saw("POST tools/list", 2).await;
    assert_eq!(
        (page.header("mcp-method"), page.header("mcp-protocol-version")),
        ("tools/list", "2026-07-28")
    );
    assert_eq!(page.body["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
}

#[tokio::test]
async fn a_legacy_list_says_what_the_server_said_of_itself() {
    let server = Server::start(with_sessions(pages)).await;
    let client = client(&server);
    let listing = client.list().await.unwrap();
    let expected = Listing {
        prompts: Ok(Vec::new()),
        resources: Ok(Vec::new()),
        templates: Ok(Vec::new()),
        capabilities: Capabilities::default(),
        tools: vec![r#"{"name":"b",  "x":2.50,"inputSchema":{"type":"object"}}"#.into(), tool("a")],
        left_out: left_out(),
        instructions: Some("hi".into()),
        server_name: Some("old".into()),
        protocol_version: "2025-06-18".into(),
        transport: "streamable-http",
        announces_changes: true,
    };
    assert_eq!(listing, expected);
    client.list().await.unwrap();
    let list = server.saw("POST tools/list", 6).await;
    assert_eq!((list.header("mcp-session-id"), list.header("mcp-protocol-version")), ("s1", "2025-06-18"));
    assert!(list.body["params"].get("_meta").is_none());
}

#[tokio::test]
async fn tools_with_invalid_header_marks_are_not_listed_where_headers_are_sent() {
    let bad = r#"{"name":"bad","inputSchema":{"type":"object","x-mcp-header":"A"}}"#;
    let tools = format!(r#"{{"tools":[{bad},{}]}}"#, tool("good"));
    let answer = tools.clone();
    let server = Server::start(modern(move |seen| json(seen.result(&answer)))).await;
    let listing = client(&server).list().await.unwrap();
    assert_eq!(listing.tools, [tool("good")]);
    assert_eq!(listing.left_out.to_string(), "1 tool is left out: bad (invalid x-mcp-header annotations)");
    let server = Server::start(with_sessions(move |seen| json(seen.result(&tools)))).await;
    assert_eq!(client(&server).list().await.unwrap().tools.len(), 2);
}

#[tokio::test]
async fn a_list_without_end_is_refused() {
    let server =
        Server::start(modern(|seen| json(seen.result(r#"{"tools":[],"nextCursor":"again"}"#)))).await;
    assert_eq!(client(&server).list().await, bad("its list of tools repeats a cursor"));
    let server = Server::start(modern(|seen| {
        let id = seen.id();
        json(seen.result(&format!(r#"{{"tools":[],"nextCursor":"{id}"}}"#)))
    }))
    .await;
    let mut config = config();
    config.limits.list_timeout = std::time::Duration::from_secs(60);
    let client = Upstreams::new(&config).client(target(&server));
    assert_eq!(client.list().await, bad("its list of tools has more than 1000 pages"));
}

#[tokio::test]
async fn a_list_that_is_too_large_is_refused_in_words() {
    let tools = format!(r#"{{"tools":[{},{}]}}"#, tool("one"), tool("two"));
    let server = Server::start(modern(move |seen| json(seen.result(&tools)))).await;
    let mut config = config();
    config.limits.tools_per_install = 1;
    let client = Upstreams::new(&config).client(target(&server));
    assert_eq!(client.list().await, bad("it has more than 1 tools"));
    config.limits = crate::config::Limits { tools_per_install: 9, tool_list_bytes: 20, ..config.limits };
    let client = Upstreams::new(&config).client(target(&server));
    assert_eq!(client.list().await, bad("its tools have more than 20 bytes"));
    let huge = format!(r#"{{"tools":[{}]}}"#, tool(&"a".repeat(100_000)));
    let server = Server::start(modern(move |seen| json(seen.result(&huge)))).await;
    let client = Upstreams::new(&config).client(target(&server));
    assert_eq!(client.list().await, bad("the answer is too large"));
}

#[tokio::test]
async fn what_is_no_list_is_a_bad_answer() {
    let server = Server::start(modern(|seen| json(seen.result(r#"{"tools":7}"#)))).await;
    assert_eq!(client(&server).list().await, bad("its list of tools is malformed"));
    let server = Server::start(modern(|seen| status(404, seen.error(-32601)))).await;
    assert_eq!(client(&server).list().await, bad("error -32601: no"));
    let server = Server::start(sessionless(|_| status(405, ""), |_| status(500, ""))).await;
    assert_eq!(client(&server).list().await, bad("HTTP 500"));
}

#[tokio::test]
async fn a_stalled_list_is_given_up_within_its_own_limit() {
    let server = Server::start(modern(|_| Answer::Never)).await;
    let client = client(&server);
    let pause = async {
        server.saw("POST tools/list", 1).await;
        tokio::time::pause();
    };
    let (listed, ()) = tokio::join!(client.list(), pause);
    assert_eq!(listed, Err(UpstreamError::TimedOut("no list of tools within 5 s".into())));
}
