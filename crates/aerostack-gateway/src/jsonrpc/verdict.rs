//! What a response comes to, read while it streams by: a result, a result that says `isError`, or an
//! error. Nothing is held and nothing is parsed; keys written with escapes are not recognised.

use memchr::memchr2;

/// What a response comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A result.
    Result,
    /// A result that says `"isError": true`.
    ToolError,
    /// A JSON-RPC error.
    Error,
}

/// Longest key that matters.
const KEY_MAX: usize = 8;
/// How deep keys matter: at the top, and inside `result`.
const TOP: usize = 1;
const INSIDE: usize = 2;

/// Reads one message, piece by piece.
#[derive(Clone, Debug, Default)]
pub struct VerdictReader {
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// A colon was met and its value has not begun.
    awaits_value: bool,
    in_result: bool,
    text: [u8; KEY_MAX],
    text_len: usize,
    has_result: bool,
    says_error: bool,
    has_error: bool,
    has_method: bool,
}

impl VerdictReader {
    /// Takes the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        let mut rest = piece;
        while let Some((&byte, after)) = rest.split_first() {
            if self.in_string && !self.escaped {
                // Most of a message is the inside of strings.
                let plain = memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
                if plain > 0 {
                    self.keep(&rest[..plain]);
                    rest = &rest[plain..];
                    continue;
                }
            }
            if self.in_string {
                self.step_in_string(byte);
            } else {
                self.step(byte);
            }
            rest = after;
        }
    }

    /// What the message came to; `None` if it is no response.
    #[must_use]
    pub const fn verdict(&self) -> Option<Verdict> {
        match (self.has_method, self.has_error, self.has_result, self.says_error) {
            (true, ..) | (_, false, false, _) => None,
            (_, true, ..) => Some(Verdict::Error),
            (.., true) => Some(Verdict::ToolError),
            _ => Some(Verdict::Result),
        }
    }

    fn step_in_string(&mut self, byte: u8) {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' => self.escaped = true,
            b'"' => {
                self.in_string = false;
                return;
            }
            _ => {}
        }
        self.keep(&[byte]);
    }

    /// Keeps the beginning of a string; one that is longer than any key matters no more.
    fn keep(&mut self, bytes: &[u8]) {
        for &byte in bytes.iter().take((KEY_MAX + 1).saturating_sub(self.text_len)) {
            if let Some(place) = self.text.get_mut(self.text_len) {
                *place = byte;
            }
            self.text_len += 1;
        }
    }

    fn step(&mut self, byte: u8) {
        if byte.is_ascii_whitespace() {
            return;
        }
        if std::mem::take(&mut self.awaits_value) {
            self.begin_value(byte);
        }
        match byte {
            b'"' => {
                self.in_string = true;
                self.text_len = 0;
            }
            b':' => self.awaits_value = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == TOP {
                    self.in_result = false;
                }
            }
            _ => {}
        }
    }

    fn begin_value(&mut self, first: u8) {
        let key = self.text.get(..self.text_len).unwrap_or_default();
        match (self.depth, key) {
            (TOP, b"result") => {
                self.has_result = true;
                self.in_result = first == b'{';
            }
            (TOP, b"error") => self.has_error = first != b'n',
            (TOP, b"method") => self.has_method = true,
            (INSIDE, b"isError") if self.in_result => self.says_error = first == b't',
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str, cut: usize) -> Option<Verdict> {
        let (head, tail) = text.as_bytes().split_at(cut.min(text.len()));
        let mut reader = VerdictReader::default();
        reader.push(head);
        reader.push(tail);
        reader.verdict()
    }

    #[test]
    fn responses_are_told_apart_however_they_are_cut() {
        for (text, expected) in [
            (r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#, Some(Verdict::Result)),
            (r#"{"id":1,"result":{"isError":false}}"#, Some(Verdict::Result)),
            (
                r#"{"result" : { "content":[{"type":"text"}], "isError" : true },"id":1}"#,
                Some(Verdict::ToolError),
            ),
            (
                r#"{"result":{"content":[{"isError":true}],"structuredContent":{"isError":true}}}"#,
                Some(Verdict::Result),
            ),
            (r#"{"result":{"a":"\"isError\":true"}}"#, Some(Verdict::Result)),
            (r#"{"id":1,"error":{"code":-1,"message":"result"}}"#, Some(Verdict::Error)),
            (r#"{"id":1,"error":null,"result":1}"#, Some(Verdict::Result)),
            (r#"{"method":"notifications/progress","params":{"result":1}}"#, None),
            (r#"{"a":"result"}"#, None),
            (r#"["result"]"#, None),
            ("", None),
        ] {
            for cut in 0..=text.len() {
                assert_eq!(read(text, cut), expected, "{text} cut at {cut}");
            }
        }
    }

    proptest! {
        #[test]
        fn what_stands_in_a_result_does_not_matter(value in ".{0,40}", is_error in any::<bool>(), cut in 0usize..200) {
            let text = serde_json::json!({ "id": 5, "result": { "s": [value, { "isError": value }], "isError": is_error, "z": value } });
            let expected = if is_error { Verdict::ToolError } else { Verdict::Result };
            prop_assert_eq!(read(&text.to_string(), cut), Some(expected));
        }

        #[test]
        fn noise_is_never_a_panic(noise in proptest::collection::vec(any::<u8>(), 0..80)) {
            VerdictReader::default().push(&noise);
        }
    }
}
