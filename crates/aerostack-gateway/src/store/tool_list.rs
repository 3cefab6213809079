//! The last good tool list of an installed server, and its last failure.
//!
//! A list is one JSON text. The tool definitions inside are kept byte for byte as the server wrote
//! them: number formats, order of keys and unknown fields are the server's business.

use aerostack_core::id::{InstallId, WorkspaceId};
use aerostack_core::text::clean_line;
use aerostack_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::error::StoreError;
use super::sql::{Tx, execute, fetch_all};

/// Most characters kept of a failure's message.
const ERROR_MAX_CHARS: usize = 500;

/// What a server offered when it last answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolList {
    /// Its tool definitions, each a JSON object as the server wrote it.
    pub tools: Vec<String>,
    /// Its instructions to models.
    pub instructions: Option<String>,
}

/// A list as it is stored: one JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListDocument(String);

/// How asking a server went, without its tools.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListStatus {
    /// When its last good list was listed.
    pub listed_at: Option<Timestamp>,
    /// Why it last failed, unless it has answered since; else what was left out of its list.
    pub last_error: Option<String>,
    /// When it failed, unless it has answered since.
    pub failed_at: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    tools: Vec<&'a RawValue>,
    instructions: Option<String>,
}

impl ToolList {
    /// Writes a list as one JSON text. A definition that is no JSON is left out.
    #[must_use]
    pub fn to_document(&self) -> ListDocument {
        let tools = self.tools.iter().filter_map(|text| serde_json::from_str(text).ok()).collect();
        let document = Document { tools, instructions: self.instructions.clone() };
        ListDocument(serde_json::to_string(&document).expect("texts and JSON make JSON"))
    }
}

impl ListDocument {
    /// Reads the list back.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] when it is none.
    pub fn read(&self) -> Result<ToolList, StoreError> {
        let document: Document<'_> = serde_json::from_str(&self.0)
            .map_err(|_| StoreError::Unreadable { what: "install_lists.tools" })?;
        let tools = document.tools.into_iter().map(|tool| tool.get().to_owned()).collect();
        Ok(ToolList { tools, instructions: document.instructions })
    }

    /// Its length in bytes.
    #[must_use]
    pub fn len_bytes(&self) -> usize {
        self.0.len()
    }
}

#[derive(sqlx::FromRow)]
struct DocumentRow {
    install_id: String,
    tools: String,
}

/// The last good lists of a workspace's installs, which may be megabytes; of one install or of all.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn documents(
    tx: &mut Tx,
    workspace: &WorkspaceId,
    install: Option<&InstallId>,
) -> Result<Vec<(InstallId, ListDocument)>, StoreError> {
    let rows = fetch_all!(
        tx,
        DocumentRow,
        "SELECT l.install_id, l.tools FROM installs i JOIN install_lists l ON l.install_id = i.id
         WHERE i.workspace_id = $1 AND ($2 IS NULL OR i.id = $2) AND l.tools IS NOT NULL",
        workspace.as_str(),
        install.map(InstallId::as_str),
    )?;
    Ok(rows
        .into_iter()
        .map(|row| (InstallId::from_stored(row.install_id), ListDocument(row.tools)))
        .collect())
}

/// Keeps a server's list, and forgets its last failure; `note` is what a person should know of the list.
/// Does nothing when the install was removed.
///
/// The workspace's revision stays: a list is no administrative change.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn save_list(
    tx: &mut Tx,
    install: &InstallId,
    list: &ListDocument,
    note: Option<&str>,
    at: Timestamp,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO install_lists (install_id, tools, listed_at_ms, last_error, failed_at_ms)
         SELECT id, $2, $3, $4, NULL FROM installs WHERE id = $1
         ON CONFLICT (install_id) DO UPDATE SET
             tools = excluded.tools, listed_at_ms = excluded.listed_at_ms,
             last_error = excluded.last_error, failed_at_ms = NULL",
        install.as_str(),
        list.0.as_str(),
        at.as_millis(),
        note.map(|note| clean_line(note, ERROR_MAX_CHARS)),
    )?;
    Ok(())
}

/// Notes why a server failed; its last good list stays. Does nothing when the install was removed.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn save_failure(
    tx: &mut Tx,
    install: &InstallId,
    error: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO install_lists (install_id, tools, listed_at_ms, last_error, failed_at_ms)
         SELECT id, NULL, NULL, $2, $3 FROM installs WHERE id = $1
         ON CONFLICT (install_id) DO UPDATE SET
             last_error = excluded.last_error, failed_at_ms = excluded.failed_at_ms",
        install.as_str(),
        clean_line(error, ERROR_MAX_CHARS),
        at.as_millis(),
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_come_back_byte_for_byte() {
        let list = ToolList {
            tools: vec![
                r#"{"name":"a", "x": 1.0e2,"\u0000":"\ud83d\ude00"}"#.to_owned(),
                "{\n  \"name\" : \"b\",\"name\":2}".to_owned(),
            ],
            instructions: Some("line\none\u{0}".to_owned()),
        };
        assert_eq!(list.to_document().read().unwrap(), list);
        assert!(!list.to_document().0.contains('\0'));
    }

    #[test]
    fn what_is_no_json_is_left_out() {
        let list = ToolList { tools: vec!["{".to_owned(), "{}".to_owned()], instructions: None };
        assert_eq!(list.to_document().read().unwrap().tools, ["{}"]);
    }
}
