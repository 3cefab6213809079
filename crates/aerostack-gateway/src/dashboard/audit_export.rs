//! An audit log as a sheet: all of it, read page by page and sent as it is read, so that neither a
//! transaction nor the log stands in memory while a browser is slow.

use std::sync::Arc;

use aerostack_core::api::audit::{AuditQuery, AuditView};
use aerostack_core::api::operation::endpoint;
use aerostack_core::api::page::{PAGE_MAX, Page};
use aerostack_core::csv::{end_row, push_text};
use aerostack_core::slug::Slug;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::StreamBody;
use hyper::body::Frame;
use tokio::sync::mpsc;

use crate::admin::{self, ApiError, Caller};
use crate::app::App;
use crate::http::body::{Body, StreamFault};
use crate::http::respond;

/// Pieces that wait for a slow browser.
const PIECES_WAITING: usize = 2;
const COLUMNS: &str = "sequence,at,actor,action,object,detail";

/// A log, and in whose name it is read.
#[derive(Clone)]
pub(super) struct Log {
    /// The hall.
    pub(super) app: Arc<App>,
    /// In whose name.
    pub(super) caller: Caller,
    /// Which log.
    pub(super) of: Of,
}

/// Whose log it is.
#[derive(Clone)]
pub(super) enum Of {
    /// A workspace's, whether it is there any more or not.
    Workspace(Slug),
    /// A team's; without a name the reader's own.
    Team(Option<Slug>),
}

impl Log {
    /// One page of it.
    ///
    /// # Errors
    /// Whatever the API would answer with.
    pub(super) async fn page(&self, query: AuditQuery) -> Result<Page<AuditView>, ApiError> {
        let Self { app, caller, of } = self;
        match of {
            Of::Workspace(slug) => {
                admin::ask::<endpoint::ListAudit>(app, caller, None, &[slug.as_str()], query).await
            }
            Of::Team(team) => {
                admin::ask::<endpoint::ListTeamAudit>(app, caller, team.as_ref(), &[], query).await
            }
        }
    }

    /// All events of a filter as a sheet, newest first.
    ///
    /// # Errors
    /// Whatever the API would answer the first page with; a later failure breaks the answer off.
    pub(super) async fn sheet(self, query: AuditQuery) -> Result<Response<Body>, ApiError> {
        let query = AuditQuery { limit: Some(PAGE_MAX), cursor: None, ..query };
        let first = self.page(query.clone()).await?;
        let (sender, receiver) = mpsc::channel(PIECES_WAITING);
        let app = Arc::clone(&self.app);
        app.tasks.clone().spawn(async move {
            tokio::select! {
                () = self.send(query, first, sender) => {}
                () = app.stopping.cancelled() => {}
            }
        });
        let pieces = futures_util::stream::unfold(receiver, |mut receiver| async {
            let piece: Result<Bytes, StreamFault> = receiver.recv().await?;
            Some((piece.map(Frame::data), receiver))
        });
        let mut response = respond::empty(StatusCode::OK);
        *response.body_mut() = Body::stream(StreamBody::new(pieces));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
        Ok(response)
    }

    /// Sends page after page until the last, or until nobody reads any more.
    async fn send(
        &self,
        query: AuditQuery,
        first: Page<AuditView>,
        sender: mpsc::Sender<Result<Bytes, StreamFault>>,
    ) {
        let (mut text, mut page) = (COLUMNS.to_owned(), first);
        end_row(&mut text);
        loop {
            page.items.iter().for_each(|event| push_event(&mut text, event));
            if sender.send(Ok(std::mem::take(&mut text).into())).await.is_err() {
                return;
            }
            let Some(cursor) = page.next_cursor else { return };
            match self.page(AuditQuery { cursor: Some(cursor), ..query.clone() }).await {
                Ok(next) => page = next,
                Err(error) => {
                    tracing::warn!(
                        error = error.log.as_deref().unwrap_or(&error.message),
                        "an export broke off"
                    );
                    let _ = sender.send(Err(StreamFault::Database)).await;
                    return;
                }
            }
        }
    }
}

fn push_event(text: &mut String, event: &AuditView) {
    let AuditView { sequence, at, actor, action, object, detail } = event;
    text.push_str(&format!("{sequence},{at},"));
    for (place, cell) in [actor.as_str(), action.word(), object, detail].into_iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        push_text(text, cell);
    }
    end_row(text);
}
