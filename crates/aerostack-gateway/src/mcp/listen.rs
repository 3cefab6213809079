//! Streams of notices: the GET stream of the legacy era, `subscriptions/listen` of the modern.
//!
//! Both say that what may be listed changed, and that a resource was updated to which the listener
//! subscribed. They keep the connection alive with comments, and end when access ends or the gateway
//! drains.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::catalog;
use super::error::Refusal;
use super::handle::EXTENSION;
use super::revision::{META_SERVER_INFO, META_SUBSCRIPTION, declares};
use super::updates::{News, Updates, Wish};
use crate::app::App;
use crate::grants::{Grant, ListVersions, StreamPermit};
use crate::jsonrpc::Request;

/// Lists, as a filter names their changes, and as they are told.
const LISTS: [(&str, &str); 3] = [
    ("toolsListChanged", "notifications/tools/list_changed"),
    ("promptsListChanged", "notifications/prompts/list_changed"),
    ("resourcesListChanged", "notifications/resources/list_changed"),
];

/// One open stream of notices.
pub struct Listening {
    waiting: VecDeque<Bytes>,
    /// Which of [`LISTS`] are told of.
    wanted: [bool; 3],
    seen: [u64; 3],
    updates: Updates,
    /// The raw id that a modern listener knows its notices by, until it is acknowledged apart.
    tag: Option<String>,
    is_acknowledged: bool,
    goodbye: Option<Bytes>,
    app: Arc<App>,
    over: bool,
    permit: Option<StreamPermit>,
}

impl Listening {
    /// The GET stream of a legacy client: notices only, of every list and of what its session subscribed
    /// to.
    ///
    /// # Errors
    /// [`Refusal::TooManyStreams`] when the token has as many open as it may.
    pub fn legacy(app: &Arc<App>, grant: &Arc<Grant>, session: &str) -> Result<Self, Refusal> {
        let wish = Wish::OfSession(session.to_owned());
        Self::new(app, grant, [true; 3], wish, None, None)
    }

    /// `subscriptions/listen`: the acknowledgement, notices under the caller's id, a result at the end.
    ///
    /// # Errors
    /// [`Refusal::InvalidParams`] without a filter, [`Refusal::TooManyStreams`] as above.
    pub fn modern(app: &Arc<App>, grant: &Arc<Grant>, request: &Request<'_>) -> Result<Self, Refusal> {
        let missing = |what: &str| Refusal::InvalidParams {
            message: format!("Invalid params: {what}"),
            bad_request: false,
        };
        let no_filter = || missing("notifications must be an object");
        let params = request.params.as_ref().ok_or_else(no_filter)?;
        let filter = params.object("notifications").map_err(Refusal::Fault)?.ok_or_else(no_filter)?;
        let wanted = LISTS.map(|(key, _)| filter.raw(key) == Some("true"));
        let uris: Vec<String> = match filter.raw("resourceSubscriptions").filter(|raw| *raw != "null") {
            None => Vec::new(),
            Some(raw) => serde_json::from_str(raw)
                .map_err(|_| missing("resourceSubscriptions must be a list of URIs"))?,
        };
        if filter.raw("taskIds").is_some() && !declares(request, EXTENSION)? {
            return Err(Refusal::MissingCapability(EXTENSION));
        }
        let id = request.id.unwrap_or("null");
        let server_info = json!(catalog::server_info(&grant.workspace.snapshot()));
        let goodbye = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{{"resultType":"complete","_meta":{{"{META_SUBSCRIPTION}":{id},"{META_SERVER_INFO}":{server_info}}}}}}}"#
        );
        Self::new(app, grant, wanted, Wish::fixed(uris), Some(id.to_owned()), Some(goodbye.into()))
    }

    fn new(
        app: &Arc<App>,
        grant: &Arc<Grant>,
        wanted: [bool; 3],
        wish: Wish,
        tag: Option<String>,
        goodbye: Option<Bytes>,
    ) -> Result<Self, Refusal> {
        let permit = grant.open_stream(app.config.limits.streams_per_token).ok_or(Refusal::TooManyStreams)?;
        let seen = numbers(grant.workspace.list_versions());
        Ok(Self {
            waiting: VecDeque::new(),
            wanted,
            seen,
            updates: Updates::new(grant, wish),
            is_acknowledged: tag.is_none(),
            tag,
            goodbye,
            app: Arc::clone(app),
            over: false,
            permit: Some(permit),
        })
    }

    /// Takes the right to be open out of it, for whoever reads it.
    pub(super) fn take_permit(&mut self) -> Option<StreamPermit> {
        self.permit.take()
    }

    /// Lets every list count as changed: nobody knows what its listener has missed.
    pub(super) fn telling_all(mut self) -> Self {
        for (_, method) in LISTS {
            self.waiting.push_back(format!(r#"{{"jsonrpc":"2.0","method":"{method}"}}"#).into());
        }
        self
    }

    /// The next message; `None` when the stream is over.
    ///
    /// *Cancellation*: dropped while waiting, it loses nothing.
    pub async fn next(&mut self) -> Option<Bytes> {
        if !self.is_acknowledged {
            let honoured = self.updates.renew().await;
            self.is_acknowledged = true;
            return Some(self.acknowledgement(&honoured));
        }
        let draining = self.app.draining.clone();
        loop {
            if let Some(message) = self.waiting.pop_front() {
                return Some(message);
            }
            if self.over {
                return None;
            }
            tokio::select! {
                () = draining.cancelled() => {
                    self.over = true;
                    return self.goodbye.take();
                }
                news = self.updates.next(self.tag.as_deref()) => match news {
                    News::Update(update) => return Some(update),
                    News::Published => self.note_changes(),
                },
            }
        }
    }

    /// What is honoured of the filter: lists always, of resources those whose servers tell of updates.
    fn acknowledgement(&self, uris: &[String]) -> Bytes {
        let lists = LISTS.iter().zip(self.wanted).filter(|(_, wanted)| *wanted);
        let mut honoured: Vec<String> = lists.map(|((key, _), _)| format!(r#""{key}":true"#)).collect();
        if !uris.is_empty() {
            honoured.push(format!(r#""resourceSubscriptions":{}"#, Value::from(uris)));
        }
        let (meta, honoured) = (self.meta(), honoured.join(","));
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{{{meta},"notifications":{{{honoured}}}}}}}"#
        )
        .into()
    }

    fn note_changes(&mut self) {
        let now = numbers(self.updates.workspace().list_versions());
        let before = std::mem::replace(&mut self.seen, now);
        for (place, (_, method)) in LISTS.iter().enumerate() {
            if !self.wanted[place] || now[place] == before[place] {
                continue;
            }
            let params =
                if self.tag.is_some() { format!(r#","params":{{{}}}"#, self.meta()) } else { String::new() };
            self.waiting.push_back(format!(r#"{{"jsonrpc":"2.0","method":"{method}"{params}}}"#).into());
        }
    }

    /// What modern notices say of the listening they belong to.
    fn meta(&self) -> String {
        format!(r#""_meta":{{"{META_SUBSCRIPTION}":{}}}"#, self.tag.as_deref().unwrap_or("null"))
    }
}

fn numbers(versions: ListVersions) -> [u64; 3] {
    let ListVersions { tools, prompts, resources } = versions;
    [tools, prompts, resources]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::Hall;
    use crate::store::testing::{on_both_engines, sample};
    use crate::store::token::LiveToken;
    use aerostack_core::account::AccountKind;
    use aerostack_core::token::Token;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn a_list_that_changed_is_told_of_once_also_while_nobody_asked() {
        on_both_engines(|store| async move {
            let hall = Hall::open(store, |_| {}).await;
            let placed = hall.installs("github").await;
            let (workspace, _) = hall.app.grants.installs().remove(0);
            let owner = sample::account("bob", AccountKind::Operator);
            let elsewhere = sample::workspace(&owner.id, "elsewhere");
            let token = Token { workspace, ..sample::token(&elsewhere, "Alice") };
            hall.app.grants.admit(LiveToken::from(&token), sample::NOW);
            let grant = hall.app.grants.find(&token.digest).unwrap();
            let mut listening = Listening::legacy(&hall.app, &grant, "s").unwrap();
            hall.lists(&placed, "old").await;
            let mut told = Vec::new();
            while let Some(message) = listening.next().now_or_never() {
                told.push(message.unwrap());
            }
            let all = LISTS.map(|(_, method)| format!(r#"{{"jsonrpc":"2.0","method":"{method}"}}"#));
            assert_eq!(told, all);
            // Published, and nothing of it listed.
            hall.installs("gitlab").await;
            assert!(listening.next().now_or_never().is_none());
            hall.lists(&placed, "new").await;
            assert_eq!(listening.next().await.unwrap(), all[0]);
            drop((listening, grant));
            hall.closes().await;
        })
        .await;
    }
}
