//! A body that notes how its request ended: read to the end, or left.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body as _, Frame, SizeHint};

use super::record::Ticket;
use super::respond::{Body, BrokenOff};

/// A body and its request's ticket.
pub(super) struct Ticketed {
    body: Body,
    ticket: Option<Ticket>,
}

impl hyper::body::Body for Ticketed {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if matches!(polled, Poll::Ready(None)) {
            self.answered();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Ticketed {
    /// Ties the two together.
    pub(super) fn new(body: Body, ticket: Ticket) -> Self {
        Self { body, ticket: Some(ticket) }
    }

    fn answered(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            ticket.answered();
        }
    }
}

impl Drop for Ticketed {
    fn drop(&mut self) {
        // A body of known length is not polled for its end.
        if self.body.is_end_stream() {
            self.answered();
        }
    }
}
