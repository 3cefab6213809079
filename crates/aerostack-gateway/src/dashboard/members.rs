//! `/workspaces/{slug}/members`: who is in a workspace with a token of their own, and who is invited.

use aerostack_core::account::Email;
use aerostack_core::api::member::{
    InviteWorkspaceMemberRequest, WorkspaceInviteSent, WorkspaceMemberView, WorkspaceMembersView,
};
use aerostack_core::api::operation::{Operation, endpoint};
use aerostack_core::api::page::Empty as NoRequest;
use aerostack_core::api::segment;
use aerostack_core::api::team::MemberStatus;
use aerostack_core::plan::Seats;
use aerostack_core::time::Timestamp;
use askama::Template;
use http::{Response, StatusCode};

use super::form::Form;
use super::frame::{Notice, draw};
use super::part::{Badge, Copy, Empty, Field, Moment};
use super::path::Tab;
use super::problem::Problem;
use super::shell::{Shell, WorkspaceGround, path_in};
use super::visitor::{Drawn, Visitor};
use crate::http::body::Body;

#[derive(Template)]
#[template(path = "pages/members.html")]
struct MembersPage<'a> {
    shell: &'a Shell,
    ground: &'a WorkspaceGround,
    seats: &'a Seats,
    invite: String,
    rows: Vec<Row<'a>>,
    empty: Empty,
}

struct Row<'a> {
    member: &'a WorkspaceMemberView,
    /// How it is with them, where they are not simply in.
    status: Option<Badge>,
    joined: Option<Moment>,
    invited: Option<Moment>,
    last_active: Option<Moment>,
    no_seat: Option<Moment>,
    remove: String,
}

#[derive(Template)]
#[template(path = "pages/member_invite.html")]
struct InvitePage<'a> {
    shell: &'a Shell,
    ground: &'a WorkspaceGround,
    seats: String,
    is_full: bool,
    action: String,
    back: String,
    problem: Option<String>,
    email: Field,
}

#[derive(Template)]
#[template(path = "pages/member_invited.html")]
struct InvitedPage<'a> {
    shell: &'a Shell,
    ground: &'a WorkspaceGround,
    sent: &'a WorkspaceInviteSent,
    link: Copy,
    back: String,
}

#[derive(Template)]
#[template(path = "pages/member_remove.html")]
struct RemovePage<'a> {
    shell: &'a Shell,
    ground: &'a WorkspaceGround,
    member: &'a WorkspaceMemberView,
    is_in: bool,
    action: String,
    back: String,
}

/// Shows them, or one of the pages below.
pub(super) async fn show(visitor: &Visitor, slug: &str, below: &[&str]) -> Drawn {
    let ground = visitor.workspace_ground(slug, Tab::Members).await?;
    ground.must(visitor, Operation::ListWorkspaceMembers)?;
    match below {
        [] => list(visitor, &ground).await,
        ["invite"] => Ok(invite_page(&ground, &Form::default(), Problem::none())),
        [email, "remove"] => ask_remove(visitor, &ground, email).await,
        _ => Err(Notice::nothing_here()),
    }
}

/// Does what one of the forms says.
pub(super) async fn does(visitor: &Visitor, slug: &str, below: &[&str], form: &Form) -> Drawn {
    let ground = visitor.workspace_ground(slug, Tab::Members).await?;
    ground.must(visitor, Operation::ListWorkspaceMembers)?;
    match below {
        ["invite"] => invite(visitor, &ground, form).await,
        [email, "remove"] => remove(visitor, &ground, email).await,
        _ => Err(Notice::nothing_here()),
    }
}

async fn members_of(visitor: &Visitor, ground: &WorkspaceGround) -> Result<WorkspaceMembersView, Notice> {
    let slug = ground.workspace.slug.as_str();
    visitor.look::<endpoint::ListWorkspaceMembers>(None, &[slug], NoRequest {}).await
}

async fn list(visitor: &Visitor, ground: &WorkspaceGround) -> Drawn {
    let found = members_of(visitor, ground).await?;
    let now = visitor.app.clock.now();
    let text = "Whoever accepts an invitation is shown a token of their own, tied to their address. Invite somebody here, \
                or at the command line:";
    let command = format!("aerostack workspace member invite {} alice@company.com", ground.workspace.slug);
    let page = MembersPage {
        shell: &ground.shell,
        ground,
        seats: &found.seats,
        invite: ground.href(Tab::Members, "invite"),
        rows: found.members.iter().map(|member| row(ground, member, now)).collect(),
        empty: Empty::new("No members yet", text).command(command),
    };
    Ok(draw(StatusCode::OK, &page))
}

fn row<'a>(ground: &WorkspaceGround, member: &'a WorkspaceMemberView, now: Timestamp) -> Row<'a> {
    let past = |at: Option<Timestamp>| at.map(|at| Moment::past(at, now));
    Row {
        status: match member.status {
            MemberStatus::Active => None,
            MemberStatus::Pending => Some(Badge::waiting("invited")),
            MemberStatus::Expired => Some(Badge::plain("link expired")),
        },
        joined: past(member.joined_at),
        invited: past(member.invited_at),
        last_active: past(member.last_active_at),
        no_seat: past(member.no_seat_at),
        remove: remove_path(ground, &member.email),
        member,
    }
}

fn remove_path(ground: &WorkspaceGround, email: &Email) -> String {
    ground.href(Tab::Members, &format!("{}/remove", segment::encode(email.as_str())))
}

fn invite_page(ground: &WorkspaceGround, form: &Form, mut problem: Problem) -> Response<Body> {
    let seats = &ground.workspace.seats;
    let page = InvitePage {
        shell: &ground.shell,
        ground,
        seats: seats.line(),
        is_full: seats.limit.is_some_and(|limit| seats.used >= limit),
        action: ground.href(Tab::Members, "invite"),
        back: ground.href(Tab::Members, ""),
        email: Field::text("email", "E-mail address")
            .kind("email")
            .required()
            .value(form.field("email"))
            .placeholder("alice@company.com")
            .problem(problem.take("email")),
        problem: problem.rest(),
    };
    draw(problem.status, &page)
}

async fn invite(visitor: &Visitor, ground: &WorkspaceGround, form: &Form) -> Drawn {
    let email = match Email::parse(form.field("email")) {
        Ok(email) => email,
        Err(error) => return Ok(invite_page(ground, form, Problem::with("email", error))),
    };
    let slug = &ground.workspace.slug;
    let request = InviteWorkspaceMemberRequest { email };
    let sent = match visitor.ask::<endpoint::InviteWorkspaceMember>(None, &[slug.as_str()], request).await {
        Ok(sent) => sent,
        Err(error) => return Ok(invite_page(ground, form, Problem::of(visitor, error, "email")?)),
    };
    let Some(link) = &sent.link else {
        let before = if sent.replaced { " The link of the invitation before is dead." } else { "" };
        let said = format!("Invitation sent. {} receives a join link by mail.{before}", sent.email);
        return Ok(visitor.done(&path_in(slug, Tab::Members, ""), &said));
    };
    let page = InvitedPage {
        shell: &ground.shell,
        ground,
        link: Copy::secret("link", "join link", link),
        back: ground.href(Tab::Members, ""),
        sent: &sent,
    };
    Ok(draw(StatusCode::OK, &page))
}

async fn ask_remove(visitor: &Visitor, ground: &WorkspaceGround, email: &str) -> Drawn {
    let found = members_of(visitor, ground).await?;
    let member = found.members.iter().find(|member| member.email.as_str() == email);
    let member = member.ok_or_else(Notice::nothing_here)?;
    let page = RemovePage {
        shell: &ground.shell,
        ground,
        is_in: member.status == MemberStatus::Active,
        action: remove_path(ground, &member.email),
        back: ground.href(Tab::Members, ""),
        member,
    };
    Ok(draw(StatusCode::OK, &page))
}

async fn remove(visitor: &Visitor, ground: &WorkspaceGround, email: &str) -> Drawn {
    let slug = &ground.workspace.slug;
    let parameters = [slug.as_str(), email];
    let gone = visitor.look::<endpoint::RemoveWorkspaceMember>(None, &parameters, NoRequest {}).await?;
    let said = match (gone.was, gone.tokens_revoked) {
        (MemberStatus::Active, 0) => format!("{} is removed. They had no active token here.", gone.email),
        (MemberStatus::Active, 1) => {
            format!("{} is removed. Their token is refused from now on.", gone.email)
        }
        (MemberStatus::Active, count) => {
            format!("{} is removed. Their {count} tokens are refused from now on.", gone.email)
        }
        (MemberStatus::Pending | MemberStatus::Expired, _) => {
            format!("The invitation of {} is withdrawn. Its link is dead.", gone.email)
        }
    };
    Ok(visitor.done(&path_in(slug, Tab::Members, ""), &said))
}
