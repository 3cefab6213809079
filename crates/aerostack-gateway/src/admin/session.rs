//! Browsers that are signed in, and the links that sign one in.

use aerostack_core::account::Account;
use aerostack_core::api::account::{EndedSessions, SessionView, SignInLinkView};
use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::page::{Empty, Page, PageQuery};
use aerostack_core::audit::Action;
use aerostack_core::bearer::RawToken;
use aerostack_core::id::SessionId;
use aerostack_core::sign_in::{SIGN_IN_LINKS_PER_WINDOW, SIGN_IN_WINDOW, Session, SignInLink};
use aerostack_core::time::Timestamp;

use super::call::{Call, Deed, record, shown};
use super::error::ApiError;
use super::paging::Paging;
use crate::app::App;
use crate::store::{self, Tx};

/// In place of an identifier: every session.
const EVERY: &str = "all";

/// Lists the sessions that are accepted.
pub(super) async fn list(call: Call, query: PageQuery) -> Result<Page<SessionView>, ApiError> {
    let paging = Paging::read(query.limit, query.cursor.as_deref())?;
    let (account, now) = (&call.caller.account.id, call.app.clock.now());
    let mut tx = call.read().await?;
    let found =
        store::session::list_live(&mut tx, account, now, paging.after.as_deref(), paging.fetch()).await?;
    let (found, next_cursor) = paging.cut(found, |session| session.id.to_string());
    Ok(Page { items: found.into_iter().map(view).collect(), next_cursor })
}

fn view(session: Session) -> SessionView {
    SessionView {
        id: session.id,
        browser: session.browser,
        created_at: session.created_at,
        last_used_at: session.last_used_at,
    }
}

/// Ends a session, or all of them; with those go the links that nobody used yet.
pub(super) async fn end(call: Call, _request: Empty) -> Result<EndedSessions, ApiError> {
    let (mut order, now) = call.order().await?;
    let tx = &mut order.tx;
    let account = call.lock_account(tx).await?;
    let text = call.parameter(0);
    let ended = if text == EVERY {
        store::sign_in_link::consume_all(tx, &account.id, now).await?;
        store::session::end_all(tx, &account.id, now).await?
    } else {
        let missing = || {
            ApiError::not_found(format!("there is no session '{}'", shown(text))).with_hint(
                "`aerostack account sessions` lists them; `revoke --all` ends every one".to_owned(),
            )
        };
        let id = SessionId::parse(text).ok_or_else(missing)?;
        store::session::find(tx, &account.id, &id).await?.ok_or_else(missing)?;
        u64::from(store::session::end(tx, &id, now).await?)
    };
    if ended > 0 {
        let deed = Deed { action: Action::SessionsEnded, object: text, detail: format!("{ended} ended") };
        call.audit_account(tx, &account.id, now, deed).await?;
    }
    order.commit(Vec::new()).await?;
    Ok(EndedSessions { ended })
}

/// Makes a link for the account that is signed in.
pub(super) async fn create_link(call: Call, _request: Empty) -> Result<SignInLinkView, ApiError> {
    let (mut order, now) = call.order().await?;
    let account = call.lock_account(&mut order.tx).await?;
    let (link, raw) = insert_link(&call.app, &mut order.tx, &account, now).await?;
    order.commit(Vec::new()).await?;
    let url = sign_in_url(&call.app, &raw);
    Ok(SignInLinkView { url, expires_at: link.expires_at })
}

/// The address that a link is.
pub(crate) fn sign_in_url(app: &App, link: &RawToken) -> String {
    format!("{}/sign-in/{}", app.base_url(), link.expose())
}

/// Makes and writes a link, within what an account is given in an hour.
pub(crate) async fn insert_link(
    app: &App,
    tx: &mut Tx,
    account: &Account,
    now: Timestamp,
) -> Result<(SignInLink, RawToken), ApiError> {
    let window = i64::try_from(SIGN_IN_WINDOW.as_millis()).unwrap_or(i64::MAX);
    let after = Timestamp::from_millis(now.as_millis().saturating_sub(window));
    if store::sign_in_link::count_since(tx, &account.id, after).await? >= SIGN_IN_LINKS_PER_WINDOW {
        let message = format!("an account is given at most {SIGN_IN_LINKS_PER_WINDOW} sign-in links an hour");
        return Err(ApiError::new(ErrorCode::LimitReached, message)
            .with_hint("use the last one, or sign in with an account key".to_owned()));
    }
    // Those within the window still count; what is older is of no use to anybody.
    store::sign_in_link::forget_expired(tx, &account.id, after).await?;
    let (link, raw) = SignInLink::issue(account.id.clone(), now, &mut app.rng());
    store::sign_in_link::insert(tx, &link).await?;
    let deed =
        Deed { action: Action::SignInLinkCreated, object: account.username.as_str(), detail: String::new() };
    record(app, tx, account.id.as_str(), account.email.to_string(), now, deed).await?;
    Ok((link, raw))
}
