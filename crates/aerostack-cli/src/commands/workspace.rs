//! `workspace create|list|use|show|set|delete`; tokens, secrets, audit and connect have files of their own.

use aerostack_core::api::operation::endpoint::{
    CreateWorkspace, DeleteWorkspace, ShowWorkspace, UpdateWorkspace,
};
use aerostack_core::api::page::Empty;
use aerostack_core::api::workspace::{CreateWorkspaceRequest, UpdateWorkspaceRequest, WorkspaceView};
use aerostack_core::plan::Seats;
use aerostack_core::slug::Slug;

use super::details::{count, details, mark};
use super::{alert, audit, connect, member, secret, token};
use crate::args::format::{Format, ListOutput};
use crate::args::workspace::{self as arguments, WorkspaceCommand};
use crate::context::Context;
use crate::failure::Outcome;
use crate::profile::Gateway;
use crate::table::Table;

const CSV_FIELDS: [&str; 10] = [
    "slug",
    "name",
    "description",
    "owner",
    "servers",
    "seats.used",
    "seats.limit",
    "seats.plan",
    "gateway_url",
    "created_at",
];

pub(super) async fn run(context: &mut Context<'_>, command: WorkspaceCommand) -> Outcome {
    match command {
        WorkspaceCommand::Create(arguments) => create(context, arguments).await,
        WorkspaceCommand::List(arguments) => list(context, arguments).await,
        WorkspaceCommand::Use(arguments) => activate(context, arguments.slug).await,
        WorkspaceCommand::Show(arguments) => show(context, arguments).await,
        WorkspaceCommand::Set(arguments) => set(context, arguments).await,
        WorkspaceCommand::Delete(arguments) => delete(context, arguments).await,
        WorkspaceCommand::Connect(arguments) => connect::run(context, arguments).await,
        WorkspaceCommand::Token(command) => token::run(context, command).await,
        WorkspaceCommand::Member(command) => member::run(context, command).await,
        WorkspaceCommand::Secret(command) => secret::run(context, command).await,
        WorkspaceCommand::Alert(command) => alert::run(context, command).await,
        WorkspaceCommand::Audit(arguments) => audit::run(context, arguments).await,
    }
}

async fn create(context: &mut Context<'_>, arguments: arguments::CreateWorkspace) -> Outcome {
    let request = CreateWorkspaceRequest {
        name: arguments.name,
        slug: arguments.slug,
        description: arguments.description,
    };
    let workspace = context.call::<CreateWorkspace>(&[], &request).await?;
    if arguments.activate {
        context.remember(|gateway| gateway.activate(&workspace))?;
    }
    context.output.done(&format!("Workspace '{}' created.", workspace.slug));
    if arguments.activate {
        context.output.done(&activated(&workspace.slug));
    }
    if arguments.output.format == Format::Json {
        return context.output.json(&workspace);
    }
    context.output.line(&format!("Gateway URL: {}", workspace.gateway_url))?;
    context
        .output
        .talk(&format!("Next: aerostack workspace token create {} --name \"Alice Chen\"", workspace.slug));
    Ok(())
}

async fn list(context: &mut Context<'_>, arguments: ListOutput) -> Outcome {
    let page = context.workspaces().await?;
    match arguments.format {
        Format::Json => return context.output.json(&page),
        Format::Csv => return context.output.csv(&page.items, &CSV_FIELDS),
        Format::Table | Format::Token | Format::McpJson => {}
    }
    let active = context.gateway().and_then(|gateway| gateway.workspace.clone());
    context.output.table(&table_of(&page.items, active.as_ref()))?;
    if page.items.is_empty() {
        context.output.talk("There is no workspace yet: aerostack workspace create <name>");
    }
    Ok(())
}

/// Whose each workspace is stands there only where they are of several teams.
fn table_of(workspaces: &[WorkspaceView], active: Option<&Slug>) -> Table {
    let has_teams = workspaces.windows(2).any(|pair| pair[0].owner != pair[1].owner);
    let heading: &[&str] = match has_teams {
        true => &["", "SLUG", "NAME", "TEAM", "MCP SERVERS", "TOKENS"],
        false => &["", "SLUG", "NAME", "MCP SERVERS", "TOKENS"],
    };
    let mut table = Table::new(heading);
    for workspace in workspaces {
        let marked = mark(active == Some(&workspace.slug));
        let (slug, name) = (workspace.slug.to_string(), workspace.name.clone());
        let (servers, seats) = (workspace.servers.to_string(), seats(workspace.seats));
        match has_teams {
            true => table.row([marked, slug, name, format!("@{}", workspace.owner), servers, seats]),
            false => table.row([marked, slug, name, servers, seats]),
        }
    }
    table
}

async fn activate(context: &mut Context<'_>, slug: Slug) -> Outcome {
    let slug = context.workspace(Some(slug)).await?;
    let workspace = context.call::<ShowWorkspace>(&[slug.as_str()], &Empty {}).await?;
    context.remember(|gateway| gateway.activate(&workspace))?;
    context.output.done(&activated(&workspace.slug));
    Ok(())
}

async fn show(context: &mut Context<'_>, arguments: arguments::ShowWorkspace) -> Outcome {
    let slug = context.workspace(arguments.slug).await?;
    let workspace = context.call::<ShowWorkspace>(&[slug.as_str()], &Empty {}).await?;
    print(context, &workspace, arguments.output.format)
}

async fn set(context: &mut Context<'_>, arguments: arguments::SetWorkspace) -> Outcome {
    let slug = context.workspace(Some(arguments.slug)).await?;
    let request = UpdateWorkspaceRequest {
        name: arguments.name,
        description: arguments.description,
        tool_prefix: arguments.tool_prefix,
    };
    let workspace = context.call::<UpdateWorkspace>(&[slug.as_str()], &request).await?;
    context.output.done(&format!("Workspace '{}' changed.", workspace.slug));
    print(context, &workspace, arguments.output.format)
}

async fn delete(context: &mut Context<'_>, arguments: arguments::DeleteWorkspace) -> Outcome {
    let slug = context.workspace(Some(arguments.slug)).await?;
    if !arguments.yes {
        let workspace = context.call::<ShowWorkspace>(&[slug.as_str()], &Empty {}).await?;
        let tokens = count(workspace.seats.used, "active token");
        let question =
            format!("Delete workspace '{slug}' and end its {tokens}? Its slug is never used again.");
        context.input.confirm(&mut context.output, &question)?;
    }
    let deleted = context.call::<DeleteWorkspace>(&[slug.as_str()], &Empty {}).await?;
    if context.gateway().is_some_and(|gateway| gateway.workspace.as_ref() == Some(&deleted.slug)) {
        context.remember(Gateway::deactivate)?;
    }
    let ended = match deleted.tokens_ended {
        0 => "It had no active token.".to_owned(),
        1 => "1 token is refused from now on.".to_owned(),
        number => format!("{number} tokens are refused from now on."),
    };
    context.output.done(&format!("Workspace '{}' deleted. {ended}", deleted.slug));
    Ok(())
}

fn print(context: &mut Context<'_>, workspace: &WorkspaceView, format: Format) -> Outcome {
    if format == Format::Json {
        return context.output.json(workspace);
    }
    context.output.table(&details([
        ("Slug", workspace.slug.to_string()),
        ("Name", workspace.name.clone()),
        ("Description", workspace.description.clone()),
        ("Owner", workspace.owner.to_string()),
        ("Gateway URL", workspace.gateway_url.clone()),
        ("Tool prefix", workspace.tool_prefix.word().to_owned()),
        ("MCP servers", workspace.servers.to_string()),
        ("Tokens", workspace.seats.line()),
        ("Created", workspace.created_at.date()),
    ]))
}

fn activated(slug: &Slug) -> String {
    format!("Active workspace set to '{slug}'")
}

/// `4 of 25`, or `4` without a limit.
fn seats(seats: Seats) -> String {
    seats.limit.map_or_else(|| seats.used.to_string(), |limit| format!("{} of {limit}", seats.used))
}
