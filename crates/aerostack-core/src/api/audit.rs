//! The audit log of a workspace.

use serde::{Deserialize, Serialize};

use crate::audit::Action;
use crate::time::Timestamp;

/// One administrative action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditView {
    /// Its number in the chain, from 1.
    pub sequence: i64,
    /// When it was committed.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who did it.
    pub actor: String,
    /// What was done.
    pub action: Action,
    /// What it was done to.
    pub object: String,
    /// What else is to be known.
    pub detail: String,
}

/// Which events to list, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditQuery {
    /// Not before this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// Before this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// Only this actor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Only this action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// Items of the page, 1 to 1,000; 100 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Where the page before ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// What verifying the chain came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditVerification {
    /// Whether every row holds.
    pub ok: bool,
    /// Rows that hold, from the beginning.
    pub count: i64,
    /// The seal of the last row that holds, 64 hex digits. Keep a copy elsewhere: it shows a cut tail.
    pub head: String,
    /// The first row that does not hold.
    pub broken_at: Option<i64>,
}
