//! `…/secrets/set`: a value typed in, on its one way to the vault.

use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::operation::endpoint;
use aerostack_core::api::secret::SetSecretRequest;
use aerostack_core::secret::{SecretName, SecretValue};
use aerostack_core::slug::Slug;
use askama::Template;

use super::form::Form;
use super::frame::draw;
use super::part::{Choice, Field};
use super::path::Tab;
use super::problem::{Problem, filled};
use super::secrets::installs_of;
use super::shell::{Shell, WorkspaceGround, path_in};
use super::visitor::{Drawn, Visitor};

#[derive(Template)]
#[template(path = "pages/secret_set.html")]
struct SetPage<'a> {
    shell: &'a Shell,
    ground: &'a WorkspaceGround,
    action: String,
    back: String,
    problem: Option<String>,
    server: Choice,
    name: Field,
    value: Field,
}

/// Asks for it. Which one may be said in the address.
pub(super) async fn ask(visitor: &Visitor, ground: &WorkspaceGround) -> Drawn {
    page(visitor, ground, &visitor.query, Problem::none()).await
}

async fn page(visitor: &Visitor, ground: &WorkspaceGround, form: &Form, mut problem: Problem) -> Drawn {
    let installs = installs_of(visitor, ground).await?;
    let any = (String::new(), "The one that takes it".to_owned());
    let one = |slug: &Slug| (slug.to_string(), slug.to_string());
    let servers = [any].into_iter().chain(installs.iter().map(|install| one(&install.slug)));
    let page = SetPage {
        shell: &ground.shell,
        ground,
        action: ground.href(Tab::Secrets, "set"),
        back: ground.href(Tab::Secrets, ""),
        server: Choice::of("server", "Server", servers, form.field("server")).problem(problem.take("server")),
        name: Field::text("name", "Name")
            .required()
            .value(form.field("name"))
            .placeholder("GITHUB_TOKEN")
            .problem(problem.take("name")),
        // Never filled in: a value goes in and does not come back, not even to who has just typed it.
        value: Field::text("value", "Value")
            .kind("password")
            .required()
            .help("Sealed when it arrives and never shown again. The next call uses it.")
            .problem(problem.take("value")),
        problem: problem.rest(),
    };
    Ok(draw(problem.status, &page))
}

/// Sets it.
pub(super) async fn set(visitor: &Visitor, ground: &WorkspaceGround, form: &Form) -> Drawn {
    let name = match SecretName::normalise(form.field("name")) {
        Ok(name) => name,
        Err(error) => return page(visitor, ground, form, Problem::with("name", error)).await,
    };
    let server = match filled(form, "server").map(Slug::parse).transpose() {
        Ok(server) => server,
        Err(error) => return page(visitor, ground, form, Problem::with("server", error)).await,
    };
    // Not trimmed: what was typed is the value.
    let value = match SecretValue::new(form.raw("value").to_owned()) {
        Ok(value) => value,
        Err(error) => return page(visitor, ground, form, Problem::with("value", error)).await,
    };
    let slug = &ground.workspace.slug;
    let request = SetSecretRequest { value, server };
    match visitor.ask::<endpoint::SetSecret>(None, &[slug.as_str(), name.as_str()], request).await {
        Ok(set) => {
            let said = match &set.sent_as {
                Some(place) => format!("{} of {} is set. It is sent as {place}", set.name, set.server),
                None => format!("{} of {} is set, but the server does not ask for it.", set.name, set.server),
            };
            Ok(visitor.done(&path_in(slug, Tab::Secrets, ""), &said))
        }
        Err(error) => {
            let field = match error.code {
                ErrorCode::Conflict if error.message.contains("takes the secret") => "server",
                ErrorCode::InvalidRequest if error.message.contains("servers fit") => "server",
                ErrorCode::InvalidRequest => "value",
                _ => "",
            };
            page(visitor, ground, form, Problem::of(visitor, error, field)?).await
        }
    }
}
