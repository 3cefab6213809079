//! Gives a response its caller's id while it streams by, of whatever size, holding nothing back.
//!
//! A scanner follows strings and brackets. Among the outermost members it replaces the value of `id`;
//! in a `result` that is an object it inserts fields at the beginning, and wraps `structuredContent`
//! that is no object, each where asked to. Every other byte stays.

use std::borrow::Cow;

use memchr::memchr2;

/// What a rewriter met by the end of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// Whether an id was replaced: without one it was no response.
    pub id: bool,
    /// Whether there was a `method`: then it was a request or a notification.
    pub method: bool,
    /// Whether the outermost object was closed and nothing but blanks came after it.
    pub complete: bool,
}

/// Whether `structuredContent` that is no object becomes `{"result": …}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Structured {
    /// It stays as it is.
    AsItIs,
    /// It is wrapped.
    Wrapped,
}

/// Rewrites one response, piece by piece.
#[derive(Debug)]
pub struct ResponseRewriter {
    id: String,
    result_fields: Option<String>,
    structured: Structured,
    depth: usize,
    in_string: bool,
    escaped: bool,
    place: Place,
    /// Whether the members at depth 2 are those of `result`.
    in_result: bool,
    key: Vec<u8>,
    skip_value: bool,
    is_wrapping: bool,
    met: Rewritten,
}

/// Where among the members that are read the scanner stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before the outermost object, or after it.
    Outside,
    /// After the brace of `result`, before its first member.
    ResultStart,
    /// Before or inside a key.
    Key,
    /// After a key, at or before its colon.
    Colon,
    /// After a colon, before the first byte of a value.
    ValueStart,
    /// Inside a value.
    Value,
}

/// Longest key that is kept; every key that matters is shorter, even if all of it is escaped.
const KEY_MAX: usize = 128;
const WRAP_OPEN: &str = r#"{"result":"#;
const WRAP_CLOSE: &str = "}";

impl ResponseRewriter {
    /// Rewrites the id to `id` (raw JSON) and inserts `result_fields` (`"key":value[,…]`) into `result`.
    #[must_use]
    pub fn new(id: String, result_fields: Option<String>, structured: Structured) -> Self {
        Self {
            id,
            result_fields,
            structured,
            depth: 0,
            in_string: false,
            escaped: false,
            place: Place::Outside,
            in_result: false,
            key: Vec::new(),
            skip_value: false,
            is_wrapping: false,
            met: Rewritten { id: false, method: false, complete: false },
        }
    }

    /// What was met so far.
    #[must_use]
    pub const fn met(&self) -> Rewritten {
        self.met
    }

    /// Takes the next piece and gives it rewritten.
    pub fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(piece.len() + 64);
        let mut copied = 0;
        let mut index = 0;
        while let Some(rest) = piece.get(index..).filter(|rest| !rest.is_empty()) {
            // Most of a message is the inside of strings.
            if self.in_string && !self.escaped && !self.is_in_key() {
                index += memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
            }
            let Some(&byte) = piece.get(index) else { break };
            let was_skipping = self.skip_value;
            let inserted = self.step(byte);
            if was_skipping {
                copied = if self.skip_value { index + 1 } else { index };
            }
            if let Some(text) = inserted {
                out.extend_from_slice(&piece[copied..index]);
                out.extend_from_slice(text.as_bytes());
                copied = if self.skip_value { index + 1 } else { index };
            }
            index += 1;
        }
        if !self.skip_value {
            out.extend_from_slice(&piece[copied..]);
        }
        out
    }

    /// Follows one byte; gives what is to be written before it (or instead, while a value is skipped).
    fn step(&mut self, byte: u8) -> Option<Cow<'static, str>> {
        if self.in_string {
            self.step_in_string(byte);
            return None;
        }
        if self.reads_members() {
            return self.step_at_members(byte);
        }
        self.nest(byte);
        None
    }

    /// Whether the scanner stands among members whose keys matter.
    const fn reads_members(&self) -> bool {
        self.depth == 1 || self.depth == 2 && self.in_result
    }

    fn is_in_key(&self) -> bool {
        self.place == Place::Key && self.reads_members()
    }

    fn step_in_string(&mut self, byte: u8) {
        let is_key = self.is_in_key();
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' => self.escaped = true,
            b'"' => {
                self.in_string = false;
                if is_key {
                    self.place = Place::Colon;
                }
                return;
            }
            _ => {}
        }
        if is_key && self.key.len() <= KEY_MAX {
            self.key.push(byte);
        }
    }

    fn step_at_members(&mut self, byte: u8) -> Option<Cow<'static, str>> {
        match (self.place, byte) {
            (Place::ResultStart, byte) if !byte.is_ascii_whitespace() => {
                self.place = Place::Key;
                let fields = self.result_fields.take();
                let comma = if byte == b'}' { "" } else { "," };
                // What stands here is a key or the end: nothing of ours comes before those.
                self.step_at_members(byte);
                return fields.map(|fields| format!("{fields}{comma}").into());
            }
            (Place::Key, b'"') => {
                self.key.clear();
                self.in_string = true;
            }
            (Place::Colon, b':') => self.place = Place::ValueStart,
            (Place::ValueStart, first) if !first.is_ascii_whitespace() => return self.begin_value(first),
            (Place::Value, b',') => {
                self.place = Place::Key;
                return self.end_value();
            }
            (Place::Value | Place::Key, b'}') => {
                self.close();
                return self.end_value();
            }
            _ => self.nest(byte),
        }
        None
    }

    /// What the key reads, where it was written with escapes as well.
    fn key(&self) -> Cow<'_, [u8]> {
        if !self.key.contains(&b'\\') {
            return Cow::Borrowed(&self.key);
        }
        let quoted = [b"\"", self.key.as_slice(), b"\""].concat();
        Cow::Owned(serde_json::from_slice::<String>(&quoted).unwrap_or_default().into_bytes())
    }

    fn begin_value(&mut self, first: u8) -> Option<Cow<'static, str>> {
        self.place = Place::Value;
        let (at_top, key) = (self.depth == 1, self.key().into_owned());
        self.nest(first);
        match key.as_slice() {
            b"id" if at_top && !self.met.id => {
                self.met.id = true;
                self.skip_value = true;
                return Some(self.id.clone().into());
            }
            b"method" if at_top => self.met.method = true,
            b"result" if at_top && first == b'{' => {
                self.in_result = true;
                self.place = Place::ResultStart;
            }
            b"structuredContent" if !at_top && first != b'{' => {
                self.is_wrapping = self.structured == Structured::Wrapped;
                return self.is_wrapping.then_some(WRAP_OPEN.into());
            }
            _ => {}
        }
        None
    }

    /// The value of a member has ended; gives what closes it.
    fn end_value(&mut self) -> Option<Cow<'static, str>> {
        self.skip_value = false;
        std::mem::take(&mut self.is_wrapping).then_some(WRAP_CLOSE.into())
    }

    /// The object whose members are read has ended.
    const fn close(&mut self) {
        self.depth -= 1;
        if self.in_result {
            self.in_result = false;
            self.place = Place::Value;
        } else {
            self.place = Place::Outside;
            self.met.complete = true;
        }
    }

    fn nest(&mut self, byte: u8) {
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => {
                if self.depth == 0 {
                    self.met.complete = false;
                    self.place = if byte == b'{' { Place::Key } else { Place::Value };
                }
                self.depth += 1;
            }
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            other if self.depth == 0 && !other.is_ascii_whitespace() => self.met.complete = false,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rewrite(text: &str, fields: Option<&str>, cut: usize) -> (String, Rewritten) {
        let mut rewriter =
            ResponseRewriter::new("\"mine\"".to_owned(), fields.map(str::to_owned), Structured::Wrapped);
        let (head, tail) = text.as_bytes().split_at(cut.min(text.len()));
        let mut out = rewriter.push(head);
        out.extend(rewriter.push(tail));
        (String::from_utf8(out).unwrap(), rewriter.met())
    }

    #[test]
    fn the_id_is_replaced_wherever_it_stands_and_however_the_text_is_cut() {
        for (text, expected) in [
            (
                r#"{"jsonrpc":"2.0","id":17,"result":{"id":17}}"#,
                r#"{"jsonrpc":"2.0","id":"mine","result":{"id":17}}"#,
            ),
            (
                r#"{"result":{"a":[{"id":1}]},"id" : 17 , "x":2.50}"#,
                r#"{"result":{"a":[{"id":1}]},"id" : "mine", "x":2.50}"#,
            ),
            (r#" {"id":"a\"b,}","result":"}{"} "#, r#" {"id":"mine","result":"}{"} "#),
            (r#"{"id":17}"#, r#"{"id":"mine"}"#),
            (r#"{"\u0069d":17,"i\\":1}"#, r#"{"\u0069d":"mine","i\\":1}"#),
        ] {
            for cut in 0..=text.len() {
                let (rewritten, met) = rewrite(text, None, cut);
                assert_eq!(rewritten, expected, "cut at {cut}");
                assert_eq!(met, Rewritten { id: true, method: false, complete: true });
            }
        }
    }

    #[test]
    fn fields_are_inserted_into_an_object_result_only() {
        let fields = Some(r#""resultType":"complete""#);
        for (text, expected) in [
            (r#"{"id":1,"result":{"a":1}}"#, r#"{"id":"mine","result":{"resultType":"complete","a":1}}"#),
            (r#"{"id":1,"result": { } }"#, r#"{"id":"mine","result": { "resultType":"complete"} }"#),
            (r#"{"id":1,"result":[{}]}"#, r#"{"id":"mine","result":[{}]}"#),
            (r#"{"id":1,"error":{"result":{}}}"#, r#"{"id":"mine","error":{"result":{}}}"#),
        ] {
            for cut in 0..=text.len() {
                assert_eq!(rewrite(text, fields, cut).0, expected, "cut at {cut}");
            }
        }
    }

    #[test]
    fn structured_content_that_is_no_object_is_wrapped_in_a_result_only() {
        for (text, expected) in [
            (
                r#"{"id":1,"result":{"structuredContent":[1,{"a":"]}"}],"content":[]}}"#,
                r#"{"id":"mine","result":{"structuredContent":{"result":[1,{"a":"]}"}]},"content":[]}}"#,
            ),
            (
                r#"{"result":{"a":[],"structuredContent" : "x\",}" },"id":1}"#,
                r#"{"result":{"a":[],"structuredContent" : {"result":"x\",}" }},"id":"mine"}"#,
            ),
            (
                r#"{"id":1,"result":{"structuredContent":2.50}}"#,
                r#"{"id":"mine","result":{"structuredContent":{"result":2.50}}}"#,
            ),
            (
                r#"{"id":1,"result":{"structuredContent":null}}"#,
                r#"{"id":"mine","result":{"structuredContent":{"result":null}}}"#,
            ),
            (
                r#"{"id":1,"result":{"structuredContent":{"structuredContent":1}}}"#,
                r#"{"id":"mine","result":{"structuredContent":{"structuredContent":1}}}"#,
            ),
            (
                r#"{"id":1,"structuredContent":1,"error":{"structuredContent":1}}"#,
                r#"{"id":"mine","structuredContent":1,"error":{"structuredContent":1}}"#,
            ),
            (
                r#"{"id":1,"result":[{"structuredContent":1}]}"#,
                r#"{"id":"mine","result":[{"structuredContent":1}]}"#,
            ),
        ] {
            for cut in 0..=text.len() {
                let (rewritten, met) = rewrite(text, None, cut);
                assert_eq!(rewritten, expected, "cut at {cut}");
                assert!(met.complete);
            }
        }
        let mut rewriter = ResponseRewriter::new("2".to_owned(), None, Structured::AsItIs);
        let text = br#"{"id":1,"result":{"structuredContent":[]}}"#;
        assert_eq!(rewriter.push(text), br#"{"id":2,"result":{"structuredContent":[]}}"#);
    }

    #[test]
    fn what_is_no_whole_response_is_noticed() {
        assert!(!rewrite(r#"{"result":1}"#, None, 0).1.id);
        assert!(rewrite(r#"{"id":1,"method":"x"}"#, None, 0).1.method);
        assert!(!rewrite(r#"{"id":1,"result":{"a":"#, None, 0).1.complete);
        assert!(!rewrite(r#"{"id":1,"result":1} x"#, None, 0).1.complete);
    }

    proptest! {
        #[test]
        fn everything_but_the_id_stays(value in ".{0,40}", number in any::<f64>(), cut in 0usize..200) {
            let text = serde_json::json!({"a": value, "id": 5, "result": {"n": number, "s": [value]}}).to_string();
            let (rewritten, met) = rewrite(&text, None, cut);
            prop_assert_eq!(rewritten, text.replacen("\"id\":5", "\"id\":\"mine\"", 1));
            prop_assert!(met.complete);
        }
    }
}
