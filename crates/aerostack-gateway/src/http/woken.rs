//! A future that is looked at only when it has called.
//!
//! A connection's task waits for several things, and whichever comes has all of them asked. Asking whether the
//! gateway stops takes locks that all connections of all threads share, three times a call; this asks a flag.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// A future that is looked at only when it has called, or when somebody else waits for it. It is for those that call
/// once: a second call while the first is still under way could be missed.
pub(super) struct Woken<F> {
    future: F,
    call: Arc<Call>,
    waiting: Option<Waker>,
}

#[derive(Default)]
struct Call {
    has_called: AtomicBool,
    waiting: AtomicWaker,
}

impl Wake for Call {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.has_called.store(true, Ordering::Release);
        self.waiting.wake();
    }
}

impl<F> Woken<F> {
    pub(super) fn new(future: F) -> Self {
        Self { future, call: Arc::default(), waiting: None }
    }

    /// Changes what is waited for; it is looked at when it is asked next.
    pub(super) fn renew(&mut self, change: impl FnOnce(&mut F)) {
        change(&mut self.future);
        // What was waited for may still be about to call, and would take the waker that is for the next.
        self.call = Arc::default();
        self.waiting = None;
    }
}

impl<F: Future + Unpin> Future for Woken<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.get_mut();
        let is_known = this.waiting.as_ref().is_some_and(|waiting| waiting.will_wake(context.waker()));
        if is_known && !this.call.has_called.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        if !is_known {
            this.waiting = Some(context.waker().clone());
        }
        // Each time that it is looked at: whoever is woken is forgotten.
        this.call.waiting.register(context.waker());
        // Before it is looked at, and read: what a call was about is seen, and one that comes meanwhile not missed.
        this.call.has_called.swap(false, Ordering::AcqRel);
        // Made anew: it is seldom wanted, and there may be thousands of these.
        let called = Waker::from(Arc::clone(&this.call));
        Pin::new(&mut this.future).poll(&mut Context::from_waker(&called))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::sync::Mutex;
    use std::sync::atomic::AtomicUsize;

    use futures_util::FutureExt;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn it_is_asked_once_until_it_calls_or_somebody_else_waits() {
        let (tell, told) = oneshot::channel();
        let (mut told, asked) = (Box::pin(told), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&asked);
        let future = poll_fn(move |context| {
            counted.fetch_add(1, Ordering::Relaxed);
            told.as_mut().poll(context)
        });
        let mut woken = Woken::new(future);
        let asked = || asked.load(Ordering::Relaxed);
        poll_fn(|context| {
            for _ in 0..3 {
                assert!(woken.poll_unpin(context).is_pending());
            }
            Poll::Ready(())
        })
        .await;
        assert_eq!(asked(), 1);
        // Another task: it must be woken instead.
        let waiting = tokio::spawn(woken);
        tokio::task::yield_now().await;
        assert_eq!(asked(), 2);
        tell.send(7).unwrap();
        assert_eq!(waiting.await.unwrap(), Ok(7));
        assert_eq!(asked(), 3);
    }

    #[derive(Default)]
    struct Counted(AtomicUsize);

    impl Wake for Counted {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_late_call_of_what_came_before_takes_nothing_from_what_is_waited_for_now() {
        let (kept, asked) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let waits = |kept: &Arc<Mutex<Vec<Waker>>>, asked: &Arc<AtomicUsize>| {
            let (kept, asked) = (Arc::clone(kept), Arc::clone(asked));
            poll_fn(move |context: &mut Context<'_>| {
                asked.fetch_add(1, Ordering::Relaxed);
                kept.lock().unwrap().push(context.waker().clone());
                Poll::<()>::Pending
            })
        };
        let mut woken = Woken::new(waits(&kept, &asked));
        let counted = Arc::new(Counted::default());
        let (task, count) = (Waker::from(Arc::clone(&counted)), || counted.0.load(Ordering::Relaxed));
        assert!(woken.poll_unpin(&mut Context::from_waker(&task)).is_pending());
        woken.renew(|future| *future = waits(&kept, &asked));
        assert!(woken.poll_unpin(&mut Context::from_waker(&task)).is_pending());
        assert_eq!(asked.load(Ordering::Relaxed), 2);
        let [late, now] = kept.lock().unwrap().clone().try_into().unwrap();
        late.wake();
        assert!(woken.poll_unpin(&mut Context::from_waker(&task)).is_pending());
        assert_eq!(asked.load(Ordering::Relaxed), 2);
        let woken_before = count();
        now.wake();
        assert_eq!(count(), woken_before + 1);
        assert!(woken.poll_unpin(&mut Context::from_waker(&task)).is_pending());
        assert_eq!(asked.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn one_that_calls_in_vain_is_heard_again() {
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let both = Box::pin(async move { (told.recv().await, told.recv().await) });
        let waiting = tokio::spawn(Woken::new(both));
        for number in 1..=2 {
            tokio::task::yield_now().await;
            tell.send(number).unwrap();
        }
        assert_eq!(waiting.await.unwrap(), (Some(1), Some(2)));
    }
}
