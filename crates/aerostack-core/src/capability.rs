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
        }
    }
}
