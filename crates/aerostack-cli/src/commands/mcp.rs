//! `mcp install|uninstall|enable|disable|list`: what a workspace has installed. The catalogue is in
//! `server.rs`.

use aerostack_core::api::operation::endpoint::{
    InstallServer, ListInstalls, ListTools, UninstallServer, UpdateInstall,
};
use aerostack_core::api::page::Empty;
use aerostack_core::api::server::{InstallRequest, InstallView, ToolView, UpdateInstallRequest};

use super::details::count;
use super::server;
use super::skill_yank::warn_of_yanked;
use crate::args::format::Format;
use crate::args::mcp::{self as arguments, McpCommand};
use crate::context::Context;
use crate::failure::Outcome;
use crate::table::Table;

const INSTALL_FIELDS: [&str; 11] = [
    "slug",
    "server",
    "status",
    "tools",
    "prompts",
    "resources",
    "disabled_tools",
    "last_error",
    "listed_at",
    "created_at",
    "yanked",
];
const TOOL_FIELDS: [&str; 5] = ["name", "server", "tool", "enabled", "description"];

pub(super) async fn run(context: &mut Context<'_>, command: McpCommand) -> Outcome {
    match command {
        McpCommand::Add(arguments) => server::add(context, arguments).await,
        McpCommand::Catalog(arguments) => server::catalog(context, arguments).await,
        McpCommand::Edit(arguments) => server::edit(context, arguments).await,
        McpCommand::Delete(arguments) => server::delete(context, arguments).await,
        McpCommand::Test(arguments) => server::test(context, arguments).await,
        McpCommand::Install(arguments) => install(context, arguments).await,
        McpCommand::Uninstall(arguments) => uninstall(context, arguments).await,
        McpCommand::Enable(arguments) => switch(context, arguments, Switch::On).await,
        McpCommand::Disable(arguments) => switch(context, arguments, Switch::Off).await,
        McpCommand::List(arguments) => list(context, arguments).await,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Switch {
    On,
    Off,
}

async fn install(context: &mut Context<'_>, arguments: arguments::InstallServer) -> Outcome {
    let slug = context.workspace(None).await?;
    let request = InstallRequest { server: arguments.server, alias: arguments.alias };
    let spinner = context.output.spinner(&format!("Installing {} into '{slug}'", request.server));
    let reply = context.call::<InstallServer>(&[slug.as_str()], &request).await;
    drop(spinner);
    let reply = reply?;
    let name = &reply.install.slug;
    let sentence = if reply.already_installed {
        format!("'{name}' is installed in '{slug}' already.")
    } else {
        format!("'{name}' installed into '{slug}': {}.", count(reply.install.tools, "tool"))
    };
    context.output.done(&sentence);
    if let Some(warning) = &reply.warning {
        context.output.warn(warning);
    }
    if arguments.output.format == Format::Json { context.output.json(&reply) } else { Ok(()) }
}

async fn uninstall(context: &mut Context<'_>, arguments: arguments::UninstallServer) -> Outcome {
    let slug = context.workspace(None).await?;
    let removed =
        context.call::<UninstallServer>(&[slug.as_str(), arguments.server.as_str()], &Empty {}).await?;
    context.output.done(&format!("'{}' removed from '{slug}'.", removed.slug));
    Ok(())
}

async fn switch(context: &mut Context<'_>, arguments: arguments::SwitchServer, to: Switch) -> Outcome {
    let slug = context.workspace(None).await?;
    let request = UpdateInstallRequest { enabled: to == Switch::On, tool: arguments.tool };
    let parameters = [slug.as_str(), arguments.server.as_str()];
    let install = context.call::<UpdateInstall>(&parameters, &request).await?;
    let what = match &request.tool {
        Some(tool) => format!("Tool '{tool}' of '{}'", install.slug),
        None => format!("'{}'", install.slug),
    };
    let state = if to == Switch::On { "on" } else { "off" };
    context.output.done(&format!("{what} is switched {state} in '{slug}'."));
    if arguments.output.format == Format::Json { context.output.json(&install) } else { Ok(()) }
}

async fn list(context: &mut Context<'_>, arguments: arguments::ListInstalls) -> Outcome {
    let slug = context.workspace(None).await?;
    if arguments.tools_only || arguments.tools {
        let page = context.list::<ListTools, _>(&[slug.as_str()]).await?;
        return match arguments.output.format {
            _ if arguments.tools_only => {
                let enabled = page.items.iter().filter(|tool| tool.enabled);
                enabled.map(|tool| tool.name.clone()).try_for_each(|name| context.output.line(&name))
            }
            Format::Json => context.output.json(&page),
            Format::Csv => context.output.csv(&page.items, &TOOL_FIELDS),
            Format::Table | Format::Token | Format::McpJson => context.output.table(&tool_table(&page.items)),
        };
    }
    let page = context.list::<ListInstalls, _>(&[slug.as_str()]).await?;
    match arguments.output.format {
        Format::Json => return context.output.json(&page),
        Format::Csv => return context.output.csv(&page.items, &INSTALL_FIELDS),
        Format::Table | Format::Token | Format::McpJson => {}
    }
    context.output.table(&install_table(&page.items))?;
    warn_of_yanked(context, &page.items);
    context.output.talk(&if page.items.is_empty() {
        format!("'{slug}' has no server yet: aerostack mcp install <reference> --workspace {slug}")
    } else {
        format!("Their tools, by exposed and own name: aerostack mcp list --workspace {slug} --tools")
    });
    Ok(())
}

fn install_table(installs: &[InstallView]) -> Table {
    let mut table =
        Table::new(&["SERVER", "CATALOGUE", "STATUS", "TOOLS", "PROMPTS", "RESOURCES", "LAST ERROR"]);
    for install in installs {
        let tools = match install.disabled_tools.len() {
            0 => install.tools.to_string(),
            off => format!("{} ({off} off)", install.tools),
        };
        table.row([
            install.slug.to_string(),
            install.server.clone(),
            install.status.word().to_owned(),
            tools,
            install.prompts.to_string(),
            install.resources.to_string(),
            install.last_error.clone().unwrap_or_default(),
        ]);
    }
    table
}

fn tool_table(tools: &[ToolView]) -> Table {
    let mut table = Table::new(&["TOOL", "SERVER", "OWN NAME", "STATUS"]);
    for tool in tools {
        let status = if tool.enabled { "on" } else { "off" };
        table.row([tool.name.clone(), tool.server.to_string(), tool.tool.clone(), status.to_owned()]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use aerostack_core::slug::Slug;

    #[test]
    fn tools_show_their_exposed_and_their_own_name() {
        let tool = ToolView {
            name: "github__get_file".to_owned(),
            server: Slug::parse("github").unwrap(),
            tool: "get.file".to_owned(),
            description: None,
            enabled: true,
        };
        let expected =
            "TOOL               SERVER   OWN NAME   STATUS\ngithub__get_file   github   get.file   on\n";
        assert_eq!(tool_table(&[tool]).render(None), expected);
    }
}
