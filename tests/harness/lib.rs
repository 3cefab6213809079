//! What stories, contracts and peers stand on: the product in process, and the world around it.

pub mod upstream;
