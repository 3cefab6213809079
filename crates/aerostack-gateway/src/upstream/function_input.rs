//! Checking the input of a function's tools against their schemas, before anything leaves the gateway.
//!
//! A schema is compiled once and kept. Patterns run on an engine whose time is linear in the text, formats
//! are left to the function, and nothing is looked up anywhere: `core::input_schema` has seen to it that
//! a schema is bounded and points into itself.

use std::sync::OnceLock;

use aerostack_core::manifest::ManifestTool;
use aerostack_core::text::clean_line;
use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;

/// Memory of one compiled pattern, and of what it remembers while it runs.
const PATTERN_LIMIT_BYTES: usize = 256 * 1_024;
/// Longest reason that is told.
const REASON_MAX_CHARS: usize = 300;

/// A tool's schema, compiled when it is first needed.
pub(super) struct InputCheck {
    schema: Value,
    compiled: OnceLock<Option<Validator>>,
}

/// Why an input is not passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum InputRefusal {
    /// It does not fit, for the reason given.
    DoesNotFit(String),
    /// The schema cannot be compiled, so nothing can be checked.
    NoCheck,
}

/// A tool whose schema cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("tool '{tool}': {reason}")]
pub struct SchemaFault {
    /// Which.
    pub tool: String,
    /// Why.
    pub reason: String,
}

/// Compiles the schemas of all tools once, to see that it can be done. It takes its time: not for the
/// executor's own threads.
///
/// # Errors
/// [`SchemaFault`] of the first that cannot be compiled.
pub fn try_schemas(tools: &[ManifestTool]) -> Result<(), SchemaFault> {
    tools.iter().try_for_each(|tool| match compile(&tool.input_schema) {
        Ok(_) => Ok(()),
        Err(reason) => Err(SchemaFault { tool: tool.name.clone(), reason }),
    })
}

impl InputCheck {
    pub(super) fn new(schema: Value) -> Self {
        Self { schema, compiled: OnceLock::new() }
    }

    /// Checks an input. It takes its time: not for the executor's own threads.
    pub(super) fn check(&self, input: &Value) -> Result<(), InputRefusal> {
        let validator = self.compiled.get_or_init(|| compile(&self.schema).ok());
        let Some(validator) = validator else { return Err(InputRefusal::NoCheck) };
        // Without the value itself: it may be large, or a secret that ends in somebody's log.
        validator.validate(input).map_err(|error| {
            let place = error.instance_path().to_string();
            let place = if place.is_empty() { "input".to_owned() } else { format!("input at {place}") };
            let reason = format!("{place}: {}", error.masked());
            InputRefusal::DoesNotFit(clean_line(&reason, REASON_MAX_CHARS))
        })
    }
}

fn compile(schema: &Value) -> Result<Validator, String> {
    let patterns =
        PatternOptions::regex().size_limit(PATTERN_LIMIT_BYTES).dfa_size_limit(PATTERN_LIMIT_BYTES);
    let mut options =
        jsonschema::options().offline().should_validate_formats(false).with_pattern_options(patterns);
    if schema.get("$schema").is_none() {
        options = options.with_draft(Draft::Draft202012);
    }
    options.build(schema).map_err(|error| clean_line(&error.masked().to_string(), REASON_MAX_CHARS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reason(schema: Value, input: Value) -> Result<(), InputRefusal> {
        InputCheck::new(schema).check(&input)
    }

    fn does_not_fit(text: &str) -> Result<(), InputRefusal> {
        Err(InputRefusal::DoesNotFit(text.to_owned()))
    }

    #[test]
    fn an_input_that_does_not_fit_is_told_where_and_why_without_its_value() {
        let schema = json!({
            "type": "object",
            "properties": { "branch": { "type": "string", "pattern": "^[a-z]+$" }, "count": { "$ref": "#/$defs/n" } },
            "required": ["branch"],
            "additionalProperties": false,
            "$defs": { "n": { "type": "integer", "minimum": 1 } }
        });
        assert_eq!(reason(schema.clone(), json!({ "branch": "main", "count": 2 })), Ok(()));
        for (input, expected) in [
            (json!({}), r#"input: "branch" is a required property"#),
            (json!({ "branch": 7 }), r#"input at /branch: value is not of type "string""#),
            (json!({ "branch": "hunter2" }), r#"input at /branch: value does not match "^[a-z]+$""#),
            (json!({ "branch": "a", "count": 0 }), "input at /count: value is less than the minimum of 1"),
            (json!([]), r#"input: value is not of type "object""#),
        ] {
            assert_eq!(reason(schema.clone(), input.clone()), does_not_fit(expected), "{input}");
        }
    }

    #[test]
    fn patterns_take_linear_time_and_bounded_memory() {
        let schema =
            |pattern: &str| json!({ "type": "object", "properties": { "x": { "pattern": pattern } } });
        let input = json!({ "x": "a".repeat(100_000) });
        let refused = does_not_fit(r#"input at /x: value does not match "^(a+)+$b""#);
        assert_eq!(reason(schema("^(a+)+$b"), input), refused);
        for pattern in ["(?<=a)b", r"(a)\1", "((a{1000}){1000}){1000}", "("] {
            assert!(compile(&schema(pattern)).is_err(), "{pattern}");
            assert_eq!(reason(schema(pattern), json!({})), Err(InputRefusal::NoCheck));
        }
    }

    #[test]
    fn a_schema_that_makes_no_sense_is_told_with_its_tool() {
        let tool = |schema: Value| ManifestTool {
            name: "deploy".into(),
            description: String::new(),
            input_schema: schema,
        };
        assert_eq!(try_schemas(&[tool(json!({ "type": "object" }))]), Ok(()));
        let fault = try_schemas(&[tool(json!({ "type": "object", "required": 7 }))]).unwrap_err();
        assert_eq!(fault.tool, "deploy");
        assert!(!fault.reason.is_empty());
    }
}
