//! Whether there is room for more: how much of the disk below the store of calls is free.

use std::path::PathBuf;

/// Where calls are written, and how much must stay free there.
#[derive(Clone, Debug)]
pub struct Room {
    folder: Option<PathBuf>,
    floor_bytes: u64,
}

impl Room {
    /// A folder on this machine.
    #[must_use]
    pub const fn in_folder(folder: PathBuf, floor_bytes: u64) -> Self {
        Self { folder: Some(folder), floor_bytes }
    }

    /// Somewhere else: on a database server, which sees to its own disk.
    #[must_use]
    pub const fn elsewhere() -> Self {
        Self { folder: None, floor_bytes: 0 }
    }

    /// Tells whether less than the floor is free. What cannot be asked counts as free.
    pub async fn is_short(&self) -> bool {
        let Some(folder) = self.folder.clone() else { return false };
        let free = tokio::task::spawn_blocking(move || free_bytes(&folder)).await;
        free.ok().flatten().is_some_and(|free| free < self.floor_bytes)
    }
}

#[cfg(unix)]
fn free_bytes(folder: &std::path::Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_folder: &std::path::Path) -> Option<u64> {
    None
}
