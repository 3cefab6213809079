//! The database: SQLite in a file, or PostgreSQL. One SQL text serves both.
//!
//! [`Store`] opens and hands out transactions; the files beside this one hold all SQL, one per noun.
//! SQL answers questions here; it does not know who asks, and decides nothing.

pub mod error;
pub mod lease;
pub mod open;
pub mod sql;

pub use error::StoreError;
pub use open::Store;
pub use sql::Tx;
