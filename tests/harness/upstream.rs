//! Scripted MCP servers to put behind a gateway: every era, every answer shape, every misbehaviour.
//!
//! ```no_run
//! # use aerostack_tests::upstream::{Fault, Setup, Tool};
//! # async fn story() {
//! let upstream = Setup::legacy().tools([Tool::echo(), Tool::held("wait")]).start().await;
//! upstream.misbehave(Fault::Drops.on("tools/call").times(1));
//! // … calls through a gateway that has `upstream.url()` in its catalogue …
//! upstream.until("two calls have arrived", |seen| seen.calls().len() == 2).await;
//! assert!(upstream.calls()[0].header("authorization").is_none());
//! # }
//! ```
//!
//! A server listens on a loopback port of its own, keeps every request it received, and stops when
//! its [`Upstream`] is dropped. Nothing here sleeps unless a test asks for a delay: `held` tools
//! answer when the test releases them, and [`Upstream::until`] waits for what has been received.

mod answer;
mod conformance;
mod fault;
mod inquiry;
mod legacy;
mod message;
mod modern;
mod notice;
mod old_sse;
mod polling;
mod prompt;
mod record;
mod resource;
mod respond;
mod server;
mod setup;
mod spoil;
mod state;
mod task;
#[cfg(test)]
mod tests;
mod ticketed;
mod tool;

pub use fault::{Fault, Rule};
pub use inquiry::{Ask, Inquiry};
pub use prompt::Prompt;
pub use record::{Ended, Received};
pub use resource::Resource;
pub use server::Upstream;
pub use setup::{Answers, Era, Sessions, Setup};
pub use state::SessionCounts;
pub use tool::Tool;
