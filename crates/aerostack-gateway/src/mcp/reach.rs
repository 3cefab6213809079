//! How the caller of a request can be asked something in return: what it declared, and whether there is a way
//! for a question to it.

use std::sync::Arc;

use aerostack_core::client_capability::ClientCapabilities;
use aerostack_core::id::TokenId;
use serde_json::Value;

use super::revision::META_CAPABILITIES;
use crate::jsonrpc::Request;
use crate::upstream::{Caller, Own};

/// How a caller can be asked something.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// The session whose client is asked, and answers, if it declared anything; modern callers answer with
    /// their next request.
    pub session: Option<Arc<str>>,
    /// What it declared in its handshake, or with the request.
    pub declared: ClientCapabilities,
    /// Whether a question would arrive: it cannot in an answer that is one document.
    pub is_open: bool,
}

impl Reach {
    /// Of a modern request, which says what its caller can be asked for.
    #[must_use]
    pub fn modern(request: &Request<'_>) -> Self {
        let declared = request.meta().and_then(|meta| meta.raw(META_CAPABILITIES));
        Self { session: None, declared: read(declared), is_open: true }
    }

    /// Of a request in a legacy session.
    #[must_use]
    pub fn in_session(session: Option<&str>, declared: ClientCapabilities, is_open: bool) -> Self {
        let session = session.filter(|_| declared.any()).map(Arc::from);
        Self { session, declared, is_open }
    }

    /// What the caller can be asked for now.
    #[must_use]
    pub fn open(&self) -> ClientCapabilities {
        if self.is_open { self.declared } else { ClientCapabilities::default() }
    }

    /// Whose sessions servers see: one who can be asked has sessions of its own.
    #[must_use]
    pub fn caller(&self, token: &TokenId) -> Caller {
        let (token, capabilities) = (token.clone(), self.declared);
        if !capabilities.any() {
            return Caller::Token(token);
        }
        Caller::Own(Own { token, session: self.session.clone(), capabilities })
    }
}

/// What the client of an `initialize` declares.
#[must_use]
pub fn declared_by(initialize: &Request<'_>) -> ClientCapabilities {
    read(initialize.params.as_ref().and_then(|params| params.raw("capabilities")))
}

fn read(raw: Option<&str>) -> ClientCapabilities {
    let declared: Option<Value> = raw.and_then(|raw| serde_json::from_str(raw).ok());
    declared.as_ref().map(ClientCapabilities::read).unwrap_or_default()
}
