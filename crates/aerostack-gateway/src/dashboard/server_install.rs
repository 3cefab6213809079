//! `…/servers/-/install` and `…/servers/-/add`: a server put into a workspace, out of a catalogue or as a new
//! one that is put into the catalogue in the same step.

use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::operation::{Operation, endpoint};
use aerostack_core::api::page::{Empty, PAGE_MAX, PageQuery};
use aerostack_core::api::server::{InstallRequest, InstalledReply, ServerView};
use aerostack_core::slug::Slug;
use askama::Template;
use http::Response;

use super::form::Form;
use super::frame::{Notice, draw};
use super::part::{Choice, Field};
use super::path::Tab;
use super::problem::{Problem, filled};
use super::server_form::{self, ServerFields};
use super::server_page::{catalogue_entry, secret_form};
use super::shell::{Shell, WorkspaceGround, path_in};
use super::visitor::{Drawn, Visitor};
use crate::http::body::Body;

#[derive(Template)]
#[template(path = "pages/server_install.html")]
struct InstallPage<'a> {
    shell: &'a Shell,
    ground: &'a WorkspaceGround,
    action: String,
    back: String,
    /// Where a new one is added.
    add: String,
    problem: Option<String>,
    is_empty: bool,
    server: Choice,
    alias: Field,
}

#[derive(Template)]
#[template(path = "pages/server_add.html")]
struct AddPage<'a> {
    shell: &'a Shell,
    ground: &'a WorkspaceGround,
    action: String,
    back: String,
    problem: Option<String>,
    slug: Field,
    fields: ServerFields,
}

/// Asks which one of the catalogue.
pub(super) async fn ask(visitor: &Visitor, ground: &WorkspaceGround) -> Drawn {
    ground.must(visitor, Operation::InstallServer)?;
    install_page(visitor, ground, &Form::default(), Problem::none()).await
}

async fn install_page(
    visitor: &Visitor,
    ground: &WorkspaceGround,
    form: &Form,
    mut problem: Problem,
) -> Drawn {
    let choices = choices(visitor, ground).await?;
    let page = InstallPage {
        shell: &ground.shell,
        ground,
        action: ground.href(Tab::Servers, "-/install"),
        back: ground.href(Tab::Servers, ""),
        add: ground.href(Tab::Servers, "-/add"),
        is_empty: choices.is_empty(),
        server: Choice::of("server", "Server", choices, form.field("server")).problem(problem.take("server")),
        alias: Field::text("as", "Name here")
            .value(form.field("as"))
            .help("Its own name unless given. Installed under two names it is there twice.")
            .problem(problem.take("as")),
        problem: problem.rest(),
    };
    Ok(draw(problem.status, &page))
}

/// What may be installed: the catalogue of the workspace's owner, and the visitor's own.
async fn choices(visitor: &Visitor, ground: &WorkspaceGround) -> Result<Vec<(String, String)>, Notice> {
    let workspace = &ground.workspace;
    let mut found = catalogue(visitor, &workspace.owner).await?;
    let own = &visitor.account()?.username;
    if *own != workspace.owner {
        found.extend(catalogue(visitor, own).await?);
    }
    let choice = |server: ServerView| {
        let reference = format!("@{}/{}", server.owner, server.slug);
        let shown = if server.owner == workspace.owner { server.slug.to_string() } else { reference.clone() };
        let is_here = server.installed_in.contains(&workspace.slug);
        (reference, if is_here { format!("{shown} (installed)") } else { shown })
    };
    Ok(found.into_iter().map(choice).collect())
}

async fn catalogue(visitor: &Visitor, team: &Slug) -> Result<Vec<ServerView>, Notice> {
    // A catalogue has no more than fit on the longest page.
    let query = PageQuery { limit: Some(PAGE_MAX), cursor: None };
    Ok(visitor.look::<endpoint::ListServers>(Some(team), &[], query).await?.items)
}

/// Installs it.
pub(super) async fn install(visitor: &Visitor, ground: &WorkspaceGround, form: &Form) -> Drawn {
    ground.must(visitor, Operation::InstallServer)?;
    let alias = match filled(form, "as").map(Slug::parse).transpose() {
        Ok(alias) => alias,
        Err(error) => return install_page(visitor, ground, form, Problem::with("as", error)).await,
    };
    let request = InstallRequest { server: form.field("server").to_owned(), alias };
    match visitor.ask::<endpoint::InstallServer>(None, &[ground.workspace.slug.as_str()], request).await {
        Ok(reply) => installed(visitor, ground, &reply).await,
        Err(error) => {
            let field = match error.code {
                ErrorCode::NameTaken => "as",
                ErrorCode::InvalidRequest => "server",
                _ => "",
            };
            install_page(visitor, ground, form, Problem::of(visitor, error, field)?).await
        }
    }
}

/// On to its secret where it asks for one, else to its own page.
async fn installed(visitor: &Visitor, ground: &WorkspaceGround, reply: &InstalledReply) -> Drawn {
    let install = &reply.install;
    let own = path_in(&ground.workspace.slug, Tab::Servers, install.slug.as_str());
    if reply.already_installed {
        return Ok(visitor.done(&own, &format!("{} is installed already.", install.slug)));
    }
    let entry = catalogue_entry(visitor, install).await?;
    // A program may do without, where no operator has named one.
    let asks = entry.filter(|entry| entry.stdio.as_ref().is_none_or(|stdio| !stdio.secrets.is_empty()));
    if let Some(secret) = asks.and_then(|entry| secret_form(ground, install, &entry)) {
        let said =
            format!("{} is installed. It asks for a secret: set it, and its tools appear.", install.slug);
        let secret = secret.strip_prefix(&ground.shell.frame.base).unwrap_or(&secret);
        return Ok(visitor.done(secret, &said));
    }
    let said = match &reply.warning {
        Some(warning) => format!("{} is installed. But {warning}", install.slug),
        None => format!("{} is installed. Its tools are in the next list.", install.slug),
    };
    Ok(visitor.done(&own, &said))
}

/// Asks what the new one is.
pub(super) fn ask_new(visitor: &Visitor, ground: &WorkspaceGround) -> Drawn {
    ground.must(visitor, Operation::AddServer)?;
    Ok(add_page(ground, &Form::default(), Problem::none()))
}

fn add_page(ground: &WorkspaceGround, form: &Form, mut problem: Problem) -> Response<Body> {
    let page = AddPage {
        shell: &ground.shell,
        ground,
        action: ground.href(Tab::Servers, "-/add"),
        back: ground.href(Tab::Servers, ""),
        slug: Field::text("slug", "Name")
            .required()
            .value(form.field("slug"))
            .placeholder("github")
            .help("In the catalogue and here; its tools begin with it.")
            .problem(problem.take("slug")),
        fields: ServerFields::of(form, &mut problem),
        problem: problem.rest(),
    };
    draw(problem.status, &page)
}

/// Adds it to the catalogue of the workspace's owner and installs it.
pub(super) async fn add(visitor: &Visitor, ground: &WorkspaceGround, form: &Form) -> Drawn {
    ground.must(visitor, Operation::AddServer)?;
    let (slug, typed) = match (Slug::parse(form.field("slug")), server_form::read(form)) {
        (Ok(slug), Ok(typed)) => (slug, typed),
        (Err(error), _) => return Ok(add_page(ground, form, Problem::with("slug", error))),
        (_, Err(problem)) => return Ok(add_page(ground, form, problem)),
    };
    let workspace = &ground.workspace;
    // Looked up first: nothing is left half done where the name is taken here.
    let parameters = [workspace.slug.as_str(), slug.as_str()];
    if let Ok(known) = visitor.ask::<endpoint::ShowInstall>(None, &parameters, Empty {}).await {
        let problem = Problem::with("slug", format!("'{slug}' is {} in this workspace", known.server));
        return Ok(add_page(ground, form, problem));
    }
    let request = typed.added(slug.clone());
    if let Err(error) = visitor.ask::<endpoint::AddServer>(Some(&workspace.owner), &[], request).await {
        return Ok(add_page(ground, form, server_form::refused(visitor, error)?));
    }
    let server = format!("@{}/{slug}", workspace.owner);
    install(visitor, ground, &Form::of([("server", server.as_str())])).await
}
