//! `/workspaces/{slug}/secrets`: names and dates. A value is typed into `secret_set` and is never shown again:
//! not beside its field, not in what is said afterwards, in no address.

use std::collections::HashMap;

use aerostack_core::api::operation::{Operation, endpoint};
use aerostack_core::api::page::{PAGE_MAX, PageQuery};
use aerostack_core::api::secret::{DeleteSecretQuery, SecretState, SecretView};
use aerostack_core::api::server::InstallView;
use aerostack_core::secret::SecretName;
use aerostack_core::server::Auth;
use aerostack_core::slug::Slug;
use aerostack_core::time::Timestamp;
use askama::Template;
use http::StatusCode;

use super::form::Form;
use super::frame::{Notice, draw};
use super::part::{Badge, Empty, Moment};
use super::path::Tab;
use super::secret_set;
use super::shell::{Shell, WorkspaceGround, path_in};
use super::visitor::{Drawn, Visitor};

/// Pages of secrets that are read: a workspace has at most 3,200.
const SECRET_PAGES_MAX: usize = 4;

#[derive(Template)]
#[template(path = "pages/secrets.html")]
struct SecretsPage<'a> {
    shell: &'a Shell,
    ground: &'a WorkspaceGround,
    set: String,
    missing: Vec<Missing>,
    rows: Vec<Row>,
    empty: Empty,
}

/// A secret that a server asks for and that was never set.
struct Missing {
    name: SecretName,
    server: Slug,
    set: String,
}

struct Row {
    secret: SecretView,
    state: Badge,
    /// What is to be done about it.
    note: Option<&'static str>,
    updated: Moment,
    created: Moment,
    set: String,
    delete: String,
}

#[derive(Template)]
#[template(path = "pages/secret_delete.html")]
struct DeletePage<'a> {
    shell: &'a Shell,
    ground: &'a WorkspaceGround,
    secret: &'a SecretView,
    action: String,
    back: String,
}

/// Shows them, or one of the pages below.
pub(super) async fn show(visitor: &Visitor, slug: &str, below: &[&str]) -> Drawn {
    let ground = visitor.workspace_ground(slug, Tab::Secrets).await?;
    ground.must(visitor, Operation::ListSecrets)?;
    match below {
        [] => list(visitor, &ground).await,
        ["set"] => secret_set::ask(visitor, &ground).await,
        [server, name, "delete"] => ask_delete(visitor, &ground, server, name).await,
        _ => Err(Notice::nothing_here()),
    }
}

/// Does what one of the forms says.
pub(super) async fn does(visitor: &Visitor, slug: &str, below: &[&str], form: &Form) -> Drawn {
    let ground = visitor.workspace_ground(slug, Tab::Secrets).await?;
    ground.must(visitor, Operation::ListSecrets)?;
    match below {
        ["set"] => secret_set::set(visitor, &ground, form).await,
        [server, name, "delete"] => delete(visitor, &ground, server, name).await,
        _ => Err(Notice::nothing_here()),
    }
}

async fn list(visitor: &Visitor, ground: &WorkspaceGround) -> Drawn {
    let secrets = secrets_of(visitor, ground).await?;
    let installs = installs_of(visitor, ground).await?;
    let missing = match installs.is_empty() {
        true => Vec::new(),
        false => missing(visitor, ground, &installs, &secrets).await?,
    };
    let now = visitor.app.clock.now();
    let page = SecretsPage {
        shell: &ground.shell,
        ground,
        set: ground.href(Tab::Secrets, "set"),
        missing,
        rows: secrets.into_iter().map(|secret| row(ground, secret, now)).collect(),
        empty: nothing(ground, installs.is_empty()),
    };
    Ok(draw(StatusCode::OK, &page))
}

/// What servers of the catalogue ask for by name and nobody has set.
async fn missing(
    visitor: &Visitor,
    ground: &WorkspaceGround,
    installs: &[InstallView],
    secrets: &[SecretView],
) -> Result<Vec<Missing>, Notice> {
    let query = PageQuery { limit: Some(PAGE_MAX), cursor: None };
    let owner = &ground.workspace.owner;
    let catalogue = visitor.look::<endpoint::ListServers>(Some(owner), &[], query).await?.items;
    let asked: HashMap<String, SecretName> = catalogue
        .into_iter()
        .filter_map(|server| match server.auth {
            Auth::Bearer(name) => Some((format!("@{}/{}", server.owner, server.slug), name)),
            Auth::None | Auth::Headers | Auth::Body | Auth::Environment => None,
        })
        .collect();
    let missing = installs.iter().filter_map(|install| {
        let name = asked.get(&install.server).filter(|_| install.version.is_none())?;
        let is_set = secrets.iter().any(|secret| secret.server == install.slug && secret.name == *name);
        let set = set_form(ground, &install.slug, name);
        (!is_set).then(|| Missing { name: name.clone(), server: install.slug.clone(), set })
    });
    Ok(missing.collect())
}

fn row(ground: &WorkspaceGround, secret: SecretView, now: Timestamp) -> Row {
    let (state, note) = match secret.state {
        SecretState::Used => (Badge::good("used"), None),
        SecretState::Unused => (Badge::plain("unused"), Some("The server does not ask for it.")),
        SecretState::Moved => (
            Badge::bad("moved"),
            Some(
                "What it was set for has changed: the server's address, or its command. Set it again, or it is not sent.",
            ),
        ),
        SecretState::Locked => (
            Badge::bad("locked"),
            Some("It cannot be opened: the gateway's master key is missing or another one."),
        ),
    };
    Row {
        state,
        note,
        updated: Moment::past(secret.updated_at, now),
        created: Moment::past(secret.created_at, now),
        set: set_form(ground, &secret.server, &secret.name),
        delete: ground.href(Tab::Secrets, &format!("{}/{}/delete", secret.server, secret.name)),
        secret,
    }
}

fn set_form(ground: &WorkspaceGround, server: &Slug, name: &SecretName) -> String {
    format!("{}?server={server}&name={name}", ground.href(Tab::Secrets, "set"))
}

fn nothing(ground: &WorkspaceGround, has_no_servers: bool) -> Empty {
    let title = "No secrets yet";
    if has_no_servers {
        return Empty::new(title, "A secret is for an installed server, and this workspace has none so far.");
    }
    let text = "Credentials of servers are sealed here and sent to their own server alone. Set one here, or at the \
                command line:";
    let command = format!("aerostack workspace secret set {} GITHUB_TOKEN", ground.workspace.slug);
    Empty::new(title, text).command(command)
}

/// Every secret of the workspace, by name and server.
async fn secrets_of(visitor: &Visitor, ground: &WorkspaceGround) -> Result<Vec<SecretView>, Notice> {
    let slug = ground.workspace.slug.as_str();
    let mut secrets = Vec::new();
    let mut cursor = None;
    for _ in 0..SECRET_PAGES_MAX {
        let query = PageQuery { limit: Some(PAGE_MAX), cursor };
        let found = visitor.look::<endpoint::ListSecrets>(None, &[slug], query).await?;
        secrets.extend(found.items);
        cursor = found.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    Ok(secrets)
}

/// Everything installed into the workspace.
///
/// # Errors
/// The page of a refusal.
pub(super) async fn installs_of(
    visitor: &Visitor,
    ground: &WorkspaceGround,
) -> Result<Vec<InstallView>, Notice> {
    let query = PageQuery { limit: Some(PAGE_MAX), cursor: None };
    let slug = ground.workspace.slug.as_str();
    Ok(visitor.look::<endpoint::ListInstalls>(None, &[slug], query).await?.items)
}

async fn ask_delete(visitor: &Visitor, ground: &WorkspaceGround, server: &str, name: &str) -> Drawn {
    let secrets = secrets_of(visitor, ground).await?;
    let is_meant = |secret: &&SecretView| secret.server.as_str() == server && secret.name.as_str() == name;
    let secret = secrets.iter().find(is_meant).ok_or_else(Notice::nothing_here)?;
    let page = DeletePage {
        shell: &ground.shell,
        ground,
        secret,
        action: ground.href(Tab::Secrets, &format!("{}/{}/delete", secret.server, secret.name)),
        back: ground.href(Tab::Secrets, ""),
    };
    Ok(draw(StatusCode::OK, &page))
}

async fn delete(visitor: &Visitor, ground: &WorkspaceGround, server: &str, name: &str) -> Drawn {
    let server = Slug::parse(server).map_err(|_| Notice::nothing_here())?;
    let slug = &ground.workspace.slug;
    let query = DeleteSecretQuery { server: Some(server) };
    let gone = visitor.look::<endpoint::DeleteSecret>(None, &[slug.as_str(), name], query).await?;
    let said = format!("{} of {} is deleted. No call uses it any more.", gone.name, gone.server);
    Ok(visitor.done(&path_in(slug, Tab::Secrets, ""), &said))
}
