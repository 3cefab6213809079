//! The command line of Aerostack, as a library so that tests call it in process.
//!
//! A visitor to the gateway: it knows core's wire types and an address, nothing else. All checks
//! are made on the server; here arguments become requests and replies become text. Data goes to
//! standard output, talk to standard error, and both only through [`World`].

mod api_url;
mod args;
mod client;
mod commands;
mod context;
mod failure;
mod input;
mod output;
mod profile;
mod sheet;
mod table;
#[cfg(test)]
mod tests;
mod world;

use std::ffi::OsString;

pub use world::{Captured, SecretReader, Terminals, UrlOpener, World};

use context::Context;
use input::Input;
use output::{Output, Style};

/// Runs one command line, program name first, and gives its exit code: 0 done, 1 refused or
/// failed, 2 wrong usage.
pub async fn run(arguments: impl IntoIterator<Item = OsString>, world: &mut World) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let style = Style::of(world, &arguments);
    let now = (world.now)();
    let World {
        environment,
        stdin,
        stdout,
        stderr,
        terminals,
        config_dir,
        folder,
        read_secret,
        open_url,
        ..
    } = world;
    let mut output = Output::new(stdout.as_mut(), stderr.as_mut(), style);
    output.hide_credentials_of(&arguments);
    let cli = match args::cli::parse(&arguments) {
        Ok(cli) => cli,
        Err(told) => return output.parser_answer(&told),
    };
    let input = Input::new(stdin.as_mut(), read_secret.as_mut(), terminals.stdin);
    let streams = (output, input, open_url.as_mut());
    let mut context = match Context::new(cli.globals, environment, config_dir.as_deref(), streams, now) {
        Ok(context) => context,
        Err(failed) => {
            let (mut output, failure) = *failed;
            return output.failure(&failure);
        }
    };
    context.set_folder(folder.clone());
    let result = commands::run(cli.command, &mut context).await;
    let result = match result {
        Err(failure) => Err(context.with_suggestion(failure).await),
        Ok(()) => context.output.finish(),
    };
    match result {
        Ok(()) => 0,
        Err(failure) => context.output.failure(&failure),
    }
}
