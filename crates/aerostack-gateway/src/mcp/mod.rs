//! The door for editors: MCP over HTTP, in both eras.
//!
//! [`door`] is the spine of a request; the edges [`streamable`] and [`legacy_sse`] give it its form on
//! the wire; [`dispatch`] says what each method does, [`catalog`] answers from memory, [`relay`] calls.

pub mod answer;
pub mod asked;
mod asking;
pub mod batch;
mod behind;
mod bell;
pub mod catalog;
pub mod dispatch;
pub mod door;
pub mod error;
pub mod forward;
pub mod gemini_schema;
pub mod handle;
mod headers;
pub mod in_flight;
mod inputs;
mod legacy_post;
pub mod legacy_sse;
pub mod listen;
mod log_level;
pub mod model_tools;
pub mod parked;
mod pump;
pub mod question;
pub mod reach;
mod record;
pub mod relay;
mod replay;
mod resumable;
pub mod revision;
pub mod rewriter;
mod seat;
pub mod session;
pub mod streamable;
mod task;
pub mod translate;
mod underway;
mod updates;

pub use door::Door;
pub use error::Refusal;
