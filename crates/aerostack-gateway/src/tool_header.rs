//! Tool arguments that modern requests mirror in headers: `x-mcp-header` in a tool's input schema.
//!
//! Source: MCP 2026-07-28, Streamable HTTP, "Custom headers from tool parameters".

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// What the name of every such header begins with.
pub const PREFIX: &str = "mcp-param-";
const MARK: &str = "x-mcp-header";
/// Keywords whose value is a schema or a list of them.
const SCHEMA_KEYWORDS: [&str; 14] = [
    "items",
    "prefixItems",
    "contains",
    "additionalProperties",
    "unevaluatedItems",
    "unevaluatedProperties",
    "propertyNames",
    "oneOf",
    "anyOf",
    "allOf",
    "not",
    "if",
    "then",
    "else",
];
const OPEN: &str = "=?base64?";
const CLOSE: &str = "?=";
/// Deepest property looked at.
const DEPTH_MAX: usize = 32;
/// Largest whole number that every client can hold exactly: 2^53 − 1.
const SAFE_INTEGER_MAX: i64 = 9_007_199_254_740_991;

/// One argument and the header that mirrors it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderParameter {
    /// The header's name, lower case, [`PREFIX`] included.
    pub header: String,
    /// Where the argument stands below `arguments`.
    pub path: Vec<String>,
    /// Its declared type.
    pub kind: Kind,
}

/// The declared type of a mirrored argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `"string"`
    String,
    /// `"integer"`
    Integer,
    /// `"boolean"`
    Boolean,
}

/// An annotation that the protocol does not allow; it makes the whole tool unusable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid x-mcp-header annotation")]
pub struct InvalidAnnotation;

/// The mirrored arguments of an input schema, in the schema's order.
///
/// # Errors
/// [`InvalidAnnotation`] when one stands where it must not, has another type than string, integer or
/// boolean, is no header name, or appears twice.
pub fn parameters(schema: &str) -> Result<Vec<HeaderParameter>, InvalidAnnotation> {
    // An escaped spelling of the mark needs `\u`.
    if !schema.contains(MARK) && !schema.contains("\\u") {
        return Ok(Vec::new());
    }
    let schema: Value = serde_json::from_str(schema).map_err(|_| InvalidAnnotation)?;
    let mut found = Vec::new();
    collect(&schema, &mut Vec::new(), Reach::Root, &mut found)?;
    let distinct: HashSet<&str> = found.iter().map(|parameter| parameter.header.as_str()).collect();
    if distinct.len() == found.len() { Ok(found) } else { Err(InvalidAnnotation) }
}

/// Where in a schema one stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Root,
    /// From the root through `properties` alone: the only place for a mark.
    Property,
    Elsewhere,
}

fn collect(
    schema: &Value,
    path: &mut Vec<String>,
    reach: Reach,
    found: &mut Vec<HeaderParameter>,
) -> Result<(), InvalidAnnotation> {
    if path.len() > DEPTH_MAX {
        return Err(InvalidAnnotation);
    }
    let Value::Object(keywords) = schema else { return Ok(()) };
    if let Some(mark) = keywords.get(MARK) {
        if reach != Reach::Property {
            return Err(InvalidAnnotation);
        }
        found.push(parameter(mark, keywords.get("type"), path)?);
    }
    let below = if reach == Reach::Elsewhere { Reach::Elsewhere } else { Reach::Property };
    for (keyword, value) in keywords {
        match keyword.as_str() {
            "properties" => collect_members(value, path, below, found)?,
            "patternProperties" | "dependentSchemas" | "$defs" | "definitions" => {
                collect_members(value, path, Reach::Elsewhere, found)?;
            }
            keyword if SCHEMA_KEYWORDS.contains(&keyword) => match value {
                Value::Array(schemas) => {
                    schemas.iter().try_for_each(|schema| collect(schema, path, Reach::Elsewhere, found))?;
                }
                schema => collect(schema, path, Reach::Elsewhere, found)?,
            },
            // Anything else holds data, not schemas.
            _ => {}
        }
    }
    Ok(())
}

fn collect_members(
    schemas: &Value,
    path: &mut Vec<String>,
    reach: Reach,
    found: &mut Vec<HeaderParameter>,
) -> Result<(), InvalidAnnotation> {
    for (name, schema) in schemas.as_object().into_iter().flatten() {
        path.push(name.clone());
        collect(schema, path, reach, found)?;
        path.pop();
    }
    Ok(())
}

fn parameter(
    annotation: &Value,
    kind: Option<&Value>,
    path: &[String],
) -> Result<HeaderParameter, InvalidAnnotation> {
    let name = annotation.as_str().filter(|name| is_token(name)).ok_or(InvalidAnnotation)?;
    let kind = match kind.and_then(Value::as_str) {
        Some("string") => Kind::String,
        Some("integer") => Kind::Integer,
        Some("boolean") => Kind::Boolean,
        _ => return Err(InvalidAnnotation),
    };
    Ok(HeaderParameter {
        header: format!("{PREFIX}{}", name.to_ascii_lowercase()),
        path: path.to_vec(),
        kind,
    })
}

fn is_token(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(fits)
}

/// The text that mirrors an argument; `None` if it is absent, null or not of a mirrored type.
#[must_use]
pub fn value_of(parameter: &HeaderParameter, arguments: &Value) -> Option<String> {
    let mut value = arguments;
    for name in &parameter.path {
        value = value.get(name)?;
    }
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => {
            let whole = number.as_i64()?;
            (-SAFE_INTEGER_MAX..=SAFE_INTEGER_MAX).contains(&whole).then(|| whole.to_string())
        }
        _ => None,
    }
}

/// Writes a value the way it may stand in a header: as it is, or in base64 where it could not.
#[must_use]
pub fn encode(value: &str) -> String {
    let plain = value.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
        && value.trim() == value
        && !value.is_empty()
        && !(value.starts_with(OPEN) && value.ends_with(CLOSE));
    if plain { value.to_owned() } else { format!("{OPEN}{}{CLOSE}", STANDARD.encode(value)) }
}

/// Reads a header's value; `None` when it claims to be base64 and is not, or is not UTF-8.
#[must_use]
pub fn decode(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?.trim_matches([' ', '\t']);
    match text.strip_prefix(OPEN).and_then(|rest| rest.strip_suffix(CLOSE)) {
        Some(encoded) => String::from_utf8(STANDARD.decode(encoded).ok()?).ok(),
        None => Some(text.to_owned()),
    }
}

/// Tells whether a header's (decoded) value mirrors an argument's text; integers compare as numbers.
#[must_use]
pub fn mirrors(kind: Kind, header: &str, argument: &str) -> bool {
    if header == argument {
        return true;
    }
    let number = |text: &str| {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let whole = digits.split_once('.').map_or(digits, |(whole, fraction)| {
            if !fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0') { whole } else { "" }
        });
        (!whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit())).then(|| {
            let value: Option<i64> = whole.parse().ok();
            value.map(|value| if text.starts_with('-') { -value } else { value })
        })?
    };
    kind == Kind::Integer && number(header).is_some() && number(header) == number(argument)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(schema: &Value) -> Result<Vec<String>, InvalidAnnotation> {
        Ok(parameters(&schema.to_string())?.into_iter().map(|parameter| parameter.header).collect())
    }

    #[test]
    fn a_property_may_have_the_marks_name_and_the_mark_may_be_spelt_with_escapes() {
        assert_eq!(parameters(r#"{"properties":{"x-mcp-header":{"type":"array"}}}"#), Ok(Vec::new()));
        let escaped = r#"{"properties":{"a":{"type":"string","x-mcp\u002dheader":"A"}}}"#;
        assert_eq!(parameters(escaped).map(|found| found.len()), Ok(1));
    }

    #[test]
    fn annotated_properties_are_found_also_below_others() {
        let schema = json!({"type": "object", "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "where": {"type": "object", "properties": {"n": {"type": "integer", "x-mcp-header": "N"}}},
            "free": {"type": "string", "default": {"x-mcp-header": "not a schema"}}
        }});
        assert_eq!(read(&schema), Ok(vec!["mcp-param-region".to_owned(), "mcp-param-n".to_owned()]));
    }

    #[test]
    fn annotations_elsewhere_or_malformed_make_the_tool_unusable() {
        let property = |property: Value| json!({"type": "object", "properties": {"a": property}});
        for schema in [
            property(json!({"type": "number", "x-mcp-header": "A"})),
            property(json!({"type": ["string"], "x-mcp-header": "A"})),
            property(json!({"type": "string", "x-mcp-header": ""})),
            property(json!({"type": "string", "x-mcp-header": "a b"})),
            property(json!({"type": "array", "items": {"type": "string", "x-mcp-header": "A"}})),
            json!({"type": "object", "x-mcp-header": "A"}),
            json!({"$defs": {"a": {"type": "string", "x-mcp-header": "A"}}}),
            json!({"anyOf": [{"properties": {"a": {"type": "string", "x-mcp-header": "A"}}}]}),
            json!({"properties": {"a": {"type": "string", "x-mcp-header": "A"}, "b": {"type": "string", "x-mcp-header": "a"}}}),
        ] {
            assert_eq!(read(&schema), Err(InvalidAnnotation), "{schema}");
        }
    }

    #[test]
    fn values_are_mirrored_as_the_protocol_writes_them() {
        assert_eq!(encode("a b"), "a b");
        assert_eq!(encode("Hello, 世界"), "=?base64?SGVsbG8sIOS4lueVjA==?=");
        assert_eq!(encode(""), "=?base64??=");
        assert_eq!(decode(b"=?base64?SGVsbG8?="), None);
        assert_eq!(decode(b"=?base64?SGVsbG8=").as_deref(), Some("=?base64?SGVsbG8="));
        assert_eq!(decode(b"  name  ").as_deref(), Some("name"));
        assert!(mirrors(Kind::Integer, "42.0", "42"));
        assert!(!mirrors(Kind::Integer, "42.5", "42"));
        assert!(!mirrors(Kind::String, "42.0", "42"));
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded_again(value in ".{0,40}") {
            let encoded = encode(&value);
            prop_assert!(encoded.bytes().all(|byte| (0x20..=0x7e).contains(&byte)));
            prop_assert_eq!(decode(encoded.as_bytes()), Some(value));
        }
    }
}
