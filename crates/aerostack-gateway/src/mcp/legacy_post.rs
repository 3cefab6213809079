//! POSTs of the transport of 2024-11-05: accepted at once, answered on the stream that a GET opened.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use http::header::HeaderValue;
use http::request::Parts;
use http::{HeaderMap, Response, StatusCode};

use super::dispatch::{self, InHand, Order};
use super::door::{Door, count};
use super::error::Refusal;
use super::legacy_sse::SseStream;
use super::reach::{self, Reach};
use super::session::SESSION_HEADER;
use crate::app::App;
use crate::grants::Grant;
use crate::http::body::Body;
use crate::http::respond;
use crate::jsonrpc::message::{self, Message};

impl Door {
    /// Accepts a POST for the stream of this name. Of the stream's requests under way it takes as many places
    /// as it has messages.
    pub(super) fn post_to_stream(
        &self,
        app: &Arc<App>,
        grant: &Arc<Grant>,
        headers: &HeaderMap,
        (bytes, messages): (&Bytes, &message::Body<'_>),
        name: &str,
    ) -> Result<Response<Body>, Refusal> {
        let texts = texts_of(bytes, messages, app.config.limits.batch_len)?;
        // What is not answered always gets through: it may be a cancellation, or an answer.
        let places = if is_request(messages) { texts.len() } else { 0 };
        let stream = self.streams.find(app, name, &grant.token)?;
        let mut places = stream.begin(app, places)?;
        let (app, grant, in_hand, headers) =
            (Arc::clone(app), Arc::clone(grant), self.in_hand.clone(), headers.clone());
        let mut headers = headers;
        // The stream is what a session is to other transports: ids are its own.
        if let Ok(name) = HeaderValue::from_str(name) {
            headers.insert(SESSION_HEADER, name);
        }

        let tasks = app.tasks.clone();
        tasks.spawn(async move {
            let (app, grant, headers, in_hand, stream) = (&app, &grant, &headers, &in_hand, &stream);
            let answers = join_all(texts.into_iter().map(|text| {
                // Each gives its place back when it is answered.
                let place = places.split(1);
                async move {
                    answer_on_stream(app, grant, headers, &text, in_hand, stream).await;
                    drop(place);
                }
            }));
            tokio::select! {
                _ = answers => {}
                () = grant.until_ended(&app.clock) => {}
                () = app.stopping.cancelled() => {}
                // Its calls go on behind.
                () = stream.closed() => {}
            }
        });
        Ok(respond::empty(StatusCode::ACCEPTED))
    }
}

/// Whether anything of it is answered; of batches that is not known yet.
fn is_request(messages: &message::Body<'_>) -> bool {
    match messages {
        message::Body::Single(Message::Request(request)) => request.id.is_some(),
        message::Body::Single(Message::Response { .. }) => false,
        message::Body::Batch(_) => true,
    }
}

/// The messages of a POST of the old transport. Each is read again by the task that answers it, so it
/// must own what it reads: a part of the body, which lives as long as one of them does.
fn texts_of(bytes: &Bytes, messages: &message::Body<'_>, batch_len: usize) -> Result<Vec<Bytes>, Refusal> {
    match messages {
        message::Body::Single(Message::Request(request)) => {
            Ok(vec![bytes.slice_ref(request.text.as_bytes())])
        }
        message::Body::Single(Message::Response { text, .. }) => Ok(vec![bytes.slice_ref(text.as_bytes())]),
        message::Body::Batch(items) if items.is_empty() || items.len() > batch_len => {
            Err(Refusal::InvalidRequest(format!("Invalid request: a batch has 1 to {batch_len} messages")))
        }
        message::Body::Batch(items) => {
            Ok(items.iter().map(|item| bytes.slice_ref(item.as_bytes())).collect())
        }
    }
}

/// The stream that a POST is for.
pub(super) fn query_session(parts: &Parts) -> Option<&str> {
    parts.uri.query()?.split('&').find_map(|pair| pair.strip_prefix("sessionId="))
}

async fn answer_on_stream(
    app: &Arc<App>,
    grant: &Arc<Grant>,
    headers: &HeaderMap,
    text: &Bytes,
    in_hand: &InHand,
    stream: &SseStream,
) {
    let request = match message::read(text, app.config.limits.json_depth) {
        Ok(message::Body::Single(Message::Request(request))) => request,
        Ok(message::Body::Single(Message::Response { id, text })) => {
            let session = dispatch::session_header(headers).unwrap_or_default();
            return in_hand.questions.answer(app, grant, session, id, text);
        }
        Ok(message::Body::Batch(_)) => return,
        Err(fault) => return stream.write(app, "null", Err(Refusal::Fault(fault))).await,
    };
    let Some(id) = request.id else {
        return dispatch::legacy_notification(grant, headers, &request, in_hand);
    };
    if request.method == "initialize" {
        stream.declare(reach::declared_by(&request));
    }
    let reach = Reach::in_session(dispatch::session_header(headers), stream.declared(), true);
    let order = Order { app, grant, headers, body: text, request: &request, reach: &reach, in_hand };
    let outcome = match count(app, grant, 1) {
        Ok(()) => dispatch::legacy(&order),
        Err(refusal) => Err(refusal),
    };
    stream.write(app, id, outcome).await;
}
