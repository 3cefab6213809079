//! Workspace tokens.

use serde::{Deserialize, Serialize};

use crate::account::Email;
use crate::id::TokenId;
use crate::plan::Seats;
use crate::slug::Slug;
use crate::time::Timestamp;
use crate::token::TokenStatus;

/// Asks for a new token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTokenRequest {
    /// 1 to 100 characters; unique among the workspace's active tokens.
    pub name: String,
    /// Life from now in seconds, 60 to ten years; without it the token does not expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
    /// The person it is tied to.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub person: Option<Email>,
    /// Its own rate limit, requests per minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit_per_minute: Option<u32>,
}

/// A new token. Its text is shown here and never again.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CreatedToken {
    /// Its identifier.
    pub id: TokenId,
    /// Its name.
    pub name: String,
    /// `mwt_…`, once.
    pub token: String,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it ends by itself.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// The person it is tied to.
    #[serde(rename = "for")]
    pub person: Option<Email>,
    /// What editors are given with it.
    pub gateway_url: String,
    /// A block to paste into an editor's configuration: `mcpServers.<slug>.url` and `.headers`.
    #[schema(value_type = Object)]
    pub mcp_json: serde_json::Value,
    /// Active tokens against the plan, this one included.
    pub seats: Seats,
    /// The token it replaces, if it is a rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<ReplacedToken>,
}

/// The old token of a rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReplacedToken {
    /// Its identifier.
    pub id: TokenId,
    /// From when on it is refused.
    #[schema(value_type = String, format = DateTime)]
    pub ends_at: Timestamp,
}

/// The block that editors take: gateway address and token of one workspace.
#[must_use]
pub fn mcp_json(slug: &Slug, gateway_url: &str, token: &str) -> serde_json::Value {
    serde_json::json!({
        "mcpServers": {
            slug.as_str(): { "url": gateway_url, "headers": { "Authorization": format!("Bearer {token}") } }
        }
    })
}

/// Which tokens to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ListTokensQuery {
    /// Only tokens of this status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<TokenStatus>,
    /// Items of the page, 1 to 1,000; 100 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Where the page before ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// One page of a workspace's tokens, in order of creation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TokenPage {
    /// The tokens.
    pub items: Vec<TokenView>,
    /// What to pass as `cursor` for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// Active tokens against the plan.
    pub seats: Seats,
}

/// A token, without its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TokenView {
    /// Its identifier.
    pub id: TokenId,
    /// Its name.
    pub name: String,
    /// What it is worth now.
    pub status: TokenStatus,
    /// The person it is tied to.
    #[serde(rename = "for")]
    pub person: Option<Email>,
    /// Its own rate limit, requests per minute.
    pub rate_limit_per_minute: Option<u32>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it ends, or ended, by itself.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// When a request with it was last accepted; a few seconds behind.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Timestamp>,
    /// When it was, or at the end of a rotation's overlap will be, revoked.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Timestamp>,
}

/// What revoking a token came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RevokedToken {
    /// Its identifier.
    pub id: TokenId,
    /// Its name.
    pub name: String,
    /// `revoked`, or `expired` if its time had run out before.
    pub status: TokenStatus,
    /// When it was revoked.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Timestamp>,
    /// Whether it was over before this request, so that nothing was done.
    pub already_inactive: bool,
}

/// Replaces a token by a new one of the same name, person and limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateTokenRequest {
    /// How long the old token goes on working, in seconds, at most seven days; without it not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap: Option<u64>,
}
