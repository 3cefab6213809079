//! The client against scripted servers.

mod calls;
mod eras;
mod http_sse;
mod large_answers;
mod lists;
mod own_request;
mod plays;
mod resuming;
mod sessions;
mod watching;
