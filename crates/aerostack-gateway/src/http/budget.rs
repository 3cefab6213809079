//! How many bytes may be held at the same time: bodies that are read and answers that are gathered, of
//! everybody together and of each holder.
//!
//! Single limits bound single pieces; this bounds their sum. Bytes are taken before they are read or
//! gathered and given back when the last part of them is dropped, because what is kept here is [`Bytes`]
//! that own their share. A piece of up to [`FREE_BYTES`] is not counted: connections and requests are
//! bounded in number, and a small request shall not pay for this.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use bytes::Bytes;

/// Largest piece that is not counted.
pub const FREE_BYTES: usize = 4 * 1_024;

/// Bytes that are held now, of one holder or of all.
#[derive(Debug, Default)]
pub struct Tally(AtomicUsize);

impl Tally {
    /// How many these are.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.load(Relaxed)
    }

    fn add(&self, bytes: usize, limit_bytes: usize) -> bool {
        let fitting = |held: usize| held.checked_add(bytes).filter(|&held| held <= limit_bytes);
        self.0.fetch_update(Relaxed, Relaxed, fitting).is_ok()
    }

    fn subtract(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Relaxed);
    }
}

/// Why bytes cannot be held now. Later they may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRoom {
    /// The holder has as many as it may have.
    #[error("too many bytes under way for this token")]
    OfHolder,
    /// All together have.
    #[error("too many bytes under way")]
    OfAll,
}

/// What may be held.
#[derive(Debug)]
pub struct Budget {
    all: Arc<Tally>,
    limit_bytes: usize,
    holder_limit_bytes: usize,
}

impl Budget {
    /// So much for all together, and so much of it for each holder.
    #[must_use]
    pub fn new(limit_bytes: usize, holder_limit_bytes: usize) -> Self {
        let holder_limit_bytes = holder_limit_bytes.min(limit_bytes);
        Self { all: Arc::default(), limit_bytes, holder_limit_bytes }
    }

    /// The room of a holder, whose bytes are counted in `own`.
    #[must_use]
    pub const fn of<'a>(&'a self, own: &'a Arc<Tally>) -> Room<'a> {
        Room { budget: self, own: Some(own) }
    }

    /// The room of those who have no tally of their own.
    #[must_use]
    pub const fn of_all(&self) -> Room<'_> {
        Room { budget: self, own: None }
    }

    /// How many bytes are held now.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.all.bytes()
    }
}

/// Where one holder's bytes are counted.
#[derive(Clone, Copy, Debug)]
pub struct Room<'a> {
    budget: &'a Budget,
    own: Option<&'a Arc<Tally>>,
}

impl<'a> Room<'a> {
    /// The most that ever fits in one piece.
    #[must_use]
    pub fn most_bytes(self) -> usize {
        if self.own.is_some() { self.budget.holder_limit_bytes } else { self.budget.limit_bytes }
    }

    /// Begins to gather bytes, of which `expected_bytes` are announced.
    ///
    /// # Errors
    /// [`NoRoom`] when those that are announced do not fit.
    pub fn gather(self, expected_bytes: usize) -> Result<Gathered<'a>, NoRoom> {
        let hold = Hold { all: None, own: None, bytes: 0 };
        let mut gathered =
            Gathered { room: self, hold, expected_bytes, first: Bytes::new(), all: Vec::new() };
        gathered.hold_at_least(expected_bytes)?;
        Ok(gathered)
    }

    /// Counts bytes that are there already, for as long as any part of them is.
    ///
    /// # Errors
    /// [`NoRoom`] when they do not fit; then they should be dropped.
    pub fn keep(self, bytes: Bytes) -> Result<Bytes, NoRoom> {
        let mut gathered = self.gather(bytes.len())?;
        gathered.push(bytes)?;
        Ok(gathered.finish())
    }

    fn add(self, bytes: usize) -> Result<(), NoRoom> {
        if self.own.is_some_and(|own| !own.add(bytes, self.budget.holder_limit_bytes)) {
            return Err(NoRoom::OfHolder);
        }
        if !self.budget.all.add(bytes, self.budget.limit_bytes) {
            if let Some(own) = self.own {
                own.subtract(bytes);
            }
            return Err(NoRoom::OfAll);
        }
        Ok(())
    }
}

/// Bytes that were taken out of a budget; given back when dropped.
#[derive(Debug)]
struct Hold {
    all: Option<Arc<Tally>>,
    own: Option<Arc<Tally>>,
    bytes: usize,
}

impl Drop for Hold {
    fn drop(&mut self) {
        for tally in self.all.iter().chain(&self.own) {
            tally.subtract(self.bytes);
        }
    }
}

/// Bytes that come piece by piece, each counted before it is kept.
#[derive(Debug)]
pub struct Gathered<'a> {
    room: Room<'a>,
    hold: Hold,
    expected_bytes: usize,
    first: Bytes,
    all: Vec<u8>,
}

impl Gathered<'_> {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.first.len() + self.all.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes one more piece. A single one is never copied.
    ///
    /// # Errors
    /// [`NoRoom`] when it does not fit; what was gathered before is still there.
    pub fn push(&mut self, piece: Bytes) -> Result<(), NoRoom> {
        let len = self.len() + piece.len();
        self.hold_at_least(len)?;
        if self.is_empty() {
            self.first = piece;
            return Ok(());
        }
        if self.all.is_empty() {
            self.all.reserve_exact(len.max(self.expected_bytes));
            self.all.extend_from_slice(&std::mem::take(&mut self.first));
        }
        self.all.extend_from_slice(&piece);
        Ok(())
    }

    /// All of them in one, which gives its share back when its last part is dropped.
    #[must_use]
    pub fn finish(mut self) -> Bytes {
        if self.hold.bytes == 0 {
            return if self.all.is_empty() { self.first } else { self.all.into() };
        }
        self.all.shrink_to_fit();
        Bytes::from_owner(Kept { first: self.first, all: self.all, _hold: self.hold })
    }

    fn hold_at_least(&mut self, bytes: usize) -> Result<(), NoRoom> {
        if bytes <= FREE_BYTES || bytes <= self.hold.bytes {
            return Ok(());
        }
        self.room.add(bytes - self.hold.bytes)?;
        if self.hold.bytes == 0 {
            self.hold.all = Some(Arc::clone(&self.room.budget.all));
            self.hold.own = self.room.own.cloned();
        }
        self.hold.bytes = bytes;
        Ok(())
    }
}

struct Kept {
    first: Bytes,
    all: Vec<u8>,
    _hold: Hold,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        if self.all.is_empty() { &self.first } else { &self.all }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: usize = 1_024;

    fn bytes(len: usize) -> Bytes {
        vec![b'x'; len].into()
    }

    #[test]
    fn bytes_are_given_back_with_their_last_part() {
        let (budget, alice) = (Budget::new(100 * KIB, 64 * KIB), Arc::default());
        let kept = budget.of(&alice).keep(bytes(10 * KIB)).unwrap();
        assert_eq!((budget.held_bytes(), alice.bytes()), (10 * KIB, 10 * KIB));
        let part = kept.slice(..1);
        drop(kept);
        assert_eq!((budget.held_bytes(), alice.bytes()), (10 * KIB, 10 * KIB));
        drop(part);
        assert_eq!((budget.held_bytes(), alice.bytes()), (0, 0));
    }

    #[test]
    fn what_does_not_fit_is_refused_and_leaves_nothing_behind() {
        let (budget, alice, bob) = (Budget::new(100 * KIB, 64 * KIB), Arc::default(), Arc::default());
        let alices = budget.of(&alice).keep(bytes(60 * KIB)).unwrap();
        assert_eq!(budget.of(&alice).keep(bytes(5 * KIB)), Err(NoRoom::OfHolder));
        assert_eq!(budget.of(&bob).keep(bytes(41 * KIB)), Err(NoRoom::OfAll));
        assert_eq!(budget.of_all().keep(bytes(41 * KIB)), Err(NoRoom::OfAll));
        assert_eq!((budget.held_bytes(), alice.bytes(), bob.bytes()), (60 * KIB, 60 * KIB, 0));
        assert!(budget.of(&alice).keep(bytes(FREE_BYTES)).is_ok(), "little is always taken");
        let bobs = budget.of(&bob).keep(bytes(40 * KIB)).unwrap();
        assert_eq!((alices.len(), bobs.len(), budget.held_bytes()), (60 * KIB, 40 * KIB, 100 * KIB));
    }

    #[test]
    fn what_is_gathered_is_counted_as_it_grows_and_whole_when_it_is_announced() {
        let (budget, alice) = (Budget::new(100 * KIB, 64 * KIB), Arc::default());
        let mut growing = budget.of(&alice).gather(0).unwrap();
        for (piece, held) in [(3, 0), (3, 6), (10, 16)] {
            growing.push(bytes(piece * KIB)).unwrap();
            assert_eq!(alice.bytes(), held * KIB);
        }
        let announced = budget.of(&alice).gather(40 * KIB).unwrap();
        assert_eq!(alice.bytes(), 56 * KIB);
        assert_eq!(growing.push(bytes(9 * KIB)), Err(NoRoom::OfHolder));
        assert_eq!(growing.len(), 16 * KIB);
        drop(announced);
        growing.push(bytes(9 * KIB)).unwrap();
        assert_eq!(growing.finish(), bytes(25 * KIB));
        assert_eq!((budget.held_bytes(), alice.bytes()), (0, 0));
    }
}
