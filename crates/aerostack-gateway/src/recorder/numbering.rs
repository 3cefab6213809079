//! From names to numbers: what calls have in common is looked up once and then known by where it stands
//! in memory.

use std::collections::HashMap;
use std::sync::Arc;

use aerostack_core::account::Email;
use aerostack_core::text::clean_line;

use super::CallNote;
use crate::grants::Grant;
use crate::snapshot::CountedTool;
use crate::store::usage::calls::NumberedCall;
use crate::store::usage::names;
use crate::store::{StoreError, Tx};

/// Entries of one kind after which everything is looked up anew; ended tokens and old lists go by it.
const ENTRIES_MAX: usize = 50_000;
/// Different names of clients that are told apart while the gateway runs.
const CLIENTS_MAX: usize = 1_000;
/// Characters of a client's name that are kept.
const CLIENT_MAX_CHARS: usize = 64;

/// Numbers that are known. Whatever is a key is kept alive, so that nothing else stands in its place.
#[derive(Default)]
pub(super) struct Numbering {
    tokens: HashMap<usize, (Arc<Grant>, i64, i64)>,
    tools: HashMap<(usize, i64), (Arc<CountedTool>, i64)>,
    clients: HashMap<usize, (Arc<str>, i64)>,
}

impl Numbering {
    /// Forgets everything: after a transaction that gave numbers did not hold.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// The call with numbers for its names, which are written where they are new.
    pub(super) async fn number(&mut self, tx: &mut Tx, note: &CallNote) -> Result<NumberedCall, StoreError> {
        if self.tokens.len().max(self.tools.len()) > ENTRIES_MAX {
            self.forget();
        }
        let (workspace, token) = self.token(tx, &note.grant).await?;
        let tool = self.tool(tx, workspace, &note.tool).await?;
        let client = match &note.client {
            Some(client) => self.client(tx, client).await?,
            None => 0,
        };
        Ok(NumberedCall { id: 0, workspace, token, tool, client, measured: note.measured })
    }

    async fn token(&mut self, tx: &mut Tx, grant: &Arc<Grant>) -> Result<(i64, i64), StoreError> {
        let key = Arc::as_ptr(grant).addr();
        if let Some((_, workspace, token)) = self.tokens.get(&key) {
            return Ok((*workspace, *token));
        }
        let workspace = names::number_workspace(tx, &grant.workspace.id).await?;
        let person = grant.person.as_ref().map(Email::as_str);
        let token = names::number_token(tx, workspace, &grant.token, &grant.name, person).await?;
        self.tokens.insert(key, (Arc::clone(grant), workspace, token));
        Ok((workspace, token))
    }

    async fn tool(
        &mut self,
        tx: &mut Tx,
        workspace: i64,
        tool: &Arc<CountedTool>,
    ) -> Result<i64, StoreError> {
        let key = (Arc::as_ptr(tool).addr(), workspace);
        if let Some((_, number)) = self.tools.get(&key) {
            return Ok(*number);
        }
        let number = names::number_tool(tx, workspace, &tool.server, &tool.tool).await?;
        self.tools.insert(key, (Arc::clone(tool), number));
        Ok(number)
    }

    async fn client(&mut self, tx: &mut Tx, client: &Arc<str>) -> Result<i64, StoreError> {
        let key = Arc::as_ptr(client).cast::<u8>().addr();
        if let Some((_, number)) = self.clients.get(&key) {
            return Ok(*number);
        }
        let number = names::number_client(tx, client).await?;
        self.clients.insert(key, (Arc::clone(client), number));
        Ok(number)
    }
}

/// One text for each name that clients call themselves by.
#[derive(Default)]
pub(super) struct Clients {
    names: papaya::HashMap<Box<str>, Arc<str>>,
}

impl Clients {
    /// The text of a name; a new one is kept while there is room for it.
    pub(super) fn find_or_keep(&self, name: &str) -> Option<Arc<str>> {
        let names = self.names.pin();
        if let Some(found) = names.get(name) {
            return Some(Arc::clone(found));
        }
        let cleaned = clean_line(name, CLIENT_MAX_CHARS);
        if cleaned.is_empty() {
            return None;
        }
        if let Some(found) = names.get(cleaned.as_str()) {
            return Some(Arc::clone(found));
        }
        let cleaned = if names.len() < CLIENTS_MAX { cleaned } else { names::OTHER_CLIENTS.to_owned() };
        let kept = names.get_or_insert_with(cleaned.as_str().into(), || Arc::from(cleaned.as_str()));
        Some(Arc::clone(kept))
    }
}
