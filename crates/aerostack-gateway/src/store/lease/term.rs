//! Until when a lease certainly holds.
//!
//! The end of a term is compared with the time whenever something is accepted, so a process that was
//! stopped, starved or asleep accepts nothing on waking that it may no longer accept. Whoever takes the
//! lease next waits as long as a term lasts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// The end of a term that has none.
const NEVER: u64 = u64::MAX;
/// The end of a term that is over until it is extended.
const IN_DOUBT: u64 = 1;
/// The end of a term that is over for good.
const LOST: u64 = 0;

/// The term of one lease, as its keeper and everybody who serves by it know it.
#[derive(Clone, Debug)]
pub struct Term(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    number: Option<i64>,
    /// Milliseconds of [`uptime`].
    ends_at_ms: AtomicU64,
    lost: CancellationToken,
}

impl Default for Term {
    fn default() -> Self {
        Self::endless()
    }
}

impl Term {
    /// The term of a locked file, which ends with the process, and of who needs no lease.
    pub(in crate::store) fn endless() -> Self {
        Self::of(None, NEVER)
    }

    /// The term of the `number`th holder; in doubt until it is extended.
    pub(super) fn numbered(number: i64) -> Self {
        Self::of(Some(number), IN_DOUBT)
    }

    fn of(number: Option<i64>, ends_at_ms: u64) -> Self {
        Self(Arc::new(Inner {
            number,
            ends_at_ms: AtomicU64::new(ends_at_ms),
            lost: CancellationToken::new(),
        }))
    }

    /// The holder's number, where holders are numbered.
    pub(in crate::store) fn number(&self) -> Option<i64> {
        self.0.number
    }

    /// Tells whether this process certainly is the only one that may serve, now.
    #[must_use]
    pub fn holds(&self) -> bool {
        match self.0.ends_at_ms.load(Ordering::Acquire) {
            NEVER => true,
            IN_DOUBT | LOST => false,
            ends_at_ms => uptime() < Duration::from_millis(ends_at_ms),
        }
    }

    /// Lets the term end at `moment`, unless it is lost.
    pub(super) fn extend_to(&self, moment: Duration) {
        let moment = u64::try_from(moment.as_millis()).unwrap_or(NEVER);
        let _ = self.0.ends_at_ms.fetch_update(Ordering::AcqRel, Ordering::Acquire, |ends_at_ms| {
            (ends_at_ms != LOST).then_some(moment)
        });
    }

    /// Ends the term until it is extended again.
    pub(super) fn doubt(&self) {
        let _ = self.0.ends_at_ms.fetch_update(Ordering::AcqRel, Ordering::Acquire, |ends_at_ms| {
            (ends_at_ms != LOST).then_some(IN_DOUBT)
        });
    }

    /// Ends the term for good and tells everybody.
    pub(in crate::store) fn lose(&self) {
        self.0.ends_at_ms.store(LOST, Ordering::Release);
        self.0.lost.cancel();
    }

    /// Is cancelled when the term is over for good.
    #[must_use]
    pub fn lost(&self) -> CancellationToken {
        self.0.lost.clone()
    }
}

/// Time since the machine was started; it goes on while the machine sleeps, where the system says so.
pub(super) fn uptime() -> Duration {
    #[cfg(target_os = "linux")]
    {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let (secs, nanos) = (u64::try_from(now.tv_sec), u32::try_from(now.tv_nsec));
        Duration::new(secs.unwrap_or_default(), nanos.unwrap_or_default())
    }
    #[cfg(not(target_os = "linux"))]
    {
        static FIRST: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
        // Never 0 or 1 ms, which stand for something else.
        Duration::from_secs(1) + FIRST.get_or_init(std::time::Instant::now).elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    #[test]
    fn a_term_is_over_by_itself_when_nobody_extends_it() {
        let term = Term::numbered(1);
        assert!(!term.holds());
        term.extend_to(uptime() + LONG);
        assert!(term.holds());
        term.extend_to(uptime());
        assert!(!term.holds());
        assert!(!term.lost().is_cancelled());
        assert!(Term::endless().holds());
    }

    #[test]
    fn a_lost_term_is_never_extended() {
        let term = Term::numbered(1);
        term.extend_to(uptime() + LONG);
        term.doubt();
        assert!(!term.holds());
        term.extend_to(uptime() + LONG);
        assert!(term.holds());
        term.lose();
        term.extend_to(uptime() + LONG);
        term.doubt();
        assert!(!term.holds() && term.lost().is_cancelled());
    }
}
