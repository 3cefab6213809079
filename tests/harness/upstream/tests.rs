//! The fixture's own promises: each era as its clients know it; in `script`, what tests make it do.

use serde_json::{Value, json};

use super::{Sessions, Setup, Tool, Upstream};

mod script;

/// A plain HTTP client: a client with TLS would ask for a provider of cryptography.
async fn post(
    upstream: &Upstream,
    headers: &[(&str, &str)],
    body: &Value,
) -> reqwest::Result<reqwest::Response> {
    let mut request = client().post(upstream.url()).body(body.to_string());
    request = request.header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

fn request(method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })
}

fn call(name: &str, arguments: Value) -> Value {
    request("tools/call", json!({ "name": name, "arguments": arguments }))
}

fn modern(method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {}
    });
    request(method, params)
}

async fn json_of(answer: reqwest::Result<reqwest::Response>) -> Value {
    serde_json::from_str(&answer.unwrap().text().await.unwrap()).unwrap()
}

/// A legacy server without sessions: the shortest way to a call.
async fn plain() -> Upstream {
    Setup::legacy().sessions(Sessions::None).start().await
}

#[tokio::test]
async fn a_legacy_session_is_issued_demanded_and_ended() {
    let upstream = Setup::legacy().start().await;
    let hello = post(&upstream, &[], &request("initialize", json!({ "protocolVersion": "2025-06-18" })))
        .await
        .unwrap();
    let session = hello.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    let version: Value = serde_json::from_str(&hello.text().await.unwrap()).unwrap();
    assert_eq!(version["result"]["protocolVersion"], "2025-06-18");

    let list = request("tools/list", json!({}));
    assert_eq!(post(&upstream, &[], &list).await.unwrap().status(), 400);
    assert_eq!(post(&upstream, &[("mcp-session-id", "other")], &list).await.unwrap().status(), 404);
    let with_session = [("mcp-session-id", session.as_str())];
    assert_eq!(
        json_of(post(&upstream, &with_session, &list).await).await["result"]["tools"][0]["name"],
        "echo"
    );

    let deleted = client().delete(upstream.url()).header("mcp-session-id", &session).send().await.unwrap();
    assert_eq!(deleted.status(), 200);
    assert_eq!(post(&upstream, &with_session, &list).await.unwrap().status(), 404);
    let counts = upstream.sessions();
    assert_eq!((counts.opened, counts.closed, counts.open), (1, 1, 0));
}

#[tokio::test]
async fn example_tools_answer() {
    let upstream = plain().await;
    let sum = json_of(post(&upstream, &[], &call("add", json!({ "a": 2, "b": 40 }))).await).await;
    assert_eq!(sum["result"]["structuredContent"], json!({ "sum": 42 }));
    let echo = json_of(post(&upstream, &[], &call("echo", json!({ "text": "hi" }))).await).await;
    assert_eq!(echo["result"]["content"][0]["text"], "hi");
    let fail = json_of(post(&upstream, &[], &call("fail", json!({}))).await).await;
    assert_eq!(fail["result"]["isError"], true);
    let big = json_of(post(&upstream, &[], &call("big", json!({ "kib": 3 }))).await).await;
    assert_eq!(big["result"]["content"][0]["text"].as_str().unwrap().len(), 3 * 1_024);
    let unknown = json_of(post(&upstream, &[], &call("nothing", json!({}))).await).await;
    assert_eq!(unknown["error"]["code"], -32602);
}

#[tokio::test]
async fn progress_is_told_on_a_stream_before_the_result() {
    let upstream = plain().await;
    let arguments = json!({ "steps": 3, "pause_ms": 1 });
    let slow = request(
        "tools/call",
        json!({ "name": "slow", "arguments": arguments, "_meta": { "progressToken": "p" } }),
    );
    let answer = post(&upstream, &[], &slow).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let text = answer.text().await.unwrap();
    let events: Vec<&str> = text.split("\n\n").filter(|event| !event.is_empty()).collect();
    assert_eq!(events.len(), 4, "{text}");
    assert!(events[2].contains(r#""progress":3"#) && events[2].contains(r#""progressToken":"p""#));
    assert!(events[3].contains("done after 3 steps"));
}

#[tokio::test]
async fn lists_come_in_pages() {
    let upstream = Setup::legacy().sessions(Sessions::None).page_len(2).start().await;
    let mut names = Vec::new();
    let mut cursor = Value::Null;
    for _ in 0..3 {
        let params = if cursor.is_null() { json!({}) } else { json!({ "cursor": cursor }) };
        let page = json_of(post(&upstream, &[], &request("tools/list", params)).await).await;
        names.extend(page["result"]["tools"].as_array().unwrap().iter().map(|tool| tool["name"].clone()));
        cursor = page["result"]["nextCursor"].clone();
    }
    assert!(cursor.is_null());
    assert_eq!(names, ["echo", "add", "slow", "fail", "big"]);
}

#[tokio::test]
async fn a_modern_server_checks_headers_against_the_body() {
    let upstream = Setup::modern().start().await;
    let discover = modern("server/discover", json!({}));
    let right = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "server/discover")];
    let found = json_of(post(&upstream, &right, &discover).await).await;
    assert_eq!(found["result"]["supportedVersions"], json!(["2026-07-28"]));
    assert_eq!(found["result"]["resultType"], "complete");

    let wrong = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/list")];
    let refused = post(&upstream, &wrong, &discover).await.unwrap();
    assert_eq!(refused.status(), 400);
    assert_eq!(json_of(Ok(refused)).await["error"]["code"], -32020);
    let older = request("initialize", json!({ "protocolVersion": "2025-11-25" }));
    assert_eq!(json_of(post(&upstream, &[], &older).await).await["error"]["code"], -32602);
}

#[tokio::test]
async fn changes_of_the_tools_are_told_in_every_era() {
    for (setup, headers) in [
        (Setup::legacy(), vec![]),
        (
            Setup::modern(),
            vec![("mcp-protocol-version", "2026-07-28"), ("mcp-method", "subscriptions/listen")],
        ),
        (Setup::old_sse(), vec![]),
    ] {
        let upstream = setup.clone().start().await;
        let mut stream = if headers.is_empty() {
            let mut get = client().get(upstream.url()).header("accept", "text/event-stream");
            if let Ok(hello) = post(&upstream, &[], &request("initialize", json!({}))).await
                && let Some(id) = hello.headers().get("mcp-session-id")
            {
                get = get.header("mcp-session-id", id);
            }
            get.send().await.unwrap()
        } else {
            let filter = json!({ "notifications": { "toolsListChanged": true } });
            post(&upstream, &headers, &modern("subscriptions/listen", filter)).await.unwrap()
        };
        upstream.until("the stream is open", |seen| seen.open_streams() == 1).await;
        upstream.set_tools([Tool::echo()]);
        let mut text = String::new();
        while !text.contains("notifications/tools/list_changed") {
            let chunk = stream.chunk().await.unwrap().expect("the stream stays open");
            text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        drop(stream);
        upstream.until("the stream is closed", |seen| seen.open_streams() == 0).await;
    }
}

#[tokio::test]
async fn the_old_transport_answers_on_its_stream() {
    let upstream = Setup::old_sse().start().await;
    assert_eq!(post(&upstream, &[], &request("initialize", json!({}))).await.unwrap().status(), 405);
    let mut stream = client().get(upstream.url()).send().await.unwrap();
    let first = String::from_utf8(stream.chunk().await.unwrap().unwrap().to_vec()).unwrap();
    let path = first.strip_prefix("event: endpoint\ndata: ").unwrap().trim().to_owned();
    let address = format!("http://{}{path}", upstream.address());
    let accepted =
        client().post(address).body(call("echo", json!({ "text": "over there" })).to_string()).send().await;
    assert_eq!(accepted.unwrap().status(), 202);
    let second = String::from_utf8(stream.chunk().await.unwrap().unwrap().to_vec()).unwrap();
    assert!(second.starts_with("event: message\ndata: ") && second.contains("over there"), "{second}");
    drop(stream);
    upstream.until("the session has ended", |seen| seen.sessions().open == 0).await;
}
