//! Secrets of a workspace: values come in, are sealed, and never go out again.

use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::page::{Page, PageQuery};
use aerostack_core::api::secret::{
    DeleteSecretQuery, DeletedSecret, SecretState, SecretView, SetSecretRequest,
};
use aerostack_core::audit::Action;
use aerostack_core::id::InstallId;
use aerostack_core::secret::{Carriage, SECRETS_MAX, SealedSecret, SecretName, SecretPlace};
use aerostack_core::slug::Slug;
use aerostack_core::suggest;
use aerostack_core::workspace::Workspace;

use super::call::{Call, Deed};
use super::error::ApiError;
use super::paging::Paging;
use super::stdio;
use crate::app::Publication;
use crate::store::secret::SecretHolder;
use crate::store::{self, Tx};
use crate::vault::Vault;

/// Lists the secrets of a workspace by name and server.
pub(super) async fn list(call: Call, query: PageQuery) -> Result<Page<SecretView>, ApiError> {
    let paging = Paging::read(query.limit, query.cursor.as_deref())?;
    let mut tx = call.read().await?;
    let workspace = call.workspace(&mut tx).await?;
    let holders = store::secret::holders(&mut tx, &workspace.id).await?;
    let secrets = store::secret::of_workspace(&mut tx, &workspace.id).await?;
    let views = secrets.iter().filter_map(|secret| {
        let holder = holders.iter().find(|holder| holder.install == secret.place.install)?;
        Some(view(&call.app.vault, holder, secret))
    });
    // A space is in no name, so no two entries have the same.
    let place = |view: &SecretView| format!("{} {}", view.name, view.server);
    let mut views: Vec<SecretView> = views
        .filter(|view| paging.after.as_deref().is_none_or(|after| place(view).as_str() > after))
        .collect();
    views.sort_by_key(place);
    views.truncate(usize::try_from(paging.fetch()).unwrap_or(usize::MAX));
    let (items, next_cursor) = paging.cut(views, place);
    Ok(Page { items, next_cursor })
}

/// Gives a secret a value. The next call uses it: its client is made anew with the publication.
pub(super) async fn set(call: Call, request: SetSecretRequest) -> Result<SecretView, ApiError> {
    let name = SecretName::normalise(call.parameter(1))?;
    let (mut order, now) = call.order().await?;
    let workspace = call.lock_workspace(&mut order.tx).await?;
    let holders = store::secret::holders(&mut order.tx, &workspace.id).await?;
    let holder = match &request.server {
        Some(server) => named(&holders, server, &workspace)?,
        None => {
            the_only(holders.iter().filter(|holder| holder.auth.carriage(&name).is_some()).collect(), || {
                nobody_takes(&name, &workspace)
            })?
        }
    };
    stdio::may_set(&call, holder, &name)?;
    if holder.auth.carriage(&name).is_some_and(Carriage::is_header) {
        request.value.check_header()?;
    }
    let place = SecretPlace {
        workspace: workspace.id.clone(),
        install: holder.install.clone(),
        address: holder.address.clone(),
        name: name.clone(),
    };
    let secrets = store::secret::of_workspace(&mut order.tx, &workspace.id).await?;
    let own: Vec<_> = secrets.iter().filter(|secret| secret.place.install == holder.install).collect();
    let before = own.iter().find(|secret| secret.place.name == name);
    if before.is_none() && own.len() >= SECRETS_MAX as usize {
        let message = format!("a server has at most {SECRETS_MAX} secrets in a workspace");
        return Err(ApiError::new(ErrorCode::LimitReached, message)
            .with_hint("delete one that is not used any more".to_owned()));
    }
    let sealed = call.app.vault.seal_secret(&place, &request.value, &mut call.app.rng())?;
    let secret = SealedSecret {
        place,
        key_id: call.app.vault.id().to_owned(),
        sealed,
        revision: workspace.revision,
        created_at: before.map_or(now, |before| before.created_at),
        updated_at: now,
    };
    store::secret::put(&mut order.tx, &secret).await?;
    let deed = Deed { action: Action::SecretSet, object: name.as_str(), detail: holder.slug.to_string() };
    call.audit_workspace(&mut order.tx, &workspace, now, deed).await?;
    order.commit(vec![Publication::Workspace(workspace.id)]).await?;
    Ok(view(&call.app.vault, holder, &secret))
}

/// Deletes a secret. No later call uses it.
pub(super) async fn delete(call: Call, query: DeleteSecretQuery) -> Result<DeletedSecret, ApiError> {
    let name = SecretName::normalise(call.parameter(1))?;
    let (mut order, now) = call.order().await?;
    let workspace = call.lock_workspace(&mut order.tx).await?;
    let holders = store::secret::holders(&mut order.tx, &workspace.id).await?;
    let secrets = store::secret::of_workspace(&mut order.tx, &workspace.id).await?;
    let of = |holder: &SecretHolder| {
        let same =
            |secret: &&SealedSecret| secret.place.install == holder.install && secret.place.name == name;
        secrets.iter().find(same)
    };
    let missing = || {
        let known = secrets.iter().map(|secret| secret.place.name.as_str());
        ApiError::not_found(format!("there is no secret {name} in '{}'", workspace.slug))
            .with_hint(suggest::hint(name.as_str(), known))
    };
    let holder = match &query.server {
        Some(server) => named(&holders, server, &workspace)?,
        None => the_only(holders.iter().filter(|holder| of(holder).is_some()).collect(), missing)?,
    };
    let secret = of(holder).ok_or_else(missing)?;
    store::secret::delete(&mut order.tx, &secret.place).await?;
    let deed = Deed { action: Action::SecretDeleted, object: name.as_str(), detail: holder.slug.to_string() };
    call.audit_workspace(&mut order.tx, &workspace, now, deed).await?;
    order.commit(vec![Publication::Workspace(workspace.id.clone())]).await?;
    Ok(DeletedSecret { name, server: holder.slug.clone() })
}

fn named<'a>(
    holders: &'a [SecretHolder],
    server: &Slug,
    workspace: &Workspace,
) -> Result<&'a SecretHolder, ApiError> {
    holders.iter().find(|holder| holder.slug == *server).ok_or_else(|| {
        let known = holders.iter().map(|holder| holder.slug.as_str());
        ApiError::not_found(format!("no server '{server}' is installed in '{}'", workspace.slug))
            .with_hint(suggest::hint(server.as_str(), known))
    })
}

/// Nobody has to name what there is one of.
fn the_only(fitting: Vec<&SecretHolder>, none: impl FnOnce() -> ApiError) -> Result<&SecretHolder, ApiError> {
    match fitting[..] {
        [] => Err(none()),
        [only] => Ok(only),
        _ => {
            let mut slugs: Vec<&str> = fitting.iter().map(|holder| holder.slug.as_str()).collect();
            slugs.sort_unstable();
            Err(ApiError::invalid(format!("several servers fit: {}", slugs.join(", ")))
                .with_hint("name one with --server".to_owned()))
        }
    }
}

/// Says which secrets of an install stay behind, since they were given for another address.
pub(super) async fn left_behind(
    tx: &mut Tx,
    workspace: &Workspace,
    install: &InstallId,
) -> Result<Option<String>, ApiError> {
    let holders = store::secret::holders(tx, &workspace.id).await?;
    let Some(holder) = holders.into_iter().find(|holder| holder.install == *install) else { return Ok(None) };
    let secrets = store::secret::of_workspace(tx, &workspace.id).await?;
    let moved = secrets
        .into_iter()
        .filter(|secret| secret.place.install == *install && secret.place.address != holder.address);
    let names: Vec<String> = moved.map(|secret| secret.place.name.to_string()).collect();
    let what = names.join(", ");
    Ok((!names.is_empty())
        .then(|| format!("'{}' has another address now, and is not sent {what}: set it again", holder.slug)))
}

fn nobody_takes(name: &SecretName, workspace: &Workspace) -> ApiError {
    let message = format!("no server installed in '{}' takes the secret {name}", workspace.slug);
    ApiError::new(ErrorCode::Conflict, message)
        .with_hint(format!(
            "name one with --server, or let one take it: aerostack mcp edit <server> --auth bearer:{name}, or --auth headers"
        ))
}

fn view(vault: &Vault, holder: &SecretHolder, secret: &SealedSecret) -> SecretView {
    let name = secret.place.name.clone();
    let carriage = holder.auth.carriage(&name);
    let state = if secret.place.address != holder.address {
        SecretState::Moved
    } else if vault.open_secret(secret).is_none() {
        SecretState::Locked
    } else if carriage.is_none() {
        SecretState::Unused
    } else {
        SecretState::Used
    };
    SecretView {
        state,
        sent_as: carriage.map(|carriage| carriage.line(&name)),
        name,
        server: holder.slug.clone(),
        created_at: secret.created_at,
        updated_at: secret.updated_at,
    }
}
