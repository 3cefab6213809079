//! Notices of updated resources for one listener: what it subscribed to, kept at the servers of the moment.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::watch;

use super::revision::META_SUBSCRIPTION;
use crate::grants::session_wishes::{Told, URI_MAX_BYTES, URIS_PER_SESSION};
use crate::grants::{Grant, LiveWorkspace};
use crate::jsonrpc::Object;
use crate::offload;
use crate::snapshot::{Snapshot, Subject};
use crate::upstream::{Client, Mailbox, Subscription, Update};

/// About what finding a URI's server costs, compared with reading bytes.
const BYTES_PER_ROUTE: usize = 4 * 1_024;

/// What a listener wants to be told of.
pub(super) enum Wish {
    /// Always the same.
    Fixed(Vec<String>),
    /// Whatever a legacy session subscribed to.
    OfSession(String),
}

/// The subscriptions of one listener.
pub(super) struct Updates {
    grant: Arc<Grant>,
    wish: Wish,
    mailbox: Mailbox,
    held: HashMap<String, Held>,
    published: watch::Receiver<u64>,
    wishes: watch::Receiver<u64>,
    /// Something has changed and was not looked at yet.
    is_stale: bool,
}

/// What a listener may have to be told.
pub(super) enum News {
    /// This.
    Update(Bytes),
    /// The workspace is another now, and perhaps what it lists.
    Published,
}

/// One of them, as it stands at its server.
struct Held {
    client: Arc<Client>,
    own: String,
    _subscription: Subscription,
    _told: Told,
}

/// Where a URI leads.
struct Found {
    exposed: String,
    client: Arc<Client>,
    own: String,
}

impl Wish {
    /// These, each once, as far as they may be.
    pub(super) fn fixed(uris: Vec<String>) -> Self {
        let mut seen = HashSet::new();
        let mut wanted = uris;
        wanted.retain(|uri| uri.len() <= URI_MAX_BYTES && seen.insert(uri.clone()));
        wanted.truncate(URIS_PER_SESSION);
        wanted.shrink_to_fit();
        Self::Fixed(wanted)
    }
}

impl Updates {
    pub(super) fn new(grant: &Arc<Grant>, wish: Wish) -> Self {
        Self {
            wish,
            mailbox: Mailbox::default(),
            held: HashMap::new(),
            published: grant.workspace.publications(),
            wishes: grant.wishes.changes(),
            // Whatever was published before is looked at first of all.
            is_stale: true,
            grant: Arc::clone(grant),
        }
    }

    /// The workspace that it is about.
    pub(super) fn workspace(&self) -> &LiveWorkspace {
        &self.grant.workspace
    }

    /// What is new; a notice is a message, in which `tag` is the raw id that modern listeners know it by.
    ///
    /// *Cancellation*: dropped while waiting, it loses nothing.
    pub(super) async fn next(&mut self, tag: Option<&str>) -> News {
        loop {
            if self.is_stale {
                self.renew().await;
                self.is_stale = false;
                return News::Published;
            }
            let update = tokio::select! {
                update = self.mailbox.next() => Some(update),
                _ = self.published.changed() => None,
                _ = self.wishes.changed(), if matches!(self.wish, Wish::OfSession(_)) => None,
            };
            match update {
                // Until it is looked at: that may be given up and tried again.
                None => self.is_stale = true,
                Some(update) => {
                    if let Some(message) = message(&self.grant.workspace.snapshot(), &update, tag) {
                        return News::Update(message);
                    }
                }
            }
        }
    }

    /// Subscribes to what is wanted where that is now, and to nothing else. Gives what is subscribed to.
    pub(super) async fn renew(&mut self) -> Vec<String> {
        let wanted = match &self.wish {
            Wish::Fixed(uris) => uris.clone(),
            Wish::OfSession(session) => self.grant.wishes.uris(session),
        };
        let snapshot = self.grant.workspace.snapshot();
        let bytes = wanted.len() * BYTES_PER_ROUTE;
        let found = offload::run(bytes, move || find(&snapshot, wanted)).await;
        // First of all, so that what takes their place is not one too many.
        self.held.retain(|exposed, _| found.iter().any(|found| found.exposed == *exposed));
        let mut held = HashMap::with_capacity(found.len());
        let mut order = Vec::with_capacity(found.len());
        for Found { exposed, client, own } in found {
            let is_same = |held: &Held| Arc::ptr_eq(&held.client, &client) && held.own == own;
            let kept = self.held.remove(&exposed).filter(is_same);
            let kept = kept.or_else(|| {
                let told = self.grant.wishes.tell()?;
                let subscription = client.subscribe(&own, &exposed, &self.mailbox)?;
                Some(Held { client, own, _subscription: subscription, _told: told })
            });
            if let Some(kept) = kept {
                order.push(exposed.clone());
                held.insert(exposed, kept);
            }
        }
        self.held = held;
        order
    }
}

/// The servers of what is wanted, as far as they tell of updates.
fn find(snapshot: &Snapshot, wanted: Vec<String>) -> Vec<Found> {
    let found = |uri: String| {
        let subject = Subject::Resource(uri);
        let route = snapshot.route(&subject).filter(|route| route.install.capabilities().subscriptions)?;
        let Subject::Resource(exposed) = subject.clone() else { return None };
        Some(Found { exposed, client: Arc::clone(&route.install.client), own: route.own.into_owned() })
    };
    wanted.into_iter().filter_map(found).collect()
}

/// The server's notice with the URI that the listener knows; every other field stays. `None` if its
/// server has gone meanwhile.
fn message(snapshot: &Snapshot, update: &Update, tag: Option<&str>) -> Option<Bytes> {
    let install = snapshot.install(&update.install).filter(|install| install.install.is_active())?;
    let below = || snapshot.uri_leading_back(install, &update.uri).unwrap_or_else(|| update.uri.clone());
    let uri = update.exposed.clone().unwrap_or_else(below);
    let params = Object::parse(std::str::from_utf8(&update.params).ok()?)?;
    let mut fields = Vec::new();
    let mut meta = None;
    for (key, raw) in params.fields() {
        match key {
            "uri" => fields.push(format!(r#""uri":{}"#, Value::from(uri.as_str()))),
            "_meta" => meta = Object::parse(raw),
            key => fields.push(format!("{}:{raw}", Value::from(key))),
        }
    }
    let own =
        |(key, raw): (&str, &str)| (key != META_SUBSCRIPTION).then(|| format!("{}:{raw}", Value::from(key)));
    let mut tags: Vec<String> = tag.map(|id| format!(r#""{META_SUBSCRIPTION}":{id}"#)).into_iter().collect();
    tags.extend(meta.iter().flat_map(|meta| meta.fields().filter_map(own).collect::<Vec<_>>()));
    if !tags.is_empty() {
        fields.push(format!(r#""_meta":{{{}}}"#, tags.join(",")));
    }
    let params = fields.join(",");
    Some(
        format!(r#"{{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{{{params}}}}}"#)
            .into(),
    )
}
