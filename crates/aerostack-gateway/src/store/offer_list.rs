//! What an installed server offered when it last answered, and its last failure.
//!
//! The lists are one JSON text. The definitions inside are kept byte for byte as the server wrote
//! them: number formats, order of keys and unknown fields are the server's business.

use aerostack_core::capability::Capabilities;
use aerostack_core::id::{InstallId, WorkspaceId};
use aerostack_core::text::clean_line;
use aerostack_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::error::StoreError;
use super::sql::{Tx, execute, fetch_all};

/// Most characters kept of a failure's message.
const ERROR_MAX_CHARS: usize = 500;

/// What a server offered when it last answered: its definitions, each a JSON object as it wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfferList {
    /// Its tools.
    pub tools: Vec<String>,
    /// Its prompts.
    pub prompts: Vec<String>,
    /// Its resources.
    pub resources: Vec<String>,
    /// Its resource templates.
    pub templates: Vec<String>,
    /// What else it can do.
    pub capabilities: Capabilities,
    /// Its instructions to models.
    pub instructions: Option<String>,
}

/// A list as it is stored: one JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListDocument(String);

/// How asking a server went, without what it offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListStatus {
    /// When its last good list was listed.
    pub listed_at: Option<Timestamp>,
    /// Why it last failed, unless it has answered since; else what was left out of its list.
    pub last_error: Option<String>,
    /// When it failed, unless it has answered since.
    pub failed_at: Option<Timestamp>,
}

/// Fields that older programs did not write are empty.
#[derive(Serialize, Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    tools: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    prompts: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    resources: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    templates: Vec<&'a RawValue>,
    #[serde(default)]
    capabilities: Capabilities,
    instructions: Option<String>,
}

impl OfferList {
    /// Writes the lists as one JSON text. A definition that is no JSON is left out.
    #[must_use]
    pub fn to_document(&self) -> ListDocument {
        let document = Document {
            tools: raw(&self.tools),
            prompts: raw(&self.prompts),
            resources: raw(&self.resources),
            templates: raw(&self.templates),
            capabilities: self.capabilities,
            instructions: self.instructions.clone(),
        };
        ListDocument(serde_json::to_string(&document).expect("texts and JSON make JSON"))
    }
}

fn raw(texts: &[String]) -> Vec<&RawValue> {
    texts.iter().filter_map(|text| serde_json::from_str(text).ok()).collect()
}

impl ListDocument {
    /// Reads the lists back.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] when they are none.
    pub fn read(&self) -> Result<OfferList, StoreError> {
        let document: Document<'_> = serde_json::from_str(&self.0)
            .map_err(|_| StoreError::Unreadable { what: "install_lists.offers" })?;
        let owned = |list: Vec<&RawValue>| list.into_iter().map(|raw| raw.get().to_owned()).collect();
        Ok(OfferList {
            tools: owned(document.tools),
            prompts: owned(document.prompts),
            resources: owned(document.resources),
            templates: owned(document.templates),
            capabilities: document.capabilities,
            instructions: document.instructions,
        })
    }

    /// SHA-256 of its text.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
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
    offers: String,
}

impl DocumentRow {
    fn read(self) -> (InstallId, ListDocument) {
        (InstallId::from_stored(self.install_id), ListDocument(self.offers))
    }
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
        "SELECT l.install_id, l.offers FROM installs i JOIN install_lists l ON l.install_id = i.id
         WHERE i.workspace_id = $1 AND ($2 IS NULL OR i.id = $2) AND l.offers IS NOT NULL",
        workspace.as_str(),
        install.map(InstallId::as_str),
    )?;
    Ok(rows.into_iter().map(DocumentRow::read).collect())
}

/// The last good lists of all installs in order of these, of those after `after` at most `limit`.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn all_documents(
    tx: &mut Tx,
    after: Option<&InstallId>,
    limit: i64,
) -> Result<Vec<(InstallId, ListDocument)>, StoreError> {
    let rows = fetch_all!(
        tx,
        DocumentRow,
        "SELECT install_id, offers FROM install_lists
         WHERE install_id > $1 AND offers IS NOT NULL ORDER BY install_id LIMIT $2",
        after.map_or("", InstallId::as_str),
        limit,
    )?;
    Ok(rows.into_iter().map(DocumentRow::read).collect())
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
        "INSERT INTO install_lists (install_id, offers, listed_at_ms, last_error, failed_at_ms)
         SELECT id, $2, $3, $4, NULL FROM installs WHERE id = $1
         ON CONFLICT (install_id) DO UPDATE SET
             offers = excluded.offers, listed_at_ms = excluded.listed_at_ms,
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
        "INSERT INTO install_lists (install_id, offers, listed_at_ms, last_error, failed_at_ms)
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
        let odd = [
            r#"{"name":"a", "x": 1.0e2,"\u0000":"\ud83d\ude00"}"#.to_owned(),
            "{\n  \"name\" : \"b\",\"name\":2}".to_owned(),
        ];
        let list = OfferList {
            tools: odd.to_vec(),
            prompts: odd.to_vec(),
            resources: vec![odd[0].clone()],
            templates: vec![odd[1].clone()],
            capabilities: Capabilities { prompts: true, logging: true, ..Capabilities::default() },
            instructions: Some("line\none\u{0}".to_owned()),
        };
        assert_eq!(list.to_document().read().unwrap(), list);
        assert!(!list.to_document().0.contains('\0'));
    }

    #[test]
    fn lists_of_older_programs_have_tools_alone() {
        let document = ListDocument(r#"{"tools":[{"name":"a"}],"instructions":null}"#.to_owned());
        let tools = vec![r#"{"name":"a"}"#.to_owned()];
        assert_eq!(document.read().unwrap(), OfferList { tools, ..OfferList::default() });
    }

    #[test]
    fn what_is_no_json_is_left_out() {
        let list = OfferList { tools: vec!["{".to_owned(), "{}".to_owned()], ..OfferList::default() };
        assert_eq!(list.to_document().read().unwrap().tools, ["{}"]);
    }
}
