//! From a command to the function that carries it out, one file per noun.

use crate::args::cli::Command;
use crate::context::Context;
use crate::failure::Outcome;

mod account;
mod alert;
mod analytics;
mod analytics_watch;
mod audit;
mod completions;
mod connect;
mod details;
mod doctor;
mod invitation;
mod login;
mod manifest;
mod mcp;
mod me;
mod member;
mod offboard;
mod plan;
mod reference;
mod secret;
mod server;
mod session;
mod skill;
mod skill_install;
mod skill_yank;
mod team;
mod token;
mod token_reference;
mod usage_report;
mod workspace;

/// Carries out one command.
///
/// # Errors
/// Why it was not done.
pub(crate) async fn run(command: Command, context: &mut Context<'_>) -> Outcome {
    match command {
        Command::Login => login::login(context).await,
        Command::Logout => login::logout(context),
        Command::Whoami(arguments) => login::whoami(context, arguments).await,
        Command::Account(command) => account::run(context, command).await,
        Command::Workspace(command) => workspace::run(context, command).await,
        Command::Mcp(command) => mcp::run(context, command).await,
        Command::Team(command) => team::run(context, command).await,
        Command::Dashboard(arguments) => session::dashboard(context, arguments).await,
        Command::Skill(command) => skill::run(context, command).await,
        Command::Analytics(arguments) => analytics::run(context, arguments).await,
        Command::Me(command) => me::run(context, command).await,
        Command::Plan(command) => plan::run(context, command).await,
        Command::Offboard(arguments) => offboard::run(context, arguments).await,
        Command::Doctor => doctor::run(context).await,
        Command::Completions { shell } => completions::run(context, shell),
        Command::Reference => reference::run(context),
    }
}
