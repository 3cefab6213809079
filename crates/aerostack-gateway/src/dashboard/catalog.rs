//! `/catalog`: the servers of an account, from which workspaces are given theirs. A test and an end are in
//! `catalog_entry`.

use aerostack_core::api::operation::{Operation, endpoint};
use aerostack_core::api::page::PageQuery;
use aerostack_core::api::server::{EditServerRequest, ServerView};
use aerostack_core::slug::Slug;
use aerostack_core::stdio::StdioCommand;
use askama::Template;
use http::{Response, StatusCode};

use super::catalog_entry::{self, find};
use super::form::Form;
use super::frame::{Notice, draw};
use super::part::{Empty, Field, Moment, Pager};
use super::path::Tab;
use super::problem::{Problem, filled};
use super::server_form::{self, Manner, ServerFields, Typed};
use super::shell::{Link, Section, Shell, TeamGround, path_in, with_team};
use super::visitor::{Drawn, Visitor};
use crate::http::body::Body;

/// Workspaces that are named for one server.
const PLACES_MAX: usize = 4;

#[derive(Template)]
#[template(path = "pages/catalog.html")]
struct CatalogPage<'a> {
    shell: &'a Shell,
    add: String,
    rows: Vec<Row>,
    empty: Empty,
    pager: Pager,
}

struct Row {
    server: ServerView,
    /// Where it stands below the catalogue, and what follows every address there.
    own: String,
    team: String,
    places: Vec<Link>,
    places_left: usize,
    added: Moment,
}

#[derive(Template)]
#[template(path = "pages/catalog_form.html")]
struct FormPage<'a> {
    shell: &'a Shell,
    title: String,
    action: String,
    back: String,
    submit: &'static str,
    problem: Option<String>,
    slug: Option<Field>,
    fields: ServerFields,
    /// What is run, if it is a program, which has a name then.
    program: Option<(&'a Slug, &'a StdioCommand)>,
    /// Whether changing its address makes secrets wait.
    may_move: bool,
}

/// Shows it, or one of the pages below.
pub(super) async fn show(visitor: &Visitor, below: &[&str]) -> Drawn {
    let ground = visitor.team_ground(Section::Catalog).await?;
    ground.must(visitor, Operation::ListServers)?;
    match below {
        [] => list(visitor, &ground).await,
        ["-", "add"] => Ok(add_page(&ground, &Form::default(), Problem::none())),
        [server, "edit"] => {
            let server = find(visitor, &ground, server).await?;
            Ok(edit_page(&ground, &server, &server_form::typed_of(&server), Problem::none()))
        }
        [server, "delete"] => catalog_entry::ask_delete(visitor, &ground, server).await,
        _ => Err(Notice::nothing_here()),
    }
}

/// Does what one of the forms says.
pub(super) async fn does(visitor: &Visitor, below: &[&str], form: &Form) -> Drawn {
    let ground = visitor.team_ground(Section::Catalog).await?;
    ground.must(visitor, Operation::ListServers)?;
    match below {
        ["-", "add"] => add(visitor, &ground, form).await,
        [server, "edit"] => edit(visitor, &ground, server, form).await,
        [server, "test"] => catalog_entry::test(visitor, &ground, server).await,
        [server, "delete"] => catalog_entry::delete(visitor, &ground, server).await,
        _ => Err(Notice::nothing_here()),
    }
}

async fn list(visitor: &Visitor, ground: &TeamGround) -> Drawn {
    let cursor = filled(&visitor.query, "cursor").map(str::to_owned);
    let query = PageQuery { cursor, ..PageQuery::default() };
    let found = visitor.look::<endpoint::ListServers>(ground.named.as_ref(), &[], query).await?;
    let (base, now) = (&ground.shell.frame.base, visitor.app.clock.now());
    let place = |slug: &Slug| Link {
        title: slug.to_string(),
        href: base.clone() + &path_in(slug, Tab::Servers, ""),
        is_current: false,
    };
    let rows = found.items.into_iter().map(|server| Row {
        own: format!("{base}/catalog/{}", server.slug),
        team: with_team("", ground.named.as_ref()),
        places: server.installed_in.iter().take(PLACES_MAX).map(place).collect(),
        places_left: server.installed_in.len().saturating_sub(PLACES_MAX),
        added: Moment::past(server.created_at, now),
        server,
    });
    let text =
        "Add a server once and install it into as many workspaces as you like: here, or at the command line:";
    let page = CatalogPage {
        shell: &ground.shell,
        add: ground.href("/catalog/-/add"),
        rows: rows.collect(),
        empty: Empty::new("No servers yet", text)
            .command("aerostack mcp add github --url https://mcp.example.com/mcp --auth bearer:GITHUB_TOKEN"),
        pager: Pager::of(
            &ground.href("/catalog"),
            visitor.query.field("cursor"),
            found.next_cursor.as_deref(),
        ),
    };
    Ok(draw(StatusCode::OK, &page))
}

fn add_page(ground: &TeamGround, form: &Form, mut problem: Problem) -> Response<Body> {
    let slug = Field::text("slug", "Name")
        .required()
        .value(form.field("slug"))
        .placeholder("github")
        .problem(problem.take("slug"));
    let page = FormPage {
        shell: &ground.shell,
        title: "Add a server".to_owned(),
        action: ground.href("/catalog/-/add"),
        back: ground.href("/catalog"),
        submit: "Add server",
        slug: Some(slug),
        fields: ServerFields::of(form, &mut problem),
        program: None,
        may_move: false,
        problem: problem.rest(),
    };
    draw(problem.status, &page)
}

async fn add(visitor: &Visitor, ground: &TeamGround, form: &Form) -> Drawn {
    let (slug, typed) = match (Slug::parse(form.field("slug")), server_form::read(form)) {
        (Ok(slug), Ok(typed)) => (slug, typed),
        (Err(error), _) => return Ok(add_page(ground, form, Problem::with("slug", error))),
        (_, Err(problem)) => return Ok(add_page(ground, form, problem)),
    };
    match visitor.ask::<endpoint::AddServer>(ground.named.as_ref(), &[], typed.added(slug)).await {
        Ok(added) => {
            let said =
                format!("{} is in the catalogue. Install it on a workspace's Servers page.", added.slug);
            Ok(visitor.done(&with_team("/catalog", ground.named.as_ref()), &said))
        }
        Err(error) => Ok(add_page(ground, form, server_form::refused(visitor, error)?)),
    }
}

fn edit_page(ground: &TeamGround, server: &ServerView, form: &Form, mut problem: Problem) -> Response<Body> {
    let page = FormPage {
        shell: &ground.shell,
        title: format!("Edit {}", server.slug),
        action: ground.href(&format!("/catalog/{}/edit", server.slug)),
        back: ground.href("/catalog"),
        submit: "Save",
        slug: None,
        fields: match server.stdio {
            Some(_) => ServerFields::of_program(form, &mut problem),
            None => ServerFields::of(form, &mut problem),
        },
        program: server.stdio.as_ref().map(|stdio| (&server.slug, stdio)),
        may_move: !server.installed_in.is_empty() && server.stdio.is_none(),
        problem: problem.rest(),
    };
    draw(problem.status, &page)
}

fn edited(server: &ServerView, form: &Form) -> Result<EditServerRequest, Problem> {
    match server.stdio {
        Some(_) => server_form::read_manner(form).map(Manner::edited),
        None => server_form::read(form).map(Typed::edited),
    }
}

async fn edit(visitor: &Visitor, ground: &TeamGround, server: &str, form: &Form) -> Drawn {
    let before = find(visitor, ground, server).await?;
    let request = match edited(&before, form) {
        Ok(request) => request,
        Err(problem) => return Ok(edit_page(ground, &before, form, problem)),
    };
    match visitor.ask::<endpoint::EditServer>(ground.named.as_ref(), &[server], request).await {
        Ok(now) => {
            let said = match now.url == before.url || now.installed_in.is_empty() {
                true => format!("{} is saved.", now.slug),
                false => {
                    format!("{} is saved. Its secrets have to be set again for the new address.", now.slug)
                }
            };
            Ok(visitor.done(&with_team("/catalog", ground.named.as_ref()), &said))
        }
        Err(error) => Ok(edit_page(ground, &before, form, server_form::refused(visitor, error)?)),
    }
}
