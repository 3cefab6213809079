//! What a request asks a server for that is not answered from memory, and where in its text that stands.

use std::borrow::Cow;

use super::error::Refusal;
use crate::jsonrpc::{Object, Request};
use crate::snapshot::Subject;

/// A request that is relayed.
pub struct Asked<'a> {
    /// The method, as it is told in headers.
    pub method: &'static str,
    /// What is asked for.
    pub subject: Subject,
    /// The value that names it, as it stands in the request.
    pub raw: &'a str,
}

impl<'a> Asked<'a> {
    /// Reads what a request asks for; `None` if its method is not relayed.
    ///
    /// # Errors
    /// [`Refusal::InvalidParams`] when it does not say so.
    pub fn read(request: &Request<'a>) -> Option<Result<Self, Refusal>> {
        let params = request.params.as_ref();
        Some(match request.method.as_ref() {
            "tools/call" => read("tools/call", params, "name", Subject::Tool),
            "prompts/get" => read("prompts/get", params, "name", Subject::Prompt),
            "resources/read" => read("resources/read", params, "uri", Subject::Resource),
            "completion/complete" => completion(params),
            _ => return None,
        })
    }

    /// Whether modern requests of this method repeat what is asked for in `Mcp-Name`.
    #[must_use]
    pub fn is_named_in_header(&self) -> bool {
        self.method != COMPLETION
    }
}

const COMPLETION: &str = "completion/complete";

fn read<'a>(
    method: &'static str,
    object: Option<&Object<'a>>,
    key: &str,
    subject: impl FnOnce(String) -> Subject,
) -> Result<Asked<'a>, Refusal> {
    let found = object.and_then(|object| Some((object.string(key)?, object.raw(key)?)));
    let (name, raw) = found.ok_or_else(|| must_be(&format!("{key} must be a string")))?;
    Ok(Asked { method, subject: subject(Cow::into_owned(name)), raw })
}

fn completion<'a>(params: Option<&Object<'a>>) -> Result<Asked<'a>, Refusal> {
    let reference = params.map_or(Ok(None), |params| params.object("ref")).map_err(Refusal::Fault)?;
    let reference = reference.ok_or_else(|| must_be("ref must be an object"))?;
    match reference.string("type").as_deref() {
        Some("ref/prompt") => read(COMPLETION, Some(&reference), "name", Subject::Prompt),
        Some("ref/resource") => read(COMPLETION, Some(&reference), "uri", Subject::Template),
        _ => Err(must_be("ref must be a ref/prompt or a ref/resource")),
    }
}

fn must_be(what: &str) -> Refusal {
    Refusal::InvalidParams { message: format!("Invalid params: {what}"), bad_request: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jsonrpc::message::{Body, Message, read};

    fn asked(method: &str, params: &str) -> Option<Result<(Subject, String), Refusal>> {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        let Ok(Body::Single(Message::Request(request))) = read(text.as_bytes(), 64) else { panic!("{text}") };
        let asked = Asked::read(&request)?;
        Some(asked.map(|asked| (asked.subject, asked.raw.to_owned())))
    }

    #[test]
    fn every_method_names_what_it_asks_for_in_its_own_way() {
        let of = |subject: Subject, raw: &str| Some(Ok((subject, raw.to_owned())));
        let a = || "a".to_owned();
        assert_eq!(asked("tools/call", r#"{"name":"a"}"#), of(Subject::Tool(a()), r#""a""#));
        assert_eq!(asked("prompts/get", r#"{"name":"\u0061"}"#), of(Subject::Prompt(a()), r#""\u0061""#));
        assert_eq!(asked("resources/read", r#"{"uri":"a"}"#), of(Subject::Resource(a()), r#""a""#));
        let prompt = r#"{"ref":{"type":"ref/prompt","name":"a"},"argument":{}}"#;
        assert_eq!(asked("completion/complete", prompt), of(Subject::Prompt(a()), r#""a""#));
        let template = r#"{"ref":{"uri":"a","type":"ref/resource"}}"#;
        assert_eq!(asked("completion/complete", template), of(Subject::Template(a()), r#""a""#));
        assert_eq!(asked("tools/list", "{}"), None);
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for (method, params) in [
            ("tools/call", r#"{"name":7}"#),
            ("prompts/get", "{}"),
            ("resources/read", r#"{"uri":null}"#),
            ("completion/complete", r#"{"ref":"a"}"#),
            ("completion/complete", r#"{"ref":{"type":"ref/tool","name":"a"}}"#),
            ("completion/complete", r#"{"ref":{"type":"ref/prompt","uri":"a"}}"#),
        ] {
            let refused = asked(method, params);
            assert!(matches!(refused, Some(Err(Refusal::InvalidParams { .. }))), "{method} {params}");
        }
    }
}
