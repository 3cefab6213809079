//! A tool's definition. Clients of 2025-11-25 and older are spared what only newer ones can read of it.

use std::borrow::Cow;

use super::Unfit;
use super::form::{Change, Form};
use crate::jsonrpc::{Object, Splice};
use crate::tool_header::{self, HeaderParameter, InvalidAnnotation};

/// Optional fields of a definition, and how their JSON begins.
const OPTIONAL: [(&str, char); 7] = [
    ("title", '"'),
    ("description", '"'),
    ("annotations", '{'),
    ("icons", '['),
    ("execution", '{'),
    ("_meta", '{'),
    (OUTPUT_SCHEMA, '{'),
];
const INPUT_SCHEMA: &str = "inputSchema";
const OUTPUT_SCHEMA: &str = "outputSchema";

/// A definition that clients can be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The server's own name of the tool; not empty.
    pub name: String,
    /// What it does, in the server's words.
    pub description: Option<String>,
    /// As it is listed.
    pub form: Form,
    /// As clients of 2025-11-25 and older are given it, where that must differ.
    pub legacy_form: Option<Form>,
    /// Arguments that modern requests mirror in headers.
    pub header_parameters: Result<Vec<HeaderParameter>, InvalidAnnotation>,
}

impl Definition {
    /// Reads a definition.
    ///
    /// # Errors
    /// [`Unfit`], but never for its header annotations, which matter to modern servers only.
    pub fn read(text: &str) -> Result<Self, Unfit> {
        let object = Object::parse(text).ok_or(Unfit::Malformed)?;
        let name = object.string("name").filter(|name| !name.is_empty()).ok_or(Unfit::NoName)?;
        let input_schema = object.raw(INPUT_SCHEMA).ok_or(Unfit::InputSchema)?;
        let plain_properties = boolean_properties(input_schema).ok_or(Unfit::InputSchema)?;
        let offered = |key: &str, raw: &str| {
            let fits = OPTIONAL.iter().all(|(optional, begins)| *optional != key || raw.starts_with(*begins));
            if fits { Change::None } else { Change::LeaveOut }
        };
        let legacy = |key: &str, raw: &str| match key {
            OUTPUT_SCHEMA if boolean_properties(raw).is_none_or(|found| !found.is_empty()) => {
                Change::LeaveOut
            }
            INPUT_SCHEMA if !plain_properties.is_empty() => Change::To(spelt_out(raw, &plain_properties)),
            _ => offered(key, raw),
        };
        let (form, legacy_form) = (Form::of(&object, "name", offered), Form::of(&object, "name", legacy));
        Ok(Self {
            name: name.into_owned(),
            description: object.string("description").map(Cow::into_owned),
            legacy_form: (legacy_form != form).then_some(legacy_form),
            form,
            header_parameters: tool_header::parameters(input_schema),
        })
    }
}

/// The schemas of properties that say `true` or `false`, of a schema that describes an object; `None` of
/// one that does not, or that some clients cannot read.
fn boolean_properties(schema: &str) -> Option<Vec<&str>> {
    let schema = Object::parse(schema)?;
    if schema.string("type")? != "object" {
        return None;
    }
    if let Some(required) = schema.raw("required") {
        serde_json::from_str::<Vec<String>>(required).ok()?;
    }
    let Some(properties) = schema.raw("properties") else {
        return Some(Vec::new());
    };
    let properties = Object::parse(properties)?;
    let is_schema = |raw: &str| raw.starts_with('{') || raw == "true" || raw == "false";
    if !properties.fields().all(|(_, raw)| is_schema(raw)) {
        return None;
    }
    Some(properties.fields().map(|(_, raw)| raw).filter(|raw| !raw.starts_with('{')).collect())
}

/// A schema with these of its properties, which older clients want as objects, in the words of such.
fn spelt_out(schema: &str, booleans: &[&str]) -> String {
    let mut splice = Splice::new(schema);
    for boolean in booleans {
        splice.replace(boolean, if *boolean == "true" { "{}" } else { r#"{"not":{}}"# });
    }
    String::from_utf8(splice.finish().into()).expect("an edited text is a text")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(text: &str) -> (String, Option<String>) {
        let definition = Definition::read(text).unwrap();
        let written = |form: &Form| {
            let mut out = String::new();
            form.write("desk__x", &mut out);
            out
        };
        (written(&definition.form), definition.legacy_form.as_ref().map(written))
    }

    #[test]
    fn only_the_name_is_changed_in_what_every_client_can_read() {
        let text = r#" { "x":1.0e2, "name" : "get\/a", "inputSchema":{"type":"object","required":["a"]},
            "outputSchema":{"type":"object"}, "title":"\u00e9","annotations":{}} "#;
        let expected = text.trim().replace(r#""get\/a""#, r#""desk__x""#);
        assert_eq!(forms(text), (expected, None));
        let definition = Definition::read(text).unwrap();
        assert_eq!((definition.name.as_str(), definition.description), ("get/a", None));
    }

    #[test]
    fn a_tool_that_no_client_could_read_is_told_why() {
        let unfit = |text: &str| Definition::read(text).err();
        for text in ["", "7", "[]", r#"{"name":"a","name":"b","inputSchema":{"type":"object"}}"#] {
            assert_eq!(unfit(text), Some(Unfit::Malformed), "{text}");
        }
        for name in ["null", "7", "\"\""] {
            let text = format!(r#"{{"name":{name},"inputSchema":{{"type":"object"}}}}"#);
            assert_eq!(unfit(&text), Some(Unfit::NoName), "{name}");
        }
        assert_eq!(unfit(r#"{"name":"a"}"#), Some(Unfit::InputSchema));
        for schema in [
            "null",
            "true",
            "{}",
            r#"{"type":"string"}"#,
            r#"{"type":["object"]}"#,
            r#"{"type":"object","properties":null}"#,
            r#"{"type":"object","properties":{"a":null}}"#,
            r#"{"type":"object","required":"a"}"#,
            r#"{"type":"object","required":[1]}"#,
        ] {
            let text = format!(r#"{{"name":"a","inputSchema":{schema}}}"#);
            assert_eq!(unfit(&text), Some(Unfit::InputSchema), "{schema}");
        }
    }

    #[test]
    fn optional_fields_of_a_wrong_kind_are_left_out_for_everybody() {
        let text = r#"{"outputSchema":null,"description":null,"name":"a","title":7,"annotations":[],"icons":{},
            "execution":null,"_meta":"x","inputSchema":{"type":"object"},"other":null}"#;
        let expected = r#"{"name":"desk__x","inputSchema":{"type":"object"},"other":null}"#;
        assert_eq!(forms(text), (expected.to_owned(), None));
        let last = r#"{"inputSchema":{"type":"object"},"outputSchema":true,"name":"a"}"#;
        assert_eq!(forms(last).0, r#"{"inputSchema":{"type":"object"},"name":"desk__x"}"#);
    }

    #[test]
    fn older_clients_are_spared_output_schemas_of_other_types() {
        for schema in
            [r#"{"type":"array"}"#, "{}", r#"{"type":"object","properties":{"a":true}}"#, r#"{"type":null}"#]
        {
            let text =
                format!(r#"{{"name":"a","inputSchema":{{"type":"object"}},  "outputSchema":{schema}}}"#);
            let (form, legacy) = forms(&text);
            assert_eq!(form, text.replace("\"a\",\"inp", "\"desk__x\",\"inp"));
            assert_eq!(
                legacy.as_deref(),
                Some(r#"{"name":"desk__x","inputSchema":{"type":"object"}}"#),
                "{schema}"
            );
        }
    }

    #[test]
    fn older_clients_get_properties_that_take_anything_as_objects() {
        let schema = r#"{"type":"object", "properties":{"a":true,"b":{"x":true},"c":false}}"#;
        let (form, legacy) = forms(&format!(r#"{{"name":"a","inputSchema":{schema}}}"#));
        assert_eq!(form, format!(r#"{{"name":"desk__x","inputSchema":{schema}}}"#));
        let spelt = r#"{"type":"object", "properties":{"a":{},"b":{"x":true},"c":{"not":{}}}}"#;
        assert_eq!(legacy, Some(format!(r#"{{"name":"desk__x","inputSchema":{spelt}}}"#)));
    }

    #[test]
    fn nesting_of_any_depth_has_a_form_for_older_clients() {
        let deep = format!("{}1{}", r#"{"a":"#.repeat(1_000), "}".repeat(1_000));
        let text =
            format!(r#"{{"name":"a","inputSchema":{{"type":"object","x":{deep}}},"outputSchema":{deep}}}"#);
        let expected = format!(r#"{{"name":"desk__x","inputSchema":{{"type":"object","x":{deep}}}}}"#);
        assert_eq!(forms(&text).1, Some(expected));
    }
}
