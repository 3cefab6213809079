//! A prompt, a resource or a resource template: what of it is read, and how it is listed.

use aerostack_core::uri_template::UriTemplate;
use serde::Deserialize;
use url::Url;

use super::form::{Change, Form};
use super::{Kind, Unfit};
use crate::jsonrpc::Object;

/// Optional fields of the definitions of each kind, and how their JSON begins; `0` is a number.
const SHARED: [(&str, char); 5] =
    [("title", '"'), ("description", '"'), ("annotations", '{'), ("icons", '['), ("_meta", '{')];
const OF_PROMPTS: [(&str, char); 1] = [("arguments", '[')];
const OF_RESOURCES: [(&str, char); 2] = [("mimeType", '"'), ("size", '0')];
const OF_TEMPLATES: [(&str, char); 1] = [("mimeType", '"')];

/// A definition that clients can be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The server's own name of a prompt, URI of a resource, or URI template; not empty.
    pub own: String,
    /// As it is listed.
    pub form: Form,
    /// Of a template, what its URIs look like.
    pub template: Option<UriTemplate>,
}

impl Item {
    /// Reads a definition of a kind that is no tool.
    ///
    /// # Errors
    /// [`Unfit`].
    pub fn read(kind: Kind, text: &str) -> Result<Self, Unfit> {
        let object = Object::parse(text).ok_or(Unfit::Malformed)?;
        let named = object.string("name").is_some_and(|name| !name.is_empty());
        if !named {
            return Err(Unfit::NoName);
        }
        let own = object.string(kind.key()).filter(|own| !own.is_empty()).ok_or(Unfit::Uri)?;
        // Some clients read every URI of a list, and the whole list fails over one that is none.
        if kind == Kind::Resource && Url::parse(&own).is_err() {
            return Err(Unfit::Uri);
        }
        if kind == Kind::Prompt {
            check_arguments(&object)?;
        }
        let optional: &[(&str, char)] = match kind {
            Kind::Prompt => &OF_PROMPTS,
            Kind::Resource => &OF_RESOURCES,
            Kind::Template => &OF_TEMPLATES,
            Kind::Tool => &[],
        };
        let offered = |key: &str, raw: &str| {
            let fits = |(known, begins): &(&str, char)| *known != key || begins_with(raw, *begins);
            if SHARED.iter().chain(optional).all(fits) { Change::None } else { Change::LeaveOut }
        };
        Ok(Self {
            form: Form::of(&object, kind.key(), offered),
            template: (kind == Kind::Template).then(|| UriTemplate::parse(&own)).flatten(),
            own: own.into_owned(),
        })
    }
}

fn begins_with(raw: &str, begins: char) -> bool {
    match begins {
        '0' => raw.starts_with(|first: char| first == '-' || first.is_ascii_digit()),
        begins => raw.starts_with(begins),
    }
}

/// Arguments that are a list must be one of named ones; anything else is left out like other fields.
fn check_arguments(object: &Object<'_>) -> Result<(), Unfit> {
    #[derive(Deserialize)]
    struct Argument {
        #[serde(rename = "name")]
        _name: String,
    }
    match object.raw("arguments").filter(|raw| raw.starts_with('[')) {
        Some(raw) => serde_json::from_str::<Vec<Argument>>(raw).map(drop).map_err(|_| Unfit::Arguments),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(kind: Kind, text: &str, exposed: &str) -> String {
        let mut out = String::new();
        Item::read(kind, text).unwrap().form.write(exposed, &mut out);
        out
    }

    #[test]
    fn only_the_key_is_changed_and_not_even_that_where_it_stays() {
        let prompt = r#"{ "x":1.0e2,"name" : "gre\/et", "arguments":[{"name":"a","required":true}]}"#;
        let expected = prompt.replace(r#""gre\/et""#, r#""desk__gre_et""#);
        assert_eq!(listed(Kind::Prompt, prompt, "desk__gre_et"), expected);
        let resource = r#"{"uri":"file:\/\/\/a","name":"a","size":2.50,"unknown":null}"#;
        assert_eq!(listed(Kind::Resource, resource, "file:///a"), resource);
        let expected = resource.replace(r#""file:\/\/\/a""#, r#""aerostack+desk:file:///a""#);
        assert_eq!(listed(Kind::Resource, resource, "aerostack+desk:file:///a"), expected);
        let template = r#"{"name":"t","uriTemplate":"file:///{\"x\"}"}"#;
        assert_eq!(listed(Kind::Template, template, r#"file:///{"x"}"#), template);
    }

    #[test]
    fn optional_fields_of_a_wrong_kind_are_left_out() {
        let text = r#"{"name":"a","uri":"a:b","mimeType":null,"size":"7","title":7,"other":null}"#;
        assert_eq!(listed(Kind::Resource, text, "a:b"), r#"{"name":"a","uri":"a:b","other":null}"#);
        let text = r#"{"name":"a","arguments":null}"#;
        assert_eq!(listed(Kind::Prompt, text, "a"), r#"{"name":"a"}"#);
    }

    #[test]
    fn what_no_client_could_read_is_told_why() {
        let unfit = |kind, text: &str| Item::read(kind, text).err();
        for kind in [Kind::Prompt, Kind::Resource, Kind::Template] {
            for text in ["", "7", "[]", r#"{"name":"a","name":"b","uri":"a:b","uriTemplate":"a:b"}"#] {
                assert_eq!(unfit(kind, text), Some(Unfit::Malformed), "{text}");
            }
            assert_eq!(unfit(kind, r#"{"uri":"a:b","uriTemplate":"a:b"}"#), Some(Unfit::NoName));
        }
        for text in [r#"{"name":"a"}"#, r#"{"name":"a","uri":"no uri"}"#, r#"{"name":"a","uri":7}"#] {
            assert_eq!(unfit(Kind::Resource, text), Some(Unfit::Uri), "{text}");
        }
        for arguments in ["[7]", "[{}]", r#"[{"name":null}]"#] {
            let text = format!(r#"{{"name":"a","arguments":{arguments}}}"#);
            assert_eq!(unfit(Kind::Prompt, &text), Some(Unfit::Arguments), "{text}");
        }
    }
}
