//! A definition as JSON text, with a gap where the name or URI goes under which it is exposed.

use serde_json::Value;

use crate::jsonrpc::Object;

/// A definition as JSON text, with a gap where its key goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    before: Box<str>,
    /// The key's value as the server wrote it.
    own: Box<str>,
    after: Box<str>,
}

/// What becomes of a field.
pub(super) enum Change {
    None,
    LeaveOut,
    To(String),
}

impl Form {
    /// The object with its fields changed, byte for byte the same where none is; `key` must be one of them.
    pub(super) fn of(object: &Object<'_>, key: &str, change: impl Fn(&str, &str) -> Change) -> Self {
        let own = object.raw(key).expect("only definitions with their key have forms");
        let changes: Vec<_> = object.fields().map(|(key, raw)| (key, raw, change(key, raw))).collect();
        if changes.iter().all(|(.., change)| matches!(change, Change::None)) {
            let start = own.as_ptr() as usize - object.text.as_ptr() as usize;
            let (before, after) = (&object.text[..start], &object.text[start + own.len()..]);
            return Self { before: before.into(), own: own.into(), after: after.into() };
        }
        let (mut before, mut text, mut separator) = (String::new(), String::new(), "{");
        for (name, raw, change) in &changes {
            let value = match change {
                Change::None => raw,
                Change::LeaveOut => continue,
                Change::To(text) => text.as_str(),
            };
            text.extend([std::mem::replace(&mut separator, ","), &Value::from(*name).to_string(), ":"]);
            if *name == key {
                before = std::mem::take(&mut text);
            } else {
                text.push_str(value);
            }
        }
        text.push('}');
        Self { before: before.into(), own: own.into(), after: text.into() }
    }

    /// Writes the definition under its exposed name or URI; where that is its own, as the server spelt it.
    pub fn write(&self, exposed: &str, out: &mut String) {
        out.push_str(&self.before);
        if says(&self.own, exposed) {
            out.push_str(&self.own);
        } else {
            out.push_str(&Value::from(exposed).to_string());
        }
        out.push_str(&self.after);
    }

    /// The definition as the server wrote it, but for what was changed.
    #[must_use]
    pub fn own_text(&self) -> String {
        [&*self.before, &*self.own, &*self.after].concat()
    }
}

/// Whether a raw JSON string reads so.
fn says(raw: &str, text: &str) -> bool {
    let inner = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
    inner == text || raw.contains('\\') && serde_json::from_str::<String>(raw).is_ok_and(|read| read == text)
}
