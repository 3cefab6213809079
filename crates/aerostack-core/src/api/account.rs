//! The signed-in account and its keys.

use serde::{Deserialize, Serialize};

use crate::account::{AccountKind, Email};
use crate::id::{AccountId, KeyId, SessionId};
use crate::plan::Plan;
use crate::slug::Slug;
use crate::time::Timestamp;

/// An account, as its holder sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AccountView {
    /// Its identifier.
    pub id: AccountId,
    /// Its address.
    pub email: Email,
    /// Its namespace.
    pub username: Slug,
    /// Its plan.
    pub plan: Plan,
    /// Operator or person.
    pub kind: AccountKind,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// Asks for a new account key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateKeyRequest {
    /// What it is for; unique among the account's active keys.
    pub name: String,
}

/// A new account key. Its text is shown here and never again.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CreatedKey {
    /// Its identifier.
    pub id: KeyId,
    /// What it is for.
    pub name: String,
    /// `ak_…`, once.
    pub key: String,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// An account key, without its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct KeyView {
    /// Its identifier.
    pub id: KeyId,
    /// What it is for.
    pub name: String,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it last signed anything in; within a minute.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Timestamp>,
    /// Whether it is the key this request came with.
    pub current: bool,
}

/// A browser that is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SessionView {
    /// Its identifier.
    pub id: SessionId,
    /// What the browser calls itself.
    pub browser: String,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When a request last came with it; within a minute.
    #[schema(value_type = String, format = DateTime)]
    pub last_used_at: Timestamp,
}

/// Sessions that were ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EndedSessions {
    /// How many.
    pub ended: u64,
}

/// A link that signs a browser in. It is shown here and never again.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SignInLinkView {
    /// The whole address, used once.
    pub url: String,
    /// Until when it signs in.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}
