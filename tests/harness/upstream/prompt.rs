//! Prompts of a scripted server.

use serde_json::{Value, json};

use super::inquiry::Inquiry;

/// A prompt.
#[derive(Clone, Debug)]
pub struct Prompt {
    definition: Value,
    answer: Behaviour,
    inquiry: Option<Inquiry>,
}

#[derive(Clone, Debug)]
enum Behaviour {
    Greets,
    Answers(String),
    Repeats,
    Says,
}

impl Prompt {
    /// `greet`: a message that names its argument `who`.
    #[must_use]
    pub fn greet() -> Self {
        let arguments = json!([{ "name": "who", "description": "Whom to greet.", "required": true }]);
        let definition = json!({ "name": "greet", "description": "Greets.", "arguments": arguments });
        Self { definition, answer: Behaviour::Greets, inquiry: None }
    }

    /// A prompt whose result is this JSON text, byte for byte.
    #[must_use]
    pub fn answering(name: &str, result: impl Into<String>) -> Self {
        Self { definition: json!({ "name": name }), answer: Behaviour::Answers(result.into()), inquiry: None }
    }

    /// A prompt with these arguments whose message repeats what it was given for them.
    #[must_use]
    pub fn repeating(name: &str, arguments: &[&str]) -> Self {
        let argument = |name: &&str| json!({ "name": name, "required": true });
        let arguments: Vec<Value> = arguments.iter().map(argument).collect();
        Self {
            definition: json!({ "name": name, "arguments": arguments }),
            answer: Behaviour::Repeats,
            inquiry: None,
        }
    }

    /// A prompt whose result is what [`super::Upstream::will_say`] was told, byte for byte.
    #[must_use]
    pub fn saying(name: &str) -> Self {
        Self { definition: json!({ "name": name }), answer: Behaviour::Says, inquiry: None }
    }

    /// The same prompt, wanting to know something first.
    #[must_use]
    pub fn asking(self, inquiry: Inquiry) -> Self {
        Self { inquiry: Some(inquiry), ..self }
    }

    /// What it wants to know first.
    pub(super) fn inquiry(&self) -> Option<&Inquiry> {
        self.inquiry.as_ref()
    }

    /// The same prompt under another name.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        self.with("name", json!(name))
    }

    /// The same prompt with one field of its definition set.
    #[must_use]
    pub fn with(mut self, field: &str, value: Value) -> Self {
        self.definition[field] = value;
        self
    }

    /// As it is listed.
    #[must_use]
    pub fn definition(&self) -> &Value {
        &self.definition
    }

    /// What it is known by.
    pub(super) fn name(&self) -> &str {
        self.definition["name"].as_str().unwrap_or_default()
    }

    /// Its result as JSON text; `None` if it says what the test wants.
    pub(super) fn get(&self, arguments: &Value) -> Option<String> {
        let greeting = || {
            let text = format!("Say hello to {}.", arguments["who"].as_str().unwrap_or("nobody"));
            let message = json!({ "role": "user", "content": { "type": "text", "text": text } });
            json!({ "description": "A greeting", "messages": [message] }).to_string()
        };
        match &self.answer {
            Behaviour::Greets => Some(greeting()),
            Behaviour::Answers(result) => Some(result.clone()),
            Behaviour::Repeats => {
                let content = json!({ "type": "text", "text": arguments.to_string() });
                Some(json!({ "messages": [{ "role": "user", "content": content }] }).to_string())
            }
            Behaviour::Says => None,
        }
    }
}
