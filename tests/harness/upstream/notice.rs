//! What a server tells without being asked, and who wants to hear it.

use serde_json::{Map, Value, json};

use super::message::notification;

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    Tools,
    Prompts,
    Resources,
    /// One resource, or what is below it, was updated.
    Updated(String),
    /// A question to the client of a session.
    Asked {
        session: String,
        question: String,
    },
}

/// What somebody wants to hear.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    tools: bool,
    prompts: bool,
    resources: bool,
    uris: Vec<String>,
}

impl Wanted {
    /// Every change of a list; of resources those that a session subscribed to.
    pub(super) fn lists() -> Self {
        Self { tools: true, prompts: true, resources: true, uris: Vec::new() }
    }

    /// What the filter of a modern client names.
    pub(super) fn of_filter(filter: &Value) -> Self {
        let uris = filter["resourceSubscriptions"].as_array().cloned().unwrap_or_default();
        Self {
            tools: filter["toolsListChanged"] == true,
            prompts: filter["promptsListChanged"] == true,
            resources: filter["resourcesListChanged"] == true,
            uris: uris.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        }
    }

    /// The same as a filter: what is honoured.
    pub(super) fn filter(&self) -> Value {
        let kinds = [
            ("toolsListChanged", self.tools),
            ("promptsListChanged", self.prompts),
            ("resourcesListChanged", self.resources),
        ];
        let wanted = kinds.into_iter().filter(|(_, wanted)| *wanted);
        let mut filter: Map<String, Value> = wanted.map(|(kind, _)| (kind.to_owned(), json!(true))).collect();
        if !self.uris.is_empty() {
            filter.insert("resourceSubscriptions".to_owned(), json!(self.uris));
        }
        Value::Object(filter)
    }

    pub(super) fn uris(&self) -> &[String] {
        &self.uris
    }

    /// The notice as a message, if it is wanted; `subscribed` are the URIs of a legacy session.
    pub(super) fn message(&self, notice: &Notice, subscribed: &[String], meta: &Value) -> Option<String> {
        let below = |uri: &String, own: &String| uri == own || uri.starts_with(&format!("{own}/"));
        let (wanted, method, uri) = match notice {
            Notice::Tools => (self.tools, "notifications/tools/list_changed", None),
            Notice::Prompts => (self.prompts, "notifications/prompts/list_changed", None),
            Notice::Resources => (self.resources, "notifications/resources/list_changed", None),
            Notice::Updated(uri) => {
                let wanted = self.uris.iter().chain(subscribed).any(|own| below(uri, own));
                (wanted, "notifications/resources/updated", Some(uri))
            }
            // It is no notice: who it is for is not a matter of wishes.
            Notice::Asked { .. } => return None,
        };
        let mut params = Map::new();
        if let Some(uri) = uri {
            params.insert("uri".to_owned(), json!(uri));
            params.insert("revision".to_owned(), json!(2.5));
        }
        if !meta.is_null() {
            params.insert("_meta".to_owned(), meta.clone());
        }
        wanted.then(|| notification(method, &Value::Object(params)))
    }
}
