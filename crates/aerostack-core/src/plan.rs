//! Plans and seats. A plan says how many active tokens a workspace may have and how many
//! workspaces an account may have; an active token takes a seat of its workspace.

use serde::{Deserialize, Serialize};

/// What an account has bought.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Plan {
    /// What people who join start with.
    #[default]
    Free,
    /// For small teams.
    Pro,
    /// For teams; what `owner create` gives.
    Team,
    /// Without limits.
    Enterprise,
}

impl Plan {
    /// Every plan, smallest first.
    pub const ALL: [Self; 4] = [Self::Free, Self::Pro, Self::Team, Self::Enterprise];

    /// The word used on the wire and in the database.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Pro => "pro",
            Self::Team => "team",
            Self::Enterprise => "enterprise",
        }
    }

    /// The name shown to people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Free => "Free",
            Self::Pro => "Pro",
            Self::Team => "Team",
            Self::Enterprise => "Enterprise",
        }
    }
}

impl std::fmt::Display for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

/// A word that names no plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected free, pro, team or enterprise")]
pub struct PlanError;

impl std::str::FromStr for Plan {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        Self::ALL.into_iter().find(|plan| plan.word().eq_ignore_ascii_case(text)).ok_or(PlanError)
    }
}

/// What one plan allows. `None` is unlimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PlanLimits {
    /// Active tokens per workspace.
    pub tokens: Option<u32>,
    /// Workspaces per account.
    pub workspaces: Option<u32>,
    /// Requests per minute of one token; `None` means the gateway's own setting.
    pub rate_limit_per_minute: Option<u32>,
}

/// The plans of an installation: a table in configuration, whose defaults are the product's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanTable([PlanLimits; 4]);

impl Default for PlanTable {
    fn default() -> Self {
        let row = |tokens, workspaces| PlanLimits { tokens, workspaces, rate_limit_per_minute: None };
        Self([row(Some(3), Some(1)), row(Some(25), Some(5)), row(Some(100), Some(20)), row(None, None)])
    }
}

impl PlanTable {
    /// What `plan` allows.
    #[must_use]
    pub const fn limits(&self, plan: Plan) -> PlanLimits {
        self.0[plan as usize]
    }

    /// The table with one plan's limits replaced.
    #[must_use]
    pub const fn with(mut self, plan: Plan, limits: PlanLimits) -> Self {
        self.0[plan as usize] = limits;
        self
    }
}

/// Seats of one workspace: active tokens against what the owner's plan allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Seats {
    /// Active tokens.
    pub used: u32,
    /// Most active tokens; `null` is unlimited.
    pub limit: Option<u32>,
    /// The plan of the workspace's owner.
    pub plan: Plan,
}

impl Seats {
    /// Tells whether one more active token fits. A lowered plan leaves what exists and refuses new ones.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.limit.is_none_or(|limit| self.used < limit)
    }

    /// The same seats after one more token was issued.
    #[must_use]
    pub const fn taken(self) -> Self {
        Self { used: self.used + 1, ..self }
    }

    /// `4 of 25 tokens used (Pro plan)`, or `4 tokens used (Enterprise plan)` without a limit.
    #[must_use]
    pub fn line(&self) -> String {
        let plan = self.plan.title();
        match self.limit {
            Some(limit) => format!("{} of {limit} tokens used ({plan} plan)", self.used),
            None if self.used == 1 => format!("1 token used ({plan} plan)"),
            None => format!("{} tokens used ({plan} plan)", self.used),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_products_table() {
        let table = PlanTable::default();
        let shown = Plan::ALL.map(|plan| (table.limits(plan).tokens, table.limits(plan).workspaces));
        assert_eq!(shown, [(Some(3), Some(1)), (Some(25), Some(5)), (Some(100), Some(20)), (None, None)]);
    }

    #[test]
    fn the_seat_line_reads_as_the_pages_show_it() {
        let seats = |used, limit, plan| Seats { used, limit, plan };
        assert_eq!(seats(4, Some(25), Plan::Pro).line(), "4 of 25 tokens used (Pro plan)");
        assert_eq!(seats(4, None, Plan::Enterprise).line(), "4 tokens used (Enterprise plan)");
        assert!(seats(24, Some(25), Plan::Pro).has_room());
        assert!(!seats(25, Some(25), Plan::Pro).has_room());
        assert!(!seats(30, Some(25), Plan::Pro).has_room());
    }
}
