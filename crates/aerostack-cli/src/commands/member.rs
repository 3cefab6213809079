//! `workspace member invite|list|remove`.

use aerostack_core::account::Email;
use aerostack_core::api::member::{
    InviteWorkspaceMemberRequest, WorkspaceInviteSent, WorkspaceMemberView, WorkspaceMembersView,
};
use aerostack_core::api::operation::endpoint::{
    InviteWorkspaceMember, ListWorkspaceMembers, RemoveWorkspaceMember,
};
use aerostack_core::api::page::Empty;
use aerostack_core::api::team::MemberStatus;
use aerostack_core::slug::Slug;

use super::details::{count, last_used};
use super::invitation::{Sent, tell};
use super::usage_report::thousands;
use crate::args::format::Format;
use crate::args::member::{ListMembers, MemberChoice, MemberCommand};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::table::Table;

const CSV_FIELDS: [&str; 7] =
    ["email", "status", "invited_at", "joined_at", "last_active_at", "calls", "no_seat_at"];

pub(super) async fn run(context: &mut Context<'_>, command: MemberCommand) -> Outcome {
    match command {
        MemberCommand::Invite(choice) => invite(context, choice).await,
        MemberCommand::List(arguments) => list(context, arguments).await,
        MemberCommand::Remove(choice) => remove(context, choice).await,
    }
}

/// The workspace, if one was named, and the address: one word alone is the address.
fn read(choice: &MemberChoice) -> Outcome<(Option<Slug>, Email)> {
    let (workspace, email) = match &choice.second {
        Some(email) => (Some(choice.first.as_str()), email),
        None => (None, &choice.first),
    };
    let slug = workspace.map(Slug::parse).transpose();
    let slug = slug.map_err(|error| Failure::usage(format!("the workspace cannot be read: {error}")))?;
    let email = Email::parse(email).map_err(|error| Failure::usage(format!("'{email}': {error}")))?;
    Ok((slug, email))
}

async fn invite(context: &mut Context<'_>, choice: MemberChoice) -> Outcome {
    let (slug, email) = read(&choice)?;
    let slug = context.workspace(slug).await?;
    let request = InviteWorkspaceMemberRequest { email };
    let sent = context.call::<InviteWorkspaceMember>(&[slug.as_str()], &request).await?;
    if choice.output.format == Format::Json {
        return context.output.json(&sent);
    }
    if !sent.seats.has_room() {
        let line = sent.seats.line();
        context.output.warn(&format!("nobody can accept until a seat is free: {line}"));
    }
    let WorkspaceInviteSent { email, delivery, replaced, link, failure, .. } = &sent;
    let (link, failure) = (link.as_deref(), failure.as_deref());
    tell(context, &Sent { email, delivery: *delivery, replaced: *replaced, link, failure })
}

async fn list(context: &mut Context<'_>, arguments: ListMembers) -> Outcome {
    let slug = context.workspace(arguments.slug).await?;
    let view = context.call::<ListWorkspaceMembers>(&[slug.as_str()], &Empty {}).await?;
    match arguments.output.format {
        Format::Json => return context.output.json(&view),
        Format::Csv => return context.output.csv(&view.members, &CSV_FIELDS),
        Format::Table | Format::Token | Format::McpJson => {}
    }
    let mut table = Table::new(&["EMAIL", "JOINED", "LAST ACTIVE", "TOKEN", "CALLS"]);
    for member in &view.members {
        let is_in = member.status == MemberStatus::Active;
        table.row([
            member.email.to_string(),
            joined(member),
            if is_in { last_used(member.last_active_at, context.now) } else { String::new() },
            tokens(member),
            calls(member),
        ]);
    }
    context.output.table(&table)?;
    context.output.line(&view.seats.line())?;
    tell_who_found_no_seat(context, &view)
}

fn joined(member: &WorkspaceMemberView) -> String {
    match (member.joined_at, member.invited_at) {
        (Some(at), _) => at.date(),
        (None, Some(at)) if member.status == MemberStatus::Expired => {
            format!("invited {}, expired", at.date())
        }
        (None, Some(at)) => format!("invited {}", at.date()),
        (None, None) => String::new(),
    }
}

fn tokens(member: &WorkspaceMemberView) -> String {
    match (member.status, member.tokens.as_slice()) {
        (MemberStatus::Active, []) => "none".to_owned(),
        (_, tokens) => tokens.iter().map(|token| token.name.as_str()).collect::<Vec<_>>().join(", "),
    }
}

/// Of the last 30 days.
fn calls(member: &WorkspaceMemberView) -> String {
    match (member.status, member.calls) {
        (MemberStatus::Active, Some(calls)) => thousands(calls),
        (MemberStatus::Active, None) => "?".to_owned(),
        (MemberStatus::Pending | MemberStatus::Expired, _) => String::new(),
    }
}

fn tell_who_found_no_seat(context: &mut Context<'_>, view: &WorkspaceMembersView) -> Outcome {
    for member in &view.members {
        if let Some(at) = member.no_seat_at {
            let line = format!("{} could not join at {}: no seat was free", member.email, at.minute());
            context.output.line(&line)?;
        }
    }
    Ok(())
}

async fn remove(context: &mut Context<'_>, choice: MemberChoice) -> Outcome {
    let (slug, email) = read(&choice)?;
    let slug = context.workspace(slug).await?;
    let removed = context.call::<RemoveWorkspaceMember>(&[slug.as_str(), email.as_str()], &Empty {}).await?;
    if choice.output.format == Format::Json {
        context.output.json(&removed)?;
        context.output.finish()?;
    }
    let tokens = match removed.tokens_revoked {
        0 => String::new(),
        tokens => format!(" {} refused from now on.", count(u64::from(tokens), "token")),
    };
    context.output.done(&match removed.was {
        MemberStatus::Active => format!("{email} removed from '{slug}'.{tokens}"),
        MemberStatus::Pending | MemberStatus::Expired => {
            format!("Invitation of {email} removed. Its link is dead.")
        }
    });
    Ok(())
}
