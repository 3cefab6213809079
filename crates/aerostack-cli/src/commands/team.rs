//! `team`: who is invited, who is in, who leaves.

use aerostack_core::api::operation::endpoint::{
    AcceptInvite, ChangeRole, InviteMember, RemoveMember, ShowInvite, ShowTeam,
};
use aerostack_core::api::page::Empty;
use aerostack_core::api::team::{
    AcceptRequest, ChangeRoleRequest, ChangedRole, InvitePreview, InviteRequest, InviteSent, Joined,
    MemberStatus, TeamMemberView,
};
use aerostack_core::bearer::TokenKind;
use aerostack_core::member::TeamRole;

use super::audit;
use super::details::count;
use super::invitation::{self, Sent};
use super::token::print_created;
use crate::api_url::ApiUrl;
use crate::args::format::{Format, ListOutput};
use crate::args::team::{Invite, Join, Remove, Role, TeamCommand};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::table::Table;

const CSV_FIELDS: [&str; 6] = ["email", "username", "role", "status", "invited_at", "joined_at"];

pub(super) async fn run(context: &mut Context<'_>, command: TeamCommand) -> Outcome {
    match command {
        TeamCommand::Invite(arguments) => invite(context, arguments).await,
        TeamCommand::List(arguments) => list(context, arguments).await,
        TeamCommand::Role(arguments) => role(context, arguments).await,
        TeamCommand::Remove(arguments) => remove(context, arguments).await,
        TeamCommand::Join(arguments) => join(context, arguments).await,
        TeamCommand::Audit(wanted) => audit::of_team(context, &wanted).await,
    }
}

async fn invite(context: &mut Context<'_>, arguments: Invite) -> Outcome {
    let request = InviteRequest { email: arguments.email, role: arguments.role };
    let sent = context.call::<InviteMember>(&[], &request).await?;
    if arguments.output.format == Format::Json {
        return context.output.json(&sent);
    }
    let InviteSent { email, delivery, replaced, link, failure, .. } = &sent;
    let (link, failure) = (link.as_deref(), failure.as_deref());
    invitation::tell(context, &Sent { email, delivery: *delivery, replaced: *replaced, link, failure })
}

async fn list(context: &mut Context<'_>, arguments: ListOutput) -> Outcome {
    let team = context.call::<ShowTeam>(&[], &Empty {}).await?;
    match arguments.format {
        Format::Json => return context.output.json(&team),
        Format::Csv => return context.output.csv(&team.members, &CSV_FIELDS),
        Format::Table | Format::Token | Format::McpJson => {}
    }
    context.output.line(&format!("Members of @{}:", team.team))?;
    let mut table = Table::new(&["MEMBER", "STATUS", "JOINED"]);
    for member in &team.members {
        table.row([named(member), member.status.word().to_owned(), joined(member)]);
    }
    context.output.table(&table)
}

/// The address; whoever is more than a member is marked, and the columns stay those that scripts know.
fn named(member: &TeamMemberView) -> String {
    match member.role {
        TeamRole::Member => member.email.to_string(),
        TeamRole::Admin => format!("{} ({})", member.email, member.role.word()),
    }
}

/// When somebody joined, or since when they are invited.
fn joined(member: &TeamMemberView) -> String {
    match (member.joined_at, member.invited_at) {
        (Some(at), _) => at.date(),
        (None, Some(at)) => format!("invited {}", at.date()),
        (None, None) => String::new(),
    }
}

async fn role(context: &mut Context<'_>, arguments: Role) -> Outcome {
    let Role { email, role, output } = arguments;
    let changed = context.call::<ChangeRole>(&[email.as_str()], &ChangeRoleRequest { role }).await?;
    context.output.done(&role_sentence(&changed));
    match output.format {
        Format::Json => context.output.json(&changed),
        Format::Table | Format::Csv | Format::Token | Format::McpJson => Ok(()),
    }
}

fn role_sentence(changed: &ChangedRole) -> String {
    let ChangedRole { team, email, role, was, invites_ended } = changed;
    let role_name = match role {
        TeamRole::Admin => "an admin",
        TeamRole::Member => "a member",
    };
    if role == was {
        return format!("{email} is {role_name} of @{team} already; nothing was done.");
    }
    let ended = match invites_ended {
        0 => String::new(),
        _ => format!(" {} whose link they were shown ended.", count(*invites_ended, "invitation")),
    };
    format!("{email} is {role_name} of @{team} now.{ended}")
}

async fn remove(context: &mut Context<'_>, arguments: Remove) -> Outcome {
    let email = arguments.email;
    // Scripts of the product's own pages have nobody to ask.
    if !arguments.yes && context.input.is_terminal() {
        let question = format!("Remove {email} from the team, and end the tokens tied to them?");
        context.input.confirm(&mut context.output, &question)?;
    }
    let removed = context.call::<RemoveMember>(&[email.as_str()], &Empty {}).await?;
    let tokens = match removed.tokens_revoked {
        0 => String::new(),
        tokens => format!(" {} tied to them revoked.", count(u64::from(tokens), "token")),
    };
    let invites = match removed.invites_ended {
        0 => String::new(),
        invites => format!(" {} ended.", count(invites, "invitation")),
    };
    match removed.was {
        MemberStatus::Active => {
            context.output.done(&format!("{email} removed from the team.{tokens}{invites}"));
        }
        MemberStatus::Pending | MemberStatus::Expired => {
            context.output.done(&format!("Invitation of {email} removed. Its link is dead."));
        }
    }
    Ok(())
}

async fn join(context: &mut Context<'_>, arguments: Join) -> Outcome {
    let link = end_of_link(&arguments.link)?.to_owned();
    context.output.hide(&link);
    if let Some(gateway) = gateway_of_link(&arguments.link)? {
        context.follow(gateway);
    }
    let preview = context.call_open::<ShowInvite>(&[&link], &Empty {}).await?;
    let request = AcceptRequest { username: arguments.username };
    // Whoever is logged in here may be somebody else: the key goes along only where an account is asked for.
    let joined = match preview.has_account {
        true => {
            let request = AcceptRequest::default();
            let reply = context.call::<AcceptInvite>(&[&link], &request).await;
            reply.map_err(|failure| about(failure, &preview, context.api_url.as_str()))?
        }
        false if request.username.is_none() => {
            return Err(Failure::usage(format!(
                "{} has no account yet: a username is needed",
                preview.email
            ))
            .with_hint("choose one with --username"));
        }
        false => context.call_open::<AcceptInvite>(&[&link], &request).await?,
    };
    tell_joined(context, &joined, arguments.output.format)
}

/// The failure, with what helps somebody whose address has an account.
fn about(failure: Failure, preview: &InvitePreview, url: &str) -> Failure {
    let email = &preview.email;
    failure.with_hint(format!("log in with the account of {email} first: `aerostack login --api-url {url}`"))
}

fn tell_joined(context: &mut Context<'_>, joined: &Joined, format: Format) -> Outcome {
    match format {
        Format::Json => return context.output.json(joined),
        Format::Token => {
            let token = joined.token.as_ref().map(|token| &token.token);
            return joined.key.iter().chain(token).try_for_each(|credential| context.output.line(credential));
        }
        Format::Table | Format::Csv | Format::McpJson => {}
    }
    let account = &joined.account;
    let place = match &joined.workspace {
        Some(workspace) => format!("workspace '{workspace}' of @{} as {}", joined.team, account.username),
        None => format!("@{} as {} ({})", joined.team, account.username, joined.role.word()),
    };
    context.output.done(&format!("Joined {place}."));
    if let Some(key) = &joined.key {
        context.output.line(key)?;
        context.output.warn("save the account key now: it is not shown again");
        let url = context.api_url.as_str().to_owned();
        context.output.talk(&format!("Log in with it: aerostack login --api-url {url} --api-key -"));
    }
    match &joined.token {
        Some(token) => print_created(context, token, Format::Table, "This is your personal token."),
        None => Ok(()),
    }
}

/// The gateway that a whole link leads to; the end of one alone names none.
fn gateway_of_link(text: &str) -> Outcome<Option<ApiUrl>> {
    text.trim().rsplit_once("/join/").map(|(gateway, _)| ApiUrl::parse(gateway)).transpose()
}

/// The end of a link, from the whole address or alone.
fn end_of_link(text: &str) -> Outcome<&str> {
    let end = text.trim().trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let end = end.split(['?', '#']).next().unwrap_or_default();
    if aerostack_core::bearer::is_well_formed(TokenKind::JoinLink, end) {
        return Ok(end);
    }
    Err(Failure::usage("this is no invitation link, or not all of it")
        .with_hint("it ends in jl_ and 48 characters; paste it whole"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aerostack_core::account::Email;

    #[test]
    fn an_admin_is_marked_and_a_member_is_an_address_alone() {
        let member = |role| TeamMemberView {
            email: Email::parse("bob@co.com").unwrap(),
            username: None,
            role,
            status: MemberStatus::Pending,
            invited_at: None,
            joined_at: None,
        };
        assert_eq!(named(&member(TeamRole::Admin)), "bob@co.com (admin)");
        assert_eq!(named(&member(TeamRole::Member)), "bob@co.com");
    }

    #[test]
    fn a_link_is_taken_whole_or_from_its_end_and_a_cut_one_is_not() {
        let text = "jl_0123456789abcdef0123456789abcdef01234567125d1a42";
        for given in [
            text.to_owned(),
            format!("https://mcp.co.com/x/join/{text}"),
            format!(" http://127.0.0.1:8787/join/{text}/\n"),
            format!("https://mcp.co.com/join/{text}?utm_source=mail"),
        ] {
            assert_eq!(end_of_link(&given).ok(), Some(text), "{given}");
        }
        let gateway = |given: &str| gateway_of_link(given).unwrap().map(|url| url.as_str().to_owned());
        assert_eq!(gateway(&format!(" https://mcp.co.com/x/join/{text}/")).unwrap(), "https://mcp.co.com/x");
        assert_eq!(gateway(text), None);
        assert_eq!(gateway_of_link(&format!("mcp.co.com/join/{text}")).unwrap_err().exit_code(), 2);
        for given in ["", "jl_", &text[..text.len() - 1], "https://mcp.co.com/join/"] {
            assert_eq!(end_of_link(given).unwrap_err().exit_code(), 2, "{given}");
        }
    }
}
