//! The body of an event stream, which says something now and then although there is nothing to say.
//!
//! Streams are silent most of the time, and there are many of them. So what a stream waits for stays as it is
//! when it has only to say that it is there, and is not put together anew; and those that are about to say so do
//! it together: a thread takes longer to wake up than to write.

use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, Stream, StreamExt};
use hyper::body::{Body as HttpBody, Frame};
use tokio::time::{Instant, Sleep, sleep_until};

use super::body::StreamFault;
use super::sse;

/// Comments that are due within it are written together.
const TOGETHER: Duration = Duration::from_millis(100);
/// By how much earlier than it must a comment may come for that: this part of the silence.
const EARLIER_PART: u32 = 8;

/// From when the moments are counted at which comments are written.
static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Some bytes of an event stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The bytes.
    pub bytes: Bytes,
    /// Whether they end inside a message, where nothing else may be written.
    pub is_within_message: bool,
}

/// Parts of an event stream, and a comment wherever they are silent for long.
pub struct KeptAlive<S> {
    parts: Pin<Box<S>>,
    every: Duration,
    spoke_at: Instant,
    is_within_message: bool,
    due: Pin<Box<Sleep>>,
}

impl<S> KeptAlive<S>
where
    S: Stream<Item = Result<Part, StreamFault>>,
{
    /// What `parts` yields, silent for no longer than `every`.
    pub fn new(parts: S, every: Duration) -> Self {
        let spoke_at = Instant::now();
        let due = Box::pin(sleep_until(due(spoke_at, every, *BEGINNING)));
        Self { parts: Box::pin(parts), every, spoke_at, is_within_message: false, due }
    }

    /// Whether a comment must be written. What was said meanwhile is looked at only when one would be due.
    fn must_comment(&mut self, context: &mut Context<'_>) -> bool {
        while self.due.poll_unpin(context).is_ready() {
            let (now, next) = (Instant::now(), due(self.spoke_at, self.every, *BEGINNING));
            let is_silent = next <= now;
            self.due.as_mut().reset(if is_silent { due(now, self.every, *BEGINNING) } else { next });
            if is_silent && !self.is_within_message {
                self.spoke_at = now;
                return true;
            }
        }
        false
    }
}

/// When somebody who spoke last at `spoke_at` must say something: `every` later, or a little earlier, together
/// with others.
fn due(spoke_at: Instant, every: Duration, beginning: Instant) -> Instant {
    let latest = spoke_at + every;
    let together = TOGETHER.min(every / EARLIER_PART).as_nanos().max(1);
    let over = latest.saturating_duration_since(beginning).as_nanos() % together;
    // Less than a tenth of a second, so it fits.
    latest - Duration::from_nanos(u64::try_from(over).unwrap_or_default())
}

impl<S> HttpBody for KeptAlive<S>
where
    S: Stream<Item = Result<Part, StreamFault>>,
{
    type Data = Bytes;
    type Error = StreamFault;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StreamFault>>> {
        let this = self.get_mut();
        if this.must_comment(context) {
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(sse::KEEP_ALIVE)))));
        }
        let next = ready!(this.parts.poll_next_unpin(context));
        Poll::Ready(next.map(|part| {
            let part = part?;
            (this.spoke_at, this.is_within_message) = (Instant::now(), part.is_within_message);
            Ok(Frame::data(part.bytes))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use http_body_util::BodyExt;
    use tokio::time::{advance, sleep};

    const EVERY: Duration = Duration::from_secs(15);
    const MOMENT: Duration = Duration::from_millis(1);

    fn part(text: &'static str, is_within_message: bool) -> Part {
        Part { bytes: Bytes::from_static(text.as_bytes()), is_within_message }
    }

    /// Says each after a pause, and then nothing more.
    fn saying(parts: Vec<(Duration, Part)>) -> KeptAlive<impl Stream<Item = Result<Part, StreamFault>>> {
        let parts = stream::iter(parts).then(|(pause, part)| async move {
            sleep(pause).await;
            Ok(part)
        });
        KeptAlive::new(parts.chain(stream::pending()), EVERY)
    }

    /// What is said next, and after how many seconds, to a tenth.
    async fn next<S>(body: &mut KeptAlive<S>) -> (Bytes, f64)
    where
        S: Stream<Item = Result<Part, StreamFault>>,
    {
        let begun = Instant::now();
        let bytes = body.frame().await.unwrap().unwrap().into_data().unwrap();
        (bytes, (begun.elapsed().as_secs_f64() * 10.0).ceil() / 10.0)
    }

    fn comment() -> Bytes {
        Bytes::from_static(sse::KEEP_ALIVE)
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_broken_by_comments_and_what_is_said_delays_them() {
        let ten = Duration::from_secs(10);
        let mut body = saying(vec![(ten, part("a", false)), (2 * EVERY, part("b", false))]);
        assert_eq!(next(&mut body).await, ("a".into(), 10.0));
        for _ in 0..2 {
            let (bytes, seconds) = next(&mut body).await;
            assert_eq!(bytes, comment());
            assert!((14.9..=15.1).contains(&seconds), "{seconds}");
        }
        assert_eq!(next(&mut body).await.0, "b");
        assert_eq!(next(&mut body).await.0, comment());
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_written_into_a_message() {
        let mut body = saying(vec![(MOMENT, part("a", true)), (4 * EVERY, part("b", false))]);
        assert_eq!(next(&mut body).await.0, "a");
        assert_eq!(next(&mut body).await, ("b".into(), 60.0));
        assert_eq!(next(&mut body).await.0, comment());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_waited_for_is_not_asked_when_a_comment_is_due() {
        let mut asked = 0;
        let parts = stream::poll_fn(|_| {
            asked += 1;
            Poll::<Option<Result<Part, StreamFault>>>::Pending
        });
        let mut body = KeptAlive::new(parts, EVERY);
        assert!(body.frame().now_or_never().is_none());
        advance(EVERY).await;
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), comment());
        drop(body);
        assert_eq!(asked, 1);
    }

    #[test]
    fn those_that_are_due_at_about_the_same_time_are_due_together_and_none_is_late() {
        let beginning = Instant::now();
        let after = |ms| beginning + Duration::from_millis(ms);
        let due_at = |ms, every| due(after(ms), every, beginning);
        for spoke_at in [5_000, 5_001, 5_099] {
            assert_eq!(due_at(spoke_at, EVERY), after(20_000));
        }
        assert_eq!(due_at(5_100, EVERY), after(20_100));
        // Who wants to be heard often waits for others less.
        assert_eq!(due_at(1_013, Duration::from_millis(80)), after(1_090));
        assert_eq!(due(beginning, Duration::ZERO, beginning), beginning);
    }
}
