//! `stdio-example`: a scripted MCP server on standard input and output, for stories about programs. What it
//! receives it writes into a journal, one line each, with its process number in front.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, Write};
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use serde_json::{Value, json};

/// A scripted MCP server on standard input and output.
#[derive(Parser)]
struct Args {
    /// Which revisions it speaks.
    #[arg(long, value_enum, default_value = "dual")]
    era: Era,
    /// What it does about a first message that it does not know.
    #[arg(long, value_enum, default_value = "refuses")]
    unknown: Unknown,
    /// Where it writes what it receives.
    #[arg(long)]
    journal: Option<PathBuf>,
    /// Has a prompt and a resource, too.
    #[arg(long)]
    more: bool,
    /// Writes lines to its output that are no messages.
    #[arg(long)]
    noise: bool,
    /// Goes on after its input was closed.
    #[arg(long)]
    stubborn: bool,
    /// Starts another program, which stays.
    #[arg(long)]
    helper: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Era {
    Legacy,
    Modern,
    Dual,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Unknown {
    Refuses,
    Exits,
    Ignores,
}

/// What is kept between messages.
struct Server {
    args: Args,
    journal: Option<File>,
    is_initialized: bool,
    has_changed: bool,
    calls: u64,
    eaten: Vec<Vec<u8>>,
    /// The call that waits for the answer to a question.
    asking: Option<Value>,
    /// Resources that a legacy client wants to be told of.
    subscribed: BTreeSet<String>,
    /// The same of a modern client, under the request it asked in.
    listening: Vec<(Value, Value)>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let journal = match &args.journal {
        Some(path) => Some(OpenOptions::new().create(true).append(true).open(path)?),
        None => None,
    };
    if args.helper {
        std::process::Command::new("sleep").arg("600").spawn()?;
    }
    if args.noise {
        say("Welcome to the example!\n\n{\"not\": \"a message\"}");
    }
    eprintln!("stdio-example is ready");
    let is_stubborn = args.stubborn;
    let mut server = Server {
        args,
        journal,
        is_initialized: false,
        has_changed: false,
        calls: 0,
        eaten: Vec::new(),
        asking: None,
        subscribed: BTreeSet::new(),
        listening: Vec::new(),
    };
    server.note("started");
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        server.note(&line);
        server.receive(&line);
    }
    server.note("input closed");
    if is_stubborn {
        loop {
            std::thread::park();
        }
    }
    Ok(())
}

/// Writes lines to the output.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    // Whoever reads may be gone.
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

impl Server {
    fn note(&mut self, line: &str) {
        if let Some(journal) = &mut self.journal {
            let _ = journal.write_all(format!("{} {line}\n", std::process::id()).as_bytes());
        }
    }

    fn receive(&mut self, line: &str) {
        let message: Value = serde_json::from_str(line).unwrap_or_default();
        let (method, id) = (message["method"].as_str().unwrap_or_default(), message["id"].clone());
        let is_modern = message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"].is_string();
        match method {
            "" if message["id"] == "question" => self.answered(&message),
            "" => {}
            "initialize" if self.args.era != Era::Modern => {
                self.is_initialized = true;
                let about = json!({
                    "protocolVersion": "2025-06-18",
                    "capabilities": self.capabilities(),
                    "serverInfo": { "name": "stdio-example", "version": "1" },
                });
                respond(&id, &about);
            }
            "server/discover" if self.args.era != Era::Legacy => respond(&id, &self.discovered()),
            "subscriptions/listen" if self.args.era != Era::Legacy => {
                self.listening
                    .push((id, message["params"]["notifications"]["resourceSubscriptions"].clone()));
                say(&json!({ "jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged" })
                    .to_string());
            }
            "tools/list" if self.is_initialized || is_modern => self.list(&id),
            "tools/call" if self.is_initialized || is_modern => self.call(&id, &message["params"], line),
            "notifications/cancelled" => {
                self.listening.retain(|(listen, _)| *listen != message["params"]["requestId"]);
            }
            _ if id.is_null() => {}
            _ if self.args.more && (self.is_initialized || is_modern) => {
                self.more(&id, method, &message["params"]);
            }
            _ => self.unknown(&id),
        }
    }

    /// What there is beside tools.
    fn more(&mut self, id: &Value, method: &str, params: &Value) {
        let uri = params["uri"].as_str().unwrap_or_default().to_owned();
        let result = match method {
            "prompts/list" => json!({ "prompts": [{ "name": "greet" }] }),
            "prompts/get" => {
                json!({ "messages": [{ "role": "user", "content": { "type": "text", "text": "Say hello." } }] })
            }
            "resources/list" => json!({ "resources": [{ "uri": "file:///desk", "name": "desk" }] }),
            "resources/templates/list" => json!({ "resourceTemplates": [] }),
            "resources/read" => json!({ "contents": [{ "uri": uri, "text": "tidy" }] }),
            "resources/subscribe" if self.is_initialized => {
                self.subscribed.insert(uri);
                json!({})
            }
            "resources/unsubscribe" if self.is_initialized => {
                self.subscribed.remove(&uri);
                json!({})
            }
            _ => return self.unknown(id),
        };
        respond(id, &result);
    }

    /// Tells whoever wants to know that a resource was updated.
    fn touch(&self, uri: &str) {
        let tell = |params: Value| {
            let method = "notifications/resources/updated";
            say(&json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string());
        };
        if self.subscribed.contains(uri) {
            tell(json!({ "uri": uri, "revision": 2.5 }));
        }
        for (listen, _) in self.listening.iter().filter(|(_, uris)| names(uris, uri)) {
            let meta = json!({ "io.modelcontextprotocol/subscriptionId": listen });
            tell(json!({ "uri": uri, "revision": 2.5, "_meta": meta }));
        }
    }

    fn capabilities(&self) -> Value {
        let mut capabilities = json!({ "tools": { "listChanged": true } });
        if self.args.more {
            capabilities["prompts"] = json!({});
            capabilities["resources"] = json!({ "subscribe": true });
        }
        capabilities
    }

    fn discovered(&self) -> Value {
        json!({
            "resultType": "complete",
            "supportedVersions": ["2026-07-28"],
            "capabilities": self.capabilities(),
            "ttlMs": 0,
            "cacheScope": "private",
            "_meta": { "io.modelcontextprotocol/serverInfo": { "name": "stdio-example", "version": "1" } },
        })
    }

    fn unknown(&self, id: &Value) {
        match self.args.unknown {
            Unknown::Refuses => fail(id, -32_601, "Method not found"),
            Unknown::Exits => {
                eprintln!("expected initialize");
                std::process::exit(3);
            }
            Unknown::Ignores => {}
        }
    }

    fn list(&self, id: &Value) {
        let names = [
            "announce",
            "ask",
            "big",
            "crash",
            "cwd",
            "eat",
            "echo",
            "env",
            "environment",
            "files",
            "hold",
            "pid",
            "progress",
            "raw",
            "say",
            "touch",
        ];
        let changed = self.has_changed.then_some("changed");
        let tools: Vec<Value> = names
            .into_iter()
            .chain(changed)
            .map(|name| json!({ "name": name, "inputSchema": { "type": "object" } }))
            .collect();
        respond(id, &json!({ "tools": tools }));
    }

    fn call(&mut self, id: &Value, params: &Value, line: &str) {
        self.calls += 1;
        let arguments = &params["arguments"];
        let text = |name: &str| arguments[name].as_str().unwrap_or_default().to_owned();
        let number =
            |name: &str| usize::try_from(arguments[name].as_u64().unwrap_or_default()).unwrap_or_default();
        let answer = match params["name"].as_str().unwrap_or_default() {
            "echo" => text("text"),
            "pid" => std::process::id().to_string(),
            "env" => std::env::var(text("name")).unwrap_or_else(|_| "(unset)".to_owned()),
            "environment" => {
                let mut names: Vec<String> = std::env::vars().map(|(name, _)| name).collect();
                names.sort();
                names.join(" ")
            }
            "cwd" => std::env::current_dir().map(|path| path.display().to_string()).unwrap_or_default(),
            "files" => std::fs::read_to_string("/proc/self/limits").unwrap_or_default(),
            "big" => "x".repeat(number("bytes")),
            "eat" => {
                // Written to, so that it is resident.
                self.eaten.push(vec![1; number("mib") << 20]);
                std::thread::park();
                String::new()
            }
            "say" => {
                eprintln!("{}", text("line"));
                "said".to_owned()
            }
            "touch" => {
                self.touch(&text("uri"));
                "touched".to_owned()
            }
            "crash" => {
                eprintln!("{}", text("line"));
                std::process::exit(7);
            }
            "hold" => return,
            "raw" => return respond_raw(id, line),
            "announce" => {
                self.has_changed = true;
                say(&json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" }).to_string());
                "announced".to_owned()
            }
            "progress" => {
                for step in 1..=3 {
                    let params =
                        json!({ "progressToken": params["_meta"]["progressToken"], "progress": step });
                    say(&json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params })
                        .to_string());
                }
                "done".to_owned()
            }
            "ask" => {
                self.asking = Some(id.clone());
                let method = text("method");
                return say(&json!({ "jsonrpc": "2.0", "id": "question", "method": method }).to_string());
            }
            _ => return fail(id, -32_602, "Unknown tool"),
        };
        respond(id, &json!({ "content": [{ "type": "text", "text": answer }] }));
    }

    fn answered(&mut self, message: &Value) {
        if let Some(id) = self.asking.take() {
            let text =
                message.get("result").or(message.get("error")).map(ToString::to_string).unwrap_or_default();
            respond(&id, &json!({ "content": [{ "type": "text", "text": text }] }));
        }
    }
}

fn names(uris: &Value, uri: &str) -> bool {
    uris.as_array().is_some_and(|uris| uris.iter().any(|named| named == uri))
}

fn respond(id: &Value, result: &Value) {
    say(&json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string());
}

/// A response with fields, numbers and blanks that a program which reads and writes anew would lose; and the
/// request as it came.
fn respond_raw(id: &Value, line: &str) {
    let text = Value::from(line);
    say(&format!(
        r#"{{ "jsonrpc":"2.0",  "id":{id}, "result":{{"content":[{{"type":"text","text":{text},"odd":2.50}}],"big":12345678901234567890123,"resultType":"complete"}} , "extra":[1 ,2]}}"#
    ));
}

fn fail(id: &Value, code: i64, message: &str) {
    say(&json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } }).to_string());
}
