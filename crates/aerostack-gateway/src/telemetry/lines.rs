//! Log lines on their way to stderr: gathered, and written by a thread of their own a little later, so that
//! no request waits for a terminal, a pipe or a disk, nor pays for a write of its own.

use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Time for which lines are gathered.
const GATHERED_FOR: Duration = Duration::from_millis(20);
/// Most that waits to be written; further lines are dropped and counted.
const WAITING_MAX_BYTES: usize = 4 * 1_024 * 1_024;

static LINES: Lines = Lines { waiting: Mutex::new(Waiting::none()), came: Condvar::new() };
/// Held while lines are written, so that they come out in their order.
static WRITING: Mutex<()> = Mutex::new(());

struct Lines {
    waiting: Mutex<Waiting>,
    came: Condvar,
}

struct Waiting {
    text: Vec<u8>,
    dropped: u64,
    is_written_behind: bool,
}

impl Waiting {
    const fn none() -> Self {
        Self { text: Vec::new(), dropped: 0, is_written_behind: false }
    }
}

impl Lines {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, line: &[u8]) {
        let mut waiting = self.waiting();
        if waiting.text.len() + line.len() > WAITING_MAX_BYTES {
            waiting.dropped += 1;
            return;
        }
        let was_empty = waiting.text.is_empty();
        waiting.text.extend_from_slice(line);
        if !waiting.is_written_behind {
            waiting.is_written_behind = true;
            // Without a thread, whoever flushes writes.
            let _ = std::thread::Builder::new().name("log".to_owned()).spawn(|| LINES.write_behind());
        }
        drop(waiting);
        if was_empty {
            self.came.notify_one();
        }
    }

    fn write_behind(&self) {
        loop {
            let waiting = self.waiting();
            let is_idle = |waiting: &mut Waiting| waiting.text.is_empty() && waiting.dropped == 0;
            drop(self.came.wait_while(waiting, is_idle));
            std::thread::sleep(GATHERED_FOR);
            self.write();
        }
    }

    fn write(&self) {
        let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        let (text, dropped) = {
            let mut waiting = self.waiting();
            (std::mem::take(&mut waiting.text), std::mem::take(&mut waiting.dropped))
        };
        let mut stderr = io::stderr().lock();
        // Somebody who closed stderr does not want to hear it.
        let _ = stderr.write_all(&text);
        if dropped > 0 {
            let _ = writeln!(stderr, "{dropped} log lines were dropped: stderr took no more");
        }
    }
}

/// Takes a line, or several.
pub(super) fn add(lines: &[u8]) {
    LINES.add(lines);
}

/// Writes what waits.
pub(super) fn flush() {
    LINES.write();
}

/// Takes lines of tracing-subscriber.
pub(super) struct ToLog;

impl<'a> MakeWriter<'a> for ToLog {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}

impl Write for ToLog {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        add(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_dropped_and_counted() {
        let lines = Lines {
            waiting: Mutex::new(Waiting { is_written_behind: true, ..Waiting::none() }),
            came: Condvar::new(),
        };
        lines.add(&vec![b'x'; WAITING_MAX_BYTES - 1]);
        lines.add(b"too much");
        lines.add(b"\n");
        let waiting = lines.waiting();
        assert_eq!((waiting.text.len(), waiting.dropped), (WAITING_MAX_BYTES, 1));
    }
}
