//! `/catalog/{server}/test` and `…/delete`: whether a server of the catalogue answers, and its end.

use aerostack_core::api::operation::endpoint;
use aerostack_core::api::page::Empty;
use aerostack_core::api::server::{ServerView, TestReply};
use aerostack_core::server::Auth;
use askama::Template;
use http::StatusCode;

use super::frame::{Notice, draw};
use super::path::Tab;
use super::shell::{Link, Shell, TeamGround, path_in, with_team};
use super::visitor::{Drawn, Visitor};

#[derive(Template)]
#[template(path = "pages/catalog_test.html")]
struct TestPage<'a> {
    shell: &'a Shell,
    server: &'a ServerView,
    reply: &'a TestReply,
    /// Whether it is sent a secret, which a test never is.
    takes_secrets: bool,
    again: String,
    back: String,
}

#[derive(Template)]
#[template(path = "pages/catalog_delete.html")]
struct DeletePage<'a> {
    shell: &'a Shell,
    server: &'a ServerView,
    /// The workspaces it has to be taken out of first.
    places: Vec<Link>,
    action: String,
    back: String,
}

/// Finds a server of the catalogue.
///
/// # Errors
/// The page of a refusal.
pub(super) async fn find(visitor: &Visitor, ground: &TeamGround, server: &str) -> Result<ServerView, Notice> {
    visitor.look::<endpoint::ShowServer>(ground.named.as_ref(), &[server], Empty {}).await
}

/// Asks it for its tools, and shows what it said.
pub(super) async fn test(visitor: &Visitor, ground: &TeamGround, server: &str) -> Drawn {
    let found = find(visitor, ground, server).await?;
    let reply = visitor.look::<endpoint::TestServer>(ground.named.as_ref(), &[server], Empty {}).await?;
    let page = TestPage {
        shell: &ground.shell,
        reply: &reply,
        takes_secrets: found.auth != Auth::None,
        again: ground.href(&format!("/catalog/{}/test", found.slug)),
        back: ground.href("/catalog"),
        server: &found,
    };
    Ok(draw(StatusCode::OK, &page))
}

/// Asks whether it is really to go.
pub(super) async fn ask_delete(visitor: &Visitor, ground: &TeamGround, server: &str) -> Drawn {
    let found = find(visitor, ground, server).await?;
    let places = found.installed_in.iter().map(|slug| Link {
        title: slug.to_string(),
        href: ground.shell.frame.base.clone() + &path_in(slug, Tab::Servers, ""),
        is_current: false,
    });
    let page = DeletePage {
        shell: &ground.shell,
        places: places.collect(),
        action: ground.href(&format!("/catalog/{}/delete", found.slug)),
        back: ground.href("/catalog"),
        server: &found,
    };
    Ok(draw(StatusCode::OK, &page))
}

/// Deletes it.
pub(super) async fn delete(visitor: &Visitor, ground: &TeamGround, server: &str) -> Drawn {
    let gone = visitor.look::<endpoint::DeleteServer>(ground.named.as_ref(), &[server], Empty {}).await?;
    let said = format!("{} is deleted from the catalogue.", gone.slug);
    Ok(visitor.done(&with_team("/catalog", ground.named.as_ref()), &said))
}
