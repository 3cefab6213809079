//! A workspace's tools as function definitions of other models' interfaces, for programs that talk to
//! those models themselves and call the tools over MCP.
//!
//! The same tools as `tools/list`, under the same names, from the same memory, against the same quota.

use std::sync::Arc;

use http::{HeaderMap, Method, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::door::{admit, count, end_of_access};
use super::error::Refusal;
use super::gemini_schema;
use super::streamable;
use crate::app::App;
use crate::http::body::Body;
use crate::router::ModelApi;
use crate::snapshot::{Snapshot, ToolEntry};

/// Most characters of a description that OpenAI's interface takes.
const OPENAI_DESCRIPTION_MAX_CHARS: usize = 1_024;

/// Answers with the tools of the bearer's workspace.
#[must_use]
pub fn answer(
    app: &Arc<App>,
    slug: &str,
    api: ModelApi,
    method: &Method,
    headers: &HeaderMap,
) -> Response<Body> {
    let Some(grant) = admit(app, slug, headers) else {
        return Refusal::Unauthorized.answer(None);
    };
    if method != Method::GET {
        return Refusal::WrongMethod { allow: "GET" }.answer(None);
    }
    if let Err(refusal) = count(app, &grant, 1) {
        return refusal.answer(None);
    }
    let definitions = definitions(&grant.workspace.snapshot(), api);
    let answer = streamable::from_memory(app, &grant, StatusCode::OK, definitions.to_string().into(), None);
    answer.map(|body| body.ending(end_of_access(app, grant)))
}

/// What of a tool's definition is told.
#[derive(Deserialize)]
struct Told {
    description: Option<String>,
    #[serde(rename = "inputSchema")]
    input_schema: Option<Value>,
}

fn definitions(snapshot: &Snapshot, api: ModelApi) -> Value {
    let tools = snapshot.listed();
    match api {
        ModelApi::OpenAi => Value::Array(tools.map(openai).collect()),
        ModelApi::Gemini => json!({ "functionDeclarations": tools.map(gemini).collect::<Vec<_>>() }),
    }
}

fn openai(tool: &ToolEntry) -> Value {
    let Told { description, input_schema } = told(tool);
    let mut parameters = input_schema.filter(Value::is_object).unwrap_or_else(|| json!({}));
    // Their interface refuses an object that does not say so, or that names no properties.
    for (field, value) in [("type", json!("object")), ("properties", json!({}))] {
        if parameters.get(field).is_none() {
            parameters[field] = value;
        }
    }
    let mut function = json!({ "name": tool.exposed });
    if let Some(description) = description {
        let description: String = description.chars().take(OPENAI_DESCRIPTION_MAX_CHARS).collect();
        function["description"] = Value::String(description);
    }
    function["parameters"] = parameters;
    json!({ "type": "function", "function": function })
}

fn gemini(tool: &ToolEntry) -> Value {
    let Told { description, input_schema } = told(tool);
    // A declaration always has a description there.
    let description = description.unwrap_or_else(|| tool.exposed.clone());
    let mut declaration = json!({ "name": tool.exposed, "description": description });
    if let Some(parameters) = input_schema.as_ref().and_then(gemini_schema::parameters) {
        declaration["parameters"] = parameters;
    }
    declaration
}

/// A definition that cannot be read this way is told by its name alone.
fn told(tool: &ToolEntry) -> Told {
    let mut definition = String::new();
    tool.definition.form.write(&tool.exposed, &mut definition);
    serde_json::from_str(&definition).unwrap_or(Told { description: None, input_schema: None })
}
