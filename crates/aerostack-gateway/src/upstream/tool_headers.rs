//! `x-mcp-header`: marks in a tool's input schema that say which arguments a modern client repeats as
//! `Mcp-Param-…` headers. A tool with an invalid mark must not be offered over HTTP.
//! Source: MCP 2026-07-28, Streamable HTTP, "Custom headers from tool parameters".

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::Value;

const MARK: &str = "x-mcp-header";

/// Where in a schema one stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    /// Reached from the root through `properties` alone: the only place for a mark.
    Property,
    Elsewhere,
}

#[derive(Deserialize)]
struct Tool {
    #[serde(rename = "inputSchema", default)]
    input_schema: Value,
}

/// Whether all marks of a tool definition are valid, or there are none.
pub(super) fn are_valid(tool: &str) -> bool {
    // An escaped spelling of the mark needs `\u`.
    if !tool.contains(MARK) && !tool.contains("\\u") {
        return true;
    }
    let Ok(tool) = serde_json::from_str::<Tool>(tool) else {
        return false;
    };
    is_valid(&tool.input_schema, Place::Root, &mut HashSet::new())
}

fn is_valid(schema: &Value, place: Place, seen: &mut HashSet<String>) -> bool {
    let Value::Object(keywords) = schema else {
        return true;
    };
    if let Some(mark) = keywords.get(MARK)
        && (place != Place::Property || !is_valid_mark(mark, keywords.get("type"), seen))
    {
        return false;
    }
    let below = if place == Place::Elsewhere {
        Place::Elsewhere
    } else {
        Place::Property
    };
    keywords.iter().all(|(keyword, value)| match keyword.as_str() {
        "properties" => all_members(value, below, seen),
        "patternProperties" | "dependentSchemas" | "$defs" | "definitions" => {
            all_members(value, Place::Elsewhere, seen)
        }
        "items"
        | "prefixItems"
        | "contains"
        | "additionalProperties"
        | "unevaluatedItems"
        | "unevaluatedProperties"
        | "propertyNames"
        | "oneOf"
        | "anyOf"
        | "allOf"
        | "not"
        | "if"
        | "then"
        | "else" => match value {
            Value::Array(schemas) => schemas
                .iter()
                .all(|schema| is_valid(schema, Place::Elsewhere, seen)),
            schema => is_valid(schema, Place::Elsewhere, seen),
        },
        _ => true,
    })
}

fn all_members(schemas: &Value, place: Place, seen: &mut HashSet<String>) -> bool {
    schemas
        .as_object()
        .is_none_or(|schemas| schemas.values().all(|schema| is_valid(schema, place, seen)))
}

fn is_valid_mark(mark: &Value, kind: Option<&Value>, seen: &mut HashSet<String>) -> bool {
    let Some(name) = mark.as_str() else { return false };
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let is_primitive = matches!(
        kind.and_then(Value::as_str),
        Some("string" | "integer" | "boolean")
    );
    !name.is_empty() && name.bytes().all(is_token) && is_primitive && seen.insert(name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_schema(schema: &str) -> bool {
        are_valid(&format!(
            r#"{{"name":"t","inputSchema":{{"type":"object",{schema}}}}}"#
        ))
    }

    #[test]
    fn marks_on_plain_properties_are_valid() {
        let schemas = [
            r#""properties":{}"#,
            r#""properties":{"a":{"type":"string","x-mcp-header":"Region"}}"#,
            r#""properties":{"o":{"type":"object","properties":{"a":{"type":"integer","x-mcp-header":"N"}}}}"#,
            r#""properties":{"x-mcp-header":{"type":"array"}}"#,
            r#""properties":{"a":{"type":"object","default":{"x-mcp-header":7}}}"#,
        ];
        for schema in schemas {
            assert!(with_schema(schema), "{schema}");
        }
    }

    #[test]
    fn any_other_mark_is_invalid() {
        let schemas = [
            r#""x-mcp-header":"A""#,
            r#""properties":{"a":{"type":"string","x-mcp-header":""}}"#,
            r#""properties":{"a":{"type":"string","x-mcp-header":"a b"}}"#,
            r#""properties":{"a":{"type":"string","x-mcp-header":7}}"#,
            r#""properties":{"a":{"type":"number","x-mcp-header":"A"}}"#,
            r#""properties":{"a":{"type":["string"],"x-mcp-header":"A"}}"#,
            r#""properties":{"a":{"x-mcp-header":"A"}}"#,
            r#""properties":{"a":{"type":"string","x-mcp-header":"A"},"b":{"type":"string","x-mcp-header":"a"}}"#,
            r#""properties":{"a":{"type":"array","items":{"type":"string","x-mcp-header":"A"}}}"#,
            r#""$defs":{"a":{"type":"string","x-mcp-header":"A"}}"#,
            r#""anyOf":[{"properties":{"a":{"type":"string","x-mcp-header":"A"}}}]"#,
            r#""properties":{"a":{"type":"number","x-mcp\u002dheader":"A"}}"#,
        ];
        for schema in schemas {
            assert!(!with_schema(schema), "{schema}");
        }
    }
}
