//! Plain HTTP: accepting connections, reading bodies, writing answers. It knows no business.

pub mod body;
pub mod budget;
mod connection;
pub mod edges;
pub mod ending;
pub mod kept_alive;
pub mod origin;
mod progress;
pub mod quiet;
mod refusal;
pub mod respond;
pub mod server;
pub mod sse;
mod stop;
pub mod tls;
mod watched;
mod woken;
