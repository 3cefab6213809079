//! The store suite: every promise of this room, on both engines.

mod account;
mod audit;
mod full_disk;
mod invite;
mod latest;
mod member;
mod schema;
mod secret;
mod server;
mod skill;
mod token;
mod workspace;
