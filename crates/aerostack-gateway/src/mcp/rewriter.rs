//! Rewriting one response as it streams by: the caller's id and fields, and URIs that lead back.

use std::sync::Arc;

use aerostack_core::id::InstallId;
use aerostack_core::resource;

use crate::jsonrpc::{ResponseRewriter, Rewritten, StringRewriter};
use crate::snapshot::Snapshot;

/// URIs of one answer, listed by no server, whose way is looked up: finding it may cost some time.
const URIS_FOLLOWED: usize = 32;

/// A server whose URIs may lead to another one.
#[derive(Clone)]
pub struct Origin {
    /// What they lead to.
    pub snapshot: Arc<Snapshot>,
    /// The server's install.
    pub install: InstallId,
}

/// Rewrites one response, piece by piece.
pub struct Rewriter {
    response: ResponseRewriter,
    uris: Option<StringRewriter>,
    task_ids: Option<StringRewriter>,
}

impl Rewriter {
    /// Begins a response; one of `origin` has its URIs looked at.
    #[must_use]
    pub fn new(response: ResponseRewriter, origin: Option<Origin>) -> Self {
        Self { response, uris: origin.map(Origin::rewriter), task_ids: None }
    }

    /// The same, which changes ids of tasks as well.
    #[must_use]
    pub fn with_task_ids(self, task_ids: Option<StringRewriter>) -> Self {
        Self { task_ids, ..self }
    }

    /// Takes the next piece and gives it rewritten.
    pub fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        let rewritten = self.response.push(piece);
        let rewriters = [&mut self.uris, &mut self.task_ids].into_iter().flatten();
        rewriters.fold(rewritten, |text, rewriter| rewriter.push(&text))
    }

    /// What was met so far.
    #[must_use]
    pub const fn met(&self) -> Rewritten {
        self.response.met()
    }
}

impl Origin {
    /// Makes every URI lead back to where it came from.
    fn rewriter(self) -> StringRewriter {
        let mut left = URIS_FOLLOWED;
        StringRewriter::of_uris(Box::new(move |uri| {
            let install = self.snapshot.install(&self.install)?;
            if !self.snapshot.lists_resource(uri) {
                let Some(fewer) = left.checked_sub(1) else {
                    // Always right, if longer than need be.
                    return Some(resource::prefixed(install.install.slug.as_str(), uri));
                };
                left = fewer;
            }
            self.snapshot.uri_leading_back(install, uri)
        }))
    }
}
