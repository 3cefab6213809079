//! Workspace tokens: the decisions to issue, revoke and rotate one. Status is computed from what
//! is stored and the time, never stored itself.

use std::time::Duration;

use rand::CryptoRng;
use serde::{Deserialize, Serialize};

use crate::account::Email;
use crate::bearer::{self, RawToken, TokenDigest, TokenKind};
use crate::id::{AccountId, TokenId, WorkspaceId};
use crate::plan::Seats;
use crate::text::{NameError, parse_name};
use crate::time::Timestamp;

/// Shortest life of a token that expires.
pub const EXPIRY_MIN: Duration = Duration::from_secs(60);
/// Longest life of a token that expires: ten years.
pub const EXPIRY_MAX: Duration = Duration::from_secs(10 * 365 * 86_400 + 3 * 86_400);
/// Longest overlap of a rotation.
pub const OVERLAP_MAX: Duration = Duration::from_secs(7 * 86_400);
/// Largest rate limit one token may be given, requests per minute.
pub const RATE_LIMIT_MAX: u32 = 1_000_000;

/// What a token is worth at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TokenStatus {
    /// It is accepted.
    Active,
    /// Somebody ended it; it never works again.
    Revoked,
    /// Its time ran out; it never works again.
    Expired,
}

impl TokenStatus {
    /// The word shown and sent.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }
}

/// A token as it is stored: everything but its text.
#[derive(Clone, Debug)]
pub struct Token {
    /// Its identifier.
    pub id: TokenId,
    /// The workspace it opens.
    pub workspace: WorkspaceId,
    /// Its name; unique among the workspace's active tokens.
    pub name: String,
    /// SHA-256 of its text.
    pub digest: TokenDigest,
    /// The person it is tied to, if any.
    pub person: Option<Email>,
    /// Its own rate limit, requests per minute; else the plan's or the gateway's.
    pub rate_limit_per_minute: Option<u32>,
    /// Whether it takes a seat: the old token of a rotation does not while it overlaps.
    pub takes_seat: bool,
    /// Who created it.
    pub created_by: AccountId,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked. In the future while a rotation overlaps.
    pub revoked_at: Option<Timestamp>,
}

impl Token {
    /// What the token is worth at `now`.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> TokenStatus {
        match (self.revoked_at, self.expires_at) {
            (Some(at), _) if at <= now => TokenStatus::Revoked,
            (_, Some(at)) if at <= now => TokenStatus::Expired,
            _ => TokenStatus::Active,
        }
    }

    /// The moment from which it is worth nothing, if one is known.
    #[must_use]
    pub fn ends_at(&self) -> Option<Timestamp> {
        match (self.revoked_at, self.expires_at) {
            (Some(revoked), Some(expires)) => Some(revoked.min(expires)),
            (revoked, expires) => revoked.or(expires),
        }
    }
}

/// What the creator of a token asks for.
#[derive(Clone, Debug)]
pub struct TokenOrder {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The name, as typed.
    pub name: String,
    /// The person to tie it to.
    pub person: Option<Email>,
    /// Life from now.
    pub expires_in: Option<Duration>,
    /// Its own rate limit, requests per minute.
    pub rate_limit_per_minute: Option<u32>,
    /// Who asks.
    pub created_by: AccountId,
}

/// Why no token is issued.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssueRefusal {
    /// Every seat of the plan is taken.
    #[error("{}", .0.line())]
    SeatLimitReached(Seats),
    /// An active token has the name.
    #[error("an active token named '{0}' exists")]
    NameTaken(String),
    /// The name cannot be one.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The life is too short or too long.
    #[error("a token lives 60 seconds to 10 years")]
    Expiry,
    /// The rate limit is zero or too high.
    #[error("a rate limit is 1 to {RATE_LIMIT_MAX} requests per minute")]
    RateLimit,
    /// The overlap of a rotation is too long.
    #[error("a rotation overlaps at most 7 days")]
    Overlap,
}

/// A token that is to be written, and its text, which only the reply shows.
#[derive(Debug)]
pub struct Issued {
    /// What to store.
    pub token: Token,
    /// What to show once.
    pub raw: RawToken,
}

/// Decides over a new token, given the seats and whether an *active* token has the name.
///
/// # Errors
/// An [`IssueRefusal`]; the first that applies of name, expiry, rate limit, taken name, seats.
pub fn issue(
    order: TokenOrder,
    seats: Seats,
    name_is_taken: bool,
    now: Timestamp,
    rng: &mut dyn CryptoRng,
) -> Result<Issued, IssueRefusal> {
    let name = parse_name(&order.name)?;
    if order.expires_in.is_some_and(|life| !(EXPIRY_MIN..=EXPIRY_MAX).contains(&life)) {
        return Err(IssueRefusal::Expiry);
    }
    if order.rate_limit_per_minute.is_some_and(|limit| !(1..=RATE_LIMIT_MAX).contains(&limit)) {
        return Err(IssueRefusal::RateLimit);
    }
    if name_is_taken {
        return Err(IssueRefusal::NameTaken(name));
    }
    if !seats.has_room() {
        return Err(IssueRefusal::SeatLimitReached(seats));
    }
    let raw = RawToken::generate(TokenKind::Workspace, &bearer::label(&name), rng);
    let token = Token {
        id: TokenId::new(now, rng),
        workspace: order.workspace,
        name,
        digest: raw.digest(),
        person: order.person,
        rate_limit_per_minute: order.rate_limit_per_minute,
        takes_seat: true,
        created_by: order.created_by,
        created_at: now,
        expires_at: order.expires_in.map(|life| now.plus(life)),
        revoked_at: None,
    };
    Ok(Issued { token, raw })
}

/// What revoking a token comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// Write `revoked_at` and publish.
    Revoke {
        /// The moment to write.
        at: Timestamp,
    },
    /// It was over already; nothing is written, and the reply says so.
    AlreadyInactive(TokenStatus),
}

/// Decides over the end of a token. Ending one twice is a no-op that says so.
#[must_use]
pub fn revoke(token: &Token, now: Timestamp) -> Revocation {
    match token.status(now) {
        TokenStatus::Active => Revocation::Revoke { at: now },
        over => Revocation::AlreadyInactive(over),
    }
}

/// A rotation: the replacement and the (delayed) end of the old token.
#[derive(Debug)]
pub struct Rotation {
    /// The replacement.
    pub issued: Issued,
    /// When the old token ends.
    pub old_ends_at: Timestamp,
}

/// Decides over a replacement with the old token's name, person and limits, and the same length of
/// life. It takes over the old token's seat, so it works at a full plan.
///
/// # Errors
/// [`IssueRefusal::Overlap`] when the overlap is too long. The caller has checked that the old
/// token is active.
pub fn rotate(
    old: &Token,
    overlap: Duration,
    created_by: AccountId,
    now: Timestamp,
    rng: &mut dyn CryptoRng,
) -> Result<Rotation, IssueRefusal> {
    if overlap > OVERLAP_MAX {
        return Err(IssueRefusal::Overlap);
    }
    let raw = RawToken::generate(TokenKind::Workspace, &bearer::label(&old.name), rng);
    let token = Token {
        id: TokenId::new(now, rng),
        digest: raw.digest(),
        created_by,
        created_at: now,
        expires_at: old.expires_at.map(|at| now.plus(at.since(old.created_at))),
        revoked_at: None,
        takes_seat: true,
        ..old.clone()
    };
    Ok(Rotation { issued: Issued { token, raw }, old_ends_at: now.plus(overlap) })
}

/// `✓ Token revoked. Alice's gateway access is immediately disabled.`, neutral unless the name's
/// first word is plain letters.
#[must_use]
pub fn revoked_line(name: &str) -> String {
    match name.split_whitespace().next() {
        Some(word) if word.chars().all(char::is_alphabetic) => {
            format!("Token revoked. {word}'s gateway access is immediately disabled.")
        }
        _ => "Token revoked. Its gateway access is immediately disabled.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    const NOW: Timestamp = Timestamp::from_millis(1_773_746_100_000);

    fn order(name: &str) -> TokenOrder {
        let mut rng = StdRng::seed_from_u64(1);
        TokenOrder {
            workspace: WorkspaceId::new(NOW, &mut rng),
            name: name.to_owned(),
            person: None,
            expires_in: None,
            rate_limit_per_minute: None,
            created_by: AccountId::new(NOW, &mut rng),
        }
    }

    fn seats(used: u32) -> Seats {
        Seats { used, limit: Some(25), plan: Plan::Pro }
    }

    fn issue_at(order: TokenOrder, used: u32) -> Result<Issued, IssueRefusal> {
        issue(order, seats(used), false, NOW, &mut StdRng::seed_from_u64(2))
    }

    #[test]
    fn a_free_seat_gives_an_active_token_whose_digest_is_stored() {
        let issued = issue_at(order(" Alice Chen "), 24).unwrap();
        assert_eq!(issued.token.name, "Alice Chen");
        assert_eq!(issued.token.digest, issued.raw.digest());
        assert_eq!(issued.token.status(NOW), TokenStatus::Active);
        assert!(issued.raw.expose().starts_with("mwt_alice_"));
    }

    #[test]
    fn every_refusal_has_its_reason() {
        let refused = |order, used| issue_at(order, used).unwrap_err();
        assert_eq!(refused(order("Alice"), 25), IssueRefusal::SeatLimitReached(seats(25)));
        assert_eq!(refused(order("Alice"), 25).to_string(), "25 of 25 tokens used (Pro plan)");
        assert_eq!(refused(order(""), 0), IssueRefusal::Name(NameError::Unfit));
        for secs in [59, 400_000_000] {
            let short = TokenOrder { expires_in: Some(Duration::from_secs(secs)), ..order("Alice") };
            assert_eq!(refused(short, 0), IssueRefusal::Expiry);
        }
        let limitless = TokenOrder { rate_limit_per_minute: Some(0), ..order("Alice") };
        assert_eq!(refused(limitless, 0), IssueRefusal::RateLimit);
        let taken = issue(order("Alice"), seats(0), true, NOW, &mut StdRng::seed_from_u64(2)).unwrap_err();
        assert_eq!(taken, IssueRefusal::NameTaken("Alice".to_owned()));
    }

    #[test]
    fn status_follows_the_clock_and_revocation_wins() {
        let day = Duration::from_secs(86_400);
        let mut token = issue_at(TokenOrder { expires_in: Some(day), ..order("CI") }, 0).unwrap().token;
        assert_eq!(token.status(NOW.plus(day)), TokenStatus::Expired);
        token.revoked_at = Some(NOW);
        assert_eq!(token.status(NOW), TokenStatus::Revoked);
        assert_eq!(token.status(NOW.plus(day)), TokenStatus::Revoked);
        assert_eq!(token.ends_at(), Some(NOW));
    }

    #[test]
    fn revoking_twice_says_that_it_was_over() {
        let mut token = issue_at(order("Alice"), 0).unwrap().token;
        assert_eq!(revoke(&token, NOW), Revocation::Revoke { at: NOW });
        token.revoked_at = Some(NOW);
        assert_eq!(revoke(&token, NOW), Revocation::AlreadyInactive(TokenStatus::Revoked));
    }

    #[test]
    fn a_rotation_keeps_who_it_is_for_and_starts_the_life_again() {
        let day = Duration::from_secs(86_400);
        let old = issue_at(TokenOrder { expires_in: Some(day), ..order("CI Bot") }, 0).unwrap().token;
        let later = NOW.plus(day / 2);
        let rotation = rotate(
            &old,
            Duration::from_secs(600),
            old.created_by.clone(),
            later,
            &mut StdRng::seed_from_u64(3),
        );
        let rotation = rotation.unwrap();
        assert_eq!(rotation.issued.token.name, "CI Bot");
        assert_eq!(rotation.issued.token.expires_at, Some(later.plus(day)));
        assert_eq!(rotation.old_ends_at, later.plus(Duration::from_secs(600)));
        assert_ne!(rotation.issued.token.digest, old.digest);
        let long =
            rotate(&old, OVERLAP_MAX * 2, old.created_by.clone(), later, &mut StdRng::seed_from_u64(3));
        assert_eq!(long.unwrap_err(), IssueRefusal::Overlap);
    }

    #[test]
    fn the_possessive_is_used_for_plain_first_words_only() {
        assert_eq!(
            revoked_line("Alice Chen"),
            "Token revoked. Alice's gateway access is immediately disabled."
        );
        for name in ["Contractor: Jane Doe", "(laptop)", "n8n bot"] {
            assert_eq!(revoked_line(name), "Token revoked. Its gateway access is immediately disabled.");
        }
    }
}
