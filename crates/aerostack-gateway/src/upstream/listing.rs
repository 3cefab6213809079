//! Listing a server's tools, page by page, as the raw text the server wrote.

use std::collections::HashSet;

use http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::{Errors, Expect};
use super::error::UpstreamError;
use super::left_out::LeftOut;
use super::message::{self, Message, Outcome, RpcError};
use super::pool::{Pool, Repeat};
use super::session::{SendError, Session};
use super::target::{Caller, Era, Listing};
use crate::config::Limits;
use crate::http::sse::Oversize;
use crate::offload;
use crate::tool_definition::{Definition, Unfit};

/// Pages of one list.
const PAGES: usize = 1_000;
/// What a page may have beside its tools.
const PAGE_OVERHEAD_BYTES: usize = 64 * 1_024;

/// Lists all tools, in the gateway's own session; once more if that had expired.
///
/// # Errors
/// [`UpstreamError`]. It does not bound its time.
pub(super) async fn list(pool: &std::sync::Arc<Pool>, limits: &Limits) -> Result<Listing, UpstreamError> {
    let mut may_repeat = true;
    loop {
        let lease = pool.lease(&Caller::Gateway).await?;
        let session = lease.session();
        let error = match all_pages(pool, session, limits).await {
            Ok(tools) => return Ok(listing(session, tools)),
            Err(error) => error,
        };
        if pool.learn(session, &error) == Repeat::Senseless || !std::mem::take(&mut may_repeat) {
            return Err(error.into_error());
        }
    }
}

fn listing(session: &Session, tools: Tools) -> Listing {
    let about = session.about.clone();
    Listing {
        tools: tools.found,
        left_out: tools.left_out,
        instructions: about.instructions,
        server_name: about.server_name,
        protocol_version: about.version,
        transport: session.transport(),
        announces_changes: about.announces_changes,
    }
}

async fn all_pages(pool: &Pool, session: &Session, limits: &Limits) -> Result<Tools, SendError> {
    let mut tools = Tools::default();
    let mut cursor: Option<String> = None;
    let mut cursors = HashSet::new();
    for _ in 0..PAGES {
        let id = pool.connector().next_id();
        let body = message::list_tools(session.era(), id, cursor.as_deref());
        let left_bytes = limits.tool_list_bytes.saturating_sub(tools.bytes);
        let expect = Expect {
            id,
            idle: session.endpoint().idle(),
            whole_bytes: left_bytes + PAGE_OVERHEAD_BYTES,
            oversize: Oversize::Refuse,
            errors: Errors::OfItsId,
        };
        let begun = session.send(headers(session.era()), body, expect).await?;
        let answer = begun.frames.response(expect).await?;
        let size = answer.len();
        let (era, limits) = (session.era(), *limits);
        let read = move || tools.read_page(&answer, id, era, &limits).map(|next| (tools, next));
        let next;
        (tools, next) = offload::run(size, read).await?;
        let Some(next) = next else { return Ok(tools) };
        if !cursors.insert(next.clone()) {
            return Err(bad("its list of tools repeats a cursor").into());
        }
        cursor = Some(next);
    }
    Err(bad(&format!("its list of tools has more than {PAGES} pages")).into())
}

fn headers(era: Era) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if era == Era::Modern {
        headers.insert("mcp-method", HeaderValue::from_static("tools/list"));
    }
    headers
}

fn bad(reason: &str) -> UpstreamError {
    UpstreamError::BadAnswer(reason.into())
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    tools: Vec<&'a RawValue>,
    #[serde(rename = "nextCursor", default)]
    next_cursor: Option<String>,
}

#[derive(Default)]
struct Tools {
    found: Vec<String>,
    left_out: LeftOut,
    bytes: usize,
}

impl Tools {
    /// Adds the tools of a page; gives the cursor of the next one.
    fn read_page(
        &mut self,
        answer: &[u8],
        id: u64,
        era: Era,
        limits: &Limits,
    ) -> Result<Option<String>, UpstreamError> {
        let page: Page<'_> = match Message::read(answer).and_then(|message| message.response_to(id)) {
            Some(Outcome::Result(raw)) => {
                serde_json::from_str(raw).map_err(|_| bad("its list of tools is malformed"))?
            }
            Some(Outcome::Error(raw)) => return Err(bad(&RpcError::read(raw).to_string())),
            None => return Err(bad("the answer is to another request")),
        };
        for tool in page.tools.into_iter().map(RawValue::get) {
            if let Err((name, unfit)) = look_at(tool, era) {
                self.left_out.add(name.as_deref(), unfit);
                continue;
            }
            self.bytes += tool.len();
            if self.bytes > limits.tool_list_bytes {
                return Err(bad(&format!("its tools have more than {} bytes", limits.tool_list_bytes)));
            }
            if self.found.len() == limits.tools_per_install {
                return Err(bad(&format!("it has more than {} tools", limits.tools_per_install)));
            }
            self.found.push(tool.to_owned());
        }
        Ok(page.next_cursor)
    }
}

/// Tells whether a tool can be offered; else how it is called, as far as it is, and why not.
fn look_at(tool: &str, era: Era) -> Result<(), (Option<String>, Unfit)> {
    match Definition::read(tool) {
        // A tool with an invalid mark must not be offered over modern HTTP.
        Ok(definition) if era == Era::Modern && definition.header_parameters.is_err() => {
            Err((Some(definition.name), Unfit::Headers))
        }
        Ok(_) => Ok(()),
        Err(unfit) => Err((name(tool), unfit)),
    }
}

fn name(tool: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        name: String,
    }
    serde_json::from_str(tool).ok().map(|named: Named| named.name).filter(|name| !name.is_empty())
}
