//! Who may come in, in memory: grants of tokens, and the workspaces they open.

mod by_digest;
pub mod grant;
pub mod live_workspace;
pub mod registry;
pub mod session_wishes;

pub use grant::{Grant, StreamPermit};
pub use live_workspace::{ListVersions, LiveWorkspace};
pub use registry::Grants;
