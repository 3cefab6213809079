//! Who calls: the account of the key a request came with, or of the session a page was asked with.
//!
//! Keys and sessions are read from the database every time, so that a key made by `owner create` beside a running
//! gateway works and a revoked one does not. Whatever is wrong with a key, the answer is the same.

use std::sync::Arc;
use std::time::Duration;

use aerostack_core::account::{Account, AccountKey};
use aerostack_core::api::error::ErrorCode;
use aerostack_core::bearer::{RawToken, TokenKind};
use aerostack_core::id::{KeyId, SessionId};
use aerostack_core::time::Timestamp;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::error::ApiError;
use crate::app::App;
use crate::store::{self, StoreError, Tx};

/// Shortest time between two notes of when one key was last used.
const TOUCH_EVERY: Duration = Duration::from_secs(60);
const API_KEY_HEADER: &str = "x-api-key";

/// An account that is signed in.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Who it is.
    pub(crate) account: Account,
    /// What they showed.
    pub(crate) credential: Credential,
}

/// What signed a caller in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Credential {
    /// An account key.
    Key(KeyId),
    /// A browser's session.
    Session(SessionId),
}

/// Finds out who calls.
pub(super) async fn authenticate(
    app: &Arc<App>,
    headers: &HeaderMap,
    now: Timestamp,
) -> Result<Caller, ApiError> {
    let raw = presented(headers).ok_or_else(refused)?;
    by_key(app, &raw, now).await
}

/// Tells whether a request claims to be somebody's.
pub(super) fn is_claimed(headers: &HeaderMap) -> bool {
    headers.contains_key(AUTHORIZATION) || headers.contains_key(API_KEY_HEADER)
}

/// Finds out whose key this is.
pub(crate) async fn by_key(app: &Arc<App>, raw: &RawToken, now: Timestamp) -> Result<Caller, ApiError> {
    let mut tx = app.store.read().await?;
    let (key, account) =
        store::account::find_key_by_digest(&mut tx, &raw.digest()).await?.ok_or_else(refused)?;
    if key.last_used_at.is_none_or(|last| now.since(last) >= TOUCH_EVERY) {
        touch_behind(app, &key, now);
    }
    Ok(Caller { account, credential: Credential::Key(key.id) })
}

/// Checks once more, in a change's own transaction, that the caller's key or session was not ended.
pub(super) async fn still_accepted(tx: &mut Tx, caller: &Caller) -> Result<(), ApiError> {
    let account = &caller.account.id;
    let ended_at = match &caller.credential {
        Credential::Key(id) => {
            store::account::find_key_by_id(tx, account, id).await?.map(|key| key.revoked_at)
        }
        Credential::Session(id) => {
            store::session::find(tx, account, id).await?.map(|session| session.ended_at)
        }
    };
    match ended_at {
        Some(None) => Ok(()),
        Some(Some(_)) | None => Err(refused()),
    }
}

/// The key of a request, if its checksum holds; noise is refused without asking the database.
fn presented(headers: &HeaderMap) -> Option<RawToken> {
    let text = match headers.get(AUTHORIZATION) {
        Some(value) => {
            let (scheme, text) = value.to_str().ok()?.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(text)?
        }
        None => headers.get(API_KEY_HEADER)?.to_str().ok()?,
    };
    RawToken::parse(TokenKind::AccountKey, text.trim())
}

pub(super) fn refused() -> ApiError {
    ApiError::new(ErrorCode::Unauthorized, "no valid account key")
        .with_hint("sign in with: aerostack login".to_owned())
}

/// Notes the use without making the request wait for it.
fn touch_behind(app: &Arc<App>, key: &AccountKey, now: Timestamp) {
    let (app, id) = (Arc::clone(app), key.id.clone());
    let tasks = app.tasks.clone();
    tasks.spawn(async move {
        if let Err(error) = touch(&app, &id, now).await {
            tracing::warn!(%error, key = %id, "when a key was last used could not be written");
        }
    });
}

async fn touch(app: &App, key: &KeyId, now: Timestamp) -> Result<(), StoreError> {
    let mut tx = app.store.write().await?;
    store::account::touch_key(&mut tx, key, now).await?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn a_key_is_read_from_either_header_and_noise_is_not() {
        let raw = RawToken::generate(TokenKind::AccountKey, "", &mut rand::rng());
        let digest = |headers| presented(&headers).map(|raw| raw.digest());
        assert_eq!(digest(headers("authorization", &format!("bearer {}", raw.expose()))), Some(raw.digest()));
        assert_eq!(digest(headers("x-api-key", raw.expose())), Some(raw.digest()));
        for value in ["Basic x", "Bearer", "Bearer ak_1", &format!("Bearer {}0", raw.expose())] {
            assert_eq!(digest(headers("authorization", value)), None, "{value}");
        }
    }
}
