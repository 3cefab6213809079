//! Invitations: a link, used once, that leads somebody into a team or into one workspace.
//!
//! Who holds the link may enter, in the name of the address it was made for; so its text is shown
//! or mailed once and only its digest is stored. It never opens an account that exists: whoever has
//! one enters with that account's own key or session. To a stranger a link that expired, was used,
//! was removed or never existed is one and the same.

use std::time::Duration;

use rand::CryptoRng;

use crate::account::{Account, Email};
use crate::bearer::{RawToken, TokenDigest, TokenKind};
use crate::id::{AccountId, InviteId, WorkspaceId};
use crate::member::{TEAM_MAX, TeamRole};
use crate::time::Timestamp;

/// How long a link leads anywhere.
pub const INVITE_LIFE: Duration = Duration::from_secs(7 * 86_400);
/// Most invitations one team sends in [`INVITE_WINDOW`]: each may be a mail to a stranger.
pub const INVITES_PER_WINDOW: u32 = 100;
/// The window in which [`INVITES_PER_WINDOW`] are counted.
pub const INVITE_WINDOW: Duration = Duration::from_secs(3_600);

/// An invitation as it is stored: everything but its link.
#[derive(Clone, Debug)]
pub struct Invite {
    /// Its identifier.
    pub id: InviteId,
    /// The account whose team it is, or whose workspace.
    pub team: AccountId,
    /// The one workspace it leads into; `None` leads into the team.
    pub workspace: Option<WorkspaceId>,
    /// Whom it is for.
    pub email: Email,
    /// The role it gives in a team; for a workspace it says nothing.
    pub role: TeamRole,
    /// SHA-256 of the link's text.
    pub digest: TokenDigest,
    /// Whether anybody but the address's mailbox has seen the link: then it proves no address.
    pub is_handed_over: bool,
    /// Who invited.
    pub invited_by: AccountId,
    /// When.
    pub created_at: Timestamp,
    /// From when on it leads nowhere.
    pub expires_at: Timestamp,
    /// When it was accepted.
    pub accepted_at: Option<Timestamp>,
    /// When it was removed or replaced.
    pub ended_at: Option<Timestamp>,
}

/// What an invitation is worth at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InviteStatus {
    /// Its link leads somewhere.
    Waiting,
    /// Nobody came in time.
    Expired,
    /// Somebody came.
    Accepted,
    /// It was removed, or a new one took its place.
    Ended,
}

impl Invite {
    /// What the invitation is worth at `now`.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> InviteStatus {
        if self.accepted_at.is_some() {
            InviteStatus::Accepted
        } else if self.ended_at.is_some() {
            InviteStatus::Ended
        } else if self.expires_at <= now {
            InviteStatus::Expired
        } else {
            InviteStatus::Waiting
        }
    }
}

/// What somebody who invites asks for.
#[derive(Clone, Debug)]
pub struct InviteOrder {
    /// The account whose team or workspace it is.
    pub team: AccountId,
    /// The one workspace to lead into.
    pub workspace: Option<WorkspaceId>,
    /// Whom.
    pub email: Email,
    /// In which role.
    pub role: TeamRole,
    /// Whether the inviter sees the link.
    pub is_handed_over: bool,
    /// Who asks.
    pub invited_by: AccountId,
}

/// What is known of the place that somebody is invited into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InvitePlace {
    /// The address is the owner's own.
    pub is_owner: bool,
    /// The address belongs to somebody who is in already.
    pub is_member: bool,
    /// People who are in, and invitations of other addresses that were not accepted.
    pub people: u32,
    /// Invitations of the team within [`INVITE_WINDOW`], whatever became of them.
    pub invited_lately: u32,
}

/// Why nobody is invited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InviteRefusal {
    /// The address is the owner's own.
    #[error("this address is the owner's own")]
    Owner,
    /// Who has the address is in already.
    #[error("this address belongs to a member already")]
    Member,
    /// The team is as large as one may be.
    #[error("a team has at most {TEAM_MAX} people, invitations included")]
    Full,
    /// Too many were invited within the window.
    #[error("a team sends at most {INVITES_PER_WINDOW} invitations an hour")]
    TooMany,
}

/// An invitation that is to be written, and its link, which is mailed or shown once.
#[derive(Debug)]
pub struct IssuedInvite {
    /// What to store.
    pub invite: Invite,
    /// The end of the link.
    pub link: RawToken,
}

/// Decides over a new invitation. The caller ends the one that waits for the same address and
/// place, so that its link is dead.
///
/// # Errors
/// An [`InviteRefusal`]; the first that applies of owner, member, full, too many.
pub fn invite(
    order: InviteOrder,
    place: InvitePlace,
    now: Timestamp,
    rng: &mut dyn CryptoRng,
) -> Result<IssuedInvite, InviteRefusal> {
    if place.is_owner {
        return Err(InviteRefusal::Owner);
    }
    if place.is_member {
        return Err(InviteRefusal::Member);
    }
    if place.people >= TEAM_MAX {
        return Err(InviteRefusal::Full);
    }
    if place.invited_lately >= INVITES_PER_WINDOW {
        return Err(InviteRefusal::TooMany);
    }
    let link = RawToken::generate(TokenKind::JoinLink, "", rng);
    let invite = Invite {
        id: InviteId::new(now, rng),
        team: order.team,
        workspace: order.workspace,
        email: order.email,
        role: order.role,
        digest: link.digest(),
        is_handed_over: order.is_handed_over,
        invited_by: order.invited_by,
        created_at: now,
        expires_at: now.plus(INVITE_LIFE),
        accepted_at: None,
        ended_at: None,
    };
    Ok(IssuedInvite { invite, link })
}

/// A link that leads nowhere. One sentence for every reason: it shows nobody what once was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this invitation is not valid any more")]
pub struct DeadLink;

/// Decides whether what was found under a link still leads somewhere.
///
/// # Errors
/// [`DeadLink`] unless it is an invitation that waits.
pub fn open(found: Option<Invite>, now: Timestamp) -> Result<Invite, DeadLink> {
    found.filter(|invite| invite.status(now) == InviteStatus::Waiting).ok_or(DeadLink)
}

/// Who enters by an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guest {
    /// Somebody without an account: one is made, with its key.
    New,
    /// The account that has the invitation's address and is signed in: nothing is shown.
    Existing,
}

/// Why somebody who holds a link does not enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryRefusal {
    /// The address has an account, and it is not signed in.
    #[error("this address has an account: sign in with it to join")]
    SignIn,
    /// Another account is signed in than the one that was invited.
    #[error("this invitation is for another address than the account that is signed in")]
    OtherAccount,
}

/// Decides who enters: `holder` has the invitation's address, `caller` is signed in.
///
/// # Errors
/// An [`EntryRefusal`]: a link gives nobody an account that exists, and nobody another's place.
pub fn enter(holder: Option<&Account>, caller: Option<&Account>) -> Result<Guest, EntryRefusal> {
    match (holder, caller) {
        (None, None) => Ok(Guest::New),
        (Some(holder), Some(caller)) if holder.id == caller.id => Ok(Guest::Existing),
        (Some(_), None) => Err(EntryRefusal::SignIn),
        (_, Some(_)) => Err(EntryRefusal::OtherAccount),
    }
}

/// `Invitation sent. Alice will receive a join link via email.`, neutral unless what stands before
/// the `@` is plain letters.
#[must_use]
pub fn sent_line(email: &Email) -> String {
    let local = email.as_str().split('@').next().unwrap_or_default();
    let mut letters = local.chars();
    match letters.next() {
        Some(first) if local.chars().all(|c| c.is_ascii_alphabetic()) => {
            let name: String = first.to_uppercase().chain(letters).collect();
            format!("Invitation sent. {name} will receive a join link via email.")
        }
        _ => "Invitation sent. They will receive a join link via email.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::AccountKind;
    use crate::plan::Plan;
    use crate::slug::Slug;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    const NOW: Timestamp = Timestamp::from_millis(1_773_746_100_000);

    fn order() -> InviteOrder {
        let team = AccountId::new(NOW, &mut StdRng::seed_from_u64(1));
        InviteOrder {
            team: team.clone(),
            workspace: None,
            email: Email::parse("alice@company.com").unwrap(),
            role: TeamRole::Member,
            is_handed_over: true,
            invited_by: team,
        }
    }

    fn issue(place: InvitePlace) -> Result<IssuedInvite, InviteRefusal> {
        invite(order(), place, NOW, &mut StdRng::seed_from_u64(2))
    }

    fn account(seed: u64) -> Account {
        Account {
            id: AccountId::new(NOW, &mut StdRng::seed_from_u64(seed)),
            email: Email::parse("alice@company.com").unwrap(),
            email_verified: true,
            username: Slug::parse("alice").unwrap(),
            plan: Plan::Free,
            kind: AccountKind::Person,
            revision: 1,
            created_at: NOW,
        }
    }

    #[test]
    fn a_link_leads_in_for_seven_days_and_only_its_digest_is_stored() {
        let issued = issue(InvitePlace::default()).unwrap();
        assert_eq!(issued.invite.digest, issued.link.digest());
        assert!(issued.link.expose().starts_with("jl_"));
        let found = || Some(issued.invite.clone());
        let last = NOW.plus(INVITE_LIFE - Duration::from_millis(1));
        assert_eq!(open(found(), last).map(|invite| invite.id), Ok(issued.invite.id.clone()));
        assert_eq!(open(found(), NOW.plus(INVITE_LIFE)).unwrap_err(), DeadLink);
    }

    #[test]
    fn expired_used_removed_and_unknown_links_are_refused_in_the_same_words() {
        let invite = issue(InvitePlace::default()).unwrap().invite;
        let used = Invite { accepted_at: Some(NOW), ..invite.clone() };
        let removed = Invite { ended_at: Some(NOW), ..invite.clone() };
        let expired = Invite { expires_at: NOW, ..invite };
        let statuses = [&used, &removed, &expired].map(|invite| invite.status(NOW));
        assert_eq!(statuses, [InviteStatus::Accepted, InviteStatus::Ended, InviteStatus::Expired]);
        for found in [Some(used), Some(removed), Some(expired), None] {
            assert_eq!(open(found, NOW).unwrap_err().to_string(), "this invitation is not valid any more");
        }
    }

    #[test]
    fn every_refusal_has_its_reason() {
        let refused = |place| issue(place).unwrap_err();
        let place = InvitePlace::default;
        assert_eq!(refused(InvitePlace { is_owner: true, ..place() }), InviteRefusal::Owner);
        assert_eq!(refused(InvitePlace { is_member: true, ..place() }), InviteRefusal::Member);
        assert_eq!(refused(InvitePlace { people: TEAM_MAX, ..place() }), InviteRefusal::Full);
        let many = InvitePlace { invited_lately: INVITES_PER_WINDOW, ..place() };
        assert_eq!(refused(many), InviteRefusal::TooMany);
        assert!(issue(InvitePlace { people: TEAM_MAX - 1, ..place() }).is_ok());
    }

    #[test]
    fn a_link_opens_no_account_that_exists_and_gives_nobody_anothers_place() {
        let (alice, bob) = (account(1), account(2));
        assert_eq!(enter(None, None), Ok(Guest::New));
        assert_eq!(enter(Some(&alice), Some(&alice)), Ok(Guest::Existing));
        assert_eq!(enter(Some(&alice), None), Err(EntryRefusal::SignIn));
        assert_eq!(enter(Some(&alice), Some(&bob)), Err(EntryRefusal::OtherAccount));
        assert_eq!(enter(None, Some(&bob)), Err(EntryRefusal::OtherAccount));
    }

    #[test]
    fn the_line_names_people_whose_address_is_plain_letters() {
        let line = |text: &str| sent_line(&Email::parse(text).unwrap());
        assert_eq!(line("alice@company.com"), "Invitation sent. Alice will receive a join link via email.");
        for email in ["alice.chen@co.com", "n8n@co.com"] {
            assert_eq!(line(email), "Invitation sent. They will receive a join link via email.");
        }
    }
}
