//! Event streams (`text/event-stream`): writing one JSON message as an event, and reading a stream
//! that arrives in pieces split anywhere.
//! Source: HTML Living Standard, "Server-sent events".

mod decoder;

use bytes::{Bytes, BytesMut};

pub use decoder::{Decoder, Event, EventTooLarge, Oversize, Piece};

/// A comment that keeps an idle stream open.
pub const KEEP_ALIVE: &[u8] = b": keep-alive\n\n";

/// Writes one message as an event. Line breaks in it, which JSON allows between its tokens, become
/// the boundaries of several `data` lines; the reader joins them with a line feed.
#[must_use]
pub fn encode(message: &[u8]) -> Bytes {
    encode_with(None, message)
}

/// The same, with an id by which a reader can say how far it came.
#[must_use]
pub fn encode_with(id: Option<&str>, message: &[u8]) -> Bytes {
    let mut event = BytesMut::with_capacity(message.len() + 96);
    event.extend_from_slice(&head(id));
    let mut rest = message;
    loop {
        let end = rest.iter().position(|&byte| matches!(byte, b'\r' | b'\n')).unwrap_or(rest.len());
        event.extend_from_slice(b"data: ");
        event.extend_from_slice(&rest[..end]);
        event.extend_from_slice(b"\n");
        let Some(&first) = rest.get(end) else { break };
        let broken = if first == b'\r' && rest.get(end + 1) == Some(&b'\n') { 2 } else { 1 };
        rest = &rest[end + broken..];
    }
    event.extend_from_slice(b"\n");
    event.freeze()
}

/// How an event begins: everything before its `data`. An id has no line breaks.
#[must_use]
pub fn head(id: Option<&str>) -> Bytes {
    match id {
        Some(id) => format!("event: message\nid: {id}\n").into(),
        None => Bytes::from_static(b"event: message\n"),
    }
}

/// An event without a message, which tells a reader from where to go on before anything was said, and how
/// long to wait before it asks again.
#[must_use]
pub fn prime(id: &str, retry_ms: u64) -> Bytes {
    format!("id: {id}\nretry: {retry_ms}\ndata: \n\n").into()
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    fn decode(pieces: &[&[u8]], whole_bytes: usize, oversize: Oversize) -> Result<Vec<Piece>, EventTooLarge> {
        let mut decoder = Decoder::new(whole_bytes, oversize);
        let mut found = VecDeque::new();
        for piece in pieces {
            decoder.push(&Bytes::copy_from_slice(piece), &mut found)?;
        }
        Ok(found.into())
    }

    fn event(name: Option<&str>, id: Option<&str>, data: &str) -> Piece {
        let data = Bytes::copy_from_slice(data.as_bytes());
        Piece::Event(Event { name: name.map(Into::into), id: id.map(Into::into), data })
    }

    #[test]
    fn names_ids_comments_and_all_line_ends_are_understood() {
        let text = b"\xEF\xBB\xBF: hello\r\nevent: endpoint\rid:7\ndata:  /m\r\n\r\nretry: 5\n\ndata\ndata: b\n\n: end";
        let expected = vec![event(Some("endpoint"), Some("7"), " /m"), event(None, None, "\nb")];
        assert_eq!(decode(&[text], 100, Oversize::Refuse), Ok(expected));
    }

    #[test]
    fn how_far_a_stream_came_is_known_without_data_too() {
        let mut decoder = Decoder::new(100, Oversize::Refuse);
        let mut found = VecDeque::new();
        let mut push = |text: &'static str| {
            decoder.push(&Bytes::from_static(text.as_bytes()), &mut found).unwrap();
            (decoder.last_id().map(str::to_owned), decoder.retry_ms())
        };
        assert_eq!(push("data: a\n\nid: not yet\n"), (None, None));
        assert_eq!(push("retry: 500\n\n"), (Some("not yet".into()), Some(500)));
        assert_eq!(push("retry: soon\ndata: b\n\n"), (Some("not yet".into()), Some(500)));
        assert_eq!(push("id: 2\ndata\n\nid: \0\n\n"), (Some("2".into()), Some(500)));
        assert_eq!(
            push(std::str::from_utf8(b"id: 3\nretry: 7\ndata: \n\n").unwrap()),
            (Some("3".into()), Some(7))
        );
        let primed = prime("abc-0", 1_000);
        decoder.push(&primed, &mut found).unwrap();
        assert_eq!((decoder.last_id(), decoder.retry_ms()), (Some("abc-0"), Some(1_000)));
        decoder.push(&encode_with(Some("abc-1"), b"{}"), &mut found).unwrap();
        assert_eq!(found.pop_back(), Some(event(Some("message"), Some("abc-1"), "{}")));
    }

    #[test]
    fn an_event_that_is_not_ended_is_not_an_event() {
        assert_eq!(decode(&[b"data: a\n"], 100, Oversize::Refuse), Ok(vec![]));
    }

    #[test]
    fn a_larger_event_is_refused_where_it_must_be_held() {
        let limit = EventTooLarge { limit_bytes: 3 };
        assert_eq!(decode(&[b"data: abc\n\n"], 3, Oversize::Refuse), Ok(vec![event(None, None, "abc")]));
        assert_eq!(decode(&[b"data: abcd\n\n"], 3, Oversize::Refuse), Err(limit));
    }

    #[test]
    fn a_larger_event_is_handed_on_as_it_arrives() {
        let found = decode(&[b"data: ab", b"cd", b"ef\ndata: g\n\ndata: h\n\n"], 3, Oversize::Pieces);
        let bytes = Bytes::from_static;
        let expected = vec![
            Piece::Begin(bytes(b"ab")),
            Piece::More(bytes(b"cd")),
            Piece::More(bytes(b"ef")),
            Piece::More(bytes(b"\n")),
            Piece::More(bytes(b"g")),
            Piece::End,
            event(None, None, "h"),
        ];
        assert_eq!(found, Ok(expected));
    }

    #[test]
    fn a_larger_event_of_another_name_is_dropped() {
        let found = decode(&[b"event: log\ndata: abcdef\n\ndata: a\n\n"], 3, Oversize::Pieces);
        assert_eq!(found, Ok(vec![event(None, None, "a")]));
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded_however_it_is_split(
            messages in proptest::collection::vec("[ -~äöü\n]{0,40}", 1..5),
            cuts in proptest::collection::vec(1usize..9, 1..60),
        ) {
            let stream: Vec<u8> = messages.iter().flat_map(|text| encode(text.as_bytes())).collect();
            let mut pieces = Vec::new();
            let mut rest = stream.as_slice();
            for &cut in cuts.iter().cycle() {
                if rest.is_empty() { break }
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            let expected: Vec<Piece> = messages.iter().map(|text| event(Some("message"), None, text)).collect();
            prop_assert_eq!(decode(&pieces, 1_000, Oversize::Refuse), Ok(expected));
        }

        #[test]
        fn a_carriage_return_in_a_message_becomes_a_line_feed(text in "[ab\r\n]{0,12}") {
            let expected = text.replace("\r\n", "\n").replace('\r', "\n");
            let found = decode(&[&encode(text.as_bytes())], 100, Oversize::Refuse);
            prop_assert_eq!(found, Ok(vec![event(Some("message"), None, &expected)]));
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&[&bytes], 16, Oversize::Pieces);
        }
    }
}
