//! The gateway's program: reads the command line and settings, and hands over to a command.
//!
//! Exit codes: 0 done, 1 refused or failed, 64 a setting or the command line cannot be used.

use std::process::ExitCode;

use aerostack_gateway::args::{Args, Command};
use aerostack_gateway::commands::{backup, check, key, migrate, owner, serve};
use aerostack_gateway::settings::{BadSetting, Environment, Settings};
use aerostack_gateway::telemetry;
use aerostack_gateway::upstream::stdio;

/// A call makes some hundred small things and drops them again; this does it in half the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `EX_USAGE` of sysexits.
const BAD_USAGE: u8 = 64;
/// Threads for work that blocks, mostly files; SQLite has threads of its own.
const BLOCKING_THREADS: usize = 16;

fn main() -> ExitCode {
    if let Some(code) = stdio::launch::run_if_asked(std::env::args_os()) {
        return code;
    }
    let args = match Args::read(std::env::args_os()) {
        Ok(args) => args,
        Err(asked_or_wrong) => {
            // It knows where it belongs: help on stdout, mistakes on stderr.
            let _ = asked_or_wrong.print();
            return if asked_or_wrong.use_stderr() { ExitCode::from(BAD_USAGE) } else { ExitCode::SUCCESS };
        }
    };
    let code = run(args).unwrap_or_else(|error| {
        telemetry::say(&format!("error: {error:#}"));
        if error.is::<BadSetting>() { ExitCode::from(BAD_USAGE) } else { ExitCode::FAILURE }
    });
    telemetry::flush();
    code
}

fn run(args: Args) -> anyhow::Result<ExitCode> {
    let settings = Settings::read(&args.flags, &Environment::of_process())?;
    telemetry::start(&settings.log).map_err(|reason| BadSetting::of("AEROSTACK_LOG", reason))?;
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.max(2))
        .max_blocking_threads(BLOCKING_THREADS)
        .enable_all()
        .build()?;
    runtime.block_on(obey(args.command.unwrap_or(Command::Serve), settings))
}

async fn obey(command: Command, settings: Settings) -> anyhow::Result<ExitCode> {
    let config = &settings.config;
    match command {
        Command::Serve => return serve::run(settings).await,
        Command::Check => return check::run(&settings).await,
        Command::Owner(order) => owner::run(config, order).await?,
        Command::Key(order) => key::run(config.clone(), order).await?,
        Command::Migrate => migrate::run(config).await?,
        Command::Backup { file } => backup::write(config, &file).await?,
        Command::Restore { file } => backup::restore(config, &file).await?,
    }
    Ok(ExitCode::SUCCESS)
}
