//! JSON-RPC, read shallowly: only what routing needs is looked at, all else passes as raw bytes.

pub mod message;
pub mod rewrite;
mod scan;
pub mod shape;
pub mod splice;
pub mod strings;
pub mod verdict;
pub mod without;

pub use message::{Fault, Message, Object, Request};
pub use rewrite::{ResponseRewriter, Rewritten, Structured};
pub use scan::unescaped;
pub use shape::Shape;
pub use splice::Splice;
pub use strings::StringRewriter;
pub use verdict::{Verdict, VerdictReader};
pub use without::without;
