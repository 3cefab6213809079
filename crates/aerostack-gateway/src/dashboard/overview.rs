//! `/workspaces/{slug}`: what it is, and what an editor is given to reach it; below it, its settings and its
//! end.

use aerostack_core::api::connect::{Editor, PLACEHOLDER, block};
use aerostack_core::api::operation::{Operation, endpoint};
use aerostack_core::api::page::Empty;
use aerostack_core::api::workspace::{UpdateWorkspaceRequest, WorkspaceView};
use aerostack_core::workspace::ToolPrefix;
use askama::Template;
use http::{Response, StatusCode};

use super::form::Form;
use super::frame::{Notice, draw};
use super::part::{Choice, Copy, Field, Moment};
use super::path::Tab;
use super::problem::Problem;
use super::shell::{Shell, WorkspaceGround, path_in};
use super::visitor::{Drawn, Visitor};
use crate::http::body::Body;

#[derive(Template)]
#[template(path = "pages/overview.html")]
struct OverviewPage<'a> {
    shell: &'a Shell,
    ground: &'a WorkspaceGround,
    url: Copy,
    editors: Vec<EditorBlock>,
    created: Moment,
    /// Where a token is made, if the visitor may.
    new_token: Option<String>,
    settings: Option<String>,
    delete: Option<String>,
}

/// What one editor is given.
pub(super) struct EditorBlock {
    /// Which.
    pub(super) editor: Editor,
    /// What is pasted.
    pub(super) block: Copy,
}

#[derive(Template)]
#[template(path = "pages/workspace_settings.html")]
struct SettingsPage<'a> {
    shell: &'a Shell,
    ground: &'a WorkspaceGround,
    action: String,
    back: String,
    problem: Option<String>,
    name: Field,
    description: Field,
    tool_prefix: Choice,
}

#[derive(Template)]
#[template(path = "pages/workspace_delete.html")]
struct DeletePage<'a> {
    shell: &'a Shell,
    ground: &'a WorkspaceGround,
    action: String,
    back: String,
    confirm: Field,
}

/// Shows it, or one of the pages below.
pub(super) async fn show(visitor: &Visitor, slug: &str, below: &[&str]) -> Drawn {
    let ground = visitor.workspace_ground(slug, Tab::Overview).await?;
    match below {
        [] => Ok(overview(visitor, &ground)),
        ["settings"] => {
            ground.must(visitor, Operation::UpdateWorkspace)?;
            Ok(ask_settings(&ground, &typed(&ground.workspace), Problem::none()))
        }
        ["delete"] => {
            ground.must(visitor, Operation::DeleteWorkspace)?;
            Ok(ask_delete(&ground, Problem::none()))
        }
        _ => Err(Notice::nothing_here()),
    }
}

/// Does what one of the forms below says.
pub(super) async fn does(visitor: &Visitor, slug: &str, below: &[&str], form: &Form) -> Drawn {
    match below {
        ["settings"] => change(visitor, slug, form).await,
        ["delete"] => delete(visitor, slug, form).await,
        _ => Err(Notice::nothing_here()),
    }
}

fn overview(visitor: &Visitor, ground: &WorkspaceGround) -> Response<Body> {
    let workspace = &ground.workspace;
    let page = OverviewPage {
        shell: &ground.shell,
        ground,
        url: Copy::of("gateway-url", "gateway URL", &workspace.gateway_url),
        editors: editor_blocks(workspace, PLACEHOLDER),
        created: Moment::past(workspace.created_at, visitor.app.clock.now()),
        new_token: ground.may(Operation::CreateToken).then(|| ground.href(Tab::Tokens, "new")),
        settings: ground.may(Operation::UpdateWorkspace).then(|| ground.href(Tab::Overview, "settings")),
        delete: ground.may(Operation::DeleteWorkspace).then(|| ground.href(Tab::Overview, "delete")),
    };
    draw(StatusCode::OK, &page)
}

/// What every editor is given, with a token or what stands in its place.
pub(super) fn editor_blocks(workspace: &WorkspaceView, token: &str) -> Vec<EditorBlock> {
    let of = |editor: Editor| {
        let text = block(&workspace.slug, &workspace.gateway_url, Some(editor), token);
        let (id, what) = (format!("block-{}", editor.word()), format!("block for {}", editor.title()));
        let block =
            if token == PLACEHOLDER { Copy::of(id, what, text) } else { Copy::secret(id, what, text) };
        EditorBlock { editor, block }
    };
    Editor::ALL.map(of).into()
}

/// What the form holds before anything was typed.
fn typed(workspace: &WorkspaceView) -> Form {
    let WorkspaceView { name, description, tool_prefix, .. } = workspace;
    Form::of([("name", name.as_str()), ("description", description), ("tool_prefix", tool_prefix.word())])
}

fn ask_settings(ground: &WorkspaceGround, form: &Form, mut problem: Problem) -> Response<Body> {
    let prefixes = [
        (ToolPrefix::Always.word(), "Always: github__create_issue"),
        (ToolPrefix::OnCollision.word(), "Only where two servers share a name"),
        (ToolPrefix::Never.word(), "Never: create_issue"),
    ];
    let page = SettingsPage {
        shell: &ground.shell,
        ground,
        action: ground.href(Tab::Overview, "settings"),
        back: ground.href(Tab::Overview, ""),
        name: Field::text("name", "Name").required().value(form.field("name")).problem(problem.take("name")),
        description: Field::text("description", "What it is for")
            .value(form.field("description"))
            .problem(problem.take("description")),
        tool_prefix: Choice::of(
            "tool_prefix",
            "Server's slug before tool names",
            prefixes,
            form.field("tool_prefix"),
        )
        .help("Open editors are told; prompts that name a tool may have to be changed.")
        .problem(problem.take("tool_prefix")),
        problem: problem.rest(),
    };
    draw(problem.status, &page)
}

async fn change(visitor: &Visitor, slug: &str, form: &Form) -> Drawn {
    let ground = visitor.workspace_ground(slug, Tab::Overview).await?;
    ground.must(visitor, Operation::UpdateWorkspace)?;
    let tool_prefix = match form.field("tool_prefix").parse::<ToolPrefix>() {
        Ok(tool_prefix) => tool_prefix,
        Err(error) => return Ok(ask_settings(&ground, form, Problem::with("tool_prefix", error))),
    };
    let request = UpdateWorkspaceRequest {
        name: Some(form.field("name").to_owned()),
        description: Some(form.field("description").to_owned()),
        tool_prefix: Some(tool_prefix),
    };
    match visitor.ask::<endpoint::UpdateWorkspace>(None, &[slug], request).await {
        Ok(now) => Ok(visitor.done(&path_in(&now.slug, Tab::Overview, ""), "Settings saved.")),
        Err(error) => {
            let field = if error.message.contains("description") { "description" } else { "name" };
            Ok(ask_settings(&ground, form, Problem::of(visitor, error, field)?))
        }
    }
}

fn ask_delete(ground: &WorkspaceGround, mut problem: Problem) -> Response<Body> {
    let page = DeletePage {
        shell: &ground.shell,
        ground,
        action: ground.href(Tab::Overview, "delete"),
        back: ground.href(Tab::Overview, ""),
        confirm: Field::text("confirm", "Type its slug to delete it")
            .required()
            .problem(problem.take("confirm")),
    };
    draw(problem.status, &page)
}

async fn delete(visitor: &Visitor, slug: &str, form: &Form) -> Drawn {
    if form.field("confirm") != slug {
        let ground = visitor.workspace_ground(slug, Tab::Overview).await?;
        ground.must(visitor, Operation::DeleteWorkspace)?;
        return Ok(ask_delete(&ground, Problem::with("confirm", "this is not its slug")));
    }
    let done = visitor.look::<endpoint::DeleteWorkspace>(None, &[slug], Empty {}).await?;
    let tokens = match done.tokens_ended {
        0 => "It had no tokens.".to_owned(),
        1 => "Its token is refused from now on.".to_owned(),
        count => format!("Its {count} tokens are refused from now on."),
    };
    let log = path_in(&done.slug, Tab::Audit, "");
    Ok(visitor.done("/", &format!("{slug} is deleted. {tokens} Its log stays at {log}.")))
}
