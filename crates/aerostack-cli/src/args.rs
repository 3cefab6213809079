//! The command line's grammar: one file per noun, put together in `cli.rs`.

pub(crate) mod account;
pub(crate) mod alert;
pub(crate) mod analytics;
pub(crate) mod audit;
pub(crate) mod cli;
pub(crate) mod format;
pub(crate) mod mcp;
pub(crate) mod member;
pub(crate) mod offboard;
pub(crate) mod plan;
pub(crate) mod secret;
pub(crate) mod skill;
pub(crate) mod team;
pub(crate) mod token;
pub(crate) mod words;
pub(crate) mod workspace;
