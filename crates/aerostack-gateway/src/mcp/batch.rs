//! Batches: several messages in one POST, as revisions before 2025-06-18 have them.

use std::sync::Arc;

use aerostack_core::client_capability::ClientCapabilities;
use bytes::Bytes;
use futures_util::future::join_all;
use http::{HeaderMap, Response, StatusCode};

use super::answer::Answer;
use super::dispatch::{self, Order, Standing};
use super::door::{Door, count};
use super::error::Refusal;
use super::reach::Reach;
use super::revision::{is_modern_header, version_header};
use super::streamable;
use crate::app::App;
use crate::grants::Grant;
use crate::http::body::Body;
use crate::http::respond;
use crate::jsonrpc::Request;
use crate::jsonrpc::message::{Message, read_message};

impl Door {
    /// Several messages at once, as the oldest revisions have them.
    pub(super) async fn batch(
        &self,
        app: &Arc<App>,
        grant: &Arc<Grant>,
        headers: &HeaderMap,
        bytes: &Bytes,
        items: &[&str],
    ) -> Response<Body> {
        let (declared, requests, errors) = match self.check_batch(app, grant, headers, items) {
            Ok(checked) => checked,
            Err(refusal) => return refusal.answer(None),
        };
        // The answers are one document, in which nobody can be asked.
        let reach = Reach::in_session(dispatch::session_header(headers), declared, false);
        let answers = requests.iter().map(|request| async {
            let in_hand = &self.in_hand;
            let order = Order { app, grant, headers, body: bytes, request, reach: &reach, in_hand };
            whole(&order, dispatch::legacy(&order)).await
        });
        let mut texts = join_all(answers).await;
        texts.extend(errors);
        if texts.is_empty() {
            return respond::empty(StatusCode::ACCEPTED);
        }
        respond::json_body(StatusCode::OK, Body::pieces(array(texts)))
    }

    /// What the client can be asked for, the requests of a batch, and the errors of elements that are none.
    /// Notifications and responses are taken note of.
    fn check_batch<'a>(
        &self,
        app: &App,
        grant: &Arc<Grant>,
        headers: &HeaderMap,
        items: &[&'a str],
    ) -> Result<(ClientCapabilities, Vec<Request<'a>>, Vec<Bytes>), Refusal> {
        let invalid = |text: &str| Refusal::InvalidRequest(format!("Invalid request: {text}"));
        let no_batches = || invalid("this revision has no batches");
        if version_header(headers).is_some_and(is_modern_header) {
            return Err(no_batches());
        }
        let Standing { revision, capabilities } = dispatch::standing(app, grant, headers, &self.ended)?;
        if !revision.has_batches() {
            return Err(no_batches());
        }
        if items.is_empty() || items.len() > app.config.limits.batch_len {
            return Err(invalid(&format!("a batch has 1 to {} messages", app.config.limits.batch_len)));
        }
        let (mut requests, mut errors) = (Vec::new(), Vec::new());
        for item in items {
            match read_message(item) {
                Ok(Message::Request(request)) if request.method == "initialize" => {
                    return Err(invalid("initialize stands alone"));
                }
                Ok(Message::Request(request)) if request.id.is_some() => requests.push(request),
                Ok(Message::Request(request)) => {
                    dispatch::legacy_notification(grant, headers, &request, &self.in_hand);
                }
                Ok(Message::Response { id, text }) => self.is_answered(app, grant, headers, id, text),
                Err(fault) => errors.push(Refusal::Fault(fault).message(None).into()),
            }
        }
        count(app, grant, u32::try_from(requests.len()).unwrap_or(u32::MAX))?;
        Ok((capabilities, requests, errors))
    }
}

/// The texts as the pieces of one JSON array. They are not copied: together they may be large.
fn array(texts: Vec<Bytes>) -> impl Iterator<Item = Bytes> {
    let separators = std::iter::once("[").chain(std::iter::repeat(","));
    let pieces = separators.map(Bytes::from).zip(texts).flat_map(|(separator, text)| [separator, text]);
    pieces.chain([Bytes::from("]")])
}

/// An answer as one text, counted among what the token holds.
async fn whole(order: &Order<'_>, outcome: Result<Answer, Refusal>) -> Bytes {
    let room = order.app.budget.of(&order.grant.held);
    let text = match outcome {
        Ok(Answer::Message { text, .. }) => room.keep(text).map_err(Refusal::NoRoom),
        Ok(Answer::List { begin, rest }) => room.keep([begin, rest].concat().into()).map_err(Refusal::NoRoom),
        Ok(Answer::Call(mut call)) => {
            let limit_bytes = order.app.config.limits.event_limit_bytes;
            streamable::whole_response(&mut call, limit_bytes, room).await
        }
        Ok(Answer::Accepted | Answer::Listen(_)) => Err(Refusal::UnknownMethod { modern: false }),
        Err(refusal) => Err(refusal),
    };
    text.unwrap_or_else(|refusal| refusal.message(order.request.id).into())
}
