//! Signing in at a browser: links that are used once, and the sessions they begin. There are no
//! passwords; an account key, or a link that reached the account's holder, is what proves who it is.

use std::time::Duration;

use rand::CryptoRng;

use crate::bearer::{RawToken, TokenDigest, TokenKind};
use crate::id::{AccountId, SessionId};
use crate::text::clean_line;
use crate::time::Timestamp;

/// How long a link signs in.
pub const SIGN_IN_LINK_LIFE: Duration = Duration::from_secs(15 * 60);
/// Most links that one account is given in [`SIGN_IN_WINDOW`]: each may be a mail.
pub const SIGN_IN_LINKS_PER_WINDOW: u32 = 10;
/// The window in which [`SIGN_IN_LINKS_PER_WINDOW`] are counted.
pub const SIGN_IN_WINDOW: Duration = Duration::from_secs(3_600);
/// Time without a request after which a session is over.
pub const SESSION_IDLE: Duration = Duration::from_secs(12 * 3_600);
/// Longest life of a session.
pub const SESSION_LIFE: Duration = Duration::from_secs(30 * 86_400);
/// Most characters of what a browser calls itself.
pub const BROWSER_MAX_CHARS: usize = 120;

/// A link that signs in, as it is stored.
#[derive(Clone, Debug)]
pub struct SignInLink {
    /// SHA-256 of its text.
    pub digest: TokenDigest,
    /// Whom it signs in.
    pub account: AccountId,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it signs nobody in.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
}

impl SignInLink {
    /// Makes a link, and gives its text, which is mailed or shown once.
    pub fn issue(account: AccountId, now: Timestamp, rng: &mut dyn CryptoRng) -> (Self, RawToken) {
        let raw = RawToken::generate(TokenKind::SignInLink, "", rng);
        let expires_at = now.plus(SIGN_IN_LINK_LIFE);
        (Self { digest: raw.digest(), account, created_at: now, expires_at, used_at: None }, raw)
    }

    /// Tells whether it still signs in.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.used_at.is_none() && now < self.expires_at
    }
}

/// A browser that is signed in, as it is stored.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its identifier.
    pub id: SessionId,
    /// Who is signed in.
    pub account: AccountId,
    /// SHA-256 of what its cookie holds.
    pub digest: TokenDigest,
    /// What the browser calls itself.
    pub browser: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When a request last came with it; within a minute.
    pub last_used_at: Timestamp,
    /// When somebody ended it.
    pub ended_at: Option<Timestamp>,
}

impl Session {
    /// Begins a session, and gives the text for its cookie.
    pub fn begin(
        account: AccountId,
        browser: &str,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> (Self, RawToken) {
        let raw = RawToken::generate(TokenKind::Session, "", rng);
        let session = Self {
            id: SessionId::new(now, rng),
            account,
            digest: raw.digest(),
            browser: clean_line(browser, BROWSER_MAX_CHARS),
            created_at: now,
            last_used_at: now,
            ended_at: None,
        };
        (session, raw)
    }

    /// Tells whether it is accepted: neither ended, nor left alone for too long, nor too old.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ended_at.is_none()
            && now < self.last_used_at.plus(SESSION_IDLE)
            && now < self.created_at.plus(SESSION_LIFE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    const NOW: Timestamp = Timestamp::from_millis(1_773_746_100_000);

    #[test]
    fn a_link_signs_in_once_and_for_a_quarter_of_an_hour() {
        let mut rng = StdRng::seed_from_u64(1);
        let (mut link, raw) = SignInLink::issue(AccountId::new(NOW, &mut rng), NOW, &mut rng);
        assert_eq!((link.digest, &raw.expose()[..3]), (raw.digest(), "sl_"));
        assert!(link.is_live(NOW) && !link.is_live(NOW.plus(SIGN_IN_LINK_LIFE)));
        link.used_at = Some(NOW);
        assert!(!link.is_live(NOW));
    }

    #[test]
    fn a_session_ends_when_left_alone_and_at_the_latest_after_thirty_days() {
        let mut rng = StdRng::seed_from_u64(1);
        let (mut session, raw) = Session::begin(AccountId::new(NOW, &mut rng), "Fire\nfox", NOW, &mut rng);
        assert_eq!((session.digest, session.browser.as_str()), (raw.digest(), "Fire\u{fffd}fox"));
        assert!(session.is_live(NOW) && !session.is_live(NOW.plus(SESSION_IDLE)));
        session.last_used_at = NOW.plus(SESSION_LIFE);
        assert!(!session.is_live(NOW.plus(SESSION_LIFE)));
        session.ended_at = Some(NOW);
        assert!(!session.is_live(NOW));
    }
}
