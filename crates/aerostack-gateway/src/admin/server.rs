//! The catalogue of the account: servers that can be installed.

use std::time::Duration;

use aerostack_core::account::Account;
use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::page::{Empty, Page, PageQuery};
use aerostack_core::api::server::{AddServerRequest, DeletedServer, EditServerRequest, ServerView};
use aerostack_core::audit::Action;
use aerostack_core::id::ServerId;
use aerostack_core::server::{CATALOGUE_MAX, Server, TIMEOUT_MAX, TIMEOUT_MIN, parse_url};
use aerostack_core::slug::Slug;
use aerostack_core::stdio::StdioCommand;
use aerostack_core::suggest;

use super::call::{Call, Deed, shown};
use super::error::ApiError;
use super::paging::Paging;
use super::stdio::{self, Place};
use crate::app::Publication;
use crate::store::{self, Tx};

/// Most workspaces that one edit of a server publishes anew.
const EDITED_WORKSPACES_MAX: usize = 1_000;
/// Most workspaces named in a refusal.
const NAMED_WORKSPACES_MAX: usize = 10;

/// Lists the catalogue.
pub(super) async fn list(call: Call, query: PageQuery) -> Result<Page<ServerView>, ApiError> {
    let paging = Paging::read(query.limit, query.cursor.as_deref())?;
    let mut tx = call.read().await?;
    let team = call.team(&mut tx).await?;
    let owner = &team.id;
    let found = store::server::list_of_owner(&mut tx, owner, paging.after.as_deref(), paging.fetch()).await?;
    let (found, next_cursor) = paging.cut(found, |server| server.slug.to_string());
    let mut places = match (found.first(), found.last()) {
        (Some(first), Some(last)) => {
            store::server::installed_in(&mut tx, owner, &first.slug, &last.slug).await?
        }
        _ => std::collections::HashMap::new(),
    };
    let mut placed = |server: Server| {
        let installed_in = places.remove(&server.id).unwrap_or_default();
        view(&team, server, installed_in)
    };
    Ok(Page { items: found.into_iter().map(&mut placed).collect(), next_cursor })
}

/// Adds a server.
pub(super) async fn add(call: Call, request: AddServerRequest) -> Result<ServerView, ApiError> {
    let Place { url, stdio, auth } = Place::read(&request)?;
    let timeout = request.timeout.map(read_timeout).transpose()?;
    let (mut order, now) = call.order().await?;
    let team = call.lock_team(&mut order.tx).await?;
    if stdio.is_some() {
        stdio::may_register(&call, &team)?;
    }
    if store::server::find_by_slug(&mut order.tx, &team.id, &request.slug).await?.is_some() {
        let message = format!("the catalogue has a server named '{}'", request.slug);
        return Err(ApiError::new(ErrorCode::NameTaken, message)
            .with_hint(format!("change it with: aerostack mcp edit {}", request.slug)));
    }
    if store::server::count_of_owner(&mut order.tx, &team.id).await? >= CATALOGUE_MAX {
        let message = format!("a catalogue has at most {CATALOGUE_MAX} servers");
        return Err(ApiError::new(ErrorCode::LimitReached, message)
            .with_hint("delete a server that nobody uses any more".to_owned()));
    }
    let server = Server {
        id: ServerId::new(now, &mut call.app.rng()),
        owner: team.id.clone(),
        slug: request.slug,
        url,
        stdio,
        auth,
        session: request.session,
        timeout,
        trusted: call.is_operator(),
        created_at: now,
    };
    store::server::insert(&mut order.tx, &server).await?;
    let detail = whereabouts(&server);
    let deed = Deed { action: Action::ServerAdded, object: &reference(&team, &server.slug), detail };
    call.audit_account(&mut order.tx, &team.id, now, deed).await?;
    order.commit(Vec::new()).await?;
    Ok(view(&team, server, Vec::new()))
}

/// Shows one server.
pub(super) async fn show(call: Call, _request: Empty) -> Result<ServerView, ApiError> {
    let mut tx = call.read().await?;
    let team = call.team(&mut tx).await?;
    let server = find(&call, &mut tx, &team).await?;
    let places = store::install::workspaces_with(&mut tx, &server.id).await?;
    Ok(view(&team, server, places.into_iter().map(|(_, slug)| slug).collect()))
}

/// Changes a server; what is absent stays. Every workspace that has it meets the change at once.
pub(super) async fn edit(call: Call, request: EditServerRequest) -> Result<ServerView, ApiError> {
    let url = request.url.as_deref().map(parse_url).transpose()?;
    let timeout = match request.timeout {
        None => None,
        Some(0) => Some(None),
        Some(seconds) => Some(Some(read_timeout(seconds)?)),
    };
    let (mut order, now) = call.order().await?;
    let team = call.lock_team(&mut order.tx).await?;
    let before = find(&call, &mut order.tx, &team).await?;
    let stdio = stdio::edited(&call, &team, &before, &request)?;
    let url = stdio.as_ref().map(StdioCommand::address).or(url);
    let moved = url.as_ref().is_some_and(|url| *url != before.url);
    let auth = request.auth.unwrap_or_else(|| before.auth.clone());
    stdio::fits(stdio.as_ref(), &auth)?;
    let after = Server {
        url: url.unwrap_or_else(|| before.url.clone()),
        stdio,
        auth,
        session: request.session.unwrap_or(before.session),
        timeout: timeout.unwrap_or(before.timeout),
        // An address that stays keeps the trust of whoever gave it.
        trusted: if moved { call.is_operator() } else { before.trusted },
        ..before.clone()
    };
    let places = store::install::workspaces_with(&mut order.tx, &after.id).await?;
    let slugs = places.iter().map(|(_, slug)| slug.clone()).collect();
    if after == before {
        return Ok(view(&team, after, slugs));
    }
    if places.len() > EDITED_WORKSPACES_MAX {
        let message =
            format!("'{}' is installed in more than {EDITED_WORKSPACES_MAX} workspaces", after.slug);
        return Err(ApiError::new(ErrorCode::LimitReached, message)
            .with_hint("add it under another name and move workspaces to that".to_owned()));
    }
    store::server::update(&mut order.tx, &after).await?;
    let object = reference(&team, &after.slug);
    let deed = Deed { action: Action::ServerEdited, object: &object, detail: changes(&before, &after) };
    call.audit_account(&mut order.tx, &team.id, now, deed).await?;
    let mut publications = Vec::new();
    for (workspace, _) in places {
        store::workspace::lock(&mut order.tx, &workspace).await?;
        publications.push(Publication::Workspace(workspace));
    }
    order.commit(publications).await?;
    Ok(view(&team, after, slugs))
}

/// Deletes a server that is installed nowhere.
pub(super) async fn delete(call: Call, _request: Empty) -> Result<DeletedServer, ApiError> {
    let (mut order, now) = call.order().await?;
    let team = call.lock_team(&mut order.tx).await?;
    let server = find(&call, &mut order.tx, &team).await?;
    let places = store::install::workspaces_with(&mut order.tx, &server.id).await?;
    if let Some((_, first)) = places.first() {
        let named: Vec<&str> =
            places.iter().take(NAMED_WORKSPACES_MAX).map(|(_, slug)| slug.as_str()).collect();
        let more = match places.len().saturating_sub(NAMED_WORKSPACES_MAX) {
            0 => String::new(),
            rest => format!(" and {rest} more"),
        };
        let message = format!("'{}' is installed in {}{more}", server.slug, named.join(", "));
        return Err(ApiError::new(ErrorCode::Conflict, message)
            .with_hint(format!("remove it first: aerostack mcp uninstall {} -w {first}", server.slug)));
    }
    store::server::delete(&mut order.tx, &server.id).await?;
    let deed = Deed {
        action: Action::ServerDeleted,
        object: &reference(&team, &server.slug),
        detail: String::new(),
    };
    call.audit_account(&mut order.tx, &team.id, now, deed).await?;
    order.commit(Vec::new()).await?;
    Ok(DeletedServer { slug: server.slug })
}

/// The server of the path, in the catalogue of the team.
pub(super) async fn find(call: &Call, tx: &mut Tx, team: &Account) -> Result<Server, ApiError> {
    let (owner, text) = (&team.id, call.parameter(0));
    let found = match Slug::parse(text) {
        Ok(slug) => store::server::find_by_slug(tx, owner, &slug).await?,
        Err(_) => None,
    };
    match found {
        Some(server) => Ok(server),
        None => {
            let known = store::server::slugs_of_owner(tx, owner).await?;
            let hint = suggest::hint(text, known.iter().map(Slug::as_str));
            let message = format!("the catalogue has no server '{}'", shown(text));
            Err(ApiError::not_found(message).with_hint(hint))
        }
    }
}

fn read_timeout(seconds: u64) -> Result<Duration, ApiError> {
    let timeout = Duration::from_secs(seconds);
    if (TIMEOUT_MIN..=TIMEOUT_MAX).contains(&timeout) {
        return Ok(timeout);
    }
    Err(ApiError::invalid(format!(
        "a timeout is {} to {} seconds",
        TIMEOUT_MIN.as_secs(),
        TIMEOUT_MAX.as_secs()
    )))
}

fn reference(team: &Account, slug: &Slug) -> String {
    format!("@{}/{slug}", team.username)
}

fn changes(before: &Server, after: &Server) -> String {
    let changed = [
        (before.url != after.url).then(|| format!("{}: {}", place_word(after), whereabouts(after))),
        (before.url == after.url && before.stdio != after.stdio).then(|| "secrets".to_owned()),
        (before.auth != after.auth).then(|| format!("auth: {}", after.auth)),
        (before.session != after.session).then(|| format!("session: {}", after.session.word())),
        (before.timeout != after.timeout).then(|| "timeout".to_owned()),
    ];
    changed.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The host alone, or the program: the rest of an address or a command may hold a key.
fn whereabouts(server: &Server) -> String {
    let program = server.stdio.as_ref().and_then(|stdio| stdio.command.first());
    program.map_or_else(|| server.url.host_str().unwrap_or_default().to_owned(), |program| shown(program))
}

fn place_word(server: &Server) -> &'static str {
    if server.stdio.is_some() { "command" } else { "url" }
}

fn view(team: &Account, server: Server, installed_in: Vec<Slug>) -> ServerView {
    ServerView {
        id: server.id,
        slug: server.slug,
        owner: team.username.clone(),
        url: server.url.to_string(),
        stdio: server.stdio,
        auth: server.auth,
        session: server.session,
        timeout: server.timeout.map(|timeout| timeout.as_secs()),
        installed_in,
        created_at: server.created_at,
    }
}
