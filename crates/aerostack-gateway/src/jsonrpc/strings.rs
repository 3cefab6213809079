//! Changes strings at certain places of a message while it streams by, of whatever size.
//!
//! Only strings at the places where the protocol puts them are looked at. URIs of resources: in the
//! contents of a resource, in links to resources and embedded ones among the content of a tool's result or
//! of a prompt's messages. Ids of tasks: in a task, a list of tasks, and where `_meta` names the task that a
//! message belongs to. Every other byte stays.

/// Longest string, in bytes of its text, that is held to be looked at; longer ones stay.
const HELD_MAX_BYTES: usize = 8 * 1_024;
/// Longest key that is kept; every key that matters is shorter, even if all of it is escaped.
const KEY_MAX: usize = 64;
/// Deepest place that matters: a list in the content of a message, and some lists more.
const NESTING_MAX: usize = 16;

/// `_meta` key of the task that a message belongs to.
const RELATED_TASK: &[u8] = b"io.modelcontextprotocol/related-task";

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Looked {
    Uris,
    TaskIds,
}

/// Gives what a string is to become; `None` leaves it.
pub type Change = Box<dyn FnMut(&str) -> Option<String> + Send>;

/// Rewrites the URIs, or the ids of tasks, of one message, piece by piece.
pub struct StringRewriter {
    looked: Looked,
    change: Change,
    /// The containers that the scanner is in, and whether each is an object.
    within: Vec<(Place, bool)>,
    /// Levels of nesting below the last of them, where nothing matters.
    depth: usize,
    in_string: Option<Text>,
    escaped: bool,
    expects_key: bool,
    key: Vec<u8>,
    /// What the value is that follows the last key.
    next: Place,
}

/// What a string is.
enum Text {
    Key,
    /// One that is looked at, as much of it as has come.
    Wanted(Vec<u8>),
    Other,
}

/// Places in a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Response,
    Result,
    /// A list of what a resource contains.
    Contents,
    Messages,
    Message,
    /// A content block, or a list of some.
    Content,
    /// What a resource contains, or an embedded one.
    Resource,
    Params,
    Meta,
    Tasks,
    Task,
    /// What is looked at.
    Wanted,
    Elsewhere,
}

impl Place {
    /// The place of a member.
    fn member(self, key: &[u8], looked: Looked) -> Self {
        match looked {
            _ if matches!((self, key), (Self::Response, b"result")) => Self::Result,
            Looked::Uris => self.member_with_uri(key),
            Looked::TaskIds => self.member_with_task_id(key),
        }
    }

    fn member_with_uri(self, key: &[u8]) -> Self {
        match (self, key) {
            (Self::Result, b"contents") => Self::Contents,
            (Self::Result | Self::Message, b"content") => Self::Content,
            (Self::Result, b"messages") => Self::Messages,
            (Self::Content, b"resource") => Self::Resource,
            (Self::Content | Self::Resource, b"uri") => Self::Wanted,
            _ => Self::Elsewhere,
        }
    }

    fn member_with_task_id(self, key: &[u8]) -> Self {
        match (self, key) {
            (Self::Response, b"params") => Self::Params,
            (Self::Result, b"task") => Self::Task,
            (Self::Result, b"tasks") => Self::Tasks,
            (Self::Result | Self::Params, b"_meta") => Self::Meta,
            (Self::Meta, RELATED_TASK) => Self::Task,
            (Self::Result | Self::Params | Self::Task, b"taskId") => Self::Wanted,
            _ => Self::Elsewhere,
        }
    }

    /// The place of an element.
    const fn element(self) -> Self {
        match self {
            Self::Contents => Self::Resource,
            Self::Messages => Self::Message,
            Self::Content => Self::Content,
            Self::Tasks => Self::Task,
            _ => Self::Elsewhere,
        }
    }
}

impl StringRewriter {
    /// Begins a response whose URIs are looked at.
    #[must_use]
    pub const fn of_uris(change: Change) -> Self {
        Self::new(Looked::Uris, change)
    }

    /// Begins a message whose ids of tasks are looked at.
    #[must_use]
    pub const fn of_task_ids(change: Change) -> Self {
        Self::new(Looked::TaskIds, change)
    }

    const fn new(looked: Looked, change: Change) -> Self {
        Self {
            looked,
            change,
            within: Vec::new(),
            depth: 0,
            in_string: None,
            escaped: false,
            expects_key: false,
            key: Vec::new(),
            next: Place::Response,
        }
    }

    /// Takes the next piece and gives it rewritten. The beginning of a string may come with the next one.
    pub fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(piece.len());
        for &byte in piece {
            if self.in_string.is_some() {
                self.read_in_string(byte, &mut out);
            } else {
                self.read(byte, &mut out);
            }
        }
        out
    }

    fn read_in_string(&mut self, byte: u8, out: &mut Vec<u8>) {
        let ends = byte == b'"' && !self.escaped;
        self.escaped = byte == b'\\' && !self.escaped;
        match &mut self.in_string {
            Some(Text::Wanted(held)) => {
                held.push(byte);
                if held.len() > HELD_MAX_BYTES {
                    out.append(held);
                    self.in_string = Some(Text::Other);
                }
            }
            Some(Text::Key) if !ends && self.key.len() < KEY_MAX => {
                self.key.push(byte);
                out.push(byte);
            }
            _ => out.push(byte),
        }
        if !ends {
            return;
        }
        match self.in_string.take() {
            Some(Text::Key) => self.next = self.place().member(&self.read_key(), self.looked),
            Some(Text::Wanted(held)) => out.extend(self.changed(held)),
            _ => {}
        }
    }

    fn read(&mut self, byte: u8, out: &mut Vec<u8>) {
        match byte {
            b'"' => {
                let text = self.begin_string();
                if let Text::Wanted(held) = &text {
                    debug_assert_eq!(held, b"\"");
                } else {
                    out.push(byte);
                }
                self.in_string = Some(text);
                return;
            }
            b',' if self.depth == 0 => self.expects_key = self.is_in_object(),
            b'{' | b'[' if self.depth > 0 => self.depth += 1,
            b'{' | b'[' => self.open(byte == b'{'),
            b'}' | b']' if self.depth > 0 => self.depth -= 1,
            b'}' | b']' => {
                self.within.pop();
                self.expects_key = false;
            }
            _ => {}
        }
        out.push(byte);
    }

    fn begin_string(&mut self) -> Text {
        if self.depth > 0 {
            return Text::Other;
        }
        if std::mem::take(&mut self.expects_key) {
            self.key.clear();
            return Text::Key;
        }
        if self.value() == Place::Wanted { Text::Wanted(vec![b'"']) } else { Text::Other }
    }

    fn open(&mut self, is_object: bool) {
        match self.value() {
            Place::Elsewhere | Place::Wanted => self.depth = 1,
            _ if self.within.len() >= NESTING_MAX => self.depth = 1,
            place => {
                self.within.push((place, is_object));
                self.expects_key = is_object;
            }
        }
    }

    /// What the value is that begins here.
    fn value(&self) -> Place {
        match self.within.last() {
            Some((place, false)) => place.element(),
            Some((_, true)) | None => self.next,
        }
    }

    fn place(&self) -> Place {
        self.within.last().map_or(Place::Elsewhere, |(place, _)| *place)
    }

    fn is_in_object(&self) -> bool {
        self.within.last().is_some_and(|(_, is_object)| *is_object)
    }

    /// What the key reads, where it was written with escapes as well.
    fn read_key(&self) -> Vec<u8> {
        if !self.key.contains(&b'\\') {
            return self.key.clone();
        }
        let quoted = [b"\"", self.key.as_slice(), b"\""].concat();
        serde_json::from_slice::<String>(&quoted).unwrap_or_default().into_bytes()
    }

    fn changed(&mut self, held: Vec<u8>) -> Vec<u8> {
        let text = serde_json::from_slice::<String>(&held).ok();
        match text.and_then(|text| (self.change)(&text)) {
            Some(changed) => serde_json::Value::from(changed).to_string().into_bytes(),
            None => held,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_of_tasks_are_changed_where_tasks_are_and_nowhere_else() {
        let related = r#""_meta":{"io.modelcontextprotocol/related-task":{"taskId":"t"},"taskId":"t"}"#;
        for (text, expected) in [
            (
                r#"{"result":{"taskId":"t","result":{"taskId":"t"}}}"#,
                r#"{"result":{"taskId":"T","result":{"taskId":"t"}}}"#,
            ),
            (
                r#"{"result":{"task":{"taskId":"t","x":{"taskId":"t"}}}}"#,
                r#"{"result":{"task":{"taskId":"T","x":{"taskId":"t"}}}}"#,
            ),
            (
                r#"{"result":{"tasks":[{"taskId":"t"},{"taskId":"u"}]}}"#,
                r#"{"result":{"tasks":[{"taskId":"T"},{"taskId":"u"}]}}"#,
            ),
            (
                r#"{"params":{"taskId":"t","uri":"t"},"taskId":"t"}"#,
                r#"{"params":{"taskId":"T","uri":"t"},"taskId":"t"}"#,
            ),
        ] {
            for cut in 0..text.len() {
                let change = |id: &str| (id == "t").then(|| "T".to_owned());
                let mut rewriter = StringRewriter::of_task_ids(Box::new(change));
                let (head, tail) = text.as_bytes().split_at(cut);
                let rewritten = [rewriter.push(head), rewriter.push(tail)].concat();
                assert_eq!(String::from_utf8(rewritten).unwrap(), expected, "{cut}");
            }
        }
        let mut rewriter = StringRewriter::of_task_ids(Box::new(|_| Some("T".to_owned())));
        let rewritten = rewriter.push(format!(r#"{{"result":{{{related}}}}}"#).as_bytes());
        let expected =
            r#"{"result":{"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"T"},"taskId":"t"}}}"#;
        assert_eq!(String::from_utf8(rewritten).unwrap(), expected);
    }

    fn rewriter() -> StringRewriter {
        StringRewriter::of_uris(Box::new(|uri| uri.strip_prefix("a:").map(|rest| format!("b:{rest}"))))
    }

    fn rewrite(text: &str, cut: usize) -> String {
        let mut rewriter = rewriter();
        let (head, tail) = text.as_bytes().split_at(cut.min(text.len()));
        let mut out = rewriter.push(head);
        out.extend(rewriter.push(tail));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn uris_are_changed_where_the_protocol_has_them_and_nowhere_else() {
        for (text, expected) in [
            (
                r#"{"id":1,"result":{"contents":[{"uri":"a:1","text":"a:1"},{"x":[],"uri" : "a:\/2"},{"uri":"c:3"}]}}"#,
                r#"{"id":1,"result":{"contents":[{"uri":"b:1","text":"a:1"},{"x":[],"uri" : "b:/2"},{"uri":"c:3"}]}}"#,
            ),
            (
                r#"{"result":{"content":[{"type":"resource_link","uri":"a:1"},{"resource":{"uri":"a:2","_meta":{"uri":"a:3"}}}],"uri":"a:4"}}"#,
                r#"{"result":{"content":[{"type":"resource_link","uri":"b:1"},{"resource":{"uri":"b:2","_meta":{"uri":"a:3"}}}],"uri":"a:4"}}"#,
            ),
            (
                r#"{"result":{"messages":[{"role":"user","content":{"uri":"a:1"}},{"content":{"resource":{"u\u0072i":"a:2"}}},{"content":[{"uri":"a:3"}]}]}}"#,
                r#"{"result":{"messages":[{"role":"user","content":{"uri":"b:1"}},{"content":{"resource":{"u\u0072i":"b:2"}}},{"content":[{"uri":"b:3"}]}]}}"#,
            ),
            (
                r#"{"error":{"content":[{"uri":"a:1"}]},"contents":[{"uri":"a:1"}]}"#,
                r#"{"error":{"content":[{"uri":"a:1"}]},"contents":[{"uri":"a:1"}]}"#,
            ),
            (
                r#"{"result":{"structuredContent":{"content":[{"uri":"a:1"}]},"content":[{"uri":["a:1"]},{"uri":"a:2"}]}}"#,
                r#"{"result":{"structuredContent":{"content":[{"uri":"a:1"}]},"content":[{"uri":["a:1"]},{"uri":"b:2"}]}}"#,
            ),
        ] {
            for cut in 0..=text.len() {
                assert_eq!(rewrite(text, cut), expected, "cut at {cut}");
            }
        }
    }

    #[test]
    fn a_string_that_is_too_long_for_a_uri_stays() {
        let text = format!(r#"{{"result":{{"contents":[{{"uri":"a:{}"}}]}}}}"#, "x".repeat(HELD_MAX_BYTES));
        assert_eq!(rewrite(&text, 100), text);
    }

    #[test]
    fn lists_within_lists_without_end_are_not_remembered() {
        let mut rewriter = rewriter();
        rewriter.push(br#"{"result":{"content":"#);
        for _ in 0..1_000 {
            rewriter.push(&[b'['; 100]);
        }
        assert!(rewriter.within.len() <= NESTING_MAX, "{}", rewriter.within.len());
        rewriter.push(&[b']'; 100_000]);
        let after = rewriter.push(br#","contents":[{"uri":"a:1"}]}}"#);
        assert_eq!(after, br#","contents":[{"uri":"b:1"}]}}"#);
    }

    proptest! {
        #[test]
        fn without_anything_to_change_every_byte_stays(text in ".{0,60}", number in any::<f64>(), cut in 0usize..200) {
            let text = serde_json::json!({ "result": { "contents": [{ "uri": text, "x": number }], "content": { text.clone(): [text] } } }).to_string();
            let mut rewriter = StringRewriter::of_uris(Box::new(|_| None));
            let (head, tail) = text.as_bytes().split_at(cut.min(text.len()));
            let mut out = rewriter.push(head);
            out.extend(rewriter.push(tail));
            prop_assert_eq!(out, text.into_bytes());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = rewriter().push(&bytes);
        }
    }
}
