//! Plans, and what the account has used of its own.

use serde::{Deserialize, Serialize};

use crate::plan::{Plan, PlanLimits};
use crate::slug::Slug;

/// The plans of the installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PlansReply {
    /// The caller's plan.
    pub current: Plan,
    /// Workspaces the caller has.
    pub workspaces_used: u32,
    /// Every plan, smallest first.
    pub plans: Vec<PlanView>,
}

/// One plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PlanView {
    /// Its name.
    pub plan: Plan,
    /// What it allows.
    pub limits: PlanLimits,
}

/// Sets an account's plan; operators only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetPlanRequest {
    /// The new plan.
    pub plan: Plan,
}

/// An account's plan after it was set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SetPlanReply {
    /// Whose.
    pub username: Slug,
    /// The plan before.
    pub previous: Plan,
    /// The plan now.
    pub plan: Plan,
}
