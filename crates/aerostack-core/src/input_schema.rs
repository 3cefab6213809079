//! What a tool's input schema may be before anything is checked against it.
//!
//! A schema is a stranger's program: it may point into the network, refer to itself for ever or unfold
//! without end. So only a bounded part of JSON Schema is taken. References point into the schema itself,
//! in no circle, and what they unfold to is counted; keywords that evaluate twice are refused. Then
//! checking an input costs at most (unfolded schemas) × (values of the input).

use serde_json::{Map, Value};

/// Most bytes of one schema, written without blanks.
pub const SCHEMA_MAX_BYTES: usize = 32 * 1_024;
/// Most levels of a schema, its references unfolded.
pub const SCHEMA_DEPTH_MAX: usize = 32;
/// Most schemas within a schema, its references unfolded.
pub const SCHEMAS_MAX: usize = 2_000;
/// Most bytes of one pattern.
pub const PATTERN_MAX_BYTES: usize = 512;

/// Keywords whose value is a schema, or a list of schemas.
const DIRECT: [&str; 13] = [
    "not",
    "if",
    "then",
    "else",
    "allOf",
    "anyOf",
    "oneOf",
    "items",
    "prefixItems",
    "additionalItems",
    "additionalProperties",
    "contains",
    "propertyNames",
];
/// Keywords whose value names schemas.
const NAMED: [&str; 4] = ["properties", "patternProperties", "dependentSchemas", "dependencies"];
/// Keywords that look a second time at what others have looked at, or whose target shows only while checking.
const REFUSED: [&str; 7] = [
    "unevaluatedProperties",
    "unevaluatedItems",
    "$dynamicRef",
    "$dynamicAnchor",
    "$recursiveRef",
    "$recursiveAnchor",
    "$vocabulary",
];
/// Dialects that may be named; without a name it is the newest.
const DIALECTS: [&str; 4] = [
    "https://json-schema.org/draft/2020-12/schema",
    "https://json-schema.org/draft/2019-09/schema",
    "http://json-schema.org/draft-07/schema",
    "http://json-schema.org/draft-06/schema",
];

/// Why a schema is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaRefusal {
    /// The input of a tool is an object.
    #[error("an input schema has \"type\": \"object\"")]
    NotAnObject,
    /// It is too large.
    #[error("an input schema has at most {SCHEMA_MAX_BYTES} bytes")]
    TooLarge,
    /// It is too deep.
    #[error("an input schema has at most {SCHEMA_DEPTH_MAX} levels")]
    TooDeep,
    /// It unfolds to too much.
    #[error("an input schema unfolds to at most {SCHEMAS_MAX} schemas")]
    TooMany,
    /// A reference leads out of the schema.
    #[error("a $ref begins with #/ and leads into the same schema")]
    ForeignReference,
    /// A reference leads nowhere.
    #[error("a $ref leads nowhere")]
    MissingReference,
    /// References go in a circle.
    #[error("a $ref leads back to where it stands")]
    Circle,
    /// A pattern is too long.
    #[error("a pattern has at most {PATTERN_MAX_BYTES} bytes")]
    PatternTooLong,
    /// A keyword that is not taken, or not there.
    #[error("{0} is not supported here")]
    Keyword(String),
}

/// Checks a schema's shape; gives the number of patterns it unfolds to.
///
/// Whether its values make sense (a known type, a pattern that can be read) is seen by who compiles it.
///
/// # Errors
/// [`SchemaRefusal`] naming the first thing that is not taken.
pub fn check(schema: &Value) -> Result<usize, SchemaRefusal> {
    let Some(root) = schema.as_object().filter(|root| root.get("type") == Some(&Value::from("object")))
    else {
        return Err(SchemaRefusal::NotAnObject);
    };
    // Depth first: whatever walks a value after this may recurse.
    check_names(root)?;
    if schema.to_string().len() > SCHEMA_MAX_BYTES {
        return Err(SchemaRefusal::TooLarge);
    }
    let mut walk = Walk { root: schema, followed: Vec::new(), schemas: 0, patterns: 0 };
    walk.schema(schema, 1)?;
    Ok(walk.patterns)
}

/// Names of resources and dialects move what a reference means: they stand at the root only.
fn check_names(root: &Map<String, Value>) -> Result<(), SchemaRefusal> {
    let dialect = root.get("$schema").map(|name| name.as_str().unwrap_or_default().trim_end_matches('#'));
    if dialect.is_some_and(|name| !DIALECTS.contains(&name)) {
        return Err(SchemaRefusal::Keyword("this $schema".to_owned()));
    }
    let mut open: Vec<(&Value, usize)> = root.values().map(|value| (value, 2)).collect();
    while let Some((value, depth)) = open.pop() {
        if depth > SCHEMA_DEPTH_MAX * 2 {
            return Err(SchemaRefusal::TooDeep);
        }
        match value {
            Value::Object(fields) => {
                if let Some(name) =
                    ["$id", "$schema", "$anchor"].into_iter().find(|name| fields.contains_key(*name))
                {
                    return Err(SchemaRefusal::Keyword(format!("{name} below the root")));
                }
                open.extend(fields.values().map(|value| (value, depth + 1)));
            }
            Value::Array(items) => open.extend(items.iter().map(|value| (value, depth + 1))),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    Ok(())
}

struct Walk<'a> {
    root: &'a Value,
    /// References under way.
    followed: Vec<&'a str>,
    schemas: usize,
    patterns: usize,
}

impl<'a> Walk<'a> {
    fn schema(&mut self, schema: &'a Value, depth: usize) -> Result<(), SchemaRefusal> {
        self.schemas += 1;
        if self.schemas > SCHEMAS_MAX {
            return Err(SchemaRefusal::TooMany);
        }
        if depth > SCHEMA_DEPTH_MAX {
            return Err(SchemaRefusal::TooDeep);
        }
        let Some(fields) = schema.as_object() else { return Ok(()) };
        if let Some(keyword) = REFUSED.into_iter().find(|keyword| fields.contains_key(*keyword)) {
            return Err(SchemaRefusal::Keyword(keyword.to_owned()));
        }
        self.count_patterns(fields)?;
        for keyword in DIRECT {
            match fields.get(keyword) {
                Some(Value::Array(schemas)) => {
                    schemas.iter().try_for_each(|schema| self.schema(schema, depth + 1))?;
                }
                Some(schema) => self.schema(schema, depth + 1)?,
                None => {}
            }
        }
        for keyword in NAMED {
            let named = fields.get(keyword).and_then(Value::as_object).into_iter().flat_map(Map::values);
            named.into_iter().try_for_each(|schema| self.schema(schema, depth + 1))?;
        }
        match fields.get("$ref") {
            Some(reference) => self.follow(reference.as_str().unwrap_or_default(), depth),
            None => Ok(()),
        }
    }

    fn follow(&mut self, reference: &'a str, depth: usize) -> Result<(), SchemaRefusal> {
        let pointer = reference.strip_prefix('#').ok_or(SchemaRefusal::ForeignReference)?;
        if !pointer.is_empty() && !pointer.starts_with('/') {
            return Err(SchemaRefusal::ForeignReference);
        }
        // Percent signs would mean something else to whoever compiles it than to this walk.
        if pointer.contains('%') {
            return Err(SchemaRefusal::MissingReference);
        }
        if self.followed.contains(&reference) {
            return Err(SchemaRefusal::Circle);
        }
        let target = self.root.pointer(pointer).ok_or(SchemaRefusal::MissingReference)?;
        self.followed.push(reference);
        self.schema(target, depth + 1)?;
        self.followed.pop();
        Ok(())
    }

    fn count_patterns(&mut self, fields: &Map<String, Value>) -> Result<(), SchemaRefusal> {
        let own = fields.get("pattern").and_then(Value::as_str);
        let named = fields.get("patternProperties").and_then(Value::as_object);
        let named = named.into_iter().flat_map(Map::keys).map(String::as_str);
        for pattern in own.into_iter().chain(named) {
            if pattern.len() > PATTERN_MAX_BYTES {
                return Err(SchemaRefusal::PatternTooLong);
            }
            self.patterns += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_plain_schema_is_taken_and_its_patterns_are_counted() {
        let schema = json!({
            "$schema": "http://json-schema.org/draft-07/schema#",
            "$id": "https://acme.test/deploy",
            "type": "object",
            "properties": {
                "branch": { "$ref": "#/definitions/name" },
                "tag": { "anyOf": [{ "$ref": "#/definitions/name" }, { "type": "null" }] },
                "labels": { "type": "object", "patternProperties": { "^x-": true } }
            },
            "definitions": { "name": { "type": "string", "pattern": "^[a-z]+$" } },
            "required": ["branch"]
        });
        assert_eq!(check(&schema), Ok(3));
    }

    #[test]
    fn what_could_reach_out_or_go_on_for_ever_is_refused() {
        let with = |field: &str, value: Value| {
            let mut schema = json!({ "type": "object", "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "$ref": "#/$defs/a" } } });
            schema[field] = value;
            check(&schema)
        };
        let keyword = |name: &str| Err(SchemaRefusal::Keyword(name.to_owned()));
        for (field, value, expected) in [
            ("$ref", json!("https://evil.test/schema.json"), Err(SchemaRefusal::ForeignReference)),
            ("$ref", json!("file:///etc/passwd"), Err(SchemaRefusal::ForeignReference)),
            ("$ref", json!("other.json#/a"), Err(SchemaRefusal::ForeignReference)),
            ("$ref", json!("#anchor"), Err(SchemaRefusal::ForeignReference)),
            ("$ref", json!(7), Err(SchemaRefusal::ForeignReference)),
            ("$ref", json!("#/nowhere"), Err(SchemaRefusal::MissingReference)),
            ("$ref", json!("#"), Err(SchemaRefusal::Circle)),
            ("properties", json!({ "x": { "$ref": "#/$defs/a" } }), Err(SchemaRefusal::Circle)),
            ("properties", json!({ "x": { "$ref": "#" } }), Err(SchemaRefusal::Circle)),
            ("items", json!({ "unevaluatedProperties": false }), keyword("unevaluatedProperties")),
            ("not", json!({ "$dynamicRef": "#x" }), keyword("$dynamicRef")),
            ("$schema", json!("https://evil.test/dialect"), keyword("this $schema")),
            ("not", json!({ "$id": "https://evil.test/" }), keyword("$id below the root")),
            ("pattern", json!("a".repeat(600)), Err(SchemaRefusal::PatternTooLong)),
            ("title", json!("a".repeat(40_000)), Err(SchemaRefusal::TooLarge)),
            ("type", json!("string"), Err(SchemaRefusal::NotAnObject)),
        ] {
            assert_eq!(with(field, value.clone()), expected, "{field}: {value}");
        }
        assert_eq!(check(&json!(true)), Err(SchemaRefusal::NotAnObject));
    }

    #[test]
    fn ten_thousand_levels_and_a_thousand_million_laughs_are_refused() {
        let mut deep = json!({});
        for _ in 0..10_000 {
            let mut outer = Map::new();
            outer.insert("not".to_owned(), deep);
            deep = Value::Object(outer);
        }
        let mut schema = json!({ "type": "object" });
        schema["not"] = deep;
        assert_eq!(check(&schema), Err(SchemaRefusal::TooDeep));
        // A value this deep must not be dropped by recursion either.
        unfold(schema);
        let mut laughs = json!({ "type": "object", "allOf": [{ "$ref": "#/$defs/d0" }], "$defs": {} });
        for level in 0..12 {
            let next = format!("#/$defs/d{}", level + 1);
            laughs["$defs"][format!("d{level}")] = json!({ "allOf": [{ "$ref": next }, { "$ref": next }] });
        }
        laughs["$defs"]["d12"] = json!({ "type": "object" });
        assert_eq!(check(&laughs), Err(SchemaRefusal::TooMany));
    }

    fn unfold(mut value: Value) {
        while let Value::Object(mut fields) = value {
            value = fields.remove("not").unwrap_or_default();
        }
    }
}
