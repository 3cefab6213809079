//! `/skills/{owner}/{name}/install`: a skill put into a workspace.

use aerostack_core::account::AccountKind;
use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::operation::{Operation, endpoint};
use aerostack_core::api::page::{PAGE_MAX, PageQuery};
use aerostack_core::api::skill::{InstallSkillRequest, SkillView};
use aerostack_core::api::workspace::WorkspaceView;
use aerostack_core::role::Standing;
use aerostack_core::slug::Slug;
use askama::Template;

use super::form::Form;
use super::frame::{Notice, draw};
use super::part::{Choice, Field};
use super::path::Tab;
use super::problem::{Problem, filled};
use super::shell::{Section, Shell, may, path_in};
use super::skill_page::{find, path_of};
use super::visitor::{Drawn, Visitor};

/// Workspaces that are looked through and offered.
const WORKSPACES_MAX: u32 = 50;

#[derive(Template)]
#[template(path = "pages/skill_install.html")]
struct InstallPage<'a> {
    shell: &'a Shell,
    skill: &'a SkillView,
    action: String,
    back: String,
    home: String,
    problem: Option<String>,
    is_empty: bool,
    workspace: Choice,
    version: Choice,
    alias: Field,
}

/// The workspaces that the visitor has part in, as far as they are shown at once.
///
/// # Errors
/// The page of a refusal.
pub(super) async fn workspaces(visitor: &Visitor) -> Result<Vec<WorkspaceView>, Notice> {
    let query = PageQuery { limit: Some(WORKSPACES_MAX), cursor: None };
    Ok(visitor.look::<endpoint::ListWorkspaces>(None, &[], query).await?.items)
}

/// Asks into which workspace.
pub(super) async fn ask(visitor: &Visitor, owner: &str, name: &str) -> Drawn {
    let skill = find(visitor, owner, name).await?;
    page(visitor, &skill, &visitor.query, Problem::none()).await
}

async fn page(visitor: &Visitor, skill: &SkillView, form: &Form, mut problem: Problem) -> Drawn {
    let ground = visitor.team_ground(Section::Skills).await?;
    let is_operator = visitor.account()?.kind == AccountKind::Operator;
    let mut found = workspaces(visitor).await?;
    found.retain(|workspace| may(Standing { is_operator, role: workspace.role }, Operation::InstallSkill));
    let choice = |workspace: &WorkspaceView| {
        (workspace.slug.to_string(), format!("{} ({})", workspace.name, workspace.slug))
    };
    let parameters = [skill.owner.as_str(), skill.name.as_str()];
    let query = PageQuery { limit: Some(PAGE_MAX), cursor: None };
    let versions = visitor.look::<endpoint::ListSkillVersions>(None, &parameters, query).await?;
    let newest = (String::new(), format!("The newest, {}", skill.version));
    let older = versions.items.iter();
    let older = older.filter(|version| version.version != skill.version && version.yanked_at.is_none());
    let older = older.map(|version| (version.version.to_string(), version.version.to_string()));
    let back = ground.shell.frame.base.clone() + &path_of(skill);
    let page = InstallPage {
        shell: &ground.shell,
        skill,
        action: format!("{back}/install"),
        home: ground.href("/"),
        is_empty: found.is_empty(),
        workspace: Choice::of("workspace", "Workspace", found.iter().map(choice), form.field("workspace"))
            .problem(problem.take("workspace")),
        version: Choice::of("version", "Version", [newest].into_iter().chain(older), form.field("version"))
            .help("It stays at this version until somebody upgrades it.")
            .problem(problem.take("version")),
        alias: Field::text("as", "Name there")
            .value(form.field("as"))
            .help("Its own name unless given.")
            .problem(problem.take("as")),
        problem: problem.rest(),
        back,
    };
    Ok(draw(problem.status, &page))
}

/// Installs it.
pub(super) async fn install(visitor: &Visitor, owner: &str, name: &str, form: &Form) -> Drawn {
    let skill = find(visitor, owner, name).await?;
    let alias = match filled(form, "as").map(Slug::parse).transpose() {
        Ok(alias) => alias,
        Err(error) => return page(visitor, &skill, form, Problem::with("as", error)).await,
    };
    let Ok(workspace) = Slug::parse(form.field("workspace")) else {
        return page(visitor, &skill, form, Problem::with("workspace", "choose one")).await;
    };
    let at = filled(form, "version").map(|version| format!("@{version}")).unwrap_or_default();
    let request = InstallSkillRequest { skill: format!("{}{at}", skill.reference()), alias };
    match visitor.ask::<endpoint::InstallSkill>(None, &[workspace.as_str()], request).await {
        Ok(reply) => {
            let slug = &reply.install.slug;
            let said = match (reply.already_installed, &reply.warning) {
                (true, _) => format!("{slug} is installed already."),
                (false, Some(warning)) => format!("{slug} is installed. But {warning}"),
                (false, None) => format!("{slug} is installed. Its tools are in the next list."),
            };
            Ok(visitor.done(&path_in(&workspace, Tab::Servers, slug.as_str()), &said))
        }
        Err(error) => {
            let field = match error.code {
                ErrorCode::NameTaken => "as",
                ErrorCode::InvalidRequest => "version",
                ErrorCode::Conflict => "workspace",
                // Whether the workspace's owner, or one's role there, allows it is about the workspace chosen.
                ErrorCode::NotAMember => "workspace",
                _ => "",
            };
            page(visitor, &skill, form, Problem::of(visitor, error, field)?).await
        }
    }
}
