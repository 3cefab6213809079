//! A message too large to be held, on its way past: whether it is handed on, and what it was.
//!
//! Handing on cannot be taken back, so it waits until the message has shown that it is the response or
//! a notification. A request of the server, an answer to somebody else, and what shows nothing within
//! the size that may be held pass by unseen.

use bytes::Bytes;

use super::frame::Frame;
use super::message::is_id;
use super::outline::{Kind, Nature, Outline};

/// A large message that passes by.
#[derive(Default)]
pub(super) struct Passing {
    outline: Outline,
    way: Way,
}

/// What becomes of its pieces.
enum Way {
    /// They wait until it shows.
    Open {
        waiting: Vec<Bytes>,
        waiting_bytes: usize,
    },
    HandedOn,
    Dropped,
}

impl Default for Way {
    fn default() -> Self {
        Self::Open { waiting: Vec::new(), waiting_bytes: 0 }
    }
}

/// What it turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Passed {
    /// The response, or a notification, and it was handed on.
    HandedOn(Kind),
    /// Anything else, of which nothing was seen.
    Dropped(Kind),
}

impl Passing {
    /// Reads the next piece of what may be the response to `id`; gives what can be handed on.
    pub(super) fn push(&mut self, piece: Bytes, id: u64, whole_bytes: usize) -> Vec<Frame> {
        self.outline.push(&piece);
        let Way::Open { waiting, waiting_bytes } = &mut self.way else {
            let is_wanted = matches!(self.way, Way::HandedOn);
            return if is_wanted { vec![Frame::More(piece)] } else { Vec::new() };
        };
        *waiting_bytes += piece.len();
        waiting.push(piece);
        match self.outline.nature() {
            Nature::Unknown if *waiting_bytes <= whole_bytes => Vec::new(),
            Nature::Response { id: other } if other.as_deref().is_none_or(|other| is_id(other, id)) => {
                self.hand_on()
            }
            Nature::Notification => self.hand_on(),
            Nature::Unknown | Nature::Response { .. } | Nature::Request => {
                self.way = Way::Dropped;
                Vec::new()
            }
        }
    }

    fn hand_on(&mut self) -> Vec<Frame> {
        let Way::Open { waiting, .. } = std::mem::replace(&mut self.way, Way::HandedOn) else {
            return Vec::new();
        };
        let mut pieces = waiting.into_iter();
        let begin = pieces.next().map(Frame::Begin);
        begin.into_iter().chain(pieces.map(Frame::More)).collect()
    }

    /// Whether something of a message was handed on that has not ended.
    pub(super) fn is_handed_on(&self) -> bool {
        matches!(self.way, Way::HandedOn)
    }

    /// Says what it was; the next one may begin.
    pub(super) fn end(&mut self) -> Passed {
        let Self { outline, way } = std::mem::take(self);
        let kind = outline.kind();
        if matches!(way, Way::HandedOn) { Passed::HandedOn(kind) } else { Passed::Dropped(kind) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE_BYTES: usize = 64;

    /// What is handed on of a message that comes in pieces of this length, and what it was.
    fn pass(text: &str, piece_len: usize) -> (String, Passed) {
        let mut passing = Passing::default();
        let mut seen = Vec::new();
        for piece in text.as_bytes().chunks(piece_len) {
            seen.extend(passing.push(Bytes::copy_from_slice(piece), 7, WHOLE_BYTES));
        }
        let mut text = Vec::new();
        for (index, frame) in seen.iter().enumerate() {
            match frame {
                Frame::Begin(piece) if index == 0 => text.extend_from_slice(piece),
                Frame::More(piece) if index > 0 => text.extend_from_slice(piece),
                other => panic!("{other:?} at {index}"),
            }
        }
        (String::from_utf8(text).unwrap(), passing.end())
    }

    #[test]
    fn the_response_and_notifications_are_handed_on_whole_however_they_are_cut() {
        let filler = "x".repeat(200);
        for (text, kind) in [
            (format!(r#"{{"jsonrpc":"2.0","id":7,"result":"{filler}"}}"#), Kind::Response(Some("7".into()))),
            (format!(r#"{{"error":"{filler}","id":7}}"#), Kind::Response(Some("7".into()))),
            (format!(r#"{{"method":"notifications\/message","params":"{filler}"}}"#), Kind::Notification),
        ] {
            for piece_len in [1, 5, 63, 64, 65, 1_000] {
                assert_eq!(pass(&text, piece_len), (text.clone(), Passed::HandedOn(kind.clone())));
            }
        }
    }

    #[test]
    fn requests_and_what_answers_others_pass_by_unseen() {
        let filler = "x".repeat(200);
        let request = Kind::Request("9".into(), "elicitation/create".into());
        for (text, kind) in [
            (format!(r#"{{"method":"elicitation/create","params":"{filler}","id":9}}"#), request),
            (format!(r#"{{"id":8,"result":"{filler}"}}"#), Kind::Response(Some("8".into()))),
            (format!(r#"["{filler}"]"#), Kind::Broken),
        ] {
            for piece_len in [1, 63, 1_000] {
                assert_eq!(pass(&text, piece_len), (String::new(), Passed::Dropped(kind.clone())), "{text}");
            }
        }
        // What does not show in time what it is.
        let text = format!(r#"{{"params":"{filler}","method":"notifications/message"}}"#);
        assert_eq!(pass(&text, 9), (String::new(), Passed::Dropped(Kind::Notification)));
    }
}
