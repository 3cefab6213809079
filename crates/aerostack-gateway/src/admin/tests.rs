//! The admin API through its own door, on both engines: persons who call operations and meet answers.

mod account;
mod audit;
mod door;
mod member;
mod offboard;
mod person;
mod role;
mod secret;
mod server;
mod team;
mod team_role;
mod token;
mod workspace;
