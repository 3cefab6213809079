//! `aerostack-bench`: what `cargo xtask bench` sets around the gateway. Knows nothing of the gateway's
//! code, so that it measures from outside alone; `fill` knows its tables.

mod fill;
mod hop;
mod idle;
mod load;
mod streams;
mod upstream;
mod wire;

use clap::{Parser, Subcommand};

/// What measurements stand on
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// An MCP server that answers as fast as it can
    Upstream(upstream::Args),
    /// A reverse proxy that does nothing but pass on
    Hop(hop::Args),
    /// Calls for a while and prints figures as JSON
    Load(load::Args),
    /// The least a server of idle event streams can do
    Idle,
    /// Opens idle event streams and holds them
    Streams(streams::Args),
    /// Puts many tokens or workspaces into a gateway's database
    Fill(fill::Args),
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    // One thread each: what shares a core with others gains nothing from more.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tasks = tokio::task::LocalSet::new();
    tasks.block_on(&runtime, async {
        match args.command {
            Command::Upstream(args) => upstream::serve(args).await,
            Command::Hop(args) => hop::serve(args).await,
            Command::Load(args) => load::run(args).await,
            Command::Idle => idle::serve().await,
            Command::Streams(args) => streams::hold(args).await,
            Command::Fill(args) => fill::run(args).await,
        }
    })
}
