//! The way from what moves a stream to its reader: a little room, and either end learns when the other has gone.
//!
//! The runtime's own channels make room for 32 parts at once, which thousands of silent streams do not need.
//! Here nothing is held before something is said. One end writes and one reads, each from one task at a time.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use futures_util::task::AtomicWaker;

/// Makes the way to a new reader; `room` parts may wait on it.
pub(super) fn seat<T>(room: usize) -> (Giver<T>, Reading<T>) {
    let state = Mutex::new(State { parts: VecDeque::new(), is_given: true, is_read: true });
    let (giver, reader) = (AtomicWaker::new(), AtomicWaker::new());
    let shared = Arc::new(Shared { room, state, giver, reader });
    (Giver(Arc::clone(&shared)), Reading(shared))
}

struct Shared<T> {
    room: usize,
    state: Mutex<State<T>>,
    giver: AtomicWaker,
    reader: AtomicWaker,
}

struct State<T> {
    parts: VecDeque<T>,
    is_given: bool,
    is_read: bool,
}

impl<T> Shared<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The reader has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gone;

/// The end that is written to. Dropped, it lets the other take what is there and then nothing.
pub(super) struct Giver<T>(Arc<Shared<T>>);

impl<T> Giver<T> {
    /// Waits until there is room for a part.
    ///
    /// # Errors
    /// [`Gone`] when nobody reads any more.
    pub(super) async fn has_room(&self) -> Result<(), Gone> {
        poll_fn(|context| {
            // Before it is looked: whoever makes room afterwards calls.
            self.0.giver.register(context.waker());
            let state = self.0.state();
            match state.is_read {
                false => Poll::Ready(Err(Gone)),
                true if state.parts.len() < self.0.room => Poll::Ready(Ok(())),
                true => Poll::Pending,
            }
        })
        .await
    }

    /// Waits until nobody reads any more.
    pub(super) async fn until_gone(&self) {
        poll_fn(|context| {
            self.0.giver.register(context.waker());
            if self.0.state().is_read { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
    }

    /// Hands a part over. Whoever has not waited for room takes more than there is.
    pub(super) fn give(&self, part: T) {
        self.0.state().parts.push_back(part);
        self.0.reader.wake();
    }
}

impl<T> Drop for Giver<T> {
    fn drop(&mut self) {
        self.0.state().is_given = false;
        self.0.reader.wake();
    }
}

/// The end that is read from. Dropped, it lets the other know.
pub(super) struct Reading<T>(Arc<Shared<T>>);

impl<T> Reading<T> {
    /// The next part; `None` when nothing follows.
    ///
    /// *Cancellation*: dropped while waiting, it loses nothing.
    pub(super) async fn next(&mut self) -> Option<T> {
        let part = poll_fn(|context| {
            self.0.reader.register(context.waker());
            let mut state = self.0.state();
            match state.parts.pop_front() {
                None if state.is_given => Poll::Pending,
                part => Poll::Ready(part),
            }
        })
        .await;
        self.0.giver.wake();
        part
    }
}

impl<T> Drop for Reading<T> {
    fn drop(&mut self) {
        self.0.state().is_read = false;
        self.0.giver.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use tokio::task::yield_now;

    #[tokio::test]
    async fn parts_come_in_order_and_no_more_wait_than_there_is_room_for() {
        let (giver, mut reading) = seat(2);
        for part in 1..=2 {
            giver.has_room().await.unwrap();
            giver.give(part);
        }
        assert_eq!(giver.has_room().now_or_never(), None);
        let more = tokio::spawn(async move {
            giver.has_room().await.unwrap();
            giver.give(3);
        });
        yield_now().await;
        assert!(!more.is_finished());
        let mut read = Vec::new();
        while let Some(part) = reading.next().await {
            read.push(part);
            yield_now().await;
        }
        assert_eq!(read, [1, 2, 3]);
    }

    #[tokio::test]
    async fn who_waits_for_a_part_is_woken_by_it_and_by_the_end() {
        let (giver, mut reading) = seat(1);
        let reader = tokio::spawn(async move { (reading.next().await, reading.next().await) });
        yield_now().await;
        giver.give(1);
        yield_now().await;
        drop(giver);
        assert_eq!(reader.await.unwrap(), (Some(1), None));
    }

    #[tokio::test]
    async fn a_reader_who_goes_is_missed_whatever_is_waited_for() {
        let (giver, reading) = seat(1);
        giver.give(1);
        let waiting = tokio::spawn(async move {
            let full = giver.has_room().await;
            giver.until_gone().await;
            full
        });
        yield_now().await;
        assert!(!waiting.is_finished());
        drop(reading);
        assert_eq!(waiting.await.unwrap(), Err(Gone));
    }
}
