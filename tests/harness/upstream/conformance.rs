//! A server that has what the official conformance suite asks for by name.

use serde_json::{Value, json};

use super::prompt::Prompt;
use super::resource::Resource;
use super::setup::{Era, Setup};
use super::tool::Tool;

/// One red pixel.
const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
/// No sound at all.
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=";

impl Setup {
    /// A server of an era with the tools, prompts and resources of the conformance suite.
    #[must_use]
    pub fn conformance(era: Era) -> Self {
        Self::new(era)
            .name("mcp-conformance")
            .logging()
            .tools(tools())
            .prompts(prompts())
            .resources(resources())
    }
}

fn text(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

fn image() -> Value {
    json!({ "type": "image", "data": PNG, "mimeType": "image/png" })
}

fn resource(uri: &str, media_type: &str, text: &str) -> Value {
    json!({ "type": "resource", "resource": { "uri": uri, "mimeType": media_type, "text": text } })
}

/// A result that is none yet.
fn question() -> Value {
    let params = json!({ "mode": "form", "message": "Who?", "requestedSchema": { "type": "object", "properties": {} } });
    let asked = json!({ "who": { "method": "elicitation/create", "params": params } });
    json!({ "resultType": "input_required", "inputRequests": asked, "requestState": "asked" })
}

fn tools() -> Vec<Tool> {
    let answering =
        |name: &str, content: &[Value]| Tool::answering(name, json!({ "content": content }).to_string());
    let embedded =
        resource("test://embedded-resource", "text/plain", "This is an embedded resource content.");
    let mixed =
        resource("test://mixed-content-resource", "application/json", r#"{"test":"data","value":123}"#);
    vec![
        answering("test_simple_text", &[text("This is a simple text response for testing.")]),
        answering("test_image_content", &[image()]),
        answering("test_audio_content", &[json!({ "type": "audio", "data": WAV, "mimeType": "audio/wav" })]),
        answering("test_embedded_resource", &[embedded]),
        answering("test_multiple_content_types", &[text("Multiple content types test:"), image(), mixed]),
        Tool::fail().named("test_error_handling"),
        Tool::slow().named("test_tool_with_progress"),
        Tool::talking("test_tool_with_logging", &["info", "info", "info"]),
        Tool::talking("test_logging_tool", &["info"]),
        Tool::needing("test_missing_capability", "sampling"),
        Tool::answering("test_streaming_elicitation", question().to_string()),
    ]
}

fn prompts() -> Vec<Prompt> {
    let answering = |name: &str, contents: &[Value]| {
        let messages: Vec<Value> =
            contents.iter().map(|content| json!({ "role": "user", "content": content })).collect();
        Prompt::answering(name, json!({ "messages": messages }).to_string())
    };
    let embedded =
        resource("test://example-resource", "text/plain", "Embedded resource content for testing.");
    let asked = |what: &str| text(&format!("Please {what} above."));
    let prompts = [
        answering("test_simple_prompt", &[text("This is a simple prompt for testing.")]),
        Prompt::repeating("test_prompt_with_arguments", &["arg1", "arg2"]),
        answering("test_prompt_with_embedded_resource", &[embedded, asked("process the embedded resource")])
            .with("arguments", json!([{ "name": "resourceUri", "required": true }])),
        answering("test_prompt_with_image", &[image(), asked("analyze the image")]),
    ];
    prompts.map(|prompt| prompt.with("description", json!("For the suite."))).into()
}

fn resources() -> Vec<Resource> {
    let binary = json!({ "uri": "test://static-binary", "mimeType": "image/png", "blob": PNG });
    vec![
        Resource::at("test://static-text"),
        Resource::at("test://static-binary").answering(json!({ "contents": [binary] }).to_string()),
        Resource::at("test://watched-resource"),
        Resource::template("test://template/{id}/data"),
    ]
}
