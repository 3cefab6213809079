//! What the program can be asked to do, one file per command. `anyhow` ends here: below this floor
//! every error has a type, and nothing here is on the path of a request.

pub mod backup;
pub mod check;
mod ground;
pub mod key;
mod master_key;
pub mod migrate;
pub mod owner;
mod reload;
pub mod serve;
mod signals;

#[cfg(test)]
mod tests;
