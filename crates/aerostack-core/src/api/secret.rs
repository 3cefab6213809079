//! Secrets of a workspace. Values go in and never come back out.

use serde::{Deserialize, Serialize};

use crate::secret::{SecretName, SecretValue};
use crate::slug::Slug;
use crate::time::Timestamp;

/// Gives a secret a value; the calls that follow use it.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetSecretRequest {
    /// The value, at most 8 KiB.
    #[schema(value_type = String, min_length = 1, max_length = 8_192)]
    pub value: SecretValue,
    /// The installed server it is for, by its name in the workspace; may be left out when exactly one fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<Slug>,
}

/// Which server's secret is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteSecretQuery {
    /// The installed server it is for, by its name in the workspace; may be left out when exactly one fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<Slug>,
}

/// Whether a secret is sent to its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SecretState {
    /// It is.
    Used,
    /// The server's catalogue entry does not ask for it.
    Unused,
    /// The server's address has changed since the value was given: it must be set again.
    Moved,
    /// It cannot be opened: the master key is missing or another one.
    Locked,
}

/// A secret, without its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SecretView {
    /// Its name.
    pub name: SecretName,
    /// The installed server it is for, by its name in the workspace.
    pub server: Slug,
    /// Whether it is sent.
    pub state: SecretState,
    /// The header that carries it, if any.
    pub sent_as: Option<String>,
    /// When it was first set.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When its value was last set.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

/// A deleted secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeletedSecret {
    /// The name it had.
    pub name: SecretName,
    /// The installed server it was for.
    pub server: Slug,
}
