//! What Aerostack's nouns *are*: values and the decisions over them.
//!
//! Nothing here touches the world. There is no I/O, no async, and neither clock nor generator of
//! its own: every function that needs the time or chance is given it. So each decision can be
//! tested with values alone, and the floors above read state, ask for a decision and write it.

pub mod account;
pub mod alert;
pub mod api;
pub mod audit;
pub mod bearer;
pub mod capability;
pub mod client_capability;
pub mod csv;
pub mod histogram;
pub mod id;
pub mod input_schema;
pub mod invite;
pub mod manifest;
pub mod member;
pub mod offboard;
pub mod plan;
pub mod quota;
pub mod resource;
pub mod role;
pub mod secret;
pub mod server;
pub mod sign_in;
pub mod skill;
pub mod slug;
pub mod stdio;
pub mod suggest;
pub mod text;
pub mod time;
pub mod token;
pub mod tool;
pub mod uri_template;
pub mod usage;
pub mod varint;
pub mod workspace;
pub mod workspace_member;
