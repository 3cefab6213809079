//! Streams of change notices: the GET stream of the legacy era, `subscriptions/listen` of the modern.
//!
//! Both say that the workspace's tools changed, keep the connection alive with comments, and end when
//! access ends or the gateway drains.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;
use tokio::sync::watch;

use super::catalog;
use super::error::Refusal;
use super::revision::{META_SERVER_INFO, META_SUBSCRIPTION};
use crate::app::App;
use crate::grants::{Grant, ListVersions, StreamPermit};
use crate::jsonrpc::Request;

const LIST_CHANGED: &str = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;

/// One open stream of change notices.
pub struct Listening {
    waiting: VecDeque<Bytes>,
    notice: Option<Bytes>,
    goodbye: Option<Bytes>,
    changes: watch::Receiver<ListVersions>,
    app: Arc<App>,
    over: bool,
    _permit: StreamPermit,
}

impl Listening {
    /// The GET stream of a legacy client: notices only.
    ///
    /// # Errors
    /// [`Refusal::TooManyStreams`] when the token has as many open as it may.
    pub fn legacy(app: &Arc<App>, grant: &Arc<Grant>) -> Result<Self, Refusal> {
        Self::new(app, grant, VecDeque::new(), Some(Bytes::from_static(LIST_CHANGED.as_bytes())), None)
    }

    /// `subscriptions/listen`: the acknowledgement, notices under the caller's id, a result at the end.
    ///
    /// # Errors
    /// [`Refusal::InvalidParams`] without a filter, [`Refusal::TooManyStreams`] as above.
    pub fn modern(app: &Arc<App>, grant: &Arc<Grant>, request: &Request<'_>) -> Result<Self, Refusal> {
        let missing = || Refusal::InvalidParams {
            message: "Invalid params: notifications must be an object".to_owned(),
            bad_request: false,
        };
        let params = request.params.as_ref().ok_or_else(missing)?;
        let filter = params.object("notifications").map_err(Refusal::Fault)?.ok_or_else(missing)?;
        let wants_tools = filter.raw("toolsListChanged") == Some("true");
        let id = request.id.unwrap_or("null");
        let meta = format!(r#""_meta":{{"{META_SUBSCRIPTION}":{id}}}"#);
        let honoured = if wants_tools { r#"{"toolsListChanged":true}"# } else { "{}" };
        let acknowledged = format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{{{meta},"notifications":{honoured}}}}}"#
        );
        let notice = wants_tools.then(|| {
            format!(r#"{{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{{{meta}}}}}"#)
                .into()
        });
        let server_info = json!(catalog::server_info(&grant.workspace.snapshot()));
        let goodbye = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{{"resultType":"complete","_meta":{{"{META_SUBSCRIPTION}":{id},"{META_SERVER_INFO}":{server_info}}}}}}}"#
        );
        Self::new(app, grant, VecDeque::from([acknowledged.into()]), notice, Some(goodbye.into()))
    }

    fn new(
        app: &Arc<App>,
        grant: &Arc<Grant>,
        waiting: VecDeque<Bytes>,
        notice: Option<Bytes>,
        goodbye: Option<Bytes>,
    ) -> Result<Self, Refusal> {
        let permit = grant.open_stream(app.config.limits.streams_per_token).ok_or(Refusal::TooManyStreams)?;
        let changes = grant.workspace.list_changes();
        Ok(Self { waiting, notice, goodbye, changes, app: Arc::clone(app), over: false, _permit: permit })
    }

    /// The next message; `None` when the stream is over.
    ///
    /// *Cancellation*: dropped while waiting, it loses nothing.
    pub async fn next(&mut self) -> Option<Bytes> {
        if let Some(message) = self.waiting.pop_front() {
            return Some(message);
        }
        if self.over {
            return None;
        }
        let draining = self.app.draining.clone();
        tokio::select! {
            () = draining.cancelled() => {}
            () = changed(&mut self.changes, self.notice.is_some()) => return self.notice.clone(),
        }
        self.over = true;
        self.goodbye.take()
    }
}

async fn changed(changes: &mut watch::Receiver<ListVersions>, wanted: bool) {
    if !wanted || changes.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}
