//! `login`, `logout`, `whoami`.

use aerostack_core::api::account::AccountView;
use aerostack_core::api::operation::endpoint::ShowAccount;
use aerostack_core::api::page::Empty;
use aerostack_core::bearer::TokenKind;
use secrecy::SecretString;

use super::details::details;
use crate::args::format::{Format, ItemOutput};
use crate::client::Client;
use crate::context::{API_KEY_VARIABLE, Context};
use crate::failure::{Failure, Outcome};

/// Checks a key with the gateway, and only then keeps it.
pub(super) async fn login(context: &mut Context<'_>) -> Outcome {
    let from_variable = context.has_key_variable();
    let key = match context.given_key()? {
        Some(key) => key,
        None if context.input.is_terminal() => context.input.secret("the account key")?,
        None => {
            return Err(Failure::usage("there is no account key, and nobody to ask for one")
                .with_hint("pipe it to `aerostack login --api-key -`"));
        }
    };
    context.output.hide(&key);
    if key.starts_with(TokenKind::Workspace.prefix()) {
        return Err(Failure::usage("this is a workspace token, which is for editors")
            .with_hint("sign in with an account key, ak_…"));
    }
    let url = context.api_url.as_str().to_owned();
    if context.api_url.is_in_the_clear() {
        context.output.warn(&format!("{url} is not HTTPS: the key can be read on its way"));
    }
    let client = Client::new(context.api_url.clone(), Some(SecretString::from(key.clone())))?;
    let account = client.call::<ShowAccount>(&[], None, &Empty {}).await?;
    context.profile.api_url = Some(url.clone());
    context.remember(|gateway| gateway.key = Some(key))?;
    context.output.done(&format!("Logged in to {url} as {}", sentence(&account)));
    if from_variable {
        context.output.warn(&format!("{API_KEY_VARIABLE} is set and goes before the key of this login"));
    }
    Ok(())
}

/// Forgets the key of the gateway, here only.
pub(super) fn logout(context: &mut Context<'_>) -> Outcome {
    let url = context.api_url.as_str().to_owned();
    let was_logged_in = context.gateway().is_some_and(|gateway| gateway.key.is_some());
    if !was_logged_in {
        context.output.talk(&format!("Not logged in to {url}; nothing was done."));
        return Ok(());
    }
    context.remember(|gateway| gateway.key = None)?;
    context.output.done(&format!("Logged out of {url}"));
    if context.has_key_variable() {
        context.output.warn(&format!("{API_KEY_VARIABLE} is set and goes on signing you in"));
    }
    Ok(())
}

/// Shows the account that is signed in.
pub(super) async fn whoami(context: &mut Context<'_>, arguments: ItemOutput) -> Outcome {
    let account = context.call::<ShowAccount>(&[], &Empty {}).await?;
    if arguments.format == Format::Json {
        return context.output.json(&account);
    }
    let workspace = context.gateway().and_then(|gateway| gateway.workspace.as_ref().map(ToString::to_string));
    let gateway = context.api_url.as_str().to_owned();
    context.output.table(&details([
        ("Account", sentence(&account)),
        ("Gateway", gateway),
        ("Active workspace", workspace.unwrap_or_else(|| "none".to_owned())),
    ]))
}

/// `acme (admin@co.com), Pro plan`.
pub(super) fn sentence(account: &AccountView) -> String {
    format!("{} ({}), {} plan", account.username, account.email, account.plan.title())
}
