//! The outline of a message too large to be held: as its bytes pass by, which members its outermost
//! object has and what its id is. Nothing below that level is kept or checked.

/// Longest id or key that is kept; longer ones match nothing of ours.
const TEXT_LIMIT_BYTES: usize = 128;

/// What is known so far of a message that passes by.
#[derive(Default)]
pub(super) struct Outline {
    depth: usize,
    in_string: bool,
    escaped: bool,
    in_value: bool,
    key: Vec<u8>,
    value: Vec<u8>,
    id: Option<Vec<u8>>,
    method: Option<Vec<u8>>,
    has_outcome: bool,
    state: State,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Before,
    Within,
    Complete,
    Broken,
}

/// What a message turned out to be at its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A response, with its id as raw text.
    Response(Option<String>),
    /// A request of the server: id as raw text, and its method.
    Request(String, String),
    /// A notification.
    Notification,
    /// No JSON-RPC message.
    Broken,
}

impl Outline {
    /// Reads the next bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if self.in_string {
                self.keep(byte);
                self.read_in_string(byte);
            } else {
                self.read(byte);
            }
        }
    }

    /// Says what the message was.
    pub(super) fn kind(&self) -> Kind {
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        match (self.state, &self.id, &self.method) {
            (State::Complete, id, None) if self.has_outcome => Kind::Response(id.as_ref().map(text)),
            (State::Complete, Some(id), Some(method)) if !self.has_outcome => {
                Kind::Request(text(id), text(method).trim_matches('"').to_owned())
            }
            (State::Complete, None, Some(_)) if !self.has_outcome => Kind::Notification,
            _ => Kind::Broken,
        }
    }

    fn read_in_string(&mut self, byte: u8) {
        if std::mem::take(&mut self.escaped) {
            return;
        }
        match byte {
            b'\\' => self.escaped = true,
            b'"' => self.in_string = false,
            _ => {}
        }
    }

    fn read(&mut self, byte: u8) {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ if self.state == State::Before && byte != b'{' => self.state = State::Broken,
            _ if self.state == State::Complete => self.state = State::Broken,
            b'"' => {
                self.in_string = true;
                self.keep(byte);
            }
            b'{' | b'[' => {
                self.keep(byte);
                self.depth += 1;
                if self.state == State::Before {
                    self.state = State::Within;
                }
            }
            b'}' | b']' => self.close(),
            b':' if self.depth == 1 => self.in_value = true,
            b',' if self.depth == 1 => self.end_member(),
            _ => self.keep(byte),
        }
    }

    fn close(&mut self) {
        if self.depth == 1 {
            self.end_member();
            if self.state == State::Within {
                self.state = State::Complete;
            }
        }
        self.depth = self.depth.saturating_sub(1);
    }

    fn keep(&mut self, byte: u8) {
        let text = if self.in_value { &mut self.value } else { &mut self.key };
        if self.depth == 1 && text.len() < TEXT_LIMIT_BYTES {
            text.push(byte);
        }
    }

    fn end_member(&mut self) {
        let value = std::mem::take(&mut self.value);
        match std::mem::take(&mut self.key).as_slice() {
            b"\"id\"" if value != b"null" => self.id = Some(value),
            b"\"method\"" => self.method = Some(value),
            b"\"result\"" | b"\"error\"" => self.has_outcome = true,
            _ => {}
        }
        self.in_value = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Kind {
        let mut outline = Outline::default();
        for byte in text.as_bytes() {
            outline.push(&[*byte]);
        }
        outline.kind()
    }

    #[test]
    fn only_the_outermost_members_count() {
        let text = r#" {"result":{"id":1,"method":"x","a":[{"id":2},"\"}\\"]} , "jsonrpc":"2.0","id" : 7}"#;
        assert_eq!(kind(text), Kind::Response(Some("7".into())));
        assert_eq!(kind(r#"{"id":null,"error":{}}"#), Kind::Response(None));
        let request = Kind::Request(r#""a""#.into(), "ping".into());
        assert_eq!(kind(r#"{"id":"a","method":"ping","params":{"result":1}}"#), request);
        assert_eq!(kind(r#"{"method":"notifications/message","params":[]}"#), Kind::Notification);
    }

    #[test]
    fn what_is_no_message_is_broken() {
        for text in ["", "[1]", r#"{"id":1}"#, r#"{"id":1,"result":{}"#, r#"{"id":1,"result":{}} {}"#, "null"]
        {
            assert_eq!(kind(text), Kind::Broken, "{text}");
        }
    }
}
