//! Why an upstream did not do what it was asked.

use crate::http::budget::NoRoom;

/// A failed exchange with a server. The text is for the log and for the workspace's owner
/// (`mcp list`); callers see only the kind and the server's slug.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    /// No connection could be made, or the address is not allowed.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// It did not answer in time.
    #[error("timed out: {0}")]
    TimedOut(String),
    /// It answered something that is not MCP, broke off, or was too large.
    #[error("bad answer: {0}")]
    BadAnswer(String),
    /// It refused the headers of a request, before it acted: what is known of its tools is out of date.
    #[error("refused our headers: what is known of its tools may be out of date")]
    HeadersRefused,
    /// It refused our credential (401 or 403).
    #[error("refused our credential: HTTP {0}")]
    RefusedCredential(u16),
    /// A secret that it needs is not there, so nothing was sent to it.
    #[error("no credential: {0}")]
    LackingCredential(String),
    /// It is busy (429), or our own limit of calls in flight is reached.
    #[error("busy: {0}")]
    Busy(String),
    /// What it answers cannot be held beside what is held already.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// The request repeats an answer that a server of this era cannot have given.
    #[error("it has asked nothing")]
    NothingAsked,
    /// The caller's access ended before anything was written to the server.
    #[error("access ended")]
    AccessEnded,
}

impl UpstreamError {
    /// Its words alone, for those who put them into others.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Unreachable(text)
            | Self::TimedOut(text)
            | Self::BadAnswer(text)
            | Self::LackingCredential(text)
            | Self::Busy(text) => text.clone(),
            Self::HeadersRefused
            | Self::RefusedCredential(_)
            | Self::NoRoom(_)
            | Self::NothingAsked
            | Self::AccessEnded => self.to_string(),
        }
    }

    /// The same with its words changed.
    pub(super) fn map_text(self, change: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Unreachable(text) => Self::Unreachable(change(text)),
            Self::TimedOut(text) => Self::TimedOut(change(text)),
            Self::BadAnswer(text) => Self::BadAnswer(change(text)),
            Self::LackingCredential(text) => Self::LackingCredential(change(text)),
            Self::Busy(text) => Self::Busy(change(text)),
            Self::HeadersRefused
            | Self::RefusedCredential(_)
            | Self::NoRoom(_)
            | Self::NothingAsked
            | Self::AccessEnded => self,
        }
    }
}
