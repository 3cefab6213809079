//! Pages for people, drawn on the server, whole without a script.
//!
//! GET shows and POST does: scanners of mail follow links. Every form carries a token that only a page
//! of ours could have given out, and nothing here is kept by browsers or shown inside other pages.

mod account;
mod asset;
mod audit;
mod cookie;
mod dispatch;
mod flash;
mod form;
mod frame;
mod home;
mod join;
mod new_workspace;
mod overview;
mod part;
mod path;
mod problem;
mod session;
mod sheet;
mod shell;
mod sign_in;
mod team;
mod team_invite;
mod token_end;
mod token_new;
mod tokens;
mod user_agent;
mod visitor;

pub use frame::{draining, foreign};
pub use path::{Path, path};
pub use visitor::handle;
