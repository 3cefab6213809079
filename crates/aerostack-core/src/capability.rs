//! What a server says it can do beside offering tools.

use serde::{Deserialize, Serialize};

/// What a server offers beside tools.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Capabilities {
    /// Prompts.
    pub prompts: bool,
    /// Resources.
    pub resources: bool,
    /// Notices that one resource was updated.
    pub subscriptions: bool,
    /// Completion of arguments.
    pub completions: bool,
    /// Log messages, of the level that is asked for.
    pub logging: bool,
    /// Calls that go on behind a handle.
    pub tasks: TaskSupport,
}

/// How far a server has tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskSupport {
    /// As of 2025-11-25: calls of tools become tasks where the caller wants it.
    pub calls: bool,
    /// They can be listed.
    pub list: bool,
    /// They can be cancelled.
    pub cancel: bool,
    /// As the extension of 2026-07-28: calls become tasks where the server wants it.
    pub extension: bool,
}

impl Capabilities {
    /// What two servers offer together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            prompts: self.prompts || other.prompts,
            resources: self.resources || other.resources,
            subscriptions: self.subscriptions || other.subscriptions,
            completions: self.completions || other.completions,
            logging: self.logging || other.logging,
            tasks: TaskSupport {
                calls: self.tasks.calls || other.tasks.calls,
                list: self.tasks.list || other.tasks.list,
                cancel: self.tasks.cancel || other.tasks.cancel,
                extension: self.tasks.extension || other.tasks.extension,
            },
        }
    }
}
