//! The admin API: REST over JSON, for the command line and for scripts.
//!
//! `handle` finds the operation, `caller` asks who calls, `dispatch` hands over to the file of the
//! noun. A handler reads, lets core decide, writes and commits; what the caller may know of a
//! failure is decided in `error` and nowhere else.

mod account;
mod account_key;
mod alert;
mod analytics;
mod ask;
mod audit;
mod call;
mod caller;
mod dispatch;
mod error;
mod handle;
mod input;
mod install;
mod install_switch;
mod join;
mod member;
mod member_join;
mod offboard;
mod offboard_case;
mod own_usage;
mod paging;
mod plan;
mod secret;
mod server;
mod server_test;
mod session;
mod skill;
mod skill_install;
mod skill_publish;
mod skill_yank;
mod stdio;
mod team;
mod team_invite;
mod team_role;
mod token;
mod token_end;
mod token_reference;
mod tool;
mod visit;
mod workspace;

#[cfg(test)]
mod tests;

pub use handle::{draining, foreign, handle, headers_too_large};

// For the pages, which do the same things in the same way.
pub(crate) use ask::{ask, ask_for_stream};
pub(crate) use call::{Deed, forbidden, record};
pub(crate) use caller::{Caller, Credential, by_key};
pub(crate) use dispatch::{Handled, Streamed};
pub(crate) use error::ApiError;
pub(crate) use join::{accept_link, look};
pub(crate) use session::{insert_link, sign_in_url};
