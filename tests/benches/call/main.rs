//! The parts of a call by themselves: the time and the allocations of each, of a request with 1 KiB.
//!
//! What a whole call costs, and how it is shared out, is measured from outside: `cargo xtask bench`
//! and `cargo xtask count`. Here one sees at once what a change to one part does.

mod hall;

use std::sync::Arc;

use aerostack_core::bearer::{TokenDigest, TokenKind, is_well_formed};
use aerostack_core::time::Timestamp;
use aerostack_core::usage::{Measured, Outcome};
use aerostack_gateway::jsonrpc::message::{self, Body, Message};
use aerostack_gateway::jsonrpc::{Request, VerdictReader};
use aerostack_gateway::limiter::Meter;
use aerostack_gateway::mcp::asked::Asked;
use aerostack_gateway::mcp::forward::Forward;
use aerostack_gateway::mcp::reach::Reach;
use aerostack_gateway::mcp::revision::CallerEra;
use aerostack_gateway::recorder::{CallNote, Recorder};
use aerostack_gateway::snapshot::{CountedTool, Subject};
use aerostack_gateway::upstream::{Era, Outgoing};
use bytes::Bytes;
use divan::{AllocProfiler, Bencher, black_box};
use http::HeaderMap;

use hall::Hall;

#[global_allocator]
static ALLOCATOR: AllocProfiler<mimalloc::MiMalloc> = AllocProfiler::new(mimalloc::MiMalloc);

/// Letters that are said.
const LETTERS: usize = 1_024;
/// The tool under the name that callers know.
const TOOL: &str = "mock__echo";
/// Depth of JSON that is read.
const DEPTH: usize = 64;
/// Far above what is asked, so that every request fits.
const LIMIT_PER_MINUTE: u32 = 1_000_000;
/// Notes that may wait: more than are handed over.
const NOTES: usize = 65_536;

fn main() {
    divan::main();
}

/// From the header's text to a well-formed token's digest.
#[divan::bench]
fn digest(bencher: Bencher<'_, '_>) {
    let token = Hall::shared().tokens[0].clone();
    bencher.bench_local(|| {
        let text = black_box(token.as_str());
        is_well_formed(TokenKind::Workspace, text).then(|| TokenDigest::of(text))
    });
}

/// A grant among so many.
#[divan::bench]
fn grant(bencher: Bencher<'_, '_>) {
    let hall = Hall::shared();
    let digests: Vec<TokenDigest> = hall.tokens.iter().map(|token| TokenDigest::of(token)).collect();
    let mut turn = digests.iter().cycle();
    bencher.bench_local(|| hall.app.grants.find(black_box(turn.next()?)));
}

/// A request counted against a quota, a millisecond after the last.
#[divan::bench]
fn quota(bencher: Bencher<'_, '_>) {
    let meter = Meter::default();
    let mut now = 0;
    bencher.bench_local(|| {
        now += 1;
        meter.admit(1, black_box(LIMIT_PER_MINUTE), Timestamp::from_millis(now))
    });
}

/// A request read shallowly.
#[divan::bench]
fn parse(bencher: Bencher<'_, '_>) {
    let text = request();
    bencher.bench_local(|| is_request(&message::read(black_box(&text), DEPTH).expect("it is a message")));
}

/// The edits of a request on its way to the server, headers and body.
#[divan::bench]
fn rename(bencher: Bencher<'_, '_>) {
    let hall = Hall::shared();
    let (text, headers, reach) = (request(), HeaderMap::new(), Reach::default());
    let parsed = message::read(&text, DEPTH).expect("it is a message");
    let request = of_single(&parsed).expect("it is one request");
    let grant = hall.app.grants.find(&TokenDigest::of(&hall.tokens[0])).expect("the token is accepted");
    let snapshot = grant.workspace.snapshot();
    let route = snapshot.route(&Subject::Tool(TOOL.to_owned())).expect("the tool is there");
    bencher.bench_local(|| {
        let asked = Asked::read(request)?.ok()?;
        let (era, reached) = (CallerEra::Legacy, (&grant, &reach));
        let forward =
            Forward::new(&text, (request, &asked), era, &route, &headers, reached, &hall.app).ok()?;
        Some((forward.headers(Era::Legacy), forward.body(Era::Legacy, black_box(7))))
    });
}

/// What is read of an answer for its record, and the note handed over to whoever writes it down.
#[divan::bench(sample_count = 100, sample_size = 500)]
fn record(bencher: Bencher<'_, '_>) {
    let hall = Hall::shared();
    let grant = hall.app.grants.find(&TokenDigest::of(&hall.tokens[0])).expect("the token is accepted");
    let tool = Arc::new(CountedTool { server: "mock".to_owned(), tool: "echo".to_owned() });
    let (recorder, _uses, _calls) = Recorder::new(NOTES);
    let text = "x".repeat(LETTERS);
    let answer = format!(
        r#"{{"jsonrpc":"2.0","id":1,"result":{{"content":[{{"type":"text","text":"{text}"}}],"isError":false}}}}"#
    );
    bencher.bench_local(|| {
        let mut reader = VerdictReader::default();
        reader.push(black_box(answer.as_bytes()));
        let verdict = reader.verdict();
        let measured = Measured {
            at: hall::NOW,
            outcome: Outcome::Ok,
            total_us: 100,
            upstream_us: Some(60),
            bytes_in: 1_200,
            bytes_out: answer.len() as u64,
        };
        recorder.call(CallNote {
            grant: Arc::clone(&grant),
            tool: Arc::clone(&tool),
            client: None,
            measured,
        });
        verdict
    });
}

fn request() -> Bytes {
    let text = "x".repeat(LETTERS);
    let params = format!(r#"{{"name":"{TOOL}","arguments":{{"text":"{text}"}}}}"#);
    format!(r#"{{"jsonrpc":"2.0","id":100000000000,"method":"tools/call","params":{params}}}"#).into()
}

fn of_single<'a, 'b>(body: &'b Body<'a>) -> Option<&'b Request<'a>> {
    match body {
        Body::Single(Message::Request(request)) => Some(request),
        _ => None,
    }
}

fn is_request(body: &Body<'_>) -> bool {
    of_single(body).is_some()
}
