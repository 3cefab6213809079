//! Event streams (`text/event-stream`): writing one JSON message as an event, and reading a stream
//! that arrives in pieces split anywhere.
//!
//! The decoder holds at most `whole_bytes` of an event's data. What happens to a larger one is the
//! caller's choice: it is refused, or handed on in pieces as it arrives, so that memory stays flat.
//! Fields it does not need (`retry`, comments, unknown ones) are skipped without being kept.
//! Source: HTML Living Standard, "Server-sent events", parsing an event stream.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// A comment that keeps an idle stream open.
pub const KEEP_ALIVE: &[u8] = b": keep-alive\n\n";
/// Longest `event` or `id` value that is kept; longer ones count as absent.
const FIELD_LIMIT_BYTES: usize = 1_024;
/// No field we read has a longer name.
const NAME_LIMIT_BYTES: usize = 8;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Writes one message as an event. Line breaks in it, which JSON allows between its tokens, become
/// the boundaries of several `data` lines; the reader joins them with a line feed.
#[must_use]
pub fn encode(message: &[u8]) -> Bytes {
    let mut event = BytesMut::with_capacity(message.len() + 32);
    event.extend_from_slice(b"event: message\n");
    let mut rest = message;
    loop {
        let end = rest.iter().position(|&byte| is_break(byte)).unwrap_or(rest.len());
        event.extend_from_slice(b"data: ");
        event.extend_from_slice(&rest[..end]);
        event.extend_from_slice(b"\n");
        let Some(&first) = rest.get(end) else { break };
        let broken = if first == b'\r' && rest.get(end + 1) == Some(&b'\n') {
            2
        } else {
            1
        };
        rest = &rest[end + broken..];
    }
    event.extend_from_slice(b"\n");
    event.freeze()
}

const fn is_break(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// What becomes of an event with more data than the decoder may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oversize {
    /// Decoding fails.
    Refuse,
    /// It is handed on in pieces.
    Pieces,
}

/// What the decoder found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A whole event.
    Event(Event),
    /// The beginning of an event too large to be held.
    Begin(Bytes),
    /// More of its data.
    More(Bytes),
    /// Its end.
    End,
}

/// A whole event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Its name; `None` means `message`.
    pub name: Option<String>,
    /// Its id, of this event alone: no id is inherited from earlier ones.
    pub id: Option<String>,
    /// Its data, lines joined by line feeds.
    pub data: Bytes,
}

impl Event {
    /// Whether it carries a message, by its name.
    #[must_use]
    pub fn is_message(&self) -> bool {
        is_message(self.name.as_deref())
    }
}

fn is_message(name: Option<&str>) -> bool {
    name.is_none_or(|name| name.is_empty() || name == "message")
}

/// An event was larger than may be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event is larger than {limit_bytes} bytes")]
pub struct EventTooLarge {
    /// The limit.
    pub limit_bytes: usize,
}

/// Where in a line the decoder stands.
enum Line {
    /// In the field's name.
    Name(Vec<u8>),
    /// In the value of `data`; the flag says that nothing of it was read yet.
    Data { fresh: bool },
    /// In the value of `event` or `id`.
    Field { is_name: bool, value: Vec<u8> },
    /// In something that is not read.
    Skipped,
}

/// Reads an event stream.
pub struct Decoder {
    whole_bytes: usize,
    oversize: Oversize,
    line: Line,
    after_cr: bool,
    at_start: bool,
    name: Option<String>,
    id: Option<String>,
    data: BytesMut,
    has_data: bool,
    body: Body,
}

/// What is done with the data of the event under way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    Held,
    HandedOn,
    Dropped,
}

impl Decoder {
    /// A decoder at the beginning of a stream.
    #[must_use]
    pub fn new(whole_bytes: usize, oversize: Oversize) -> Self {
        Self {
            whole_bytes,
            oversize,
            line: Line::Name(Vec::new()),
            after_cr: false,
            at_start: true,
            name: None,
            id: None,
            data: BytesMut::new(),
            has_data: false,
            body: Body::Held,
        }
    }

    /// Reads the next bytes of the stream and appends what they complete to `found`, which never
    /// grows by more than about one piece per byte.
    ///
    /// # Errors
    /// [`EventTooLarge`] where oversized events are refused. The decoder is of no use afterwards.
    pub fn push(&mut self, bytes: &Bytes, found: &mut VecDeque<Piece>) -> Result<(), EventTooLarge> {
        let mut at = 0;
        while at < bytes.len() {
            if std::mem::take(&mut self.after_cr) && bytes[at] == b'\n' {
                at += 1;
                continue;
            }
            let rest = &bytes[at..];
            let end = rest.iter().position(|&byte| is_break(byte)).unwrap_or(rest.len());
            self.read_within_line(&bytes.slice(at..at + end), found)?;
            at += end;
            if at < bytes.len() {
                self.after_cr = bytes[at] == b'\r';
                at += 1;
                self.end_line(found)?;
            }
        }
        Ok(())
    }

    /// Whether an event that is handed on in pieces has begun and not ended.
    #[must_use]
    pub fn is_within_pieces(&self) -> bool {
        self.body == Body::HandedOn
    }

    fn read_within_line(&mut self, bytes: &Bytes, found: &mut VecDeque<Piece>) -> Result<(), EventTooLarge> {
        let mut at = 0;
        while at < bytes.len() {
            match &mut self.line {
                Line::Name(name) => {
                    let byte = bytes[at];
                    at += 1;
                    if byte == b':' {
                        self.line = self.begin_value(found)?;
                        continue;
                    }
                    name.push(byte);
                    if self.at_start && name == BYTE_ORDER_MARK {
                        name.clear();
                        self.at_start = false;
                    } else if name.len() > NAME_LIMIT_BYTES {
                        self.line = Line::Skipped;
                    }
                }
                Line::Data { fresh } => {
                    let skipped = usize::from(std::mem::take(fresh) && bytes[at] == b' ');
                    let value = bytes.slice(at + skipped..);
                    return self.add_data(value, found);
                }
                Line::Field { value, .. } => {
                    value.extend_from_slice(&bytes[at..]);
                    if value.len() > FIELD_LIMIT_BYTES {
                        self.line = Line::Skipped;
                    }
                    return Ok(());
                }
                Line::Skipped => return Ok(()),
            }
        }
        Ok(())
    }

    /// The field's name is complete: decides what its value is.
    fn begin_value(&mut self, found: &mut VecDeque<Piece>) -> Result<Line, EventTooLarge> {
        let Line::Name(name) = &self.line else {
            return Ok(Line::Skipped);
        };
        Ok(match name.as_slice() {
            b"data" => {
                self.begin_data_line(found)?;
                Line::Data { fresh: true }
            }
            b"event" => Line::Field {
                is_name: true,
                value: Vec::new(),
            },
            b"id" => Line::Field {
                is_name: false,
                value: Vec::new(),
            },
            _ => Line::Skipped,
        })
    }

    fn begin_data_line(&mut self, found: &mut VecDeque<Piece>) -> Result<(), EventTooLarge> {
        if std::mem::replace(&mut self.has_data, true) {
            return self.add_data(Bytes::from_static(b"\n"), found);
        }
        Ok(())
    }

    fn add_data(&mut self, bytes: Bytes, found: &mut VecDeque<Piece>) -> Result<(), EventTooLarge> {
        match self.body {
            _ if bytes.is_empty() => {}
            Body::Dropped => {}
            Body::HandedOn => found.push_back(Piece::More(bytes)),
            Body::Held if self.data.len() + bytes.len() <= self.whole_bytes => {
                self.data.extend_from_slice(&bytes);
            }
            Body::Held if !is_message(self.name.as_deref()) => {
                self.data.clear();
                self.body = Body::Dropped;
            }
            Body::Held if self.oversize == Oversize::Refuse => {
                return Err(EventTooLarge {
                    limit_bytes: self.whole_bytes,
                });
            }
            Body::Held => {
                let held = self.data.split().freeze();
                if held.is_empty() {
                    found.push_back(Piece::Begin(bytes));
                } else {
                    found.push_back(Piece::Begin(held));
                    found.push_back(Piece::More(bytes));
                }
                self.body = Body::HandedOn;
            }
        }
        Ok(())
    }

    fn end_line(&mut self, found: &mut VecDeque<Piece>) -> Result<(), EventTooLarge> {
        self.at_start = false;
        match std::mem::replace(&mut self.line, Line::Name(Vec::new())) {
            Line::Name(name) if name.is_empty() => self.end_event(found),
            Line::Name(name) if name == b"data" => self.begin_data_line(found)?,
            Line::Field { is_name, value } => {
                let value = value.strip_prefix(b" ").unwrap_or(&value);
                let text = String::from_utf8_lossy(value).into_owned();
                *(if is_name { &mut self.name } else { &mut self.id }) = Some(text);
            }
            Line::Name(_) | Line::Data { .. } | Line::Skipped => {}
        }
        Ok(())
    }

    fn end_event(&mut self, found: &mut VecDeque<Piece>) {
        let (name, id) = (self.name.take(), self.id.take());
        let data = self.data.split().freeze();
        let has_data = std::mem::take(&mut self.has_data);
        match std::mem::replace(&mut self.body, Body::Held) {
            Body::Held if has_data => found.push_back(Piece::Event(Event { name, id, data })),
            Body::HandedOn => found.push_back(Piece::End),
            Body::Held | Body::Dropped => {}
        }
    }
}

#[cfg(test)]
mod tests {
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
        Piece::Event(Event {
            name: name.map(Into::into),
            id: id.map(Into::into),
            data,
        })
    }

    #[test]
    fn names_ids_comments_and_all_line_ends_are_understood() {
        let text = b"\xEF\xBB\xBF: hello\r\nevent: endpoint\rid:7\ndata:  /m\r\n\r\nretry: 5\n\ndata\ndata: b\n\n: end";
        let expected = vec![
            event(Some("endpoint"), Some("7"), " /m"),
            event(None, None, "\nb"),
        ];
        assert_eq!(decode(&[text], 100, Oversize::Refuse), Ok(expected));
    }

    #[test]
    fn an_event_that_is_not_ended_is_not_an_event() {
        assert_eq!(decode(&[b"data: a\n"], 100, Oversize::Refuse), Ok(vec![]));
    }

    #[test]
    fn a_larger_event_is_refused_where_it_must_be_held() {
        let limit = EventTooLarge { limit_bytes: 3 };
        assert_eq!(
            decode(&[b"data: abc\n\n"], 3, Oversize::Refuse),
            Ok(vec![event(None, None, "abc")])
        );
        assert_eq!(decode(&[b"data: abcd\n\n"], 3, Oversize::Refuse), Err(limit));
    }

    #[test]
    fn a_larger_event_is_handed_on_as_it_arrives() {
        let found = decode(
            &[b"data: ab", b"cd", b"ef\ndata: g\n\ndata: h\n\n"],
            3,
            Oversize::Pieces,
        );
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
