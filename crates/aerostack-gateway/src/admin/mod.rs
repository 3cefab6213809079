//! The admin API: REST over JSON, for the command line and for scripts.
//!
//! `handle` finds the operation, `caller` asks who calls, `dispatch` hands over to the file of the
//! noun. A handler reads, lets core decide, writes and commits; what the caller may know of a
//! failure is decided in `error` and nowhere else.

mod account;
mod account_key;
mod audit;
mod call;
mod caller;
mod dispatch;
mod error;
mod handle;
mod input;
mod install;
mod install_switch;
mod paging;
mod plan;
mod secret;
mod server;
mod server_test;
mod skill;
mod skill_install;
mod skill_publish;
mod token;
mod token_end;
mod token_reference;
mod tool;
mod workspace;

#[cfg(test)]
mod tests;

pub use handle::{draining, foreign, handle, headers_too_large};
