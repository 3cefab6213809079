//! What a server says, without its secrets in it: they are taken out before it is kept, logged or shown.

use std::borrow::Cow;

use serde_json::Value;
use zeroize::Zeroizing;

use super::credential::Credential;
use super::frame::{Frame, Whole};
use super::target::Listing;

/// What stands in the place of a secret in a server's words.
const MASK: &str = "[secret]";
/// Shortest value that is masked in errors: shorter ones stand in any text by chance.
const MASKED_IN_ERRORS_MIN_BYTES: usize = 4;
/// Shortest value that is masked in definitions, which models have to read.
const MASKED_IN_LISTS_MIN_BYTES: usize = 8;

/// How JSON may write a character otherwise than as itself, where it could.
const ESCAPES: [&str; 2] = ["\\u", "\\/"];

impl Credential {
    /// A server's words without the secrets in them.
    pub(super) fn mask(&self, text: String) -> String {
        match self.masked(&text, MASKED_IN_ERRORS_MIN_BYTES) {
            Cow::Borrowed(_) => text,
            Cow::Owned(masked) => masked,
        }
    }

    /// A listing without the secrets in it: it is kept, and shown to models.
    pub(super) fn mask_listing(&self, listing: &mut Listing) {
        let Listing { tools, prompts, resources, templates, instructions, server_name, .. } = listing;
        let mut reasons = Vec::new();
        for listed in [prompts, resources, templates] {
            match listed {
                Ok(definitions) => self.mask_definitions(definitions),
                Err(reason) => reasons.push(reason),
            }
        }
        self.mask_definitions(tools);
        for text in instructions.iter_mut().chain(server_name).chain(reasons) {
            if let Cow::Owned(masked) = self.masked(text, MASKED_IN_LISTS_MIN_BYTES) {
                *text = masked;
            }
        }
    }

    fn mask_definitions(&self, definitions: &mut [String]) {
        for definition in definitions {
            if let Some(masked) = self.masked_json(definition, MASKED_IN_LISTS_MIN_BYTES) {
                *definition = masked;
            }
        }
    }

    /// A frame as callers may read it.
    pub(super) fn mask_frame(&self, frame: Frame) -> Frame {
        match frame {
            Frame::Whole(whole) => Frame::Whole(self.mask_whole(whole)),
            frame => frame,
        }
    }

    /// A whole message as callers may read it: an error that repeats a secret is masked. Results pass
    /// as they are: a server that wants to give its secret away cannot be kept from it.
    pub(super) fn mask_whole(&self, whole: Whole) -> Whole {
        if whole.shape.error.is_none() {
            return whole;
        }
        let text = std::str::from_utf8(&whole.text).ok();
        let masked = text.and_then(|text| self.masked_json(text, MASKED_IN_ERRORS_MIN_BYTES));
        masked.and_then(|masked| Whole::read(masked.into())).unwrap_or(whole)
    }

    /// JSON without the secrets in its texts, however these are written there; `None` if there are none.
    /// Numbers and the form of the document are left alone: it stays what it was.
    fn masked_json(&self, json: &str, min_bytes: usize) -> Option<String> {
        let as_written = self.masked(json, min_bytes);
        if matches!(as_written, Cow::Borrowed(_)) && !ESCAPES.iter().any(|escape| json.contains(escape)) {
            return None;
        }
        match serde_json::from_str::<Value>(json) {
            Ok(mut value) => self.mask_texts(&mut value, min_bytes).then(|| value.to_string()),
            // Nested so deeply that it is not read: nobody else will read it either.
            Err(_) => matches!(as_written, Cow::Owned(_)).then(|| as_written.into_owned()),
        }
    }

    /// Masks every text of a value; tells whether there was anything to mask.
    fn mask_texts(&self, value: &mut Value, min_bytes: usize) -> bool {
        let mut any = false;
        match value {
            Value::String(text) => {
                if let Cow::Owned(masked) = self.masked(text, min_bytes) {
                    (*text, any) = (masked, true);
                }
            }
            Value::Array(items) => {
                for item in items {
                    any |= self.mask_texts(item, min_bytes);
                }
            }
            Value::Object(fields) => {
                for (name, mut field) in std::mem::take(fields) {
                    any |= self.mask_texts(&mut field, min_bytes);
                    let masked = self.masked(&name, min_bytes);
                    any |= matches!(masked, Cow::Owned(_));
                    fields.insert(masked.into_owned(), field);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        any
    }

    fn masked<'a>(&self, text: &'a str, min_bytes: usize) -> Cow<'a, str> {
        let mut masked = Cow::Borrowed(text);
        for (_, value) in self.values().filter(|(_, value)| value.expose().len() >= min_bytes) {
            let in_json = Zeroizing::new(serde_json::to_string(value.expose()).unwrap_or_default());
            let in_json = in_json.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
            // Of one with several lines, each may stand alone.
            let lines = value.expose().lines().map(str::trim).filter(|line| line.len() >= min_bytes);
            for form in [Some(value.expose()), in_json].into_iter().flatten().chain(lines) {
                if masked.contains(form) {
                    masked = Cow::Owned(masked.replace(form, MASK));
                }
            }
        }
        masked
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::credential::tests::holding;
    use super::*;

    pub(super) fn mask_whole(credential: &Credential, message: &str) -> Bytes {
        credential.mask_whole(Whole::read(Bytes::from(message.to_owned())).unwrap()).text
    }

    #[test]
    fn what_a_server_says_of_its_secrets_is_masked() {
        let quoted = "gh\"p\\value";
        let credential = holding(&[("KEY", quoted), ("SHORT", "abc")]);
        assert_eq!(credential.mask(format!("bad token {quoted} abc")), "bad token [secret] abc");
        let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"bad gh\"p\\value"}}"#;
        let masked = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"bad [secret]"}}"#;
        assert_eq!(mask_whole(&credential, error), masked);
        let result = r#"{"jsonrpc":"2.0","id":1,"result":{"x":"gh\"p\\value"}}"#;
        assert_eq!(mask_whole(&credential, result), result);
        let lines = holding(&[("KEY", "first line\nsecond")]);
        assert_eq!(lines.mask("it reads: second".to_owned()), "it reads: [secret]");
        assert_eq!(format!("{credential:?}"), r#"["KEY", "SHORT"]"#);
    }

    #[test]
    fn what_is_masked_in_a_message_leaves_it_a_message() {
        let masked = |value: &str, error: &str| {
            let credential = holding(&[("KEY", value)]);
            let message =
                format!(r#"{{"jsonrpc":"2.0","id":1234,"error":{{"code":-32000,"message":{error}}}}}"#);
            let masked = mask_whole(&credential, &message);
            let masked: serde_json::Value = serde_json::from_slice(&masked).unwrap();
            assert_eq!(masked["id"], 1234);
            masked["error"]["message"].as_str().unwrap().to_owned()
        };
        assert_eq!(masked("quoted\"", r#""bad quoted\" x""#), "bad [secret] x");
        assert_eq!(masked("quoted\\", r#""bad quoted\" x""#), "bad quoted\" x");
        assert_eq!(masked("1234", r#""bad 1234""#), "bad [secret]");
        assert_eq!(masked("ghp_value", r#""bad \u0067hp_v\u0061lue""#), "bad [secret]");
    }

    #[test]
    fn whatever_a_server_offers_is_listed_without_its_secrets() {
        let credential = holding(&[("KEY", "ghp_value")]);
        let said = |text: &str| vec![format!(r#"{{"x":"{text}"}}"#)];
        let offering = |text: &str| Listing {
            prompts: Ok(said(text)),
            resources: Ok(said(text)),
            templates: Ok(said(text)),
            instructions: Some(text.to_owned()),
            server_name: Some(text.to_owned()),
            ..Listing::of_tools(said(text), "modern")
        };
        let mut listing = offering("a ghp_value");
        credential.mask_listing(&mut listing);
        assert_eq!(listing, offering("a [secret]"));
        let mut escaped = Listing { prompts: Ok(said("a gh\\u0070_value")), ..offering("a") };
        credential.mask_listing(&mut escaped);
        assert_eq!(escaped, Listing { prompts: Ok(said("a [secret]")), ..offering("a") });
        let mut failed = Listing { resources: Err("bad ghp_value".to_owned()), ..offering("a") };
        credential.mask_listing(&mut failed);
        assert_eq!(failed.resources, Err("bad [secret]".to_owned()));
    }
}
