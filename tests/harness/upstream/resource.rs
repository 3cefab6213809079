//! Resources and resource templates of a scripted server.

use aerostack_core::uri_template::UriTemplate;
use serde_json::{Value, json};

/// A resource, or a template for several.
#[derive(Clone, Debug)]
pub struct Resource {
    key: &'static str,
    definition: Value,
    answer: Option<String>,
    says: bool,
}

impl Resource {
    /// A resource with some text: its server's name, a colon and the URI.
    #[must_use]
    pub fn at(uri: &str) -> Self {
        let definition = json!({ "uri": uri, "name": uri, "mimeType": "text/plain" });
        Self { key: "uri", definition, answer: None, says: false }
    }

    /// A template whose resources have such a text.
    #[must_use]
    pub fn template(template: &str) -> Self {
        let definition = json!({ "uriTemplate": template, "name": template });
        Self { key: "uriTemplate", definition, answer: None, says: false }
    }

    /// The same whose result is this JSON text, byte for byte.
    #[must_use]
    pub fn answering(self, result: impl Into<String>) -> Self {
        Self { answer: Some(result.into()), ..self }
    }

    /// A resource whose result is what [`super::Upstream::will_say`] was told, byte for byte.
    #[must_use]
    pub fn saying(uri: &str) -> Self {
        Self { says: true, ..Self::at(uri) }
    }

    /// The same with one field of its definition set.
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

    pub(super) fn is_template(&self) -> bool {
        self.key == "uriTemplate"
    }

    /// Whether it is what a URI asks for.
    pub(super) fn is_at(&self, uri: &str) -> bool {
        let own = self.definition[self.key].as_str().unwrap_or_default();
        let made_of = || UriTemplate::parse(own).is_some_and(|template| template.matches(uri));
        if self.is_template() { made_of() } else { own == uri }
    }

    /// Its result as JSON text; `None` if it says what the test wants.
    pub(super) fn read(&self, server: &str, uri: &str) -> Option<String> {
        let text = || {
            let content = json!({ "uri": uri, "mimeType": "text/plain", "text": format!("{server}: {uri}") });
            json!({ "contents": [content] }).to_string()
        };
        (!self.says).then(|| self.answer.clone().unwrap_or_else(text))
    }
}
