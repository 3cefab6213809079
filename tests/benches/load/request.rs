//! Requests, written once: token and id are the only bytes that differ, and they stand at fixed places.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

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

/// The request of a run.
pub(super) struct Template {
    bytes: Vec<u8>,
    tokens: Vec<Vec<u8>>,
    token_at: usize,
    id_at: usize,
    /// Bytes of the answer, at the least.
    least: usize,
}

/// What is kept of an answer.
#[derive(Default)]
pub(super) struct Answer {
    length: usize,
    beginning: Vec<u8>,
    end: Vec<u8>,
}

impl Template {
    pub(super) fn new(
        address: SocketAddr,
        path: &str,
        tokens: &str,
        call: Call,
        tool: &str,
        letters: usize,
    ) -> Result<Self> {
        let tokens: Vec<Vec<u8>> = tokens.lines().map(|line| line.as_bytes().to_vec()).collect();
        let first = tokens.first().context("there is a token")?;
        ensure!(tokens.iter().all(|token| token.len() == first.len()), "tokens are of one length");
        let rest = match call {
            Call::List => r#""method":"tools/list""#.to_owned(),
            Call::Echo => tool_call(tool, &format!(r#"{{"text":"{}"}}"#, "x".repeat(letters))),
            Call::Big => tool_call(tool, &format!(r#"{{"bytes":{letters}}}"#)),
        };
        let body = format!(r#"{{"jsonrpc":"2.0","id":{FIRST_ID},{rest}}}"#);
        let before = format!("POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer ");
        let after = format!(
            "\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        let token_at = before.len();
        let id_at = token_at + first.len() + after.len() + body.find(':').context("a body has fields")? + 1;
        let id_at = id_at + r#""2.0","id":"#.len();
        let bytes = [before.as_bytes(), first, after.as_bytes(), body.as_bytes()].concat();
        Ok(Self { bytes, tokens, token_at, id_at, least: letters })
    }

    /// A request of its own for one connection.
    pub(super) fn request(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    /// Writes the token and id of the run's `number`th request into it, and gives the id.
    pub(super) fn number(&self, request: &mut [u8], number: u64) -> u64 {
        let count = u64::try_from(self.tokens.len()).expect("a count of tokens fits");
        let index = usize::try_from(number % count).expect("it is below the count of tokens");
        let token = &self.tokens[index];
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

fn tool_call(tool: &str, arguments: &str) -> String {
    format!(r#""method":"tools/call","params":{{"name":"{tool}","arguments":{arguments}}}"#)
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
        let template = Template::new(address, "/ws/bench", "aa\nbb\n", Call::Echo, "echo", 2).unwrap();
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
    fn only_the_answer_to_the_request_itself_passes() {
        let address = "127.0.0.1:1".parse().unwrap();
        let template = Template::new(address, "/", "t", Call::Echo, "echo", 40).unwrap();
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
