//! Single calls and their sums, in a store apart: neither their number nor a full disk hinders
//! administration.
//!
//! On SQLite it is a file of its own beside the database, on PostgreSQL tables of their own, reached
//! through connections of their own. One task writes here, behind the calls: it appends them
//! ([`calls`]), adds up those beyond the watermark in the transaction that moves it ([`adding_up`]), and
//! forgets what is old ([`retention`]).

pub mod adding_up;
pub mod calls;
pub mod names;
pub mod names_unused;
pub mod open;
pub mod retention;
pub mod tallies;

mod bulk;
mod partitions;

#[cfg(test)]
mod tests;

pub use open::UsageStore;
