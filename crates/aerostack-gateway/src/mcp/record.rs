//! One record of each call, whatever becomes of it: answered, failed, timed out, taken back, hung up.
//!
//! A [`CallRecord`] goes along with its call and hands over what was measured when it is dropped.

use std::sync::{Arc, LazyLock};
use std::time::Instant;

use aerostack_core::time::Timestamp;
use aerostack_core::usage::{Measured, Outcome, UNKNOWN_TOOL};
use http::HeaderMap;
use http::header::USER_AGENT;
use serde::Deserialize;

use super::error::Refusal;
use super::revision::META_CLIENT_INFO;
use crate::app::App;
use crate::grants::Grant;
use crate::jsonrpc::{Request, Verdict, VerdictReader};
use crate::recorder::CallNote;
use crate::snapshot::{CountedTool, Route};
use crate::upstream::{Frame, UpstreamError};

/// What calls are counted as whose tool leads nowhere: names that callers make up grow nothing.
static NOWHERE: LazyLock<Arc<CountedTool>> =
    LazyLock::new(|| Arc::new(CountedTool { server: String::new(), tool: UNKNOWN_TOOL.to_owned() }));

/// A call on its way, to be recorded when it ends.
pub(super) struct CallRecord {
    app: Arc<App>,
    grant: Arc<Grant>,
    tool: Arc<CountedTool>,
    client: Option<Arc<str>>,
    at: Timestamp,
    began: Instant,
    asked: Option<Instant>,
    answered: Option<Instant>,
    outcome: Outcome,
    bytes_in: u64,
    bytes_out: u64,
    reader: VerdictReader,
}

impl CallRecord {
    /// Begins the record of a call. Until more is known, it is one that was taken back.
    pub(super) fn begin(
        app: &Arc<App>,
        grant: &Arc<Grant>,
        request: &Request<'_>,
        headers: &HeaderMap,
    ) -> Self {
        let began = Instant::now();
        let at = app.clock.at(began);
        Self {
            app: Arc::clone(app),
            grant: Arc::clone(grant),
            tool: Arc::clone(&NOWHERE),
            client: client(app, request, headers),
            at,
            began,
            asked: None,
            answered: None,
            outcome: Outcome::Cancelled,
            bytes_in: request.text.len() as u64,
            bytes_out: 0,
            reader: VerdictReader::default(),
        }
    }

    /// Notes where the call goes.
    pub(super) fn goes_to(&mut self, route: &Route<'_>) {
        self.tool = Arc::clone(route.counted());
    }

    /// Notes that the server is asked.
    pub(super) fn asks(&mut self) {
        self.asked.get_or_insert_with(Instant::now);
    }

    /// Takes note of what came from the server.
    pub(super) fn sees(&mut self, frame: &Frame) {
        self.answered = Some(Instant::now());
        match frame {
            Frame::Whole(whole) => {
                self.passes(&whole.text);
                self.comes_to(whole.shape.verdict());
            }
            Frame::Begin(bytes) | Frame::More(bytes) => {
                self.passes(bytes);
                self.reader.push(bytes);
            }
            Frame::End => {
                let verdict = std::mem::take(&mut self.reader).verdict();
                self.comes_to(verdict);
            }
            Frame::Question(_) => {}
        }
    }

    fn passes(&mut self, bytes: &[u8]) {
        self.bytes_out = self.bytes_out.saturating_add(bytes.len() as u64);
    }

    fn comes_to(&mut self, verdict: Option<Verdict>) {
        self.outcome = match verdict {
            Some(Verdict::Result) => Outcome::Ok,
            Some(Verdict::ToolError) => Outcome::ToolError,
            Some(Verdict::Error) => Outcome::UpstreamError,
            None => return,
        };
    }

    /// Takes note of how the call failed.
    pub(super) fn fails(&mut self, refusal: &Refusal) {
        self.outcome = match refusal {
            Refusal::Upstream { error, .. } => {
                self.answered = Some(Instant::now());
                match error {
                    UpstreamError::TimedOut(_) => Outcome::Timeout,
                    UpstreamError::AccessEnded => Outcome::Cancelled,
                    UpstreamError::LackingCredential(_) | UpstreamError::NothingAsked => Outcome::Refused,
                    _ => Outcome::UpstreamError,
                }
            }
            Refusal::Cancelled | Refusal::Unauthorized | Refusal::Unanswered { .. } => Outcome::Cancelled,
            _ => Outcome::Refused,
        };
    }

    /// Takes note that nothing follows: without a response before, the server failed.
    pub(super) fn ends(&mut self) {
        if self.outcome == Outcome::Cancelled {
            self.outcome = Outcome::UpstreamError;
        }
    }
}

impl Drop for CallRecord {
    fn drop(&mut self) {
        let ended = Instant::now();
        let asked = self.asked.filter(|_| self.outcome != Outcome::Refused);
        let upstream = asked.map(|asked| self.answered.unwrap_or(ended).duration_since(asked));
        let measured = Measured {
            at: self.at,
            outcome: self.outcome,
            total_us: micros(ended.duration_since(self.began)),
            upstream_us: upstream.map(micros),
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
        };
        self.app.recorder.call(CallNote {
            grant: Arc::clone(&self.grant),
            tool: Arc::clone(&self.tool),
            client: self.client.take(),
            measured,
        });
    }
}

fn micros(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[derive(Deserialize)]
struct ClientInfo<'a> {
    #[serde(borrow)]
    name: std::borrow::Cow<'a, str>,
}

/// What a client calls itself: in the request where its era says so, else in its `User-Agent`.
fn client(app: &App, request: &Request<'_>, headers: &HeaderMap) -> Option<Arc<str>> {
    let info = request.meta().and_then(|meta| meta.raw(META_CLIENT_INFO));
    if let Some(info) = info.and_then(|info| serde_json::from_str::<ClientInfo<'_>>(info).ok()) {
        return app.recorder.client(&info.name);
    }
    let agent = headers.get(USER_AGENT)?.to_str().ok()?;
    app.recorder.client(agent.split(['/', ' ']).next()?)
}
