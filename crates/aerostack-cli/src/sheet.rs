//! CSV (RFC 4180) made of API replies.
//!
//! A cell that a spreadsheet would take for a formula gets a leading `'`.

use serde::Serialize;
use serde_json::Value;

const FORMULA_STARTS: [char; 5] = ['=', '+', '-', '@', '\t'];
const LIST_SEPARATOR: &str = "; ";

/// The rows of `items`, one column per field, under the fields' names.
pub(crate) fn render<T: Serialize>(items: &[T], fields: &[&str]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let heading = fields.iter().map(|field| field.replace('.', "_"));
    writer.write_record(heading).expect("memory takes every record");
    for item in items {
        let item = serde_json::to_value(item).expect("a reply of the API is plain data");
        let cells = fields.iter().map(|field| cell(find(&item, field)));
        writer.write_record(cells).expect("every record has one cell per field");
    }
    writer.into_inner().expect("memory takes every record")
}

fn find<'a>(item: &'a Value, field: &str) -> &'a Value {
    field.split('.').fold(item, |value, name| value.get(name).unwrap_or(&Value::Null))
}

fn cell(value: &Value) -> String {
    let text = plain(value);
    if text.starts_with(FORMULA_STARTS) { format!("'{text}") } else { text }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(LIST_SEPARATOR),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn cells_are_quoted_and_formulas_disarmed() {
        let items =
            [json!({ "name": "=1+1", "seats": { "used": 4 }, "tags": ["a", "b"], "note": "x,\"y\"" })];
        let text =
            String::from_utf8(render(&items, &["name", "seats.used", "tags", "note", "missing"])).unwrap();
        assert_eq!(text, "name,seats_used,tags,note,missing\r\n'=1+1,4,a; b,\"x,\"\"y\"\"\",\r\n");
        for start in ["+", "-", "@", "\t"] {
            assert!(cell(&json!(format!("{start}x"))).starts_with('\''));
        }
    }
}
