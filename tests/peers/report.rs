//! Texts that `cargo xtask peers` puts into the documentation.

use std::path::PathBuf;

/// Names the folder they are left in; without it they are only printed.
const REPORTS: &str = "AEROSTACK_PEERS_REPORTS";

/// Leaves a text under a name.
pub(crate) fn keep(name: &str, text: &str) {
    if let Some(folder) = std::env::var_os(REPORTS).map(PathBuf::from) {
        std::fs::create_dir_all(&folder).expect("a folder for what clients came to");
        std::fs::write(folder.join(name), text).expect("what clients came to can be written down");
    }
}
