//! A JSON document on its way in, as long as it is small enough to be held. Most come in one piece, which stays as it came.

use bytes::{Bytes, BytesMut};

/// What has come of a document.
#[derive(Default)]
pub(super) struct Document {
    first: Bytes,
    joined: BytesMut,
}

impl Document {
    /// Its length so far, in bytes.
    pub(super) fn len(&self) -> usize {
        self.first.len() + self.joined.len()
    }

    /// Takes the next piece.
    pub(super) fn push(&mut self, piece: &Bytes) {
        if self.len() == 0 {
            self.first = piece.clone();
            return;
        }
        let first = std::mem::take(&mut self.first);
        self.joined.extend_from_slice(&first);
        self.joined.extend_from_slice(piece);
    }

    /// Gives what has come; nothing is left.
    pub(super) fn take(&mut self) -> Bytes {
        let Self { first, joined } = std::mem::take(self);
        if joined.is_empty() { first } else { joined.freeze() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_joined_and_a_single_one_is_not_copied() {
        let (one, other) = (Bytes::from_static(b"{\"a\""), Bytes::from_static(b":1}"));
        let mut document = Document::default();
        assert_eq!((document.len(), document.take()), (0, Bytes::new()));
        document.push(&one);
        assert_eq!(document.len(), 4);
        assert_eq!(document.take().as_ptr(), one.as_ptr());
        document.push(&one);
        document.push(&other);
        document.push(&other);
        assert_eq!((document.len(), document.take()), (10, Bytes::from_static(b"{\"a\":1}:1}")));
        assert_eq!(document.len(), 0);
    }
}
