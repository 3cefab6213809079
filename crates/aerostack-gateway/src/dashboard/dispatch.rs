//! Every page and the file that shows it and does what its forms say.

use http::{Response, StatusCode};

use super::form::Form;
use super::frame::{Notice, forward};
use super::path::{Path, Tab, parts, path};
use super::visitor::{Drawn, Visitor, not_allowed};
use super::{
    account, analytics, audit, catalog, home, join, members, new_workspace, overview, secrets, servers,
    sign_in, skills, team, tokens,
};
use crate::http::body::Body;
use crate::http::respond;

/// Shows a page. Those behind the door send strangers to sign in.
pub(super) async fn show(visitor: &Visitor, place: Path<'_>) -> Drawn {
    match place {
        Path::Join(link) => return join::show(visitor, link).await,
        Path::SignIn => return Ok(sign_in::show(visitor)),
        Path::SignInLink(link) => return sign_in::show_link(visitor, link).await,
        Path::SignOut | Path::Style | Path::Script | Path::Icon => return Ok(not_allowed(place)),
        _ if visitor.signed_in.is_none() => return Ok(at_the_door(visitor)),
        _ => {}
    }
    match place {
        Path::Home => home::show(visitor).await,
        Path::NewWorkspace => new_workspace::show(visitor).await,
        Path::Workspace { slug, tab, below } => {
            let below = parts(below);
            let below: Vec<&str> = below.iter().map(String::as_str).collect();
            match tab {
                Tab::Overview => overview::show(visitor, slug, &below).await,
                Tab::Tokens => tokens::show(visitor, slug, &below).await,
                Tab::Servers => servers::show(visitor, slug, &below).await,
                Tab::Members => members::show(visitor, slug, &below).await,
                Tab::Secrets => secrets::show(visitor, slug, &below).await,
                Tab::Analytics => analytics::show(visitor, slug, &below).await,
                Tab::Audit => audit::show(visitor, slug, &below).await,
            }
        }
        Path::Catalog(below) => {
            let below = parts(below);
            catalog::show(visitor, &below.iter().map(String::as_str).collect::<Vec<_>>()).await
        }
        Path::Skills(below) => {
            let below = parts(below);
            skills::show(visitor, &below.iter().map(String::as_str).collect::<Vec<_>>()).await
        }
        Path::Team(below) => {
            let below = parts(below);
            team::show(visitor, &below.iter().map(String::as_str).collect::<Vec<_>>()).await
        }
        Path::Account(below) => {
            let below = parts(below);
            account::show(visitor, &below.iter().map(String::as_str).collect::<Vec<_>>()).await
        }
        _ => Err(Notice::nothing_here()),
    }
}

/// Does what a form says. Whose form it is has been looked at.
pub(super) async fn obey(visitor: &Visitor, wanted: &str, form: &Form) -> Drawn {
    let Some(place) = path(wanted) else { return Ok(respond::empty(StatusCode::NOT_FOUND)) };
    match place {
        Path::Join(link) => return join::enter(visitor, link, form).await,
        Path::SignIn => return sign_in::sign_in(visitor, form).await,
        Path::SignInLink(link) => return sign_in::follow(visitor, link).await,
        Path::SignOut => return sign_in::sign_out(visitor).await,
        _ if visitor.signed_in.is_none() => return Ok(at_the_door(visitor)),
        _ => {}
    }
    match place {
        Path::Home => Ok(not_allowed(place)),
        Path::NewWorkspace => new_workspace::does(visitor, form).await,
        Path::Workspace { slug, tab, below } => {
            let below = parts(below);
            let below: Vec<&str> = below.iter().map(String::as_str).collect();
            match tab {
                Tab::Overview => overview::does(visitor, slug, &below, form).await,
                Tab::Tokens => tokens::does(visitor, slug, &below, form).await,
                Tab::Servers => servers::does(visitor, slug, &below, form).await,
                Tab::Members => members::does(visitor, slug, &below, form).await,
                Tab::Secrets => secrets::does(visitor, slug, &below, form).await,
                Tab::Analytics | Tab::Audit => Err(Notice::nothing_here()),
            }
        }
        Path::Catalog(below) => {
            let below = parts(below);
            catalog::does(visitor, &below.iter().map(String::as_str).collect::<Vec<_>>(), form).await
        }
        Path::Skills(below) => {
            let below = parts(below);
            skills::does(visitor, &below.iter().map(String::as_str).collect::<Vec<_>>(), form).await
        }
        Path::Team(below) => {
            let below = parts(below);
            team::does(visitor, &below.iter().map(String::as_str).collect::<Vec<_>>(), form).await
        }
        Path::Account(below) => {
            let below = parts(below);
            account::does(visitor, &below.iter().map(String::as_str).collect::<Vec<_>>(), form).await
        }
        _ => Err(Notice::nothing_here()),
    }
}

fn at_the_door(visitor: &Visitor) -> Response<Body> {
    forward(&visitor.app, "/sign-in")
}
