//! The project's own commands: `cargo xtask <command>`. Cargo alone is needed to run them; what else
//! a command wants it finds, installs, or asks for in one line.

mod bench;
mod ci;
mod compatibility;
mod demo;
mod interrupt;
mod openapi;
mod paths;
mod peers;
mod postgres;
mod process;
mod prove;
mod provide;
mod reference;
mod test;
mod tidy;
mod visitor;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's own commands
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show the product at work: a gateway, a server behind it, tokens, a call, a revocation
    Demo {
        /// Stop after the tour instead of staying up to be tried
        #[arg(long)]
        once: bool,
    },
    /// Run every test: the workspace on both databases, the docs, other people's clients, a browser
    Test {
        /// Fail where something that is needed is missing, instead of skipping that part
        #[arg(long)]
        all: bool,
        /// Handed to the test runner, such as a name to filter by; then only the workspace is tested
        #[arg(last = true)]
        filter: Vec<String>,
    },
    /// Run other people's clients and servers against the gateway, and write docs/compatibility.md
    Peers,
    /// Run the dashboard's stories in a real browser, with pictures of every page, and nothing else
    Browser {
        /// Handed to the test runner, such as a name to filter by
        #[arg(last = true)]
        filter: Vec<String>,
    },
    /// Run what continuous integration runs
    Ci,
    /// Run the big counts on a release build and print figures beside targets
    Prove {
        /// Handed to the test runner, such as a name to filter by
        #[arg(last = true)]
        filter: Vec<String>,
    },
    /// Measure what a call costs, on a release build, beside a bare hop and nginx
    Bench(bench::Options),
    /// Count the instructions of a call, and compare them with what is kept
    Count(bench::count::Options),
    /// Check the shape of the house: file heads and lengths, arrows between rooms, migration pairs
    Tidy,
    /// Write docs/openapi.json
    Openapi,
    /// Write docs/cli.md
    Reference,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let result = interrupt::watch().and_then(|()| match args.command {
        Command::Demo { once } => demo::run(once),
        Command::Test { all, filter } => test::run(all, &filter),
        Command::Peers => test::run_peers(),
        Command::Browser { filter } => test::run_browser(&filter),
        Command::Ci => ci::run(),
        Command::Prove { filter } => prove::run(&filter),
        Command::Bench(options) => bench::run(options),
        Command::Count(options) => bench::count::run(&options),
        Command::Tidy => tidy::run(),
        Command::Openapi => openapi::write(),
        Command::Reference => reference::write(),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // What failed has failed because its children were ended.
        Err(_) if interrupt::happened() => {
            eprintln!("interrupted");
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
