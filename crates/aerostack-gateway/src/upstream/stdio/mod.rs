//! Servers that are programs, spoken to over standard input and output, a message a line.
//!
//! `program` (one install's: what is run, which era) → `child` (one that runs, its requests) → `children` (all
//! of the gateway: places, memory, the end). `launch` is the other side: what happens in the new process
//! before it becomes the program. `record` outlives a gateway that was killed.

mod backoff;
mod child;
mod children;
pub mod launch;
mod line;
mod program;
mod record;
mod said;
mod system;
mod writer;

pub(super) use child::Child;
pub(super) use children::Children;
pub(super) use program::Program;
pub(super) use writer::Lines;

/// Why calls to programs go nowhere where the gateway was not started to run any.
pub const SWITCHED_OFF: &str =
    "servers that are programs are switched off: the gateway was started without --allow-stdio";
