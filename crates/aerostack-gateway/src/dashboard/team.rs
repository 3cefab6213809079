//! `/team`: who is in a team and who is invited; inviting somebody is in `team_invite`, removing somebody
//! here, after showing what ends with it.

use aerostack_core::api::offboard::{OffboardReport, OffboardRequest};
use aerostack_core::api::operation::{Operation, endpoint};
use aerostack_core::api::page::Empty as Nothing;
use aerostack_core::api::team::{MemberStatus, TeamMemberView};
use aerostack_core::member::TeamRole;
use aerostack_core::role::Power;
use aerostack_core::slug::Slug;
use askama::Template;
use http::StatusCode;

use super::form::Form;
use super::frame::{Notice, draw};
use super::part::{Badge, Empty, Moment};
use super::problem::Problem;
use super::shell::{Section, Shell, TeamGround, with_team};
use super::visitor::{Drawn, Visitor};
use super::{audit, team_invite};
use aerostack_core::api::segment;

#[derive(Template)]
#[template(path = "pages/team.html")]
struct TeamPage<'a> {
    shell: &'a Shell,
    team: &'a Slug,
    invite: String,
    audit: String,
    rows: Vec<Row>,
    empty: Empty,
}

struct Row {
    member: TeamMemberView,
    status: Badge,
    since: Option<Moment>,
    /// Where they are removed, if the visitor may.
    remove: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/team_remove.html")]
struct RemovePage<'a> {
    shell: &'a Shell,
    team: &'a Slug,
    member: &'a TeamMemberView,
    is_in: bool,
    /// What of theirs is known to end.
    report: Option<OffboardReport>,
    action: String,
    back: String,
}

/// Shows it, or one of the pages below.
pub(super) async fn show(visitor: &Visitor, below: &[&str]) -> Drawn {
    if let ["audit", below @ ..] = below {
        return audit::show_of_team(visitor, below).await;
    }
    let ground = visitor.team_ground(Section::Team).await?;
    ground.must(visitor, Operation::ShowTeam)?;
    match below {
        [] => list(visitor, &ground).await,
        ["invite"] => Ok(team_invite::ask(&ground, &Form::default(), Problem::none())),
        [email, "remove"] => ask_remove(visitor, &ground, email).await,
        _ => Err(Notice::nothing_here()),
    }
}

/// Does what one of the forms below says.
pub(super) async fn does(visitor: &Visitor, below: &[&str], form: &Form) -> Drawn {
    let ground = visitor.team_ground(Section::Team).await?;
    ground.must(visitor, Operation::ShowTeam)?;
    match below {
        ["invite"] => team_invite::invite(visitor, &ground, form).await,
        [email, "remove"] => remove(visitor, &ground, email).await,
        _ => Err(Notice::nothing_here()),
    }
}

async fn list(visitor: &Visitor, ground: &TeamGround) -> Drawn {
    let found = visitor.look::<endpoint::ShowTeam>(ground.named.as_ref(), &[], Nothing {}).await?;
    let now = visitor.app.clock.now();
    let row = |member: TeamMemberView| Row {
        status: match member.status {
            MemberStatus::Active => Badge::good("active"),
            MemberStatus::Pending => Badge::waiting("pending"),
            MemberStatus::Expired => Badge::plain("expired"),
        },
        since: member.joined_at.or(member.invited_at).map(|at| Moment::past(at, now)),
        remove: may_remove(ground, &member).then(|| remove_href(ground, &member)),
        member,
    };
    let page = TeamPage {
        shell: &ground.shell,
        team: &found.team,
        invite: ground.href("/team/invite"),
        audit: ground.href("/team/audit"),
        rows: found.members.into_iter().map(row).collect(),
        empty: Empty::new(
            "Nobody is invited yet",
            "Members see the team's workspaces and install its skills; admins manage them. Invite somebody here, or at \
             the command line:",
        )
        .command("aerostack team invite alice@company.com"),
    };
    Ok(draw(StatusCode::OK, &page))
}

/// Who is in as an admin is removed by the owner alone.
fn may_remove(ground: &TeamGround, member: &TeamMemberView) -> bool {
    let is_admin = member.role == TeamRole::Admin && member.status == MemberStatus::Active;
    !is_admin || ground.standing.permits(Power::ManageAdmins)
}

fn remove_href(ground: &TeamGround, member: &TeamMemberView) -> String {
    ground.href(&format!("/team/{}/remove", segment::encode(member.email.as_str())))
}

/// Asks, and shows what is known to end.
async fn ask_remove(visitor: &Visitor, ground: &TeamGround, email: &str) -> Drawn {
    let named = ground.named.as_ref();
    let found = visitor.look::<endpoint::ShowTeam>(named, &[], Nothing {}).await?;
    let member = found.members.into_iter().find(|member| member.email.as_str() == email);
    let member = member.ok_or_else(Notice::nothing_here)?;
    let is_in = member.status == MemberStatus::Active;
    let report = match is_in {
        true => {
            let request = OffboardRequest { who: email.to_owned(), dry_run: true };
            // Without it the page still says what removing does.
            visitor.ask::<endpoint::Offboard>(named, &[], request).await.ok()
        }
        false => None,
    };
    let page = RemovePage {
        shell: &ground.shell,
        team: &found.team,
        is_in,
        report,
        action: remove_href(ground, &member),
        back: ground.href("/team"),
        member: &member,
    };
    Ok(draw(StatusCode::OK, &page))
}

async fn remove(visitor: &Visitor, ground: &TeamGround, email: &str) -> Drawn {
    let named = ground.named.as_ref();
    let done = visitor.look::<endpoint::RemoveMember>(named, &[email], Nothing {}).await?;
    let said = match (done.was, done.tokens_revoked) {
        (MemberStatus::Active, 1) => format!("{email} is removed, and a token tied to them is revoked."),
        (MemberStatus::Active, count) => {
            format!("{email} is removed, and {count} tokens tied to them are revoked.")
        }
        (MemberStatus::Pending | MemberStatus::Expired, _) => {
            format!("The invitation of {email} is removed: its link is dead.")
        }
    };
    Ok(visitor.done(&with_team("/team", named), &said))
}
