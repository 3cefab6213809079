//! `load`: calls for a while and prints figures. Closed loop: each connection sends its next request
//! when it has the answer to the last. Open loop: requests have their moments, whether or not answers
//! have come, and latencies count from those moments.

mod figures;
mod pace;
mod request;

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::wire::Wire;
use figures::Figures;
use pace::Pace;
use request::{Answer, Call, Era, Template, Wanted};

/// Longest wait for the answers that are still out when time is up.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longest time for a number of calls: what calls has given up by then, or should.
const CALLS_WITHIN: Duration = Duration::from_secs(600);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where to call
    #[arg(long)]
    address: SocketAddr,
    /// The path that is posted to
    #[arg(long)]
    path: String,
    /// A file with a token a line, and behind it the path where it calls, if that is another; all of one
    /// length. They are used in turn
    #[arg(long)]
    tokens: PathBuf,
    /// What is asked for
    #[arg(long, value_enum)]
    call: Call,
    /// How callers speak
    #[arg(long, value_enum, default_value = "legacy")]
    era: Era,
    /// The name of the tool, for calls of one
    #[arg(long, default_value = "echo")]
    tool: String,
    /// Letters that are echoed, or that the big answer has, or that the list has at the least
    #[arg(long, default_value_t = 1_024)]
    bytes: usize,
    /// Connections
    #[arg(long, default_value_t = 1)]
    connections: usize,
    /// How long is measured
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Before that, how long is called without measuring
    #[arg(long, default_value_t = 0.3)]
    warm_up_seconds: f64,
    /// Calls a second, of all connections together; without it the loop is closed
    #[arg(long)]
    rate: Option<f64>,
    /// So many calls of all connections together end the run, and not its time
    #[arg(long, conflicts_with_all = ["seconds", "warm_up_seconds", "rate"])]
    calls: Option<u64>,
}

/// What all connections share.
struct Run {
    template: Template,
    address: SocketAddr,
    until: Instant,
    /// Most calls.
    calls: u64,
    next: Cell<u64>,
    figures: RefCell<Figures>,
}

/// Calls, and prints one object of JSON.
pub(crate) async fn run(args: Args) -> Result<()> {
    println!("{}", measure(args).await?);
    Ok(())
}

async fn measure(args: Args) -> Result<Value> {
    let tokens = std::fs::read_to_string(&args.tokens).context("the file of tokens")?;
    let wanted = Wanted { call: args.call, era: args.era, tool: &args.tool, letters: args.bytes };
    let template = Template::new(args.address, &args.path, &tokens, wanted)?;
    let begun = Instant::now();
    let (measured_from, until, calls) = match args.calls {
        Some(calls) => (begun, begun + CALLS_WITHIN, calls),
        None => {
            let measured_from = begun + Duration::from_secs_f64(args.warm_up_seconds);
            (measured_from, measured_from + Duration::from_secs_f64(args.seconds), u64::MAX)
        }
    };
    let figures = RefCell::new(Figures::new(measured_from)?);
    let run = Rc::new(Run { template, address: args.address, until, calls, next: Cell::new(0), figures });
    let mut paces = Pace::of(args.connections, args.rate, begun, until);
    let mut connections = JoinSet::new();
    for _ in 0..args.connections {
        let (run, pace) = (Rc::clone(&run), paces.pop().context("each connection has a pace")?);
        connections.spawn_local(async move {
            if let Err(error) = run.converse(pace).await {
                run.figures.borrow_mut().fail(&format!("{error:#}"));
            }
        });
    }
    let all = async { while connections.join_next().await.is_some() {} };
    let limit = tokio::time::Instant::from_std(until + PATIENCE);
    if tokio::time::timeout_at(limit, all).await.is_err() {
        run.figures.borrow_mut().fail("an answer did not come");
    }
    let figures = run.figures.borrow().as_json();
    Ok(figures)
}

impl Run {
    /// One connection from beginning to end. After an error it is not used again.
    async fn converse(&self, mut pace: Pace) -> Result<()> {
        let stream = TcpStream::connect(self.address).await.context("cannot connect")?;
        let mut wire = Wire::new(stream)?;
        let mut request = self.template.request();
        while let Some(begun) = pace.next(self.until).await {
            let number = self.next.replace(self.next.get() + 1);
            if number >= self.calls {
                break;
            }
            let id = self.template.number(&mut request, number);
            wire.write(&request).await?;
            let Some(head) = wire.head().await? else { bail!("the connection was closed") };
            let mut answer = Answer::default();
            wire.body(&head, |piece| answer.take(piece)).await?;
            let ended = Instant::now();
            self.template.check(&head.second, &answer, id)?;
            self.figures.borrow_mut().count(begun, ended);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use clap::Parser;
    use tokio::net::TcpListener;
    use tokio::task::{LocalSet, spawn_local};

    use super::*;
    use crate::{hop, upstream};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    async fn port() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    /// Calls the upstream through the hop; gives calls and errors.
    async fn called(words: &str) -> (u64, u64) {
        let ((listener, upstream), (hop_listener, hop)) = (port().await, port().await);
        spawn_local(upstream::accept(listener, 20));
        spawn_local(hop::accept(hop_listener, upstream));
        let mut tokens = tempfile::NamedTempFile::new().unwrap();
        tokens.write_all(b"one\ntwo\n").unwrap();
        let (hop, tokens) = (hop.to_string(), tokens.path().to_str().unwrap().to_owned());
        let fixed = ["load", "--address", &hop, "--path", "/mcp", "--tokens", &tokens];
        let few = ["--seconds", "0.2", "--warm-up-seconds", "0", "--connections", "3"];
        let line = Line::parse_from(fixed.into_iter().chain(few).chain(words.split(' ')));
        let figures = measure(line.args).await.unwrap();
        (figures["calls"].as_u64().unwrap(), figures["errors"].as_u64().unwrap())
    }

    #[tokio::test]
    async fn every_call_is_answered_through_the_hop() {
        let all = async {
            for words in [
                "--call echo",
                "--call echo --rate 200",
                "--call big --tool big --bytes 3000000",
                "--call list --bytes 2000",
                "--call echo --era modern",
            ] {
                let (calls, errors) = called(words).await;
                assert!(calls > 0, "{words}");
                assert_eq!(errors, 0, "{words}");
            }
        };
        LocalSet::new().run_until(all).await;
    }

    #[tokio::test]
    async fn a_number_of_calls_is_made_to_the_last() {
        let all = async {
            let ((listener, upstream), mut tokens) = (port().await, tempfile::NamedTempFile::new().unwrap());
            spawn_local(upstream::accept(listener, 2));
            tokens.write_all(b"one\n").unwrap();
            let (address, tokens) = (upstream.to_string(), tokens.path().to_str().unwrap().to_owned());
            let line = ["load", "--address", &address, "--path", "/", "--tokens", &tokens, "--call", "echo"];
            let line = line.into_iter().chain(["--connections", "3", "--calls", "100"]);
            let figures = measure(Line::parse_from(line).args).await.unwrap();
            assert_eq!((figures["calls"].as_u64(), figures["errors"].as_u64()), (Some(100), Some(0)));
        };
        LocalSet::new().run_until(all).await;
    }

    #[tokio::test]
    async fn what_is_not_the_answer_is_an_error_of_its_connection() {
        let all = async {
            for words in ["--call echo --tool nothing", "--call list --bytes 1000000"] {
                assert_eq!(called(words).await, (0, 3), "{words}");
            }
        };
        LocalSet::new().run_until(all).await;
    }
}
