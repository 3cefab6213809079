//! The account that is signed in.

use aerostack_core::account::Account;
use aerostack_core::api::account::AccountView;
use aerostack_core::api::page::Empty;

use super::call::Call;
use super::error::ApiError;

/// Shows the account.
pub(super) async fn show(call: Call, _request: Empty) -> Result<AccountView, ApiError> {
    Ok(view(&call.caller.account))
}

/// An account, as its holder sees it.
pub(super) fn view(account: &Account) -> AccountView {
    AccountView {
        id: account.id.clone(),
        email: account.email.clone(),
        username: account.username.clone(),
        plan: account.plan,
        kind: account.kind,
        created_at: account.created_at,
    }
}
