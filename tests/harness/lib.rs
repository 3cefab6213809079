//! What stories, contracts and peers stand on: the product in process, and the world around it.

pub mod answer;
pub mod browser;
pub mod chromium;
pub mod cli;
pub mod client;
pub mod crew;
pub mod engine;
pub mod events;
pub mod function;
pub mod gateway;
pub mod golden;
pub mod mailbox;
pub mod page;
pub mod patience;
pub mod person;
mod person_server;
pub mod person_skill;
pub mod program;
pub mod scene;
pub mod stdio;
pub mod story;
pub mod upstream;
pub mod usage_history;
pub mod visitor;
pub mod wire;
