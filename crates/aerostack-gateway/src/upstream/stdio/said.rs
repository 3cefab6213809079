//! What a program says on standard error: into the log, line by line, at a bounded rate, without its secrets.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aerostack_core::id::InstallId;
use aerostack_core::text::clean_line;
use tokio::process::ChildStderr;
use tokio::time::Instant;

use super::super::credential::Credential;
use super::line::{Line, Lines};

/// Longest line that is looked at; the rest of a longer one is dropped.
const LINE_BYTES: usize = 64 * 1_024;
/// Most of it that is written.
const LINE_CHARS: usize = 1_000;
/// Lines written in a span of [`RATE_SPAN`].
const RATE_LINES: u32 = 50;
/// The span they are counted in.
const RATE_SPAN: Duration = Duration::from_secs(10);

/// The last thing a program said, which often tells why it ended.
#[derive(Clone, Default)]
pub(super) struct LastWords(Arc<Mutex<Option<String>>>);

impl LastWords {
    pub(super) fn get(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, line: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(line);
    }
}

/// Who says it.
pub(super) struct Speaker {
    pub(super) install: InstallId,
    pub(super) slug: String,
    pub(super) pid: u32,
    pub(super) credential: Credential,
}

/// Writes down what is said until nobody can say more.
pub(super) async fn follow(pipe: ChildStderr, speaker: Speaker, last: LastWords) {
    let Speaker { install, slug, pid, credential } = speaker;
    let mut lines = Lines::new(pipe, LINE_BYTES);
    let mut rate = Rate::new();
    while let Some(Line::Whole(bytes) | Line::Cut(bytes)) = lines.next().await {
        // Masked before it is cut: half a secret is known by nobody.
        let line = credential.mask(String::from_utf8_lossy(&bytes).into_owned());
        let line = clean_line(&line, LINE_CHARS);
        match rate.admit() {
            Admitted::Yes { left_out: 0 } => {
                tracing::info!(%install, server = slug, pid, line, "a program says");
            }
            Admitted::Yes { left_out } => {
                tracing::info!(%install, server = slug, pid, left_out, line, "a program says");
            }
            Admitted::No => {}
        }
        last.set(line);
    }
}

/// Counts lines.
struct Rate {
    since: Instant,
    written: u32,
    left_out: u64,
}

#[derive(Debug, PartialEq, Eq)]
enum Admitted {
    Yes { left_out: u64 },
    No,
}

impl Rate {
    fn new() -> Self {
        Self { since: Instant::now(), written: 0, left_out: 0 }
    }

    fn admit(&mut self) -> Admitted {
        if self.since.elapsed() >= RATE_SPAN {
            self.since = Instant::now();
            self.written = 0;
        }
        if self.written >= RATE_LINES {
            self.left_out += 1;
            return Admitted::No;
        }
        self.written += 1;
        Admitted::Yes { left_out: std::mem::take(&mut self.left_out) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whoever_says_much_is_written_down_in_part_and_that_is_told() {
        let mut rate = Rate::new();
        let admitted = (0..60).filter(|_| rate.admit() != Admitted::No).count();
        assert_eq!(admitted, 50);
        tokio::time::advance(RATE_SPAN).await;
        assert_eq!(rate.admit(), Admitted::Yes { left_out: 10 });
        assert_eq!(rate.admit(), Admitted::Yes { left_out: 0 });
    }
}
