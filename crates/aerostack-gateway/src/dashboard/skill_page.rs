//! `/skills/{owner}/{name}`: what a skill is, its tools and versions, where it is installed, and who may use it.

use aerostack_core::api::operation::{Operation, endpoint};
use aerostack_core::api::page::{Empty, PAGE_MAX, PageQuery};
use aerostack_core::api::server::InstallView;
use aerostack_core::api::skill::{SkillVersionView, SkillView, UpdateSkillRequest};
use aerostack_core::api::workspace::WorkspaceView;
use aerostack_core::role::Standing;
use aerostack_core::skill::{Version, Visibility};
use askama::Template;
use http::{Response, StatusCode};

use super::form::Form;
use super::frame::{Notice, draw};
use super::part::{Badge, Choice, Moment, Pager};
use super::path::Tab;
use super::problem::{Problem, filled};
use super::shell::{Section, Shell, TeamGround, may, path_in};
use super::skills::badge;
use super::visitor::{Drawn, Visitor};
use super::{servers, skill_install};
use crate::admin::forbidden;
use crate::http::body::Body;

/// Versions on one page.
const VERSIONS_MAX: u32 = 20;

#[derive(Template)]
#[template(path = "pages/skill.html")]
struct SkillPage<'a> {
    shell: &'a Shell,
    skill: &'a SkillView,
    own: String,
    visibility: Badge,
    /// That every version was taken back, if they were.
    yanked: Option<Badge>,
    published: Moment,
    may_change: bool,
    installs: Vec<InstallRow>,
    versions: Vec<VersionRow>,
    pager: Pager,
}

struct InstallRow {
    workspace: String,
    href: String,
    slug: String,
    version: Option<Version>,
    /// That its version was taken back, if it was.
    yanked: Option<Badge>,
    status: Badge,
    /// Where it is moved to the newest version, and taken out, if the visitor may and there is a newer one.
    upgrade: Option<String>,
    uninstall: Option<String>,
}

struct VersionRow {
    version: SkillVersionView,
    published: Moment,
    yanked: Option<Yanked>,
}

/// A version that was taken back.
struct Yanked {
    badge: Badge,
    at: Moment,
}

#[derive(Template)]
#[template(path = "pages/skill_visibility.html")]
struct VisibilityPage<'a> {
    shell: &'a Shell,
    skill: &'a SkillView,
    action: String,
    back: String,
    problem: Option<String>,
    visibility: Choice,
}

/// Finds a skill the visitor may use.
///
/// # Errors
/// The page of a refusal.
pub(super) async fn find(visitor: &Visitor, owner: &str, name: &str) -> Result<SkillView, Notice> {
    visitor.look::<endpoint::ShowSkill>(None, &[owner, name], Empty {}).await
}

/// Where it is shown.
pub(super) fn path_of(skill: &SkillView) -> String {
    format!("/skills/{}/{}", skill.owner, skill.name)
}

/// Shows it.
pub(super) async fn show(visitor: &Visitor, owner: &str, name: &str) -> Drawn {
    let ground = visitor.team_ground(Section::Skills).await?;
    let skill = find(visitor, owner, name).await?;
    let cursor = filled(&visitor.query, "cursor").map(str::to_owned);
    let query = PageQuery { limit: Some(VERSIONS_MAX), cursor };
    let versions = visitor.look::<endpoint::ListSkillVersions>(None, &[owner, name], query).await?;
    let now = visitor.app.clock.now();
    let own = ground.shell.frame.base.clone() + &path_of(&skill);
    let rows = versions.items.into_iter().map(|version| {
        let yanked = version.yanked_at.map(|at| Yanked { badge: yanked(), at: Moment::past(at, now) });
        VersionRow { published: Moment::past(version.published_at, now), yanked, version }
    });
    let page = SkillPage {
        shell: &ground.shell,
        visibility: badge(skill.visibility),
        published: Moment::past(skill.published_at, now),
        yanked: skill.yanked.then(yanked),
        may_change: may_change(visitor, &skill).await?,
        installs: installs(visitor, &ground, &skill).await?,
        versions: rows.collect(),
        pager: Pager::of(&own, visitor.query.field("cursor"), versions.next_cursor.as_deref()),
        own,
        skill: &skill,
    };
    Ok(draw(StatusCode::OK, &page))
}

/// Where it is installed, of the workspaces that the visitor is shown first.
async fn installs(
    visitor: &Visitor,
    ground: &TeamGround,
    skill: &SkillView,
) -> Result<Vec<InstallRow>, Notice> {
    let reference = skill.reference();
    let mut rows = Vec::new();
    for workspace in skill_install::workspaces(visitor).await? {
        let query = PageQuery { limit: Some(PAGE_MAX), cursor: None };
        let slug = workspace.slug.as_str();
        let found = visitor.look::<endpoint::ListInstalledSkills>(None, &[slug], query).await?;
        let here = found.items.into_iter().filter(|install| install.server == reference);
        rows.extend(here.map(|install| install_row(ground, &workspace, install, skill.version)));
    }
    Ok(rows)
}

fn install_row(
    ground: &TeamGround,
    workspace: &WorkspaceView,
    install: InstallView,
    newest: Version,
) -> InstallRow {
    let standing = Standing { is_operator: ground.standing.is_operator, role: workspace.role };
    let own = path_in(&workspace.slug, Tab::Servers, install.slug.as_str());
    let own = ground.shell.frame.base.clone() + &own;
    let is_behind = install.version.is_some_and(|version| version < newest);
    let below = |operation, word: &str| may(standing, operation).then(|| format!("{own}/{word}"));
    InstallRow {
        workspace: workspace.name.clone(),
        slug: install.slug.to_string(),
        version: install.version,
        yanked: install.yanked.then(yanked),
        status: servers::badge(install.status),
        upgrade: below(Operation::UpgradeSkill, "upgrade").filter(|_| is_behind),
        uninstall: below(Operation::UninstallServer, "uninstall"),
        href: own,
    }
}

/// What stands beside a version that was taken back.
fn yanked() -> Badge {
    Badge::waiting("yanked")
}

async fn may_change(visitor: &Visitor, skill: &SkillView) -> Result<bool, Notice> {
    let standing = visitor.standing_in(&skill.owner).await?;
    Ok(standing.is_some_and(|standing| may(standing, Operation::UpdateSkill)))
}

/// Asks who may use it.
pub(super) async fn ask_visibility(visitor: &Visitor, owner: &str, name: &str) -> Drawn {
    let skill = changed(visitor, owner, name).await?;
    visibility_page(visitor, &skill, skill.visibility.word(), Problem::none()).await
}

/// The skill, if the visitor may change it.
async fn changed(visitor: &Visitor, owner: &str, name: &str) -> Result<SkillView, Notice> {
    let skill = find(visitor, owner, name).await?;
    if may_change(visitor, &skill).await? { Ok(skill) } else { Err(visitor.notice(forbidden())) }
}

async fn visibility_page(
    visitor: &Visitor,
    skill: &SkillView,
    typed: &str,
    mut problem: Problem,
) -> Result<Response<Body>, Notice> {
    let ground = visitor.team_ground(Section::Skills).await?;
    let choices = [
        (Visibility::Public.word(), "Public: anybody with an account".to_owned()),
        (Visibility::Team.word(), format!("Team: @{} and its members", skill.owner)),
        (Visibility::Private.word(), format!("Private: @{} alone", skill.owner)),
    ];
    let back = ground.shell.frame.base.clone() + &path_of(skill);
    let page = VisibilityPage {
        shell: &ground.shell,
        skill,
        action: format!("{back}/visibility"),
        back,
        visibility: Choice::of("visibility", "Who may use it", choices, typed)
            .problem(problem.take("visibility")),
        problem: problem.rest(),
    };
    Ok(draw(problem.status, &page))
}

/// Changes who may use it.
pub(super) async fn set_visibility(visitor: &Visitor, owner: &str, name: &str, form: &Form) -> Drawn {
    let skill = changed(visitor, owner, name).await?;
    let typed = form.field("visibility");
    let visibility = match typed.parse::<Visibility>() {
        Ok(visibility) => visibility,
        Err(error) => {
            return visibility_page(visitor, &skill, typed, Problem::with("visibility", error)).await;
        }
    };
    let request = UpdateSkillRequest { visibility };
    let now = visitor.ask::<endpoint::UpdateSkill>(Some(&skill.owner), &[name], request).await;
    match now {
        Ok(now) => {
            let said = format!("{} is {} now.", now.reference(), now.visibility.word());
            Ok(visitor.done(&path_of(&now), &said))
        }
        Err(error) => visibility_page(visitor, &skill, typed, Problem::of(visitor, error, "")?).await,
    }
}
