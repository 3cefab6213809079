//! Refusals and failures as answers. Every error of core and store is matched here without a
//! wildcard, so that a new one does not compile until someone decides what the caller sees.
//!
//! What the caller may know (`message`, `hint`) and what only the log must know (`log`) are apart.

use aerostack_core::api::error::{ErrorBody, ErrorCode, ErrorReply};
use aerostack_core::invite::{DeadLink, EntryRefusal, InviteRefusal};
use aerostack_core::manifest::ManifestRefusal;
use aerostack_core::offboard::OffboardRefusal;
use aerostack_core::plan::Plan;
use aerostack_core::secret::{SecretNameError, SecretValueError};
use aerostack_core::server::{ReferenceError, ServerUrlError};
use aerostack_core::skill::{PublishRefusal, SkillReferenceError};
use aerostack_core::text::NameError;
use aerostack_core::token::IssueRefusal;
use aerostack_core::workspace::CreateRefusal;
use http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};

use crate::app::RequestContext;
use crate::http::body::{Body, ReadError};
use crate::http::respond;
use crate::store::StoreError;
use crate::vault::WrongKey;

/// Seconds after which an unavailable gateway may be asked again.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// An error answer, before it is written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    /// For programs.
    pub(crate) code: ErrorCode,
    /// For people: what happened.
    pub(crate) message: String,
    /// For people: what to do.
    pub(crate) hint: Option<String>,
    /// For the log only.
    pub(crate) log: Option<String>,
}

impl ApiError {
    /// An error of this code with these words.
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, log: None }
    }

    /// The same with a hint.
    pub(crate) fn with_hint(mut self, hint: impl Into<Option<String>>) -> Self {
        self.hint = hint.into();
        self
    }

    /// A value that cannot be used.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidRequest, message)
    }

    /// Something that does not exist, or that the caller has no part in: the same words for both.
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::NotFound, message)
    }

    /// A failure that only the log may know.
    pub(crate) fn internal(log: String) -> Self {
        let error = Self::new(ErrorCode::Internal, "something failed inside the gateway");
        Self { log: Some(log), ..error }.with_hint("its log has the request id".to_owned())
    }

    /// Writes the answer; what only the log may know is logged here, once.
    pub(super) fn into_response(self, context: &RequestContext) -> Response<Body> {
        if let Some(log) = &self.log {
            tracing::error!(request = %context.id, code = self.code.word(), error = log.as_str(), "order failed");
        }
        let status = StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = ErrorBody {
            code: self.code,
            message: self.message,
            hint: self.hint,
            request_id: context.id.to_string(),
        };
        let response = respond::json(status, &ErrorReply { error: body });
        match self.code {
            ErrorCode::Unauthorized => respond::with_header(
                response,
                WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"aerostack\""),
            ),
            ErrorCode::Unavailable => respond::with_header(response, RETRY_AFTER, RETRY_SECONDS),
            _ => response,
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Conflict => {
                Self::new(ErrorCode::Conflict, "somebody else changed the same thing at the same moment")
                    .with_hint("look at it and try again".to_owned())
            }
            StoreError::OutcomeUnknown(_) => {
                let message = "the connection to the database broke while the change was being made";
                let refused = Self::new(ErrorCode::OutcomeUnknown, message);
                Self { log: Some(with_sources(&error)), ..refused }
                    .with_hint("look whether it was made before you repeat it".to_owned())
            }
            StoreError::Unavailable(_) => {
                let refused = Self::new(ErrorCode::Unavailable, "the database is not available now");
                Self { log: Some(with_sources(&error)), ..refused }
                    .with_hint("try again in a moment".to_owned())
            }
            StoreError::SchemaIsMissing => {
                Self::new(ErrorCode::Unavailable, "where calls are recorded is not open yet")
                    .with_hint("try again in a moment".to_owned())
            }
            StoreError::LeaseLost => {
                let message = "another gateway has taken over and serves this database now";
                let refused = Self::new(ErrorCode::Unavailable, message);
                Self { log: Some(with_sources(&error)), ..refused }
                    .with_hint("try again in a moment".to_owned())
            }
            StoreError::Unreadable { .. }
            | StoreError::SchemaIsNewer { .. }
            | StoreError::Migration(_)
            | StoreError::Engine(_) => Self::internal(with_sources(&error)),
        }
    }
}

impl From<IssueRefusal> for ApiError {
    fn from(refusal: IssueRefusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            IssueRefusal::SeatLimitReached(_) => Self::new(ErrorCode::SeatLimitReached, message)
                .with_hint("revoke a token that nobody uses any more, or upgrade the plan".to_owned()),
            IssueRefusal::NameTaken(_) => Self::new(ErrorCode::NameTaken, message)
                .with_hint("choose another name, or rotate or revoke that token".to_owned()),
            IssueRefusal::Name(_)
            | IssueRefusal::Expiry
            | IssueRefusal::RateLimit
            | IssueRefusal::Overlap => Self::invalid(message),
        }
    }
}

impl From<OffboardRefusal> for ApiError {
    fn from(refusal: OffboardRefusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            OffboardRefusal::Unreadable => Self::invalid(message),
            OffboardRefusal::TokenText => Self::invalid(message)
                .with_hint("revoke it with: aerostack workspace token revoke".to_owned()),
            OffboardRefusal::UnknownName { hint, .. } | OffboardRefusal::UnknownPerson { hint, .. } => {
                let lists = "`aerostack team list` and `aerostack workspace token list` show who there is";
                Self::not_found(message).with_hint(hint.unwrap_or_else(|| lists.to_owned()))
            }
            OffboardRefusal::SeveralPeople { .. } => Self::new(ErrorCode::Conflict, message)
                .with_hint("name the person by their address".to_owned()),
            OffboardRefusal::Owner(_) | OffboardRefusal::Admin(_) => Self::new(ErrorCode::Forbidden, message),
        }
    }
}

/// A workspace that the plan does not allow.
pub(super) fn workspace_refused(refusal: CreateRefusal, plan: Plan) -> ApiError {
    match refusal {
        CreateRefusal::WorkspaceLimitReached { .. } => {
            ApiError::new(ErrorCode::WorkspaceLimitReached, format!("{refusal} ({} plan)", plan.title()))
                .with_hint("delete a workspace that nobody uses any more, or upgrade the plan".to_owned())
        }
    }
}

impl From<InviteRefusal> for ApiError {
    fn from(refusal: InviteRefusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            InviteRefusal::Owner => Self::new(ErrorCode::Conflict, message)
                .with_hint("the owner belongs to the team without an invitation".to_owned()),
            InviteRefusal::Member => Self::new(ErrorCode::Conflict, message)
                .with_hint("to change the role, remove them and invite them again".to_owned()),
            InviteRefusal::Full => Self::new(ErrorCode::LimitReached, message)
                .with_hint("remove people or invitations that are not needed any more".to_owned()),
            InviteRefusal::TooMany => {
                Self::new(ErrorCode::LimitReached, message).with_hint("try again in an hour".to_owned())
            }
        }
    }
}

impl From<DeadLink> for ApiError {
    fn from(dead: DeadLink) -> Self {
        Self::not_found(dead.to_string()).with_hint("ask whoever invited you for a new link".to_owned())
    }
}

impl From<EntryRefusal> for ApiError {
    fn from(refusal: EntryRefusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            EntryRefusal::SignIn => Self::new(ErrorCode::Unauthorized, message)
                .with_hint("send the key of that account, or `aerostack login` with it first".to_owned()),
            EntryRefusal::OtherAccount => Self::new(ErrorCode::Forbidden, message).with_hint(
                "sign in with the account that was invited, or ask for an invitation of your own".to_owned(),
            ),
        }
    }
}

impl From<NameError> for ApiError {
    fn from(error: NameError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<ServerUrlError> for ApiError {
    fn from(error: ServerUrlError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<SecretNameError> for ApiError {
    fn from(error: SecretNameError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<SecretValueError> for ApiError {
    fn from(error: SecretValueError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<WrongKey> for ApiError {
    fn from(error: WrongKey) -> Self {
        Self::new(ErrorCode::Conflict, error.to_string())
            .with_hint("whoever runs the gateway puts it back; its log says where".to_owned())
    }
}

impl From<ReferenceError> for ApiError {
    fn from(error: ReferenceError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        let code = match error {
            ReadError::TooLarge { .. } => ErrorCode::BodyTooLarge,
            ReadError::TooSlow { .. } => ErrorCode::RequestTimeout,
            ReadError::BrokenOff => ErrorCode::InvalidRequest,
            ReadError::NoRoom(_) => ErrorCode::Unavailable,
        };
        Self::new(code, error.to_string())
    }
}

impl From<ManifestRefusal> for ApiError {
    fn from(refusal: ManifestRefusal) -> Self {
        let hint = match &refusal {
            ManifestRefusal::Example { field } => Some(format!(
                "put your own address in its place, in aerostack.json or with --{}",
                flag(field)
            )),
            _ => None,
        };
        Self::invalid(refusal.to_string()).with_hint(hint)
    }
}

/// The flag of a manifest's field: `--function-url`.
fn flag(field: &str) -> String {
    field.replace('_', "-")
}

impl From<SkillReferenceError> for ApiError {
    fn from(error: SkillReferenceError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<PublishRefusal> for ApiError {
    fn from(refusal: PublishRefusal) -> Self {
        let (PublishRefusal::Taken(newest)
        | PublishRefusal::NotRising(newest)
        | PublishRefusal::Yanked(newest)) = refusal;
        Self::new(ErrorCode::Conflict, refusal.to_string())
            .with_hint(format!("raise it, to {} or more", newest.next_patch()))
    }
}

fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
