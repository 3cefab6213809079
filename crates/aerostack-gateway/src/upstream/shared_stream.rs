//! Reading an event stream that is nobody's alone: each message is handed to the request it belongs to.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use super::aside::Aside;
use super::frame::Whole;
use super::message::Message;
use super::response::Response;
use super::shared::Shared;
use crate::http::sse::{Decoder, Piece};

/// An open stream, and the requests on it.
pub(super) struct SharedStream {
    pub(super) body: Response,
    pub(super) decoder: Decoder,
    /// What has come and was not handed over.
    pub(super) found: VecDeque<Piece>,
    pub(super) shared: Arc<Shared>,
    pub(super) aside: Aside,
}

impl SharedStream {
    /// Hands over what comes, until the stream ends or breaks off.
    pub(super) async fn read_to_end(&mut self) {
        loop {
            while let Some(piece) = self.found.pop_front() {
                if let Piece::Event(event) = piece
                    && event.is_message()
                {
                    self.read_message(event.data);
                }
            }
            // A silent stream is no fault while nobody waits for an answer on it.
            let Ok(Some(bytes)) = self.body.chunk().await else { return };
            self.shared.touch();
            if self.decoder.push(&bytes, &mut self.found).is_err() {
                return;
            }
        }
    }

    fn read_message(&self, data: Bytes) {
        let Some(whole) = Whole::read(data) else { return };
        match whole.message() {
            None => {}
            Some(Message::ListChanged) => self.aside.list_changed(),
            Some(Message::Updated { params }) => self.aside.updated(params),
            Some(Message::Request { id, method }) => self.shared.ask(&self.aside, id, &method, &whole.text),
            Some(message) => self.shared.dispatch(&whole, &message),
        }
    }
}
