//! The lease of a SQLite database: a file beside it, locked by the operating system, which lets go of
//! it however the process ends. The file itself stays: deleting it would let two processes lock two
//! different files of the same name.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use super::LeaseError;
use super::holder::{Doing, Holder};

/// Most bytes of a lock file that are looked at.
const CONTENT_MAX_BYTES: u64 = 256;

/// A locked file.
#[derive(Debug)]
pub(super) struct FileLock {
    file: File,
    holder: Holder,
}

impl FileLock {
    /// Locks the file, or tells whose it is.
    pub(super) fn take(path: &Path, holder: &Holder) -> Result<Self, LeaseError> {
        let failed = |source| LeaseError::File { path: path.to_owned(), source };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut line = String::new();
                // Where locked files cannot be read, the refusal does without a name.
                let _ = (&mut file).take(CONTENT_MAX_BYTES).read_to_string(&mut line);
                return Err(LeaseError::Held { holder: Holder::parse(&line), place: "data folder" });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let mut lock = Self { file, holder: holder.clone() };
        lock.write(&holder.line()).map_err(failed)?;
        Ok(lock)
    }

    /// Rewrites what others read.
    pub(super) fn announce(&mut self, doing: Doing) {
        self.holder = self.holder.clone().doing(doing);
        let line = self.holder.line();
        if let Err(error) = self.write(&line) {
            tracing::warn!(%error, "the lock file could not be rewritten; others will see an old address in it");
        }
    }

    /// Unlocks the file.
    pub(super) fn release(mut self) {
        // Nothing depends on either: the lock ends with the file handle, and the text is for people.
        let _ = self.write("");
        let _ = self.file.unlock();
    }

    fn write(&mut self, line: &str) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(line.as_bytes())
    }
}
