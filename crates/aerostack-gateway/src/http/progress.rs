//! What a connection is waiting for, as its parts see it.
//!
//! Written and read within one task, so the order of the atomics does not matter and the lock is never
//! waited for; they are there only because a connection's future must be `Send`.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use super::ending::Ending;

/// What a connection is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    /// It was only just opened.
    FirstByte,
    /// Some of a request's head is here, not all of it.
    Head,
    /// A request is being read and answered.
    Answer,
    /// An answer is done; another request may come.
    NextRequest,
    /// The peer does not take what is written.
    PeerToRead,
}

const FIRST_BYTE: u8 = 0;
const HEAD: u8 = 1;
const ANSWER: u8 = 2;
const NEXT_REQUEST: u8 = 3;

/// Shared notes of one connection.
#[derive(Default)]
pub(super) struct Progress {
    phase: AtomicU8,
    is_write_blocked: AtomicBool,
    is_answering: AtomicBool,
    is_unread: AtomicBool,
    turn: AtomicU64,
    ending: Mutex<Option<Ending>>,
}

impl Progress {
    /// Counts changes of [`Progress::waiting`]: whoever saw another number has a new wait to time.
    pub(super) fn turn(&self) -> u64 {
        self.turn.load(Relaxed)
    }

    /// What is being waited for.
    pub(super) fn waiting(&self) -> Waiting {
        if self.is_write_blocked.load(Relaxed) {
            return Waiting::PeerToRead;
        }
        match self.phase.load(Relaxed) {
            FIRST_BYTE => Waiting::FirstByte,
            HEAD => Waiting::Head,
            ANSWER => Waiting::Answer,
            _ => Waiting::NextRequest,
        }
    }

    /// Whether what is written belongs to an answer of the service: from when that was called until
    /// the last byte of its answer has left.
    pub(super) fn is_answering(&self) -> bool {
        self.is_answering.load(Relaxed)
    }

    /// Bytes arrived. Those of a body change nothing.
    pub(super) fn bytes_came(&self) {
        if matches!(self.phase.load(Relaxed), FIRST_BYTE | NEXT_REQUEST) {
            self.enter(HEAD);
        }
    }

    /// The service was called.
    pub(super) fn request_began(&self) {
        self.is_answering.store(true, Relaxed);
        self.is_unread.store(false, Relaxed);
        self.enter(ANSWER);
    }

    /// There is an answer to the request that began last, which must not outlive `ending`.
    pub(super) fn answered(&self, ending: Option<Ending>) {
        *self.ending.lock().unwrap_or_else(PoisonError::into_inner) = ending;
    }

    /// Waits until the answer that is being written should long have ended, if it must end at all.
    pub(super) fn overdue(&self) -> Option<Pin<Box<dyn Future<Output = ()> + Send>>> {
        let ending = self.ending.lock().unwrap_or_else(PoisonError::into_inner);
        ending.as_ref().map(Ending::overdue)
    }

    /// The body of the request that is being answered was not read to its end.
    pub(super) fn left_unread(&self) {
        self.is_unread.store(true, Relaxed);
    }

    /// Whether the last request has left bytes behind that the peer may still be sending.
    pub(super) fn has_unread(&self) -> bool {
        self.is_unread.load(Relaxed)
    }

    /// An answer was handed over to be written, or given up.
    pub(super) fn answer_ended(&self) {
        self.enter(NEXT_REQUEST);
    }

    /// The peer does, or does not, take what is written.
    pub(super) fn write_blocked(&self, is_blocked: bool) {
        if self.is_write_blocked.swap(is_blocked, Relaxed) != is_blocked {
            self.turn.fetch_add(1, Relaxed);
        }
    }

    /// Everything that was handed over has left.
    pub(super) fn all_written(&self) {
        self.write_blocked(false);
        if self.phase.load(Relaxed) != ANSWER {
            self.is_answering.store(false, Relaxed);
        }
    }

    fn enter(&self, phase: u8) {
        self.phase.store(phase, Relaxed);
        self.turn.fetch_add(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_goes_from_wait_to_wait() {
        let progress = Progress::default();
        let expect = |waiting, answering| {
            assert_eq!((progress.waiting(), progress.is_answering()), (waiting, answering));
            progress.turn()
        };
        let first = expect(Waiting::FirstByte, false);
        progress.bytes_came();
        let head = expect(Waiting::Head, false);
        progress.bytes_came();
        assert_eq!(progress.turn(), head, "a head has one deadline, however it trickles in");
        progress.request_began();
        progress.bytes_came();
        expect(Waiting::Answer, true);
        progress.all_written();
        expect(Waiting::Answer, true);
        progress.write_blocked(true);
        expect(Waiting::PeerToRead, true);
        progress.answer_ended();
        expect(Waiting::PeerToRead, true);
        progress.all_written();
        let last = expect(Waiting::NextRequest, false);
        assert!(first < head && head < last);
        progress.bytes_came();
        expect(Waiting::Head, false);
    }
}
