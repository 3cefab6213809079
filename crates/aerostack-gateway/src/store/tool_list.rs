//! The last good tool list of an installed server, and its last failure.
//!
//! A list is one JSON text. The tool definitions inside are kept byte for byte as the server wrote
//! them: number formats, order of keys and unknown fields are the server's business.

use aerostack_core::id::InstallId;
use aerostack_core::text::clean_line;
use aerostack_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::error::StoreError;
use super::sql::{Tx, execute};

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

/// What is known of a server's tools.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredList {
    /// The last good list.
    pub tools: Option<ToolList>,
    /// When it was listed.
    pub listed_at: Option<Timestamp>,
    /// Why the server last failed, unless it has answered since.
    pub last_error: Option<String>,
    /// When it failed.
    pub failed_at: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    tools: Vec<&'a RawValue>,
    instructions: Option<String>,
}

/// Writes a list as one JSON text. A definition that is no JSON is left out.
pub(super) fn encode(list: &ToolList) -> String {
    let tools = list.tools.iter().filter_map(|text| serde_json::from_str(text).ok()).collect();
    let document = Document { tools, instructions: list.instructions.clone() };
    serde_json::to_string(&document).expect("texts and JSON make JSON")
}

/// Reads a list back.
pub(super) fn decode(text: &str) -> Result<ToolList, StoreError> {
    let document: Document<'_> =
        serde_json::from_str(text).map_err(|_| StoreError::Unreadable { what: "install_lists.tools" })?;
    let tools = document.tools.into_iter().map(|tool| tool.get().to_owned()).collect();
    Ok(ToolList { tools, instructions: document.instructions })
}

/// Keeps a server's list, and forgets its last failure. Does nothing when the install was removed.
///
/// The workspace's revision stays: a list is no administrative change.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn save_list(
    tx: &mut Tx,
    install: &InstallId,
    list: &ToolList,
    at: Timestamp,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO install_lists (install_id, tools, listed_at_ms, last_error, failed_at_ms)
         SELECT id, $2, $3, NULL, NULL FROM installs WHERE id = $1
         ON CONFLICT (install_id) DO UPDATE SET
             tools = excluded.tools, listed_at_ms = excluded.listed_at_ms, last_error = NULL, failed_at_ms = NULL",
        install.as_str(),
        encode(list),
        at.as_millis(),
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
        assert_eq!(decode(&encode(&list)).unwrap(), list);
        assert!(!encode(&list).contains('\0'));
    }

    #[test]
    fn what_is_no_json_is_left_out() {
        let list = ToolList { tools: vec!["{".to_owned(), "{}".to_owned()], instructions: None };
        assert_eq!(decode(&encode(&list)).unwrap().tools, ["{}"]);
    }
}
