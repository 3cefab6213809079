//! `mcp add|catalog|edit|delete|test`: the catalogue of the account.

use aerostack_core::api::operation::endpoint::{
    AddServer, DeleteServer, EditServer, ListServers, TestServer,
};
use aerostack_core::api::page::Empty;
use aerostack_core::api::server::{AddServerRequest, EditServerRequest, EditStdio, ServerView, TestReply};
use aerostack_core::secret::Carriage;
use aerostack_core::server::Auth;
use aerostack_core::slug::Slug;
use aerostack_core::stdio::StdioCommand;
use aerostack_core::time::format_span;

use super::details::{count, details};
use crate::args::format::{Format, ListOutput};
use crate::args::mcp as arguments;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::table::Table;

const CSV_FIELDS: [&str; 9] =
    ["slug", "owner", "url", "auth", "session", "timeout", "installed_in", "created_at", "stdio.command"];

pub(super) async fn add(context: &mut Context<'_>, arguments: arguments::AddServer) -> Outcome {
    let arguments::Around { env, secret } = arguments.around;
    let stdio = arguments.stdio.then(|| StdioCommand {
        command: arguments.command,
        env: env.into_iter().collect(),
        secrets: secret,
    });
    let request = AddServerRequest {
        slug: arguments.slug,
        url: arguments.url,
        stdio,
        auth: arguments.auth,
        session: arguments.session,
        timeout: arguments.timeout.map(|timeout| timeout.as_secs()),
    };
    let server = context.call::<AddServer>(&[], &request).await?;
    context.output.done(&format!("Server '{}' added to the catalogue.", server.slug));
    context.output.talk(&format!("Next: aerostack mcp install {} --workspace <slug>", server.slug));
    match &server.auth {
        Auth::None | Auth::Body => {}
        Auth::Environment => context.output.talk(&format!(
            "Its secrets, if it needs any: aerostack workspace secret set <slug> <KEY> --server {}   (given as `KEY=…`)",
            server.slug
        )),
        Auth::Bearer(key) => context.output.talk(&format!(
            "Then:  aerostack workspace secret set <slug> {key} --server {}   (sent as `{}`)",
            server.slug,
            Carriage::Bearer.line(key)
        )),
        Auth::Headers => context.output.talk(&format!(
            "Then:  aerostack workspace secret set <slug> <KEY> --server {}   (sent as `X-Mcp-Secret-<KEY>`)",
            server.slug
        )),
    }
    print(context, &server, arguments.output.format)
}

pub(super) async fn edit(context: &mut Context<'_>, arguments: arguments::EditServer) -> Outcome {
    let request = EditServerRequest {
        url: arguments.url,
        stdio: edited(arguments.command, arguments.around),
        auth: arguments.auth,
        session: arguments.session,
        timeout: arguments.timeout.map(|timeout| timeout.as_secs()),
    };
    let server = context.call::<EditServer>(&[arguments.slug.as_str()], &request).await?;
    context.output.done(&format!("Server '{}' changed.", server.slug));
    let has_moved = request.url.is_some()
        || request.stdio.as_ref().is_some_and(|stdio| stdio.command.is_some() || stdio.env.is_some());
    if has_moved && server.auth != Auth::None {
        context.output.talk(
            "Its secrets were given for the address or command it had: if that is another now, they are not sent \
             until they are set again.",
        );
    }
    print(context, &server, arguments.output.format)
}

/// What changes of a program, if anything does.
fn edited(command: Vec<String>, around: arguments::Around) -> Option<EditStdio> {
    let arguments::Around { env, secret } = around;
    let edit = EditStdio {
        command: (!command.is_empty()).then_some(command),
        env: (!env.is_empty()).then(|| env.into_iter().collect()),
        secrets: (!secret.is_empty()).then_some(secret),
    };
    (edit != EditStdio::default()).then_some(edit)
}

/// In a table the talk has said it already; a program gets the reply.
fn print(context: &mut Context<'_>, server: &ServerView, format: Format) -> Outcome {
    if format == Format::Json { context.output.json(server) } else { Ok(()) }
}

pub(super) async fn delete(context: &mut Context<'_>, arguments: arguments::DeleteServer) -> Outcome {
    let slug = arguments.slug;
    if !arguments.yes {
        context.input.confirm(&mut context.output, &format!("Delete server '{slug}' from the catalogue?"))?;
    }
    let deleted = context.call::<DeleteServer>(&[slug.as_str()], &Empty {}).await?;
    context.output.done(&format!("Server '{}' deleted from the catalogue.", deleted.slug));
    Ok(())
}

pub(super) async fn catalog(context: &mut Context<'_>, arguments: ListOutput) -> Outcome {
    let page = context.list::<ListServers, _>(&[]).await?;
    match arguments.format {
        Format::Json => return context.output.json(&page),
        Format::Csv => return context.output.csv(&page.items, &CSV_FIELDS),
        Format::Table | Format::Token | Format::McpJson => {}
    }
    let mut table = Table::new(&["SERVER", "URL", "AUTH", "SESSION", "TIMEOUT", "INSTALLED IN", "ADDED"]);
    for server in &page.items {
        let timeout = server.timeout.map(|secs| format_span(std::time::Duration::from_secs(secs)));
        let workspaces: Vec<&str> = server.installed_in.iter().map(Slug::as_str).collect();
        table.row([
            server.slug.to_string(),
            server.stdio.as_ref().map_or_else(|| server.url.clone(), ToString::to_string),
            server.auth.to_string(),
            server.session.word().to_owned(),
            timeout.unwrap_or_else(|| "default".to_owned()),
            workspaces.join(", "),
            server.created_at.date(),
        ]);
    }
    context.output.table(&table)?;
    if page.items.is_empty() {
        context.output.talk("The catalogue is empty: aerostack mcp add <slug> --url <url>");
    }
    Ok(())
}

pub(super) async fn test(context: &mut Context<'_>, arguments: arguments::TestServer) -> Outcome {
    let slug = arguments.slug;
    let spinner = context.output.spinner(&format!("Asking '{slug}' for its tools"));
    let reply = context.call::<TestServer>(&[slug.as_str()], &Empty {}).await;
    drop(spinner);
    let reply = reply?;
    if arguments.output.format == Format::Json {
        context.output.json(&reply)?;
    } else if reply.ok {
        print_test(context, &reply)?;
    }
    if !reply.ok {
        let reason = reply.error.unwrap_or_else(|| "it gave no reason".to_owned());
        return Err(Failure::failed(format!("'{slug}' does not answer as an MCP server: {reason}")));
    }
    context.output.done(&format!(
        "'{slug}' answers: {} in {} ms.",
        tools(reply.tools.len()),
        reply.elapsed_ms
    ));
    Ok(())
}

fn print_test(context: &mut Context<'_>, reply: &TestReply) -> Outcome {
    let said = |text: &Option<String>| text.clone().unwrap_or_else(|| "not said".to_owned());
    context.output.table(&details([
        ("Server", said(&reply.server_name)),
        ("Protocol", said(&reply.protocol_version)),
        ("Transport", said(&reply.transport)),
        ("Tools", reply.tools.join(", ")),
    ]))
}

fn tools(number: usize) -> String {
    count(u64::try_from(number).unwrap_or(u64::MAX), "tool")
}
