//! The outline of a message too large to be held: as its bytes pass by, which members its outermost
//! object has, what its id is and its method. Nothing below that level is kept or checked.

use memchr::memchr2;

/// Longest id or key that is kept; longer ones match nothing of ours.
const TEXT_LIMIT_BYTES: usize = 128;
/// What the methods of notifications begin with.
const NOTIFICATIONS: &str = "notifications/";

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

/// What a message shows itself to be before its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Nature {
    /// Nothing yet.
    Unknown,
    /// A response, with its id as raw text where that came first.
    Response { id: Option<String> },
    /// A request of the server, by its method: its id may come last.
    Request,
    /// A notification, by its method.
    Notification,
}

/// What a message turned out to be at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    pub(super) fn push(&mut self, mut bytes: &[u8]) {
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.in_string {
                bytes = self.read_in_string(bytes);
            } else {
                self.read(byte);
                bytes = rest;
            }
        }
    }

    /// Says what the message shows itself to be so far.
    pub(super) fn nature(&self) -> Nature {
        let begins_outcome = self.in_value && is_outcome(&self.key);
        match &self.method {
            _ if self.has_outcome || begins_outcome => Nature::Response { id: self.id.as_deref().map(text) },
            // Names may be written with escapes: PHP's servers write `notifications\/progress`.
            Some(method) if name(method).starts_with(NOTIFICATIONS) => Nature::Notification,
            Some(_) => Nature::Request,
            None => Nature::Unknown,
        }
    }

    /// Says what the message was.
    pub(super) fn kind(&self) -> Kind {
        match (self.state, &self.id, &self.method) {
            (State::Complete, id, None) if self.has_outcome => Kind::Response(id.as_deref().map(text)),
            (State::Complete, Some(id), Some(method)) if !self.has_outcome => {
                Kind::Request(text(id), name(method))
            }
            (State::Complete, None, Some(_)) if !self.has_outcome => Kind::Notification,
            _ => Kind::Broken,
        }
    }

    /// Reads a string as far as it is there, or to its next escape, and gives what follows.
    fn read_in_string<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let begin = usize::from(std::mem::take(&mut self.escaped));
        let end = memchr2(b'"', b'\\', &bytes[begin..]).map(|end| begin + end);
        match end.map(|end| bytes[end]) {
            Some(b'\\') => self.escaped = true,
            Some(_) => self.in_string = false,
            None => {}
        }
        let (read, rest) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
        self.keep(read);
        rest
    }

    fn read(&mut self, byte: u8) {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ if self.state == State::Before && byte != b'{' => self.state = State::Broken,
            _ if self.state == State::Complete => self.state = State::Broken,
            b'"' => {
                self.in_string = true;
                self.keep(&[byte]);
            }
            b'{' | b'[' => {
                self.keep(&[byte]);
                self.depth += 1;
                if self.state == State::Before {
                    self.state = State::Within;
                }
            }
            b'}' | b']' => self.close(),
            b':' if self.depth == 1 => self.in_value = true,
            b',' if self.depth == 1 => self.end_member(),
            _ => self.keep(&[byte]),
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

    fn keep(&mut self, bytes: &[u8]) {
        if self.depth == 1 {
            let text = if self.in_value { &mut self.value } else { &mut self.key };
            let room = TEXT_LIMIT_BYTES - text.len();
            text.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }

    fn end_member(&mut self) {
        let value = std::mem::take(&mut self.value);
        match std::mem::take(&mut self.key).as_slice() {
            b"\"id\"" if value != b"null" => self.id = Some(value),
            b"\"method\"" => self.method = Some(value),
            key if is_outcome(key) => self.has_outcome = true,
            _ => {}
        }
        self.in_value = false;
    }
}

fn is_outcome(key: &[u8]) -> bool {
    matches!(key, b"\"result\"" | b"\"error\"")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The text of a JSON string; empty where it is none, or too long to be kept.
fn name(raw: &[u8]) -> String {
    serde_json::from_slice(raw).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same however its bytes come.
    fn kind(text: &str) -> Kind {
        let of_pieces = |len: usize| {
            let mut outline = Outline::default();
            text.as_bytes().chunks(len).for_each(|piece| outline.push(piece));
            outline.kind()
        };
        let kinds = [1, 2, 3, 7, 64, text.len().max(1)].map(of_pieces);
        assert!(kinds.iter().all(|kind| *kind == kinds[0]), "{text}: {kinds:?}");
        kinds[0].clone()
    }

    #[test]
    fn only_the_outermost_members_count() {
        let text = r#" {"result":{"id":1,"method":"x","a":[{"id":2},"\"}\\"]} , "jsonrpc":"2.0","id" : 7}"#;
        assert_eq!(kind(text), Kind::Response(Some("7".into())));
        assert_eq!(kind(r#"{"id":null,"error":{}}"#), Kind::Response(None));
        let request = Kind::Request(r#""a""#.into(), "ping".into());
        assert_eq!(kind(r#"{"id":"a","method":"ping","params":{"result":1}}"#), request);
        assert_eq!(kind(r#"{"method":"notifications/message","params":[]}"#), Kind::Notification);
        let escaped = r#"{"a\"b":"\\","c\\":"\\\"\"","id":"x\"y","result":"}\"{"}"#;
        assert_eq!(kind(escaped), Kind::Response(Some(r#""x\"y""#.into())));
        let long = format!(r#"{{"{}":1,"id":"{}","result":1}}"#, "k".repeat(300), "i".repeat(300));
        assert!(matches!(kind(&long), Kind::Response(Some(id)) if id.len() == TEXT_LIMIT_BYTES));
    }

    #[test]
    fn what_a_message_is_shows_with_its_first_telling_member() {
        let nature = |text: &str| {
            let mut outline = Outline::default();
            outline.push(text.as_bytes());
            outline.nature()
        };
        assert_eq!(nature(r#"{"jsonrpc":"2.0","id":7,"resul"#), Nature::Unknown);
        assert_eq!(nature(r#"{"id":7,"result":{"#), Nature::Response { id: Some("7".into()) });
        assert_eq!(nature(r#"{"error":"#), Nature::Response { id: None });
        assert_eq!(nature(r#"{"method":"notifications\/progress","#), Nature::Notification);
        assert_eq!(nature(r#"{"params":{"method":"notifications/x","#), Nature::Unknown);
        assert_eq!(nature(r#"{"method":"roots/list","params":"#), Nature::Request);
    }

    #[test]
    fn what_is_no_message_is_broken() {
        for text in ["", "[1]", r#"{"id":1}"#, r#"{"id":1,"result":{}"#, r#"{"id":1,"result":{}} {}"#, "null"]
        {
            assert_eq!(kind(text), Kind::Broken, "{text}");
        }
    }
}
