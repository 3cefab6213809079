//! `upstream`: an MCP server that answers as fast as it can. It speaks the legacy era and keeps no
//! session, whatever the path; what it says is put together from texts made beforehand.

use std::rc::Rc;

use anyhow::Result;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::net::{TcpListener, TcpStream};

use crate::wire::Wire;

/// Letters of a big answer that are written at once.
static PIECE: [u8; 64 * 1_024] = [b'x'; 64 * 1_024];
const PROTOCOL: &str = "2025-06-18";
const METHOD_NOT_FOUND: &str = r#""error":{"code":-32601,"message":"Method not found"}"#;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Tools to list; the first two are echo and big
    #[arg(long, default_value_t = 2)]
    tools: usize,
}

/// What is answered to everybody alike.
struct Canned {
    initialize: String,
    tools: String,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    method: &'a str,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Call<'a> {
    name: &'a str,
    #[serde(borrow)]
    arguments: Arguments<'a>,
}

#[derive(Deserialize)]
struct Arguments<'a> {
    /// Of echo: what is said back, as it stands.
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    /// Of big: letters of the answer.
    bytes: Option<usize>,
}

/// What becomes of a message.
enum Reply {
    Accepted,
    Whole(String),
    Big { before: String, letters: usize, after: &'static str },
    Refused(&'static str),
}

/// Serves until the process ends.
pub(crate) async fn serve(args: Args) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    accept(listener, args.tools).await
}

/// Serves at a port that is open.
pub(crate) async fn accept(listener: TcpListener, tools: usize) -> Result<()> {
    let canned = Rc::new(canned(tools));
    loop {
        let (stream, _) = listener.accept().await?;
        let canned = Rc::clone(&canned);
        tokio::task::spawn_local(async move {
            // A caller that hangs up counts its errors itself.
            let _ = converse(stream, &canned).await;
        });
    }
}

fn canned(tools: usize) -> Canned {
    let definition = |name: &str| {
        json!({
            "name": name,
            "description": format!("What {name} does, told in a sentence or two, as servers do for models that choose."),
            "inputSchema": {
                "type": "object",
                "properties": {
                    "text": { "type": "string", "description": "What is said." },
                    "bytes": { "type": "integer", "minimum": 0, "description": "How much is said." },
                },
            },
        })
    };
    let others = (2..tools).map(|number| definition(&format!("tool-{number:02}")));
    let tools: Vec<_> = ["echo", "big"].into_iter().map(definition).chain(others).collect();
    let capabilities = json!({ "tools": {} });
    let info = json!({ "name": "bench", "version": "1" });
    let initialize = json!({ "protocolVersion": PROTOCOL, "capabilities": capabilities, "serverInfo": info });
    Canned { initialize: initialize.to_string(), tools: json!({ "tools": tools }).to_string() }
}

async fn converse(stream: TcpStream, canned: &Canned) -> Result<()> {
    let mut wire = Wire::new(stream)?;
    let (mut body, mut out) = (Vec::new(), Vec::new());
    while let Some(head) = wire.head().await? {
        body.clear();
        wire.body(&head, |piece| body.extend_from_slice(piece)).await?;
        let reply = serde_json::from_slice::<Message<'_>>(&body)
            .map_or(Reply::Refused("405 Method Not Allowed"), |message| answer(&message, canned));
        out.clear();
        match reply {
            Reply::Refused(status) => {
                out.extend_from_slice(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes());
            }
            Reply::Accepted => out.extend_from_slice(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"),
            Reply::Whole(text) => {
                out.extend_from_slice(ok(text.len()).as_bytes());
                out.extend_from_slice(text.as_bytes());
            }
            Reply::Big { before, letters, after } => {
                out.extend_from_slice(ok(before.len() + letters + after.len()).as_bytes());
                out.extend_from_slice(before.as_bytes());
                wire.write(&out).await?;
                let mut left = letters;
                while left > 0 {
                    let piece = left.min(PIECE.len());
                    wire.write(&PIECE[..piece]).await?;
                    left -= piece;
                }
                out.clear();
                out.extend_from_slice(after.as_bytes());
            }
        }
        wire.write(&out).await?;
    }
    Ok(())
}

fn ok(length: usize) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n")
}

fn answer(message: &Message<'_>, canned: &Canned) -> Reply {
    let Some(id) = message.id else { return Reply::Accepted };
    let whole = |outcome: &str| Reply::Whole(format!(r#"{{"jsonrpc":"2.0","id":{id},{outcome}}}"#));
    let result = |result: &str| whole(&format!(r#""result":{result}"#));
    match message.method {
        "tools/call" => called(message, id)
            .unwrap_or_else(|| whole(r#""error":{"code":-32602,"message":"There is no such tool"}"#)),
        "tools/list" => result(&canned.tools),
        "initialize" => result(&canned.initialize),
        "ping" => result("{}"),
        _ => whole(METHOD_NOT_FOUND),
    }
}

fn called(message: &Message<'_>, id: &RawValue) -> Option<Reply> {
    let call: Call<'_> = serde_json::from_str(message.params?.get()).ok()?;
    let before = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[{{"type":"text","text":"#);
    match call.name.rsplit("__").next()? {
        "echo" => {
            let text = call.arguments.text?.get();
            Some(Reply::Whole(format!(r#"{before}{text}}}],"isError":false}}}}"#)))
        }
        "big" => {
            let letters = call.arguments.bytes?;
            Some(Reply::Big { before: format!("{before}\""), letters, after: "\"}],\"isError\":false}}" })
        }
        _ => None,
    }
}
