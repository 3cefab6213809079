//! Replacing parts of a text and leaving every other byte as it is.

use bytes::Bytes;

/// Edits to one text, collected and then applied at once.
#[derive(Debug)]
pub struct Splice<'a> {
    text: &'a str,
    edits: Vec<(usize, usize, String)>,
}

impl<'a> Splice<'a> {
    /// Begins with no edits.
    #[must_use]
    pub const fn new(text: &'a str) -> Self {
        Self { text, edits: Vec::new() }
    }

    /// Replaces `part`, which is a slice of the text, not merely equal to one.
    ///
    /// # Panics
    /// When `part` lies elsewhere in memory: a mistake of the caller's code.
    pub fn replace(&mut self, part: &str, replacement: impl Into<String>) {
        let start = self.offset(part);
        self.edits.push((start, start + part.len(), replacement.into()));
    }

    /// Inserts fields at the beginning of `object`, a slice of the text that begins with its brace.
    ///
    /// *Shape*: `fields` is `"key":value[,…]` without a comma at its end.
    pub fn insert_fields(&mut self, object: &str, is_empty: bool, fields: &str) {
        let start = self.offset(object) + 1;
        let comma = if is_empty { "" } else { "," };
        self.edits.push((start, start, format!("{fields}{comma}")));
    }

    fn offset(&self, part: &str) -> usize {
        let offset = (part.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        assert!(
            offset <= self.text.len() && offset + part.len() <= self.text.len(),
            "an edit lies in its text"
        );
        offset
    }

    /// The edited text.
    #[must_use]
    pub fn finish(mut self) -> Bytes {
        self.edits.sort_by_key(|(start, ..)| *start);
        let grown: usize = self.edits.iter().map(|(.., replacement)| replacement.len()).sum();
        let mut edited = Vec::with_capacity(self.text.len() + grown);
        let mut done = 0;
        for (start, end, replacement) in &self.edits {
            edited.extend_from_slice(&self.text.as_bytes()[done..*start]);
            edited.extend_from_slice(replacement.as_bytes());
            done = *end;
        }
        edited.extend_from_slice(&self.text.as_bytes()[done..]);
        edited.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_apply_in_the_texts_order_whatever_the_order_they_were_made_in() {
        let text = r#"{"id":1,"params":{"name":"a","_meta":{}}}"#;
        let mut splice = Splice::new(text);
        splice.insert_fields(&text[37..39], true, r#""x":1"#);
        splice.replace(&text[25..28], r#""b__a""#);
        splice.replace(&text[6..7], "\"seven\"");
        assert_eq!(splice.finish(), r#"{"id":"seven","params":{"name":"b__a","_meta":{"x":1}}}"#);
    }
}
