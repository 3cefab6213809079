//! Towards the servers behind a workspace: who they are, how they are reached, what may go wrong.
//!
//! This floor moves whole JSON-RPC messages between the gateway and one server, in whichever era the
//! server speaks. It is handed a target and cannot go shopping: it knows neither tokens nor database.
//! What a message *means* to a caller (names, ids, eras of the client) is the business of `mcp`.
//!
//! From the outside in: `client` (one per install) → `pool` (sessions) → `connect` (which era, a new
//! session) → `session` (a request on its way) → `answer` or `channel` (what comes back) → `http`. Beside
//! that way, `function` is posted to, and in `stdio` servers are programs of this machine.

mod address;
mod again;
mod answer;
mod aside;
mod begun;
mod call;
mod capabilities;
mod channel;
pub mod client;
mod connect;
pub mod credential;
mod dial;
mod document;
pub mod error;
mod exchange;
pub mod frame;
mod freshness;
mod function;
mod function_input;
mod hearing;
mod http;
mod lease;
pub mod left_out;
mod link;
mod listing;
mod mask;
mod message;
mod outline;
mod own_request;
mod passing;
mod pool;
pub mod question;
mod response;
mod session;
mod shared;
mod shared_stream;
mod slots;
pub mod stdio;
pub mod subscriptions;
pub mod target;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod watch;
mod way;
mod webhook;

pub use call::Frames;
pub use client::{Client, Upstreams};
pub use credential::Credential;
pub use error::UpstreamError;
pub use frame::{Canceller, Frame, Framing, Reply, Whole};
pub use function_input::{SchemaFault, try_schemas};
pub use left_out::LeftOut;
pub use question::Question;
pub use stdio::SWITCHED_OFF as STDIO_SWITCHED_OFF;
pub use subscriptions::{Mailbox, Subscription, Update};
pub use target::{Caller, Era, Listing, Outgoing, Own, Target};
pub use webhook::{Webhook, WebhookError};
