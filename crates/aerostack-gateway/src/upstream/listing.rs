//! Listing what a server offers, page by page, as the raw text the server wrote.
//!
//! Without its tools a server is not listed. Whatever goes wrong with its prompts or resources costs
//! those alone.

use std::collections::HashSet;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};

use super::answer::{Errors, Expect, Questions};
use super::error::UpstreamError;
use super::lease::Lease;
use super::left_out::LeftOut;
use super::message::{self, Message, Outcome, RpcError};
use super::pool::{Pool, Repeat};
use super::session::{SendError, Session};
use super::target::{Caller, Era, Listing};
use crate::config::Limits;
use crate::definition::{Definition, Item, Kind, Unfit};
use crate::http::sse::Oversize;
use crate::jsonrpc::Object;
use crate::offload;

/// Pages of one list.
const PAGES: usize = 1_000;
/// What a page may have beside its definitions.
const PAGE_OVERHEAD_BYTES: usize = 64 * 1_024;

/// Lists everything, in the gateway's own session, within `Limits::list_timeout`; the tools once more if
/// that session had expired.
///
/// # Errors
/// [`UpstreamError`], where the tools cannot be listed.
pub(super) async fn list(pool: &Arc<Pool>, limits: &Limits) -> Result<Listing, UpstreamError> {
    let deadline = Instant::now() + limits.list_timeout;
    let (lease, tools) = timeout_at(deadline, tools(pool, limits)).await.map_err(|_| {
        let limit = limits.list_timeout.as_secs_f32();
        UpstreamError::TimedOut(format!("no list of tools within {limit} s"))
    })??;
    let session = lease.session();
    let (prompts, resources, templates) = tokio::join!(
        listed_if_offered(pool, session, limits, Kind::Prompt, deadline),
        listed_if_offered(pool, session, limits, Kind::Resource, deadline),
        listed_if_offered(pool, session, limits, Kind::Template, deadline),
    );
    let mut left_out = tools.left_out;
    let mut definitions = |found: Result<Found, String>| {
        found.map(|found| {
            left_out.join(found.left_out);
            found.definitions
        })
    };
    let (prompts, resources, templates) =
        (definitions(prompts), definitions(resources), definitions(templates));
    let about = session.about.clone();
    Ok(Listing {
        tools: tools.definitions,
        prompts,
        resources,
        templates,
        capabilities: about.declared.more,
        left_out,
        instructions: about.instructions,
        server_name: about.server_name,
        protocol_version: about.version,
        transport: session.transport(),
        announces_changes: about.declared.announces.any(),
    })
}

async fn tools(pool: &Arc<Pool>, limits: &Limits) -> Result<(Lease, Found), UpstreamError> {
    let mut may_repeat = true;
    loop {
        let lease = pool.lease(&Caller::Gateway).await?;
        let error = match all_pages(pool, lease.session(), limits, Kind::Tool).await {
            Ok(found) => return Ok((lease, found)),
            Err(error) => error,
        };
        if pool.learn(lease.session(), &error) == Repeat::Senseless || !std::mem::take(&mut may_repeat) {
            return Err(error.into_error());
        }
    }
}

/// The definitions of a kind beside tools, or why they are not known.
async fn listed_if_offered(
    pool: &Arc<Pool>,
    session: &Arc<Session>,
    limits: &Limits,
    kind: Kind,
    deadline: Instant,
) -> Result<Found, String> {
    let offers = session.about.declared.more;
    let is_offered = if kind == Kind::Prompt { offers.prompts } else { offers.resources };
    if !is_offered {
        return Ok(Found::default());
    }
    let reason = match timeout_at(deadline, all_pages(pool, session, limits, kind)).await {
        Ok(Ok(found)) => return Ok(found),
        Ok(Err(error)) => error.into_error().to_string(),
        Err(_) => format!("no list within {} s", limits.list_timeout.as_secs_f32()),
    };
    Err(format!("its {}s could not be listed: {reason}", kind.noun()))
}

async fn all_pages(pool: &Pool, session: &Session, limits: &Limits, kind: Kind) -> Result<Found, SendError> {
    let noun = kind.noun();
    let mut found = Found::default();
    let mut cursor: Option<String> = None;
    let mut cursors = HashSet::new();
    for _ in 0..PAGES {
        let id = pool.connector().next_id();
        let body = message::list(kind.list_method(), session.era(), id, cursor.as_deref());
        let left_bytes = limits.tool_list_bytes.saturating_sub(found.bytes);
        let expect = Expect {
            id,
            idle: session.endpoint().idle(),
            whole_bytes: left_bytes + PAGE_OVERHEAD_BYTES,
            oversize: Oversize::Refuse,
            errors: Errors::OfItsId,
            questions: Questions::Refused,
        };
        let begun = session.send(headers(kind, session.era()), body, expect).await?;
        let answer = begun.frames.response(expect).await?;
        if has_none(kind, session, &answer, id) {
            return Ok(found);
        }
        let reading = Reading { kind, era: session.era(), limits: *limits };
        let size = answer.len();
        let read = move || found.read_page(&answer, id, reading).map(|next| (found, next));
        let next;
        (found, next) = offload::run(size, read).await?;
        let Some(next) = next else { return Ok(found) };
        if !cursors.insert(next.clone()) {
            return Err(bad(&format!("its list of {noun}s repeats a cursor")).into());
        }
        cursor = Some(next);
    }
    Err(bad(&format!("its list of {noun}s has more than {PAGES} pages")).into())
}

/// Whether an answer says that a method does not exist, where that means that there is nothing to list:
/// of tools, if the server never declared any.
fn has_none(kind: Kind, session: &Session, answer: &[u8], id: u64) -> bool {
    let may_have_none = kind != Kind::Tool || !session.about.declared.tools;
    let outcome = || Message::read(answer).and_then(|message| message.response_to(id));
    may_have_none
        && matches!(outcome(), Some(Outcome::Error(raw)) if RpcError::read(raw).code == RpcError::UNKNOWN_METHOD)
}

fn headers(kind: Kind, era: Era) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if era == Era::Modern {
        headers.insert("mcp-method", HeaderValue::from_static(kind.list_method()));
    }
    headers
}

fn bad(reason: &str) -> UpstreamError {
    UpstreamError::BadAnswer(reason.into())
}

/// A page of a list.
struct Page<'a> {
    definitions: Vec<&'a RawValue>,
    next_cursor: Option<String>,
}

impl<'a> Page<'a> {
    fn read(kind: Kind, raw: &'a str) -> Option<Self> {
        let object = Object::parse(raw)?;
        let next_cursor = match object.raw("nextCursor") {
            None => None,
            Some(cursor) => serde_json::from_str(cursor).ok()?,
        };
        Some(Self { definitions: serde_json::from_str(object.raw(kind.field())?).ok()?, next_cursor })
    }
}

/// What a page is read for.
#[derive(Clone, Copy)]
struct Reading {
    kind: Kind,
    era: Era,
    limits: Limits,
}

#[derive(Default)]
struct Found {
    definitions: Vec<String>,
    left_out: LeftOut,
    bytes: usize,
}

impl Found {
    /// Adds the definitions of a page; gives the cursor of the next one.
    fn read_page(
        &mut self,
        answer: &[u8],
        id: u64,
        reading: Reading,
    ) -> Result<Option<String>, UpstreamError> {
        let Reading { kind, era, limits } = reading;
        let page = match Message::read(answer).and_then(|message| message.response_to(id)) {
            Some(Outcome::Result(raw)) => Page::read(kind, raw)
                .ok_or_else(|| bad(&format!("its list of {}s is malformed", kind.noun())))?,
            Some(Outcome::Error(raw)) => return Err(bad(&RpcError::read(raw).to_string())),
            None => return Err(bad("the answer is to another request")),
        };
        for definition in page.definitions.into_iter().map(RawValue::get) {
            if let Err((name, unfit)) = look_at(kind, definition, era) {
                self.left_out.add(kind, name.as_deref(), unfit);
                continue;
            }
            let is_full = self.definitions.len() == limits.tools_per_install;
            if is_full || self.bytes + definition.len() > limits.tool_list_bytes {
                // Of tools none may be missing; of the others the first ones are better than none.
                if kind == Kind::Tool {
                    return Err(too_many(is_full, &limits));
                }
                self.left_out.cut(kind, self.definitions.len());
                return Ok(None);
            }
            self.bytes += definition.len();
            self.definitions.push(definition.to_owned());
        }
        Ok(page.next_cursor)
    }
}

fn too_many(is_full: bool, limits: &Limits) -> UpstreamError {
    bad(&if is_full {
        format!("it has more than {} tools", limits.tools_per_install)
    } else {
        format!("its tools have more than {} bytes", limits.tool_list_bytes)
    })
}

/// Tells whether a definition can be offered; else how it is called, as far as it is, and why not.
fn look_at(kind: Kind, text: &str, era: Era) -> Result<(), (Option<String>, Unfit)> {
    if kind != Kind::Tool {
        return Item::read(kind, text).map(drop).map_err(|unfit| (name(text), unfit));
    }
    match Definition::read(text) {
        // A tool with an invalid mark must not be offered over modern HTTP.
        Ok(definition) if era == Era::Modern && definition.header_parameters.is_err() => {
            Err((Some(definition.name), Unfit::Headers))
        }
        Ok(_) => Ok(()),
        Err(unfit) => Err((name(text), unfit)),
    }
}

fn name(definition: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        name: String,
    }
    serde_json::from_str(definition).ok().map(|named: Named| named.name).filter(|name| !name.is_empty())
}
