//! Requests, written once: path, token and id are the only bytes that differ, and they stand at fixed
//! places.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

/// The revision that callers of the modern era speak.
const MODERN: &str = "2026-07-28";
/// What stands in the place of the id before there is one; ids have as many digits.
const FIRST_ID: u64 = 100_000_000_000;
/// Bytes of an answer's beginning and end that are kept to be looked at.
const LOOK_BYTES: usize = 256;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Call {
    /// A tool that says back what it is told
    Echo,
    /// A tool whose answer is as big as it is told
    Big,
    /// The list of tools
    List,
}

/// How callers speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Era {
    /// As scripts and clients of revisions with a handshake do, here without one
    Legacy,
    /// Every request says who asks, in headers too
    Modern,
}

/// What a run asks for.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) call: Call,
    pub(super) era: Era,
    /// The tool, for calls of one.
    pub(super) tool: &'a str,
    /// Letters that are told, or expected.
    pub(super) letters: usize,
}

/// The request of a run.
pub(super) struct Template {
    bytes: Vec<u8>,
    callers: Vec<Caller>,
    path_at: usize,
    token_at: usize,
    id_at: usize,
    /// Bytes of the answer, at the least.
    least: usize,
}

/// Who calls, and where.
struct Caller {
    token: Vec<u8>,
    path: Vec<u8>,
}

/// What is kept of an answer.
#[derive(Default)]
pub(super) struct Answer {
    length: usize,
    beginning: Vec<u8>,
    end: Vec<u8>,
}

impl Template {
    /// *Shape*: `callers` has a token a line, and behind it, if it does not call at `path`, its own path;
    /// all of one length.
    pub(super) fn new(address: SocketAddr, path: &str, callers: &str, wanted: Wanted<'_>) -> Result<Self> {
        let callers: Vec<Caller> = callers.lines().map(|line| Caller::of(line, path)).collect();
        let first = callers.first().context("there is a token")?;
        let is_like =
            |one: &Caller| (one.token.len(), one.path.len()) == (first.token.len(), first.path.len());
        ensure!(callers.iter().all(is_like), "tokens and paths are of one length");
        let (method, headers, params) = wanted.parts();
        let params = if params.is_empty() { params } else { format!(r#","params":{{{params}}}"#) };
        let body = format!(r#"{{"jsonrpc":"2.0","id":{FIRST_ID},"method":"{method}"{params}}}"#);
        let between = format!(" HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer ");
        let after = format!(
            "\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n{headers}\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        let path_at = "POST ".len();
        let token_at = path_at + first.path.len() + between.len();
        let id_at = token_at + first.token.len() + after.len() + r#"{"jsonrpc":"2.0","id":"#.len();
        let head = [b"POST ", &first.path[..], between.as_bytes(), &first.token, after.as_bytes()];
        let bytes = [&head.concat()[..], body.as_bytes()].concat();
        Ok(Self { bytes, callers, path_at, token_at, id_at, least: wanted.letters })
    }

    /// A request of its own for one connection.
    pub(super) fn request(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    /// Writes path, token and id of the run's `number`th request into it, and gives the id.
    pub(super) fn number(&self, request: &mut [u8], number: u64) -> u64 {
        let count = u64::try_from(self.callers.len()).expect("a count of callers fits");
        let index = usize::try_from(number % count).expect("it is below the count of callers");
        let Caller { token, path } = &self.callers[index];
        request[self.path_at..self.path_at + path.len()].copy_from_slice(path);
        request[self.token_at..self.token_at + token.len()].copy_from_slice(token);
        let id = FIRST_ID + number;
        let digits = id.to_string();
        request[self.id_at..self.id_at + digits.len()].copy_from_slice(digits.as_bytes());
        id
    }

    /// Checks that an answer is the one to request `id`.
    pub(super) fn check(&self, status: &str, answer: &Answer, id: u64) -> Result<()> {
        let told = || String::from_utf8_lossy(&answer.beginning).into_owned();
        ensure!(status == "200", "answered {status}: {}", told());
        ensure!(answer.length >= self.least, "answered with {} bytes: {}", answer.length, told());
        ensure!(has(&answer.beginning, br#""result":"#), "not a result: {}", told());
        let id = id.to_string();
        let is_own = has(&answer.beginning, id.as_bytes()) || has(&answer.end, id.as_bytes());
        ensure!(is_own, "not the answer to {id}: {}", told());
        Ok(())
    }
}

impl Caller {
    fn of(line: &str, path: &str) -> Self {
        let (token, path) = line.split_once(' ').unwrap_or((line, path));
        Self { token: token.as_bytes().to_vec(), path: path.as_bytes().to_vec() }
    }
}

impl Wanted<'_> {
    /// Method, further headers, and what stands inside of `params`.
    fn parts(&self) -> (&'static str, String, String) {
        let Self { tool, letters, .. } = self;
        let (method, params) = match self.call {
            Call::List => ("tools/list", String::new()),
            Call::Echo => {
                let text = "x".repeat(*letters);
                ("tools/call", format!(r#""name":"{tool}","arguments":{{"text":"{text}"}}"#))
            }
            Call::Big => ("tools/call", format!(r#""name":"{tool}","arguments":{{"bytes":{letters}}}"#)),
        };
        if self.era == Era::Legacy {
            return (method, String::new(), params);
        }
        let name = if self.call == Call::List { String::new() } else { format!("Mcp-Name: {tool}\r\n") };
        let headers = format!("MCP-Protocol-Version: {MODERN}\r\nMcp-Method: {method}\r\n{name}");
        let between = if params.is_empty() { "" } else { "," };
        let key = "io.modelcontextprotocol";
        let meta = format!(
            r#""_meta":{{"{key}/protocolVersion":"{MODERN}","{key}/clientInfo":{{"name":"bench","version":"1"}},"{key}/clientCapabilities":{{}}}}"#
        );
        (method, headers, format!("{params}{between}{meta}"))
    }
}

fn has(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|part| part == wanted)
}

impl Answer {
    /// Takes the next piece of the body.
    pub(super) fn take(&mut self, piece: &[u8]) {
        self.length += piece.len();
        let room = LOOK_BYTES.saturating_sub(self.beginning.len()).min(piece.len());
        self.beginning.extend_from_slice(&piece[..room]);
        self.end.extend_from_slice(&piece[piece.len().saturating_sub(LOOK_BYTES)..]);
        self.end.drain(..self.end.len().saturating_sub(LOOK_BYTES));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_carries_the_token_and_id_of_its_number() {
        let address = "127.0.0.1:1".parse().unwrap();
        let wanted = Wanted { call: Call::Echo, era: Era::Legacy, tool: "echo", letters: 2 };
        let template = Template::new(address, "/ws/bench", "aa\nbb\n", wanted).unwrap();
        let mut request = template.request();
        assert_eq!(template.number(&mut request, 3), 100_000_000_003);
        let expected = "POST /ws/bench HTTP/1.1\r\nHost: 127.0.0.1:1\r\nAuthorization: Bearer bb\r\n\
             Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
             Content-Length: 108\r\n\r\n\
             {\"jsonrpc\":\"2.0\",\"id\":100000000003,\"method\":\"tools/call\",\
             \"params\":{\"name\":\"echo\",\"arguments\":{\"text\":\"xx\"}}}";
        assert_eq!(String::from_utf8(request).unwrap(), expected);
    }

    #[test]
    fn a_modern_request_says_who_asks_and_each_caller_has_a_path() {
        let address = "127.0.0.1:1".parse().unwrap();
        let wanted = Wanted { call: Call::List, era: Era::Modern, tool: "", letters: 2 };
        let template = Template::new(address, "/", "aa /ws/one\nbb /ws/two\n", wanted).unwrap();
        let mut request = template.request();
        assert_eq!(template.number(&mut request, 1), 100_000_000_001);
        let body = "{\"jsonrpc\":\"2.0\",\"id\":100000000001,\"method\":\"tools/list\",\"params\":{\"_meta\":{\
             \"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\
             \"io.modelcontextprotocol/clientInfo\":{\"name\":\"bench\",\"version\":\"1\"},\
             \"io.modelcontextprotocol/clientCapabilities\":{}}}}";
        let expected = format!(
            "POST /ws/two HTTP/1.1\r\nHost: 127.0.0.1:1\r\nAuthorization: Bearer bb\r\n\
             Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
             MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/list\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        assert_eq!(String::from_utf8(request).unwrap(), expected);
    }

    #[test]
    fn only_the_answer_to_the_request_itself_passes() {
        let address = "127.0.0.1:1".parse().unwrap();
        let wanted = Wanted { call: Call::Echo, era: Era::Legacy, tool: "echo", letters: 40 };
        let template = Template::new(address, "/", "t", wanted).unwrap();
        let check = |status: &str, body: &str| {
            let mut answer = Answer::default();
            body.as_bytes().chunks(7).for_each(|piece| answer.take(piece));
            template.check(status, &answer, 100_000_000_007).is_ok()
        };
        let own = r#"{"jsonrpc":"2.0","id":100000000007,"result":{"content":[]}}"#;
        assert!(check("200", own));
        assert!(!check("401", own));
        assert!(!check("200", &own.replace('7', "8")));
        assert!(!check("200", &own.replace("result", "error")));
        assert!(!check("200", r#"{"id":100000000007,"result":{}}"#));
    }
}
