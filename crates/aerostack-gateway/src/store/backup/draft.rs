//! A file in the making: private, under a name nobody looks for, and gone unless it is published.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// A private file under a name nobody looks for, removed with what SQLite puts beside it.
pub(super) struct Draft(PathBuf);

impl Draft {
    /// Makes an empty one in the folder of `file`.
    pub(super) fn beside(file: &Path) -> io::Result<Self> {
        let mut name = file.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.partial", std::process::id()));
        let path = file.with_file_name(name);
        // Left by a process of the same number. Never opened: it might be a link to something else.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&path)?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Makes the draft last and gives it its name, unless that was taken meanwhile.
    pub(super) fn publish(&self, file: &Path) -> io::Result<()> {
        File::open(self.path())?.sync_all()?;
        // A link, unlike a rename, never takes the place of another file.
        match fs::hard_link(self.path(), file) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => fs::rename(self.path(), file)?,
            linked => linked?,
        }
        // Elsewhere folders cannot be opened, and need not be.
        if cfg!(unix) {
            let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        }
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let mut name = self.0.clone().into_os_string();
            name.push(suffix);
            // Most of them are not there.
            let _ = fs::remove_file(name);
        }
    }
}
