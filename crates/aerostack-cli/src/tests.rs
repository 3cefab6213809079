//! Whole command lines in process, against a gateway that gives scripted answers.

mod account;
mod answers;
mod join;
mod person;
mod scripted_gateway;
mod secret;
mod sign_in;
mod token;
mod workspace;
