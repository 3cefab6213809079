//! Pages for people, drawn on the server, whole without a script.
//!
//! GET shows and POST does: scanners of mail follow links. Every form carries a token that only a page
//! of ours could have given out, and nothing here is kept by browsers or shown inside other pages.

mod account;
mod analytics;
mod analytics_report;
mod asset;
mod audit;
mod audit_export;
mod catalog;
mod catalog_entry;
mod chart;
#[cfg(test)]
mod contrast;
mod cookie;
mod dispatch;
mod flash;
mod form;
mod frame;
mod home;
mod join;
mod members;
mod new_workspace;
mod overview;
mod part;
mod path;
mod problem;
mod secret_set;
mod secrets;
mod server_form;
mod server_install;
mod server_page;
mod server_switch;
mod servers;
mod session;
mod shell;
mod sign_in;
mod skill_install;
mod skill_page;
mod skills;
mod team;
mod team_invite;
mod token_end;
mod token_new;
mod tokens;
mod user_agent;
mod visitor;

pub use frame::{draining, foreign, nothing};
pub use path::{Path, path};
pub use visitor::handle;
