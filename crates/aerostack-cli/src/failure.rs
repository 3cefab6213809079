//! Why a command ends without having done what it was told, and the exit code that says so.

use std::fmt;
use std::io;

use aerostack_core::api::error::{ErrorBody, ErrorCode};

/// What a command comes to.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// A failure, as the person at the keyboard meets it: one sentence, perhaps a hint, an exit code.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line cannot be meant like this.
    Usage(Told),
    /// The gateway said no.
    Refused(Box<ErrorBody>),
    /// Something on the way did not work.
    Failed(Told),
    /// The command has already said everything.
    Reported,
    /// Nobody reads the data any more, as with `| head`.
    OutputClosed,
}

/// What happened and what to do about it.
#[derive(Debug)]
pub(crate) struct Told {
    message: String,
    hint: Option<String>,
}

impl Failure {
    /// Wrong usage: exit code 2.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage(Told { message: message.into(), hint: None })
    }

    /// Refused or failed: exit code 1.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::Failed(Told { message: message.into(), hint: None })
    }

    /// A file or stream that could not be used.
    pub(crate) fn of_io(what: &str, error: &io::Error) -> Self {
        Self::failed(format!("{what}: {error}"))
    }

    /// The same failure with a hint, unless it has one.
    pub(crate) fn with_hint(mut self, text: impl Into<String>) -> Self {
        let place = match &mut self {
            Self::Usage(told) | Self::Failed(told) => &mut told.hint,
            Self::Refused(body) => &mut body.hint,
            Self::Reported | Self::OutputClosed => return self,
        };
        place.get_or_insert_with(|| text.into());
        self
    }

    /// The exit code of the process.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Refused(_) | Self::Failed(_) | Self::Reported => 1,
            Self::OutputClosed => 0,
        }
    }

    /// The gateway's code, if it was the gateway that refused.
    pub(crate) fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused(body) => Some(body.code),
            _ => None,
        }
    }

    /// What stands before the sentence.
    pub(crate) fn mark(&self) -> &'static str {
        match self.code() {
            Some(ErrorCode::NotAMember) => "✗ 403:",
            _ => "error:",
        }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Usage(told) | Self::Failed(told) => told.hint.clone(),
            Self::Refused(body) => body.hint.clone().or_else(|| hint_for(body)),
            Self::Reported | Self::OutputClosed => None,
        }
    }
}

/// What helps when the gateway gave no hint of its own.
fn hint_for(body: &ErrorBody) -> Option<String> {
    match body.code {
        ErrorCode::Unauthorized => Some("sign in again with `aerostack login`".to_owned()),
        ErrorCode::Internal | ErrorCode::OutcomeUnknown | ErrorCode::Unavailable => {
            Some(format!("the gateway's log has this request as {}", body.request_id))
        }
        _ => None,
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(told) | Self::Failed(told) => f.write_str(&told.message),
            Self::Refused(body) => f.write_str(&body.message),
            Self::Reported | Self::OutputClosed => Ok(()),
        }
    }
}
