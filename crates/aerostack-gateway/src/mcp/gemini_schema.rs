//! JSON Schema in the subset that Gemini's function declarations take.
//!
//! What the subset has no word for is left out, and a looser schema remains: the model is told less, and
//! the tool's own check stays what it is. References are unfolded, within bounds.

use serde_json::{Map, Value, json};

/// Most schemas of one tool that are unfolded; what comes after is told as a text.
const SCHEMAS_MAX: usize = 2_000;
/// Most levels that are unfolded.
const DEPTH_MAX: usize = 32;
/// Keywords taken over as they are.
const KEPT: [&str; 8] =
    ["description", "minItems", "maxItems", "minLength", "maxLength", "minimum", "maximum", "pattern"];
/// Formats that are known there.
const FORMATS: [&str; 5] = ["date-time", "float", "double", "int32", "int64"];

/// The parameters of a tool; `None` if it takes none.
#[must_use]
pub fn parameters(schema: &Value) -> Option<Value> {
    let mut unfolding = Unfolding { root: schema, left: SCHEMAS_MAX };
    let mut told = unfolding.schema(schema, DEPTH_MAX);
    told.insert("type".to_owned(), json!("object"));
    told.get("properties")?;
    Some(Value::Object(told))
}

struct Unfolding<'a> {
    root: &'a Value,
    left: usize,
}

impl<'a> Unfolding<'a> {
    fn schema(&mut self, schema: &'a Value, depth: usize) -> Map<String, Value> {
        let Some(fields) = schema.as_object().filter(|_| depth > 0 && self.left > 0) else {
            return text();
        };
        self.left -= 1;
        let target = fields.get("$ref").and_then(Value::as_str).and_then(|reference| self.target(reference));
        let mut told = target.map(|target| self.schema(target, depth - 1)).unwrap_or_default();
        for part in list(fields, "allOf") {
            merge(&mut told, self.schema(part, depth - 1));
        }
        for keyword in KEPT {
            if let Some(value) = fields.get(keyword) {
                told.insert(keyword.to_owned(), value.clone());
            }
        }
        let format = fields.get("format").and_then(Value::as_str).filter(|format| FORMATS.contains(format));
        if let Some(format) = format {
            told.insert("format".to_owned(), json!(format));
        }
        self.alternatives(fields, depth, &mut told);
        self.properties(fields, depth, &mut told);
        tell_type(fields, &mut told);
        self.items(fields, depth, &mut told);
        tell_values(fields, &mut told);
        told
    }

    fn target(&self, reference: &str) -> Option<&'a Value> {
        self.root.pointer(reference.strip_prefix('#')?)
    }

    fn alternatives(&mut self, fields: &'a Map<String, Value>, depth: usize, told: &mut Map<String, Value>) {
        let given: Vec<&'a Value> = list(fields, "anyOf").chain(list(fields, "oneOf")).collect();
        let (null, others): (Vec<_>, Vec<_>) = given.into_iter().partition(|one| one["type"] == "null");
        if !null.is_empty() {
            told.insert("nullable".to_owned(), json!(true));
        }
        let mut others: Vec<Map<String, Value>> =
            others.into_iter().map(|one| self.schema(one, depth - 1)).collect();
        match others.len() {
            0 => {}
            1 => merge(told, others.remove(0)),
            _ => drop(told.insert("anyOf".to_owned(), others.into_iter().map(Value::Object).collect())),
        }
    }

    fn properties(&mut self, fields: &'a Map<String, Value>, depth: usize, told: &mut Map<String, Value>) {
        let named = fields.get("properties").and_then(Value::as_object).into_iter().flatten();
        let properties: Map<String, Value> =
            named.map(|(name, one)| (name.clone(), Value::Object(self.schema(one, depth - 1)))).collect();
        let required = list(fields, "required").cloned().collect::<Vec<_>>();
        let mut own = Map::new();
        if !properties.is_empty() {
            own.insert("properties".to_owned(), Value::Object(properties));
        }
        if !required.is_empty() {
            own.insert("required".to_owned(), Value::Array(required));
        }
        merge(told, own);
        keep_known(told);
    }

    fn items(&mut self, fields: &'a Map<String, Value>, depth: usize, told: &mut Map<String, Value>) {
        if told.get("type") != Some(&json!("array")) {
            return;
        }
        let first = list(fields, "prefixItems").next();
        let items = fields.get("items").filter(|items| items.is_object()).or(first);
        let items = match items {
            Some(items) => self.schema(items, depth - 1),
            // An array has items there.
            None => text(),
        };
        told.entry("items").or_insert(Value::Object(items));
    }
}

/// What stands for anything that cannot be told.
fn text() -> Map<String, Value> {
    Map::from_iter([("type".to_owned(), json!("string"))])
}

fn list<'a>(fields: &'a Map<String, Value>, keyword: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    fields.get(keyword).and_then(Value::as_array).into_iter().flatten()
}

/// Puts what is new of `other` beside what is there; properties and required names add up.
fn merge(told: &mut Map<String, Value>, other: Map<String, Value>) {
    for (keyword, value) in other {
        match (told.get_mut(&keyword), value) {
            (Some(Value::Object(there)), Value::Object(new)) if keyword == "properties" => there.extend(new),
            (Some(Value::Array(there)), Value::Array(new)) if keyword == "required" => there.extend(new),
            (Some(_), _) => {}
            (None, value) => drop(told.insert(keyword, value)),
        }
    }
}

/// Only properties that are named may be required there, and each once.
fn keep_known(told: &mut Map<String, Value>) {
    let known = told.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let Some(Value::Array(required)) = told.get_mut("required") else { return };
    let mut kept: Vec<Value> = Vec::new();
    for name in std::mem::take(required) {
        if name.as_str().is_some_and(|name| known.contains_key(name)) && !kept.contains(&name) {
            kept.push(name);
        }
    }
    *required = kept;
    if required.is_empty() {
        told.remove("required");
    }
}

/// One type, perhaps nullable; of several the alternatives; where none is said, what the keywords mean.
fn tell_type(fields: &Map<String, Value>, told: &mut Map<String, Value>) {
    let given: Vec<&str> = match fields.get("type") {
        Some(Value::String(word)) => vec![word],
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if given.contains(&"null") {
        told.insert("nullable".to_owned(), json!(true));
    }
    let others: Vec<&str> = given.into_iter().filter(|word| *word != "null").collect();
    match others[..] {
        [] if told.contains_key("type") || told.contains_key("anyOf") => {}
        [] if told.contains_key("properties") => drop(told.insert("type".to_owned(), json!("object"))),
        [] => drop(told.insert("type".to_owned(), json!("string"))),
        [word] => drop(told.insert("type".to_owned(), json!(word))),
        _ => {
            let alternative = |word: &&str| match *word {
                "array" => json!({ "type": "array", "items": text() }),
                word => json!({ "type": word }),
            };
            told.insert("anyOf".to_owned(), others.iter().map(alternative).collect());
        }
    }
}

/// Only texts may be listed there.
fn tell_values(fields: &Map<String, Value>, told: &mut Map<String, Value>) {
    let values: Vec<Value> =
        list(fields, "enum").chain(fields.get("const")).filter(|value| value.is_string()).cloned().collect();
    if !values.is_empty() && told.get("type") == Some(&json!("string")) {
        told.insert("enum".to_owned(), Value::Array(values));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_subset_knows_stays_and_the_rest_is_left_out() {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "branch": { "type": "string", "description": "Which", "minLength": 1, "examples": ["main"], "format": "uri" },
                "when": { "type": ["string", "null"], "format": "date-time" },
                "level": { "enum": ["low", "high", 3] },
                "mode": { "const": "fast" },
                "count": { "type": "integer", "enum": [1, 2] },
                "tags": { "type": "array", "items": { "$ref": "#/$defs/tag" }, "uniqueItems": true },
                "any": true,
                "list": { "type": "array" },
                "either": { "oneOf": [{ "type": "string" }, { "type": "integer" }, { "type": "null" }] },
                "maybe": { "anyOf": [{ "type": "boolean" }, { "type": "null" }] },
                "both": { "allOf": [{ "properties": { "a": {} }, "required": ["a", "x"] }, { "properties": { "b": {} }, "required": ["b"] }] }
            },
            "required": ["branch", "missing"],
            "$defs": { "tag": { "type": "string", "pattern": "^[a-z]+$" } }
        });
        let expected = json!({
            "type": "object",
            "properties": {
                "branch": { "type": "string", "description": "Which", "minLength": 1 },
                "when": { "type": "string", "format": "date-time", "nullable": true },
                "level": { "type": "string", "enum": ["low", "high"] },
                "mode": { "type": "string", "enum": ["fast"] },
                "count": { "type": "integer" },
                "tags": { "type": "array", "items": { "type": "string", "pattern": "^[a-z]+$" } },
                "any": { "type": "string" },
                "list": { "type": "array", "items": { "type": "string" } },
                "either": { "anyOf": [{ "type": "string" }, { "type": "integer" }], "nullable": true },
                "maybe": { "type": "boolean", "nullable": true },
                "both": {
                    "type": "object",
                    "properties": { "a": { "type": "string" }, "b": { "type": "string" } },
                    "required": ["a", "b"]
                }
            },
            "required": ["branch"]
        });
        assert_eq!(parameters(&schema), Some(expected));
    }

    #[test]
    fn a_tool_without_parameters_has_none() {
        for schema in
            [json!({ "type": "object" }), json!({ "type": "object", "properties": {} }), json!(true)]
        {
            assert_eq!(parameters(&schema), None, "{schema}");
        }
    }

    #[test]
    fn a_schema_without_end_is_told_as_far_as_it_goes() {
        let circle = json!({ "type": "object", "properties": { "next": { "$ref": "#" } } });
        let told = parameters(&circle).unwrap().to_string();
        assert!(told.len() < 10_000 && told.contains(r#""type":"string""#), "{told}");
        let mut laughs =
            json!({ "type": "object", "properties": { "x": { "$ref": "#/$defs/d0" } }, "$defs": {} });
        for level in 0..30 {
            let next = json!({ "$ref": format!("#/$defs/d{}", level + 1) });
            laughs["$defs"][format!("d{level}")] =
                json!({ "type": "object", "properties": { "a": next, "b": next } });
        }
        assert!(parameters(&laughs).unwrap().to_string().len() < 1_000_000);
    }
}
