//! `/team/invite`: inviting somebody, and the link where no mail could be sent.

use aerostack_core::account::Email;
use aerostack_core::api::operation::endpoint;
use aerostack_core::api::team::{Delivery, InviteRequest, InviteSent};
use aerostack_core::member::TeamRole;
use aerostack_core::role::Power;
use aerostack_core::slug::Slug;
use askama::Template;
use http::{Response, StatusCode};

use super::form::Form;
use super::frame::draw;
use super::part::{Choice, Copy, Field};
use super::problem::Problem;
use super::shell::{Shell, TeamGround, with_team};
use super::visitor::{Drawn, Visitor};
use crate::http::body::Body;

#[derive(Template)]
#[template(path = "pages/team_invite.html")]
struct InvitePage<'a> {
    shell: &'a Shell,
    team: &'a Slug,
    action: String,
    back: String,
    problem: Option<String>,
    email: Field,
    role: Choice,
}

#[derive(Template)]
#[template(path = "pages/invited.html")]
struct InvitedPage<'a> {
    shell: &'a Shell,
    place: String,
    email: &'a str,
    until: String,
    /// Why nothing was mailed.
    why: String,
    link: Copy,
    back: String,
}

/// Asks whom, in which role.
pub(super) fn ask(ground: &TeamGround, form: &Form, mut problem: Problem) -> Response<Body> {
    let admin = (TeamRole::Admin.word(), "Admin: manages workspaces, tokens, servers, secrets, people");
    let may_make_admins = ground.standing.permits(Power::ManageAdmins);
    let roles = [(TeamRole::Member.word(), "Member: sees workspaces, installs the team's skills")];
    let page = InvitePage {
        shell: &ground.shell,
        team: &ground.team,
        action: ground.href("/team/invite"),
        back: ground.href("/team"),
        email: Field::text("email", "E-mail address")
            .kind("email")
            .required()
            .value(form.field("email"))
            .placeholder("alice@company.com")
            .problem(problem.take("email")),
        role: Choice::of(
            "role",
            "Role",
            roles.into_iter().chain(may_make_admins.then_some(admin)),
            form.field("role"),
        )
        .problem(problem.take("role")),
        problem: problem.rest(),
    };
    draw(problem.status, &page)
}

/// Invites them; where nothing was mailed, the answer shows the link, once.
pub(super) async fn invite(visitor: &Visitor, ground: &TeamGround, form: &Form) -> Drawn {
    let email = match Email::parse(form.field("email")) {
        Ok(email) => email,
        Err(error) => return Ok(ask(ground, form, Problem::with("email", error))),
    };
    let role = match form.field("role").parse::<TeamRole>() {
        Ok(role) => role,
        Err(error) => return Ok(ask(ground, form, Problem::with("role", error))),
    };
    let named = ground.named.as_ref();
    match visitor.ask::<endpoint::InviteMember>(named, &[], InviteRequest { email, role }).await {
        Ok(InviteSent { email, delivery: Delivery::Mailed, replaced, .. }) => {
            let before = if replaced { " The link of before is dead." } else { "" };
            let said = format!("Invitation sent. {email} will receive a join link via email.{before}");
            Ok(visitor.done(&with_team("/team", named), &said))
        }
        Ok(sent) => {
            let why = sent.failure.as_deref().map_or_else(
                || "No mail server is configured: nothing was sent.".to_owned(),
                |failure| format!("The mail could not be sent: {failure}."),
            );
            let page = InvitedPage {
                shell: &ground.shell,
                place: format!("@{}", ground.team),
                email: sent.email.as_str(),
                until: sent.expires_at.minute(),
                why,
                link: Copy::secret("link", "join link", sent.link.unwrap_or_default()),
                back: ground.href("/team"),
            };
            Ok(draw(StatusCode::OK, &page))
        }
        Err(error) => Ok(ask(ground, form, Problem::of(visitor, error, "email")?)),
    }
}
