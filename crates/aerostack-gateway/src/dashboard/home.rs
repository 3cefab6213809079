//! `/`: who is signed in, and what to do next.

use askama::Template;
use http::StatusCode;

use super::frame::{Frame, draw, forward};
use super::visitor::{Drawn, Visitor};
use crate::admin::ApiError;
use crate::store;

#[derive(Template)]
#[template(path = "pages/home.html")]
struct HomePage<'a> {
    frame: &'a Frame,
    email: &'a str,
    plan: &'a str,
    teams: &'a [(String, &'static str)],
    url: &'a str,
}

/// Shows it; strangers are asked to sign in.
pub(super) async fn show(visitor: &Visitor) -> Drawn {
    let app = &visitor.app;
    let Some(signed_in) = &visitor.signed_in else { return Ok(forward(app, "/sign-in")) };
    let account = &signed_in.caller.account;
    let teams = async {
        let mut tx = app.store.read().await?;
        Ok::<_, ApiError>(store::member::teams_of(&mut tx, &account.id).await?)
    };
    let teams = teams.await.map_err(|error| visitor.notice(error))?;
    let teams: Vec<_> =
        teams.into_iter().map(|(team, role)| (team.username.to_string(), role.word())).collect();
    Ok(draw(
        StatusCode::OK,
        &HomePage {
            frame: &visitor.frame(),
            email: account.email.as_str(),
            plan: account.plan.title(),
            teams: &teams,
            url: &app.base_url(),
        },
    ))
}
