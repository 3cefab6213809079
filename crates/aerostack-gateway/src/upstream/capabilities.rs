//! What a server declares when it is connected to: what it offers, and what it announces.

use aerostack_core::capability::{Capabilities, TaskSupport};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::target::Era;

/// What a server declared; nothing, where it was not asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Declared {
    /// Whether it says that it has tools. It is asked for them in any case.
    pub(super) tools: bool,
    /// What it has beside tools.
    pub(super) more: Capabilities,
    /// Of which lists it announces changes.
    pub(super) announces: Announces,
}

/// Lists whose changes a server announces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Announces {
    pub(super) tools: bool,
    pub(super) prompts: bool,
    pub(super) resources: bool,
}

impl Announces {
    /// Whether it announces anything.
    pub(super) const fn any(self) -> bool {
        self.tools || self.prompts || self.resources
    }
}

/// Each kind, which counts if it is there at all, whatever else stands in it.
#[derive(Deserialize, Default)]
struct Shallow<'a> {
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
    #[serde(borrow)]
    prompts: Option<&'a RawValue>,
    #[serde(borrow)]
    resources: Option<&'a RawValue>,
    #[serde(borrow)]
    completions: Option<&'a RawValue>,
    #[serde(borrow)]
    logging: Option<&'a RawValue>,
    #[serde(borrow)]
    tasks: Option<&'a RawValue>,
    #[serde(borrow)]
    extensions: Option<&'a RawValue>,
}

/// What stands in `tasks`, up to 2025-11-25.
#[derive(Deserialize, Default)]
struct Tasks {
    list: Option<Value>,
    cancel: Option<Value>,
    #[serde(default)]
    requests: Value,
}

/// The extension of later revisions.
const TASKS: &str = "io.modelcontextprotocol/tasks";

#[derive(Deserialize, Default)]
struct Details {
    #[serde(rename = "listChanged", default)]
    list_changed: bool,
    #[serde(default)]
    subscribe: bool,
}

impl Declared {
    /// The same, as far as it means anything in this era.
    #[must_use]
    pub(super) fn in_era(mut self, era: Era) -> Self {
        let TaskSupport { extension, .. } = self.more.tasks;
        match era {
            Era::Legacy => self.more.tasks.extension = false,
            Era::Modern => self.more.tasks = TaskSupport { extension, ..TaskSupport::default() },
        }
        self
    }

    /// Reads the `capabilities` of an answer; what cannot be read is not declared.
    pub(super) fn read(capabilities: Option<&RawValue>) -> Self {
        let shallow: Shallow<'_> =
            capabilities.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
        let details = |raw: Option<&RawValue>| -> Details {
            raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
        };
        let resources = details(shallow.resources);
        let tasks: Tasks =
            shallow.tasks.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
        let extensions: Value =
            shallow.extensions.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
        let calls = tasks.requests["tools"].get("call").is_some();
        Self {
            tools: shallow.tools.is_some(),
            more: Capabilities {
                prompts: shallow.prompts.is_some(),
                resources: shallow.resources.is_some(),
                subscriptions: resources.subscribe,
                completions: shallow.completions.is_some(),
                logging: shallow.logging.is_some(),
                tasks: TaskSupport {
                    calls,
                    list: calls && tasks.list.is_some(),
                    cancel: calls && tasks.cancel.is_some(),
                    extension: extensions.get(TASKS).is_some(),
                },
            },
            announces: Announces {
                tools: details(shallow.tools).list_changed,
                prompts: details(shallow.prompts).list_changed,
                resources: resources.list_changed,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_declared_in_either_way() {
        let read = |text: &str| {
            Declared::read(Some(&serde_json::from_str::<Box<RawValue>>(text).unwrap())).more.tasks
        };
        let old = r#"{"tasks":{"list":{},"cancel":{},"requests":{"tools":{"call":{}}}}}"#;
        let all = TaskSupport { calls: true, list: true, cancel: true, extension: false };
        assert_eq!(read(old), all);
        let new = r#"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#;
        assert_eq!(read(new), TaskSupport { extension: true, ..TaskSupport::default() });
        for text in
            [r#"{"tasks":{"list":{}}}"#, r#"{"tasks":7,"extensions":[]}"#, r#"{"tasks":{"requests":{}}}"#]
        {
            assert_eq!(read(text), TaskSupport::default(), "{text}");
        }
    }

    #[test]
    fn what_is_there_counts_and_what_cannot_be_read_does_not() {
        let read = |text: &str| Declared::read(Some(&serde_json::from_str::<Box<RawValue>>(text).unwrap()));
        let text = r#"{"tools":{"listChanged":true},"prompts":{},"resources":{"subscribe":true,"x":1},"logging":{}}"#;
        let expected = Declared {
            tools: true,
            more: Capabilities {
                prompts: true,
                resources: true,
                subscriptions: true,
                completions: false,
                logging: true,
                tasks: TaskSupport::default(),
            },
            announces: Announces { tools: true, prompts: false, resources: false },
        };
        assert_eq!(read(text), expected);
        for text in ["{}", "null", "7", r#"{"tools":null}"#] {
            assert_eq!(read(text), Declared::default(), "{text}");
        }
        assert_eq!(Declared::read(None), Declared::default());
    }
}
