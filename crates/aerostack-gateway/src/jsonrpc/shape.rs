//! What a whole message of a server is, and where in its text stands what is looked at or changed on its way.
//! All of it is read in one pass.

use std::ops::Range;

use super::Verdict;
use super::scan::{Scanner, Unfit, unescaped};

/// Where the parts of a message stand, in bytes. A part that is `null` counts as missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// `id`.
    pub id: Option<Range<usize>>,
    /// `method`, a string.
    pub method: Option<Range<usize>>,
    /// `params`.
    pub params: Option<Range<usize>>,
    /// `result`.
    pub result: Option<Range<usize>>,
    /// What a result says of itself.
    pub says: ResultSays,
    /// `error`.
    pub error: Option<Range<usize>>,
}

/// What a result that is an object says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResultSays {
    /// Whether it is an object at all.
    pub is_object: bool,
    /// `resultType`.
    pub kind: Option<Range<usize>>,
    /// Whether it has `ttlMs`.
    pub has_ttl: bool,
    /// Whether it has `cacheScope`.
    pub has_scope: bool,
    /// Whether it has a `task`.
    pub has_task: bool,
    /// Whether it says `"isError": true`.
    pub is_error: bool,
    /// Whether it is an object that says nothing.
    pub is_empty: bool,
}

/// The parts of a message.
const PARTS: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];

impl Shape {
    /// Reads one JSON-RPC 2.0 message: a request, a notice, a result or an error. `None` if it is none of them
    /// alone, or one of its parts is there twice.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Self::scan(text).ok().flatten()
    }

    fn scan(text: &str) -> Result<Option<Self>, Unfit> {
        let mut scanner = Scanner::new(text, usize::MAX);
        let mut opened = scanner.open_object()?;
        let mut parts = PARTS.map(|_| None);
        let mut says = ResultSays::default();
        while let Some(key) = scanner.next_key(&mut opened)? {
            let start = scanner.at();
            if key == "result" && scanner.peek() == Some(b'{') {
                says = ResultSays::scan(&mut scanner)?;
            } else {
                scanner.value()?;
            }
            if let Some(part) = PARTS.iter().position(|part| *part == key)
                && parts[part].replace(start..scanner.at()).is_some()
            {
                return Ok(None);
            }
        }
        scanner.end()?;
        let present = |part: Option<Range<usize>>| part.filter(|part| text[part.clone()] != *"null");
        let [version, id, method, params, result, error] = parts.map(present);
        let is_string = |part: &Range<usize>| text[part.clone()].starts_with('"');
        let is_of_2_0 = version.and_then(|version| unescaped(&text[version])).as_deref() == Some("2.0");
        let kinds = [method.is_some(), result.is_some(), error.is_some()];
        let is_of_one_kind = kinds.into_iter().filter(|is_there| *is_there).count() == 1;
        let is_message = is_of_2_0 && is_of_one_kind && method.as_ref().is_none_or(is_string);
        Ok(is_message.then_some(Self { id, method, params, result, says, error }))
    }

    /// What the message came to; `None` if it is no response.
    #[must_use]
    pub const fn verdict(&self) -> Option<Verdict> {
        match self {
            Self { method: Some(_), .. } | Self { error: None, result: None, .. } => None,
            Self { error: Some(_), .. } => Some(Verdict::Error),
            Self { says: ResultSays { is_error: true, .. }, .. } => Some(Verdict::ToolError),
            Self { .. } => Some(Verdict::Result),
        }
    }
}

impl ResultSays {
    /// Reads the object that begins where the scanner stands.
    fn scan(scanner: &mut Scanner<'_>) -> Result<Self, Unfit> {
        let mut says = Self { is_object: true, is_empty: true, ..Self::default() };
        let mut opened = scanner.open_object()?;
        while let Some(key) = scanner.next_key(&mut opened)? {
            says.is_empty = false;
            let start = scanner.at();
            let raw = scanner.value()?;
            match key.as_ref() {
                "resultType" if raw != "null" => says.kind = Some(start..scanner.at()),
                "ttlMs" => says.has_ttl = raw != "null",
                "cacheScope" => says.has_scope = raw != "null",
                "task" => says.has_task = raw != "null",
                "isError" => says.is_error = raw == "true",
                _ => {}
            }
        }
        Ok(says)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(text: &str) -> Option<Verdict> {
        Shape::read(text)?.verdict()
    }

    #[test]
    fn parts_are_found_where_they_stand() {
        let text = r#"{"result": {"isError":false,"\u0074tlMs":5,"task":null} ,"id":"a","jsonrpc":"2.0"}"#;
        let shape = Shape::read(text).unwrap();
        assert_eq!(shape.id.clone().map(|id| &text[id]), Some("\"a\""));
        let result = shape.result.clone().map(|result| &text[result]);
        assert_eq!(result, Some(r#"{"isError":false,"\u0074tlMs":5,"task":null}"#));
        let says = ResultSays { is_object: true, has_ttl: true, ..ResultSays::default() };
        assert_eq!(
            shape,
            Shape { says, id: shape.id.clone(), result: shape.result.clone(), ..Shape::default() }
        );
        let notice = r#"{"jsonrpc":"2.0","method":"a","params":{},"id":null}"#;
        let shape = Shape::read(notice).unwrap();
        assert_eq!((shape.id, shape.method.map(|method| &notice[method])), (None, Some("\"a\"")));
    }

    #[test]
    fn what_is_no_message_has_no_shape() {
        for text in [
            "",
            "[]",
            "{}",
            r#"["2.0"]"#,
            r#"{"jsonrpc":"1.0","id":1,"result":1}"#,
            r#"{"jsonrpc":"2.0","id":1,"id":1,"result":1}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{}} x"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{,}}"#,
            r#"{"jsonrpc":"2.0","method":1}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":null}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":1,"error":1}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":1,"method":"a"}"#,
        ] {
            assert_eq!(Shape::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_response_comes_to_something_and_nothing_else_does() {
        for (text, expected) in [
            (r#"{"jsonrpc":"2.0","id":1,"result":{"a":1}}"#, Some(Verdict::Result)),
            (r#"{"jsonrpc":"2.0","id":1,"result":7}"#, Some(Verdict::Result)),
            (r#"{"jsonrpc":"2.0","id":1,"result":{"isError":true}}"#, Some(Verdict::ToolError)),
            (r#"{"jsonrpc":"2.0","id":1,"result":{"a":{"isError":true}}}"#, Some(Verdict::Result)),
            (r#"{"jsonrpc":"2.0","id":1,"error":{"isError":true}}"#, Some(Verdict::Error)),
            (r#"{"jsonrpc":"2.0","method":"a","params":{"result":{}}}"#, None),
        ] {
            assert_eq!(verdict(text), expected, "{text}");
        }
    }
}
