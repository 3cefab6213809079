//! The account that is signed in.

use aerostack_core::api::account::AccountView;
use aerostack_core::api::page::Empty;

use super::call::Call;
use super::error::ApiError;

/// Shows the account.
pub(super) async fn show(call: Call, _request: Empty) -> Result<AccountView, ApiError> {
    let account = call.caller.account;
    Ok(AccountView {
        id: account.id,
        email: account.email,
        username: account.username,
        plan: account.plan,
        kind: account.kind,
        created_at: account.created_at,
    })
}
