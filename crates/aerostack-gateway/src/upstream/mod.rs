//! Towards the servers behind a workspace: who they are, how they are reached, what may go wrong.
//!
//! This floor moves whole JSON-RPC messages between the gateway and one server, in whichever era the
//! server speaks. It is handed a target and cannot go shopping: it knows neither tokens nor database.
//! What a message *means* to a caller (names, ids, eras of the client) is the business of `mcp`.

pub mod client;
pub mod error;
pub mod frame;
pub mod target;

pub use client::{Client, Upstreams};
pub use error::UpstreamError;
pub use frame::{Frame, Reply};
pub use target::{Caller, Era, Listing, Outgoing, Target};
