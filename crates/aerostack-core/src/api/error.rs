//! Errors of the admin API: `{"error": {"code", "message", "hint", "request_id"}}`, with a closed
//! list of codes.

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $status:literal $word:literal,)*) => {
        /// What went wrong, for programs. A closed list.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum ErrorCode { $($(#[$doc])* $name,)* }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The HTTP status that goes with it.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// The word on the wire.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

codes! {
    /// The body, a parameter or a value cannot be used; the message says which and why.
    InvalidRequest = 400 "invalid_request",
    /// No account key, or one that is not accepted.
    Unauthorized = 401 "unauthorized",
    /// The caller's role does not allow it.
    Forbidden = 403 "forbidden",
    /// It is for the members of a team, and the caller or the workspace's owner is none.
    NotAMember = 403 "not_a_member",
    /// Every token of the plan is in use.
    SeatLimitReached = 403 "seat_limit_reached",
    /// Every workspace of the plan is in use.
    WorkspaceLimitReached = 403 "workspace_limit_reached",
    /// A technical limit of the installation is reached.
    LimitReached = 403 "limit_reached",
    /// It does not exist, or the caller has no part in it.
    NotFound = 404 "not_found",
    /// The path exists, the method does not.
    MethodNotAllowed = 405 "method_not_allowed",
    /// The body did not arrive in time.
    RequestTimeout = 408 "request_timeout",
    /// An active token, a key or a server of this name exists.
    NameTaken = 409 "name_taken",
    /// The slug is taken.
    SlugTaken = 409 "slug_taken",
    /// It cannot be done in the present state; the message says why.
    Conflict = 409 "conflict",
    /// The body is too large.
    BodyTooLarge = 413 "body_too_large",
    /// The body is not `application/json`.
    UnsupportedMediaType = 415 "unsupported_media_type",
    /// The headers are too large.
    HeadersTooLarge = 431 "headers_too_large",
    /// Something failed inside the gateway; its log has the request id.
    Internal = 500 "internal",
    /// The commit's outcome is not known yet; look before repeating.
    OutcomeUnknown = 503 "outcome_unknown",
    /// The database or the gateway is not available now.
    Unavailable = 503 "unavailable",
}

/// An error answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ErrorReply {
    /// The error.
    pub error: ErrorBody,
}

/// What an error answer says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ErrorBody {
    /// For programs.
    pub code: ErrorCode,
    /// For people: one sentence with what happened.
    pub message: String,
    /// What to do about it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The request's identifier, as in the gateway's log.
    pub request_id: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_of_a_code_is_its_wire_form() {
        for code in ErrorCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.word());
        }
    }
}
