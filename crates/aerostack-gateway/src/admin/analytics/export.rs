//! CSV, streamed: what is in memory is one piece on its way and the sums of one group of tokens, and no
//! transaction stays open while a client is slow.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use aerostack_core::api::analytics::{By, millis, share};
use aerostack_core::csv::{end_row, push_text};
use aerostack_core::time::Timestamp;
use aerostack_core::usage::{Grain, Tally};
use bytes::Bytes;
use http::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http_body_util::StreamBody;
use hyper::body::Frame;
use tokio::sync::mpsc;

use super::scope::Scope;
use super::single::{ClientNames, client_names};
use super::sums::{self, Tail};
use crate::app::App;
use crate::http::body::{Body, StreamFault};
use crate::store::StoreError;
use crate::store::usage::calls::{self, Place};
use crate::store::usage::tallies::{Cell, Kind};

/// Pieces that wait for a slow client.
const PIECES_WAITING: usize = 4;
/// Size after which a piece is sent.
const PIECE_BYTES: usize = 64 * 1_024;
/// Sums that are held at once; with more, tokens are gone through in groups.
const SUMS_MAX: usize = 20_000;
/// Calls that are read at once.
const STEP_CALLS: i64 = 10_000;

const FIGURES: &str = "user,email,token_id,server,tool,calls,errors,error_rate,p50_ms,p95_ms,p99_ms,\
                       upstream_p95_ms,bytes_in,bytes_out,first_call,last_call";
const CALLS: &str =
    "time,user,email,token_id,server,tool,client,outcome,total_ms,upstream_ms,bytes_in,bytes_out";

/// Why an export ends early.
enum Ended {
    /// Nobody reads it any more.
    Unread,
    Failed(StoreError),
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// The writing end of an answer.
struct Pieces {
    text: String,
    sender: mpsc::Sender<Result<Bytes, StreamFault>>,
}

impl Pieces {
    async fn send_if_full(&mut self) -> Result<(), Ended> {
        if self.text.len() >= PIECE_BYTES { self.send().await } else { Ok(()) }
    }

    async fn send(&mut self) -> Result<(), Ended> {
        let piece = std::mem::replace(&mut self.text, String::with_capacity(PIECE_BYTES + 1_024));
        self.sender.send(Ok(piece.into())).await.map_err(|_| Ended::Unread)
    }
}

/// What is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Export {
    /// Figures per token, server and tool.
    Figures,
    /// The same of each hour or day.
    FiguresOverTime(Grain),
    /// Single calls, oldest first.
    Calls,
}

impl Export {
    /// The figures that a request asks for.
    pub(super) const fn figures(by: Option<By>) -> Self {
        match by {
            Some(By::Hour) => Self::FiguresOverTime(Grain::Hour),
            Some(By::Day) => Self::FiguresOverTime(Grain::Day),
            _ => Self::Figures,
        }
    }

    async fn write(self, app: &App, scope: &Scope, pieces: &mut Pieces) -> Result<(), Ended> {
        match self {
            Self::Figures => figures_of_all(app, scope, pieces).await?,
            Self::FiguresOverTime(grain) => figures_over_time(app, scope, grain, pieces).await?,
            Self::Calls => single_calls(app, scope, pieces).await?,
        }
        pieces.send().await
    }
}

/// The answer to an export, written as it is read.
pub(super) fn stream(app: &Arc<App>, scope: Scope, export: Export) -> Response<Body> {
    let (sender, receiver) = mpsc::channel(PIECES_WAITING);
    let task_app = Arc::clone(app);
    app.tasks.spawn(async move {
        let mut pieces = Pieces { text: String::new(), sender: sender.clone() };
        let result = tokio::select! {
            result = export.write(&task_app, &scope, &mut pieces) => result,
            () = task_app.stopping.cancelled() => Err(Ended::Unread),
        };
        if let Err(Ended::Failed(error)) = result {
            tracing::warn!(%error, "an export broke off");
            let _ = sender.send(Err(StreamFault::Database)).await;
        }
    });
    let frames = futures_util::stream::unfold(receiver, |mut receiver| async {
        let piece = receiver.recv().await?;
        Some((piece.map(Frame::data), receiver))
    });
    let mut response = Response::new(Body::stream(StreamBody::new(frames)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn figures_of_all(app: &App, scope: &Scope, pieces: &mut Pieces) -> Result<(), Ended> {
    pieces.text.push_str(FIGURES);
    end_row(&mut pieces.text);
    let mut tokens: Vec<i64> =
        scope.tokens.keys().copied().filter(|&token| scope.means_token(token)).collect();
    // By number, as sums stand: so each group reads its own part of them and no other.
    tokens.sort_unstable();
    let group_len = (SUMS_MAX / scope.tools.len().max(1)).max(1);
    for group in tokens.chunks(group_len) {
        let (Some(&first), Some(&last)) = (group.first(), group.last()) else { continue };
        let mut sums: HashMap<(i64, i64), Tally> = HashMap::new();
        let mut tx = app.usage.read().await?;
        let tail = Tail::read(&mut tx, scope).await?;
        let mut visit = |_: Timestamp, cell: &Cell| {
            if (first..=last).contains(&cell.token) {
                sums.entry((cell.token, cell.tool)).or_default().merge(&cell.tally);
            }
        };
        sums::walk_tokens(&mut tx, scope, &tail, first..=last, &mut visit).await?;
        drop(tx);
        push_sums(scope, None, sums, pieces).await?;
    }
    Ok(())
}

async fn figures_over_time(app: &App, scope: &Scope, grain: Grain, pieces: &mut Pieces) -> Result<(), Ended> {
    pieces.text.push_str("bucket,");
    pieces.text.push_str(FIGURES);
    end_row(&mut pieces.text);
    for bucket in grain.bucket(scope.from)..=grain.bucket(scope.to) {
        let start = grain.start(bucket);
        let end = grain.start(bucket + 1);
        let part = scope.between(start.max(scope.from), Timestamp::from_millis(end.as_millis() - 1));
        let mut sums: HashMap<(i64, i64), Tally> = HashMap::new();
        let mut tx = app.usage.read().await?;
        let tail = Tail::read(&mut tx, scope).await?;
        let mut visit = |at: Timestamp, cell: &Cell| {
            // Calls beyond the watermark come with every part.
            if grain.bucket(at) == bucket {
                sums.entry((cell.token, cell.tool)).or_default().merge(&cell.tally);
            }
        };
        sums::walk(&mut tx, &part, &tail, Kind::TokenAndTool, grain, &mut visit).await?;
        drop(tx);
        push_sums(scope, Some(start), sums, pieces).await?;
    }
    Ok(())
}

fn name_of(scope: &Scope, token: i64) -> Option<(&str, &str)> {
    scope.tokens.get(&token).map(|token| (token.name.as_str(), token.token_id.as_str()))
}

async fn push_sums(
    scope: &Scope,
    bucket: Option<Timestamp>,
    sums: HashMap<(i64, i64), Tally>,
    pieces: &mut Pieces,
) -> Result<(), Ended> {
    let mut rows: Vec<((i64, i64), Tally)> = sums.into_iter().collect();
    rows.sort_unstable_by_key(|((token, tool), _)| {
        let tool = scope.tools.get(tool).map(|tool| (tool.server.as_str(), tool.tool.as_str()));
        (name_of(scope, *token), tool)
    });
    for ((token, tool), tally) in rows {
        push_figures(&mut pieces.text, scope, bucket, token, tool, &tally);
        pieces.send_if_full().await?;
    }
    Ok(())
}

fn push_figures(
    row: &mut String,
    scope: &Scope,
    bucket: Option<Timestamp>,
    token: i64,
    tool: i64,
    tally: &Tally,
) {
    if let Some(bucket) = bucket {
        let _ = write!(row, "{bucket},");
    }
    push_names(row, scope, token, tool);
    let (calls, errors) = (tally.calls(), tally.errors());
    let _ = write!(row, ",{calls},{errors},{},", share(errors, calls));
    for percent in [50, 95, 99] {
        push_ms(row, tally.total.percentile(percent));
        row.push(',');
    }
    push_ms(row, tally.upstream.percentile(95));
    let _ = write!(row, ",{},{},", tally.bytes_in, tally.bytes_out);
    if let Some((first, last)) = tally.span {
        let _ = write!(row, "{first},{last}");
    } else {
        row.push(',');
    }
    end_row(row);
}

/// `user,email,token_id,server,tool`
fn push_names(row: &mut String, scope: &Scope, token: i64, tool: i64) {
    match scope.tokens.get(&token) {
        Some(token) => {
            push_text(row, &token.name);
            row.push(',');
            push_text(row, token.person.as_deref().unwrap_or_default());
            row.push(',');
            push_text(row, &token.token_id);
        }
        None => row.push_str(",,"),
    }
    row.push(',');
    match scope.tools.get(&tool) {
        Some(tool) => {
            push_text(row, &tool.server);
            row.push(',');
            push_text(row, &tool.tool);
        }
        None => row.push(','),
    }
}

fn push_ms(row: &mut String, us: Option<u64>) {
    if let Some(us) = us {
        let _ = write!(row, "{:.3}", millis(us));
    }
}

async fn single_calls(app: &App, scope: &Scope, pieces: &mut Pieces) -> Result<(), Ended> {
    pieces.text.push_str(CALLS);
    end_row(&mut pieces.text);
    let Some(workspace) = scope.workspace else { return Ok(()) };
    let clients = client_names(&mut app.usage.read().await?).await?;
    let mut after = Place { at: scope.from, id: 0 };
    loop {
        let mut tx = app.usage.read().await?;
        let step = calls::forwards(&mut tx, workspace, after, STEP_CALLS).await?;
        drop(tx);
        let Some(last) = step.last() else { return Ok(()) };
        after = Place { at: last.measured.at, id: last.id };
        let is_end = after.at > scope.to;
        for call in step.iter().filter(|call| scope.holds_call(call) && call.measured.at <= scope.to) {
            push_call(&mut pieces.text, scope, &clients, call);
            pieces.send_if_full().await?;
        }
        if is_end {
            return Ok(());
        }
    }
}

fn push_call(row: &mut String, scope: &Scope, clients: &ClientNames, call: &calls::NumberedCall) {
    let measured = &call.measured;
    let _ = write!(row, "{},", measured.at);
    push_names(row, scope, call.token, call.tool);
    row.push(',');
    push_text(row, clients.get(&call.client).map(String::as_str).unwrap_or_default());
    let _ = write!(row, ",{},", measured.outcome.word());
    push_ms(row, Some(measured.total_us));
    row.push(',');
    push_ms(row, measured.upstream_us);
    let _ = write!(row, ",{},{}", measured.bytes_in, measured.bytes_out);
    end_row(row);
}
