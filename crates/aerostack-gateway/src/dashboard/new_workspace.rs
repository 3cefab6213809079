//! `/new-workspace`: making one.

use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::operation::{Operation, endpoint};
use aerostack_core::api::workspace::CreateWorkspaceRequest;
use aerostack_core::slug::Slug;
use askama::Template;
use http::Response;

use super::form::Form;
use super::frame::draw;
use super::part::Field;
use super::path::Tab;
use super::problem::{Problem, filled};
use super::shell::{Section, Shell, TeamGround, path_in};
use super::visitor::{Drawn, Visitor};
use crate::http::body::Body;

#[derive(Template)]
#[template(path = "pages/new_workspace.html")]
struct NewWorkspacePage<'a> {
    shell: &'a Shell,
    team: &'a Slug,
    /// Where the form is sent.
    action: String,
    back: String,
    problem: Option<String>,
    name: Field,
    slug: Field,
    description: Field,
}

/// Asks what it is to be called.
pub(super) async fn show(visitor: &Visitor) -> Drawn {
    let ground = visitor.team_ground(Section::Workspaces).await?;
    ground.must(visitor, Operation::CreateWorkspace)?;
    Ok(ask(&ground, &Form::default(), Problem::none()))
}

fn ask(ground: &TeamGround, form: &Form, mut problem: Problem) -> Response<Body> {
    let page = NewWorkspacePage {
        shell: &ground.shell,
        team: &ground.team,
        action: ground.href("/new-workspace"),
        back: ground.href("/"),
        name: Field::text("name", "Name")
            .required()
            .value(form.field("name"))
            .placeholder("Engineering")
            .problem(problem.take("name")),
        slug: Field::text("slug", "Slug")
            .value(form.field("slug"))
            .help("What its URL ends in, for good. Made from the name if you leave it out.")
            .problem(problem.take("slug")),
        description: Field::text("description", "What it is for")
            .value(form.field("description"))
            .problem(problem.take("description")),
        problem: problem.rest(),
    };
    draw(problem.status, &page)
}

/// Makes it.
pub(super) async fn does(visitor: &Visitor, form: &Form) -> Drawn {
    let ground = visitor.team_ground(Section::Workspaces).await?;
    ground.must(visitor, Operation::CreateWorkspace)?;
    let slug = match filled(form, "slug").map(Slug::parse).transpose() {
        Ok(slug) => slug,
        Err(error) => return Ok(ask(&ground, form, Problem::with("slug", error))),
    };
    let request = CreateWorkspaceRequest {
        name: form.field("name").to_owned(),
        slug,
        description: filled(form, "description").map(str::to_owned),
    };
    match visitor.ask::<endpoint::CreateWorkspace>(ground.named.as_ref(), &[], request).await {
        Ok(made) => {
            let said =
                format!("{} is there. Next: servers to put behind it, and tokens for people.", made.name);
            Ok(visitor.done(&path_in(&made.slug, Tab::Overview, ""), &said))
        }
        Err(error) => {
            let field = match error.code {
                ErrorCode::SlugTaken => "slug",
                ErrorCode::InvalidRequest if error.message.contains("description") => "description",
                ErrorCode::InvalidRequest => "name",
                _ => "",
            };
            Ok(ask(&ground, form, Problem::of(visitor, error, field)?))
        }
    }
}
