//! The account's keys.

use aerostack_core::account::{AccountKey, KEYS_MAX, issue_key};
use aerostack_core::api::account::{CreateKeyRequest, CreatedKey, KeyView};
use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::page::{Empty, Page, PageQuery};
use aerostack_core::audit::Action;
use aerostack_core::id::KeyId;
use aerostack_core::suggest;

use super::call::{Call, Deed, shown};
use super::caller::Credential;
use super::error::ApiError;
use super::paging::Paging;
use crate::store::{self, Tx};

/// Lists the keys, revoked ones too.
pub(super) async fn list(call: Call, query: PageQuery) -> Result<Page<KeyView>, ApiError> {
    let paging = Paging::read(query.limit, query.cursor.as_deref())?;
    let mut tx = call.read().await?;
    let account = &call.caller.account.id;
    let keys = store::account::list_keys(&mut tx, account, paging.after.as_deref(), paging.fetch()).await?;
    let (keys, next_cursor) = paging.cut(keys, |key| key.id.to_string());
    Ok(Page { items: keys.into_iter().map(|key| view(&call, key)).collect(), next_cursor })
}

/// Creates a key.
pub(super) async fn create(call: Call, request: CreateKeyRequest) -> Result<CreatedKey, ApiError> {
    let (mut order, now) = call.order().await?;
    let account = call.caller.account.id.clone();
    call.lock_account(&mut order.tx).await?;
    let issued = issue_key(account.clone(), &request.name, now, &mut call.app.rng())?;
    let live = store::account::live_keys(&mut order.tx, &account).await?;
    if live.iter().any(|key| key.name == issued.key.name) {
        let message = format!("an active key named '{}' exists", issued.key.name);
        return Err(ApiError::new(ErrorCode::NameTaken, message)
            .with_hint("choose another name, or revoke that key".to_owned()));
    }
    if live.len() >= KEYS_MAX as usize {
        let message = format!("an account has at most {KEYS_MAX} active keys");
        return Err(ApiError::new(ErrorCode::LimitReached, message)
            .with_hint("revoke a key that nobody uses any more".to_owned()));
    }
    store::account::insert_key(&mut order.tx, &issued.key).await?;
    let deed =
        Deed { action: Action::KeyCreated, object: &issued.key.name, detail: issued.key.id.to_string() };
    call.audit_account(&mut order.tx, &account, now, deed).await?;
    order.commit(Vec::new()).await?;
    Ok(CreatedKey {
        id: issued.key.id,
        name: issued.key.name,
        key: issued.raw.expose().to_owned(),
        created_at: issued.key.created_at,
    })
}

/// Revokes a key, by its id or the name of an active one. Twice is no error.
pub(super) async fn revoke(call: Call, _request: Empty) -> Result<KeyView, ApiError> {
    let (mut order, now) = call.order().await?;
    let account = call.caller.account.id.clone();
    call.lock_account(&mut order.tx).await?;
    let mut key = find(&call, &mut order.tx).await?;
    if key.revoked_at.is_some() {
        return Ok(view(&call, key));
    }
    key.revoked_at = Some(now);
    store::account::revoke_key(&mut order.tx, &key.id, now).await?;
    let deed = Deed { action: Action::KeyRevoked, object: &key.name, detail: key.id.to_string() };
    call.audit_account(&mut order.tx, &account, now, deed).await?;
    // Nothing is published: keys are read from the database at every use.
    order.commit(Vec::new()).await?;
    Ok(view(&call, key))
}

async fn find(call: &Call, tx: &mut Tx) -> Result<AccountKey, ApiError> {
    let (account, text) = (&call.caller.account.id, call.parameter(0));
    if let Some(id) = KeyId::parse(text) {
        let found = store::account::find_key_by_id(tx, account, &id).await?;
        return found.ok_or_else(|| ApiError::not_found(format!("there is no key {id}")));
    }
    let live = store::account::live_keys(tx, account).await?;
    let hint = suggest::hint(text, live.iter().map(|key| key.name.as_str()));
    let found = live.into_iter().find(|key| key.name == text);
    found.ok_or_else(|| {
        ApiError::not_found(format!("there is no active key named '{}'", shown(text))).with_hint(hint)
    })
}

fn view(call: &Call, key: AccountKey) -> KeyView {
    KeyView {
        current: call.caller.credential == Credential::Key(key.id.clone()),
        id: key.id,
        name: key.name,
        created_at: key.created_at,
        last_used_at: key.last_used_at,
        revoked_at: key.revoked_at,
    }
}
