//! Plain HTTP: accepting connections, reading bodies, writing answers. It knows no business.

pub mod body;
pub mod origin;
pub mod respond;
pub mod server;
pub mod sse;
pub mod tls;
