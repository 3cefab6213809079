//! Replacing parts of a text and leaving every other byte as it is.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

/// Edits to one text, collected and then applied at once.
#[derive(Debug)]
pub struct Splice<'a> {
    text: &'a [u8],
    edits: Vec<(Range<usize>, Cow<'a, str>)>,
}

impl<'a> Splice<'a> {
    /// Begins with no edits.
    #[must_use]
    pub fn new(text: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        Self { text: text.as_ref(), edits: Vec::new() }
    }

    /// Replaces `part`, which is a slice of the text, not merely equal to one.
    ///
    /// # Panics
    /// When `part` lies elsewhere in memory: a mistake of the caller's code.
    pub fn replace(&mut self, part: &str, replacement: impl Into<Cow<'a, str>>) {
        let start = (part.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        self.replace_at(start..start.wrapping_add(part.len()), replacement);
    }

    /// Replaces what stands at this place, in bytes.
    ///
    /// # Panics
    /// When the text has no such place: a mistake of the caller's code.
    pub fn replace_at(&mut self, place: Range<usize>, replacement: impl Into<Cow<'a, str>>) {
        assert!(self.text.get(place.clone()).is_some(), "an edit lies in its text");
        self.edits.push((place, replacement.into()));
    }

    /// Inserts fields at the beginning of the object that stands at this place and begins with its brace.
    ///
    /// *Shape*: `fields` is `"key":value[,…]` without a comma at its end.
    pub fn insert_fields(&mut self, object: &Range<usize>, is_empty: bool, fields: impl Into<Cow<'a, str>>) {
        let start = object.start + 1;
        self.replace_at(start..start, fields);
        if !is_empty {
            self.replace_at(start..start, ",");
        }
    }

    /// The edited text.
    #[must_use]
    pub fn finish(mut self) -> Bytes {
        // Stable: what is inserted at one place stays in its order.
        self.edits.sort_by_key(|(place, _)| place.start);
        let grown: usize = self.edits.iter().map(|(_, replacement)| replacement.len()).sum();
        let mut edited = Vec::with_capacity(self.text.len() + grown);
        let mut done = 0;
        for (place, replacement) in &self.edits {
            edited.extend_from_slice(&self.text[done..place.start]);
            edited.extend_from_slice(replacement.as_bytes());
            done = place.end;
        }
        edited.extend_from_slice(&self.text[done..]);
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
        splice.insert_fields(&(37..39), true, r#""x":1"#);
        splice.replace(&text[25..28], r#""b__a""#);
        splice.replace(&text[6..7], "\"seven\"");
        splice.insert_fields(&(17..40), false, r#""y":2"#);
        assert_eq!(splice.finish(), r#"{"id":"seven","params":{"y":2,"name":"b__a","_meta":{"x":1}}}"#);
    }
}
