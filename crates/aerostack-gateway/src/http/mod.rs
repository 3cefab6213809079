//! Plain HTTP: accepting connections, reading bodies, writing answers. It knows no business.

pub mod body;
<<<<<<< HEAD
mod connection;
mod progress;
mod refusal;
=======
pub mod origin;
>>>>>>> main
pub mod respond;
pub mod server;
pub mod tls;
