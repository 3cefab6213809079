//! The admin API through its own door, on both engines: persons who call operations and meet answers.

mod account;
mod audit;
mod door;
mod person;
mod role;
mod secret;
mod server;
mod token;
mod workspace;
