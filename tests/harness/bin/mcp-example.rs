//! `mcp-example`: a small MCP server to try a gateway with. Prints where it listens, runs until it
//! is stopped.

use std::net::SocketAddr;

use aerostack_tests::upstream::{Answers, Era, Setup};
use anyhow::Context;
use clap::{Parser, ValueEnum};

/// A small MCP server with the tools echo, add, slow, fail and big.
#[derive(Parser)]
struct Args {
    /// Where to listen; port 0 takes any free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Which revisions it speaks.
    #[arg(long, value_enum, default_value = "dual")]
    era: EraName,
    /// Answers every request with an event stream.
    #[arg(long)]
    stream: bool,
    /// Answers 401 to whoever does not present this bearer.
    #[arg(long)]
    bearer: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum EraName {
    Legacy,
    Modern,
    Dual,
    OldSse,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let era = match args.era {
        EraName::Legacy => Era::Legacy,
        EraName::Modern => Era::Modern,
        EraName::Dual => Era::Dual,
        EraName::OldSse => Era::OldSse,
    };
    let answers = if args.stream { Answers::Stream } else { Answers::Json };
    let setup = Setup::new(era).answers(answers);
    let setup = match args.bearer {
        Some(bearer) => setup.bearer(bearer),
        None => setup,
    };
    let upstream =
        setup.start_at(args.listen).await.with_context(|| format!("cannot listen on {}", args.listen))?;
    println!("listening on {}", upstream.url());
    std::future::pending().await
}
