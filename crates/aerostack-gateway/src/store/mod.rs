//! The database: SQLite in a file, or PostgreSQL. One SQL text serves both.
//!
//! [`Store`] opens and hands out transactions; the files beside this one hold all SQL, one per noun.
//! SQL answers questions here; it does not know who asks, and decides nothing.

pub mod account;
pub mod account_key;
pub mod alert;
pub mod alert_rule;
pub mod audit;
pub mod backup;
pub mod error;
pub mod former_key;
pub mod full_house;
pub mod install;
pub mod install_summary;
pub mod invite;
pub mod latest;
pub mod lease;
pub mod member;
pub mod offer_list;
pub mod open;
pub mod person;
pub mod sealed;
pub mod seat;
pub mod secret;
pub mod server;
pub mod session;
pub mod sign_in_link;
pub mod skill;
pub mod skill_install;
pub mod skill_version;
pub mod sql;
pub mod team_token;
pub mod token;
pub mod token_activity;
pub mod unended;
pub mod usage;
pub mod workspace;
pub mod workspace_member;
mod workspace_state;

mod codec;
mod migrate;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use error::StoreError;
pub use open::Store;
pub use sql::Tx;
