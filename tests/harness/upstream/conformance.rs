//! A server that has what the official conformance suite asks for by name.

use serde_json::{Value, json};

use super::inquiry::{Ask, Inquiry};
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

/// The tools that want to know something.
fn inquiring() -> Vec<Tool> {
    let one = |name: &str, ask: Ask| Tool::inquiring(name, Inquiry::new([vec![ask]]));
    let schema = |properties: Value| {
        let schema = json!({ "type": "object", "properties": properties });
        Ask::elicitation("answer", json!({ "message": "Please answer.", "requestedSchema": schema }))
    };
    let defaults = json!({
        "name": { "type": "string", "default": "John Doe" },
        "age": { "type": "integer", "default": 30 },
        "score": { "type": "number", "default": 95.5 },
        "status": { "type": "string", "enum": ["active", "inactive", "pending"], "default": "active" },
        "verified": { "type": "boolean", "default": true },
    });
    let options = ["option1", "option2", "option3"];
    let titled =
        |title: &str| json!([{ "const": "value1", "title": title }, { "const": "value2", "title": "Other" }]);
    let enums = json!({
        "untitledSingle": { "type": "string", "enum": options },
        "titledSingle": { "type": "string", "oneOf": titled("First Option") },
        "legacyEnum": {
            "type": "string", "enum": ["opt1", "opt2", "opt3"], "enumNames": ["Option One", "Option Two", "Option Three"]
        },
        "untitledMulti": { "type": "array", "items": { "type": "string", "enum": options } },
        "titledMulti": { "type": "array", "items": { "anyOf": titled("First Choice") } },
    });
    let user = json!({ "username": { "type": "string" }, "email": { "type": "string" } });
    let several = || {
        vec![Ask::form("user_name", "Who?"), Ask::sampling("greeting", "Greet."), Ask::roots("client_roots")]
    };
    let steps = [vec![Ask::form("step1", "Who?")], vec![Ask::form("step2", "Which colour?")]];
    let input = |what: &str, ask: Ask| one(&format!("test_input_required_result_{what}"), ask);
    vec![
        one("test_sampling", Ask::sampling("answer", "Test prompt for sampling")),
        one("test_elicitation", schema(user)),
        one("test_elicitation_sep1034_defaults", schema(defaults)),
        one("test_elicitation_sep1330_enums", schema(enums)),
        one("test_streaming_elicitation", Ask::form("who", "Who?")),
        input("elicitation", Ask::form("user_name", "Who?")),
        input("sampling", Ask::sampling("capital_question", "What is the capital of France?")),
        input("list_roots", Ask::roots("client_roots")),
        input("request_state", Ask::form("confirm", "Sure?")),
        input("tampered_state", Ask::form("confirm", "Sure?")),
        Tool::inquiring("test_input_required_result_multiple_inputs", Inquiry::new([several()])),
        Tool::inquiring("test_input_required_result_capabilities", Inquiry::new([several()])),
        Tool::inquiring("test_input_required_result_multi_round", Inquiry::new(steps)),
    ]
}

fn tools() -> Vec<Tool> {
    let answering =
        |name: &str, content: &[Value]| Tool::answering(name, json!({ "content": content }).to_string());
    let embedded =
        resource("test://embedded-resource", "text/plain", "This is an embedded resource content.");
    let mixed =
        resource("test://mixed-content-resource", "application/json", r#"{"test":"data","value":123}"#);
    let mut tools = vec![
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
        Tool::reconnecting("test_reconnection"),
    ];
    tools.extend(inquiring());
    tools
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
        answering("test_input_required_result_prompt", &[text("This is it.")])
            .asking(Inquiry::new([vec![Ask::form("user_context", "What about?")]])),
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
