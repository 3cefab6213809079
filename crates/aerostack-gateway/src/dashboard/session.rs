//! Who is signed in at a browser: beginning, finding and ending sessions.

use std::sync::Arc;
use std::time::Duration;

use aerostack_core::account::Account;
use aerostack_core::audit::Action;
use aerostack_core::bearer::{RawToken, TokenKind};
use aerostack_core::sign_in::Session;
use aerostack_core::time::Timestamp;
use http::HeaderMap;
use http::header::{HeaderName, USER_AGENT};

use super::cookie;
use crate::admin::{ApiError, Caller, Credential, Deed, record};
use crate::app::App;
use crate::store::{self, StoreError, Tx};

/// Shortest time between two notes of when one session was last used.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// Says that a page that is open already asks for itself. Nobody did anything: such a request keeps no
/// session alive, and hears nothing that is said once.
const LIVE: HeaderName = HeaderName::from_static("aerostack-live");

/// Somebody who is signed in, and what their cookie holds.
pub(super) struct SignedIn {
    /// Who.
    pub(super) caller: Caller,
    /// The text of the cookie.
    pub(super) raw: RawToken,
}

/// Tells whether a request is an open page's own.
pub(super) fn is_live(headers: &HeaderMap) -> bool {
    headers.contains_key(LIVE)
}

/// Finds out who is signed in. Sessions are read every time, so that an ended one is nobody's.
pub(super) async fn find(app: &Arc<App>, headers: &HeaderMap) -> Result<Option<SignedIn>, StoreError> {
    let Some(raw) = cookie::read(app, headers, TokenKind::Session) else { return Ok(None) };
    let now = app.clock.now();
    let mut tx = app.store.read().await?;
    let found = store::session::find_by_digest(&mut tx, &raw.digest()).await?;
    let Some(session) = found.filter(|session| session.is_live(now)) else { return Ok(None) };
    let Some(account) = store::account::find(&mut tx, &session.account).await? else { return Ok(None) };
    if now.since(session.last_used_at) >= TOUCH_EVERY && !is_live(headers) {
        touch_behind(app, &session, now);
    }
    let caller = Caller { account, credential: Credential::Session(session.id) };
    Ok(Some(SignedIn { caller, raw }))
}

/// Notes the use without making the request wait for it.
fn touch_behind(app: &Arc<App>, session: &Session, now: Timestamp) {
    let (held, id) = (Arc::clone(app), session.id.clone());
    app.tasks.spawn(async move {
        let touched = async {
            let mut tx = held.store.write().await?;
            store::session::touch(&mut tx, &id, now).await?;
            tx.commit().await
        };
        if let Err(error) = touched.await {
            tracing::warn!(%error, session = %id, "when a session was last used could not be written");
        }
    });
}

/// Writes a new session of an account, with what is known of how it came about.
///
/// The caller holds the account's revision.
pub(super) async fn begin(
    app: &App,
    tx: &mut Tx,
    account: &Account,
    headers: &HeaderMap,
    how: &str,
) -> Result<RawToken, ApiError> {
    let now = app.clock.now();
    let browser = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("unknown");
    let (session, raw) = Session::begin(account.id.clone(), browser, now, &mut app.rng());
    store::session::forget_dead(tx, &account.id, now).await?;
    store::session::insert(tx, &session).await?;
    let deed = Deed { action: Action::SignedIn, object: account.username.as_str(), detail: how.to_owned() };
    record(app, tx, account.id.as_str(), account.email.to_string(), now, deed).await?;
    Ok(raw)
}

/// The same in a change of its own.
pub(super) async fn begin_alone(
    app: &Arc<App>,
    account: &Account,
    headers: &HeaderMap,
    how: &str,
) -> Result<RawToken, ApiError> {
    let mut order = app.order().await?;
    store::account::lock(&mut order.tx, &account.id).await?;
    let raw = begin(app, &mut order.tx, account, headers, how).await?;
    order.commit(Vec::new()).await?;
    Ok(raw)
}

/// Ends the session.
pub(super) async fn end(app: &App, signed_in: &SignedIn) -> Result<(), ApiError> {
    let Credential::Session(id) = &signed_in.caller.credential else { return Ok(()) };
    let mut order = app.order().await?;
    store::session::end(&mut order.tx, id, app.clock.now()).await?;
    Ok(order.commit(Vec::new()).await?)
}
