//! The wire types of the admin API, shared by the gateway and the command line.
//!
//! [`operation`] lists every endpoint once. The other files hold requests and replies, one per noun.

pub mod account;
pub mod alert;
pub mod analytics;
pub mod audit;
pub mod connect;
pub mod error;
pub mod member;
pub mod offboard;
pub mod openapi;
pub mod operation;
pub mod page;
pub mod plan;
pub mod secret;
pub mod segment;
pub mod server;
pub mod skill;
pub mod team;
pub mod token;
pub mod workspace;
