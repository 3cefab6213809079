//! Gives a response its caller's id while it streams by, of whatever size, holding nothing back.
//!
//! A scanner follows strings and brackets; at the top level it replaces the value of `id` and, where
//! asked to, inserts fields at the beginning of an object `result`. Every other byte stays.

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

/// Rewrites one response, piece by piece.
#[derive(Debug)]
pub struct ResponseRewriter {
    id: String,
    result_fields: Option<String>,
    depth: usize,
    in_string: bool,
    escaped: bool,
    place: Place,
    key: Vec<u8>,
    skip_value: bool,
    met: Rewritten,
}

/// Where at the top level the scanner stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before the outermost object, or after it.
    Outside,
    /// Before or inside a key.
    Key,
    /// After a key, at or before its colon.
    Colon,
    /// After a colon, before the first byte of a value.
    ValueStart,
    /// Inside a value.
    Value,
    /// After the brace of `result`, before its first field.
    ResultStart,
}

/// Longest key that matters.
const KEY_MAX: usize = 8;

impl ResponseRewriter {
    /// Rewrites the id to `id` (raw JSON) and inserts `result_fields` (`"key":value[,…]`) into `result`.
    #[must_use]
    pub fn new(id: String, result_fields: Option<String>) -> Self {
        Self {
            id,
            result_fields,
            depth: 0,
            in_string: false,
            escaped: false,
            place: Place::Outside,
            key: Vec::with_capacity(KEY_MAX + 1),
            skip_value: false,
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
        for (index, &byte) in piece.iter().enumerate() {
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
        }
        if !self.skip_value {
            out.extend_from_slice(&piece[copied..]);
        }
        out
    }

    /// Follows one byte; gives what is to be written before it (or instead, while a value is skipped).
    fn step(&mut self, byte: u8) -> Option<String> {
        if self.in_string {
            self.step_in_string(byte);
            return None;
        }
        if self.depth == 1 {
            return self.step_at_top(byte);
        }
        if self.place == Place::ResultStart && !byte.is_ascii_whitespace() {
            self.place = Place::Value;
            let fields = self.result_fields.take();
            let comma = if byte == b'}' { "" } else { "," };
            self.nest(byte);
            return fields.map(|fields| format!("{fields}{comma}"));
        }
        self.nest(byte);
        None
    }

    fn step_in_string(&mut self, byte: u8) {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' => self.escaped = true,
            b'"' => {
                self.in_string = false;
                if self.depth == 1 && self.place == Place::Key {
                    self.place = Place::Colon;
                }
                return;
            }
            _ => {}
        }
        if self.depth == 1 && self.place == Place::Key && self.key.len() <= KEY_MAX {
            self.key.push(byte);
        }
    }

    fn step_at_top(&mut self, byte: u8) -> Option<String> {
        match (self.place, byte) {
            (Place::Key, b'"') => {
                self.key.clear();
                self.in_string = true;
            }
            (Place::Colon, b':') => self.place = Place::ValueStart,
            (Place::ValueStart, first) if !first.is_ascii_whitespace() => return self.begin_value(first),
            (Place::Value, b',') => {
                self.place = Place::Key;
                self.skip_value = false;
            }
            (Place::Value | Place::Key, b'}') => {
                self.skip_value = false;
                self.depth = 0;
                self.place = Place::Outside;
                self.met.complete = true;
            }
            _ => self.nest(byte),
        }
        None
    }

    fn begin_value(&mut self, first: u8) -> Option<String> {
        self.place = Place::Value;
        self.nest(first);
        match self.key.as_slice() {
            b"id" if !self.met.id => {
                self.met.id = true;
                self.skip_value = true;
                return Some(self.id.clone());
            }
            b"method" => self.met.method = true,
            b"result" if first == b'{' && self.result_fields.is_some() => self.place = Place::ResultStart,
            _ => {}
        }
        None
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
        let mut rewriter = ResponseRewriter::new("\"mine\"".to_owned(), fields.map(str::to_owned));
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
