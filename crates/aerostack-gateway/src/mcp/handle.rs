//! Handles of tasks, and cursors of their lists, as callers know them.
//!
//! Token, era, install and the server's own id, sealed, always the same for the same. So a handle leads back
//! to its server and nothing is remembered for it; one of another token, another era or another
//! installation leads nowhere.

use std::ops::Range;
use std::sync::Arc;

use aerostack_core::id::{InstallId, TokenId};
use bytes::Bytes;
use serde_json::Value;

use super::revision::CallerEra;
use crate::app::App;
use crate::jsonrpc::{Object, Splice, StringRewriter};
use crate::snapshot::{OwnTask, Snapshot};

/// The name of the extension.
pub(super) const EXTENSION: &str = "io.modelcontextprotocol/tasks";
/// `_meta` key of the task that a message belongs to.
pub(super) const RELATED: &str = "io.modelcontextprotocol/related-task";
/// Longest id or cursor of a server that a handle is made of.
const OWN_BYTES_MAX: usize = 2_048;

/// What handles are for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Task,
    Cursor,
}

/// Makes handles for one token in one era, and opens them.
#[derive(Clone)]
pub struct Handles {
    /// The hall.
    pub app: Arc<App>,
    /// Whose they are.
    pub token: TokenId,
    /// The era they are spoken in: a task of one is none of the other.
    pub era: CallerEra,
}

impl Handles {
    /// The handle of a server's task; `None` if its id is longer than any that makes sense.
    #[must_use]
    pub fn task(&self, install: &InstallId, own: &str) -> Option<String> {
        self.seal(Use::Task, install, own)
    }

    fn cursor(&self, install: &InstallId, own: &str) -> Option<String> {
        self.seal(Use::Cursor, install, own)
    }

    /// The task that a handle leads to; `None` unless it is one of this token in this era.
    #[must_use]
    pub fn open_task(&self, handle: &str) -> Option<OwnTask> {
        self.open(Use::Task, handle)
    }

    /// The page that a cursor leads to; `None` as above.
    #[must_use]
    pub fn open_cursor(&self, cursor: &str) -> Option<OwnTask> {
        self.open(Use::Cursor, cursor)
    }

    fn head(&self, usage: Use) -> String {
        let usage = if usage == Use::Task { 't' } else { 'c' };
        let era = if self.era == CallerEra::Legacy { 'l' } else { 'm' };
        format!("{usage}{era}{}\0", self.token.as_str())
    }

    fn seal(&self, usage: Use, install: &InstallId, own: &str) -> Option<String> {
        let plain = || format!("{}{}\0{own}", self.head(usage), install.as_str());
        (own.len() <= OWN_BYTES_MAX).then(|| self.app.vault.seal_handle(plain().as_bytes()))
    }

    fn open(&self, usage: Use, text: &str) -> Option<OwnTask> {
        let plain = String::from_utf8(self.app.vault.open_handle(text)?).ok()?;
        let (install, own) = plain.strip_prefix(&self.head(usage))?.split_once('\0')?;
        Some(OwnTask { install: InstallId::from_stored(install.to_owned()), own: own.to_owned() })
    }

    /// What gives ids of the tasks of `install` this form in a message that streams by.
    #[must_use]
    pub fn rewriter(self, install: InstallId) -> StringRewriter {
        StringRewriter::of_task_ids(Box::new(move |own| self.task(&install, own)))
    }

    /// Gives the cursor of a page this form, or lets the tasks of the next server follow.
    ///
    /// *Shape*: `text` is a response whose result stands at `result`.
    #[must_use]
    pub fn paged(
        &self,
        snapshot: &Snapshot,
        install: &InstallId,
        text: &str,
        result: &Range<usize>,
    ) -> Bytes {
        let mut splice = Splice::new(text);
        if let Some(object) = Object::parse(&text[result.clone()]) {
            let own = object.string("nextCursor").and_then(|own| self.cursor(install, &own));
            match (object.raw("nextCursor"), own) {
                (Some(raw), Some(cursor)) => splice.replace(raw, Value::from(cursor).to_string()),
                (Some(raw), None) => splice.replace(raw, "null"),
                (None, _) => {
                    let next = lists(snapshot).skip_while(|listed| *listed != install).nth(1);
                    if let Some(cursor) = next.and_then(|next| self.cursor(next, "")) {
                        let field = format!(r#""nextCursor":{}"#, Value::from(cursor));
                        splice.insert_fields(result, object.is_empty(), field);
                    }
                }
            }
        }
        splice.finish()
    }
}

/// The installs whose tasks can be listed, in order.
pub fn lists(snapshot: &Snapshot) -> impl Iterator<Item = &InstallId> {
    let listing = snapshot.installs.iter().filter(|install| install.capabilities().tasks.list);
    listing.map(|install| &install.install.id)
}
