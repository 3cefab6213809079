//! The audit log: one event per administrative action, chained so that a changed row shows.
//!
//! Each event carries an HMAC-SHA-256, under a key derived from the master key, over the event
//! before it and everything it says itself. There is one chain per workspace, and one per account
//! for what belongs to no workspace. What a chain cannot show by itself is a cut tail: for that a
//! copy of the head is kept elsewhere (`docs/security.md`).

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::time::Timestamp;

/// Bytes of an event's seal.
pub const SEAL_LEN: usize = 32;
/// Most characters of an object's name in an event.
pub const OBJECT_MAX_CHARS: usize = 200;

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// What was done. A closed vocabulary: readers may match on the words.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Action { $($(#[$doc])* $name,)* }

        impl Action {
            /// The whole vocabulary.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word used on the wire, in the database and in the chain.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

actions! {
    /// A workspace was created.
    WorkspaceCreated = "workspace_created",
    /// A workspace's name, description or tool prefix was changed.
    WorkspaceUpdated = "workspace_updated",
    /// A workspace was deleted.
    WorkspaceDeleted = "workspace_deleted",
    /// A token was created.
    TokenCreated = "token_created",
    /// A token was revoked.
    TokenRevoked = "token_revoked",
    /// A token was replaced by another.
    TokenRotated = "token_rotated",
    /// A server was installed into the workspace.
    ServerInstalled = "server_installed",
    /// A server was removed from the workspace.
    ServerUninstalled = "server_uninstalled",
    /// An installed server was switched on.
    ServerEnabled = "server_enabled",
    /// An installed server was switched off.
    ServerDisabled = "server_disabled",
    /// A tool was switched on.
    ToolEnabled = "tool_enabled",
    /// A tool was switched off.
    ToolDisabled = "tool_disabled",
    /// An account was created.
    AccountCreated = "account_created",
    /// An account key was created.
    KeyCreated = "key_created",
    /// An account key was revoked.
    KeyRevoked = "key_revoked",
    /// A server was added to the catalogue.
    ServerAdded = "server_added",
    /// A server in the catalogue was changed.
    ServerEdited = "server_edited",
    /// A server was deleted from the catalogue.
    ServerDeleted = "server_deleted",
    /// An account's plan was changed.
    PlanChanged = "plan_changed",

    /// Somebody was invited.
    MemberInvited = "member_invited",
    /// An invitation was removed.
    InviteRemoved = "invite_removed",
    /// Somebody joined.
    MemberJoined = "member_joined",
    /// Somebody was removed from the team.
    MemberRemoved = "member_removed",
    /// A member of the team was given another role.
    RoleChanged = "role_changed",
    /// A browser was signed in.
    SignedIn = "signed_in",
    /// A link that signs in was asked for.
    SignInLinkCreated = "sign_in_link_created",
    /// Sessions of browsers were ended.
    SessionsEnded = "sessions_ended",

    /// Somebody could not join because every seat was taken.
    JoinRefused = "join_refused",
    /// Everything of a person in the team was ended.
    PersonOffboarded = "person_offboarded",
    /// A version of a skill was published.
    SkillPublished = "skill_published",
    /// A version of a skill was taken back: it is not installed any more.
    SkillYanked = "skill_yanked",
    /// A version that was taken back is offered again.
    SkillRestored = "skill_restored",
    /// A skill's visibility was changed.
    SkillUpdated = "skill_updated",
    /// A skill was installed into the workspace.
    SkillInstalled = "skill_installed",
    /// An installed skill was moved to another version.
    SkillUpgraded = "skill_upgraded",
    /// A skill was removed from the workspace.
    SkillUninstalled = "skill_uninstalled",
    /// A secret was given a value.
    SecretSet = "secret_set",
    /// A secret was deleted.
    SecretDeleted = "secret_deleted",
    /// What is told of a workspace's calls, and where, was set.
    AlertSet = "alert_set",
    /// Nothing is told of a workspace's calls any more.
    AlertDeleted = "alert_deleted",
    /// The master key was replaced by another; the rows that follow are sealed under that.
    MasterKeyRotated = "master_key_rotated",
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A word outside the vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no audit action has this name")]
pub struct ActionError;

impl std::str::FromStr for Action {
    type Err = ActionError;

    fn from_str(text: &str) -> Result<Self, ActionError> {
        Self::ALL.iter().copied().find(|action| action.word() == text).ok_or(ActionError)
    }
}

/// One administrative action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// When it was committed.
    pub at: Timestamp,
    /// Who did it: an e-mail address, or `user@namespace` for a team member.
    pub actor: String,
    /// What was done.
    pub action: Action,
    /// What it was done to, by the name people know.
    pub object: String,
    /// What else is to be known; one line, no secrets.
    pub detail: String,
}

impl AuditEvent {
    /// `token_revoked: Alice Chen`.
    #[must_use]
    pub fn summary(&self) -> String {
        format!("{}: {}", self.action, self.object)
    }
}

/// The seal of one event: it covers the event and, through the seal before it, all earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seal([u8; SEAL_LEN]);

impl Seal {
    /// What the first event of a chain is chained to.
    pub const GENESIS: Self = Self([0; SEAL_LEN]);

    /// Takes a seal back from where it was stored; `None` unless it has 32 bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; SEAL_LEN] {
        &self.0
    }
}

impl fmt::Display for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The key that seals audit events. Not shown by `Debug`; wiped on drop.
#[derive(Clone)]
pub struct AuditKey(zeroize::Zeroizing<[u8; 32]>);

impl AuditKey {
    /// Takes the 32 bytes derived from the master key.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(zeroize::Zeroizing::new(bytes))
    }

    /// Seals event number `sequence` (from 1) of the chain named `chain`, after `previous`.
    #[must_use]
    pub fn seal(&self, chain: &str, sequence: i64, previous: Seal, event: &AuditEvent) -> Seal {
        let mut mac =
            <Hmac<Sha256> as KeyInit>::new_from_slice(&self.0[..]).expect("HMAC takes a key of any length");
        mac.update(previous.as_bytes());
        mac.update(&sequence.to_be_bytes());
        mac.update(&event.at.as_millis().to_be_bytes());
        for text in [chain, &event.actor, event.action.word(), &event.object, &event.detail] {
            // Lengths first: no two different events give the same bytes.
            mac.update(&(text.len() as u64).to_be_bytes());
            mac.update(text.as_bytes());
        }
        Seal(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditKey(…)")
    }
}

/// The keys that rows may be sealed under, in the order in which they were in use.
///
/// A chain never goes back to an earlier one: a key that was replaced seals nothing any more.
#[derive(Clone, Debug)]
pub struct AuditKeys {
    keys: Vec<(String, AuditKey)>,
}

impl AuditKeys {
    /// One key, and the name its rows carry.
    #[must_use]
    pub fn of(id: impl Into<String>, key: AuditKey) -> Self {
        Self { keys: vec![(id.into(), key)] }
    }

    /// The same with keys that were in use before it, the oldest first.
    #[must_use]
    pub fn after(self, former: Vec<(String, AuditKey)>) -> Self {
        Self { keys: former.into_iter().chain(self.keys).collect() }
    }

    /// The key that seals now, and its name.
    ///
    /// # Panics
    /// Never: there is one from the start.
    #[must_use]
    pub fn present(&self) -> (&str, &AuditKey) {
        let (id, key) = self.keys.last().expect("there is one from the start");
        (id, key)
    }

    fn find(&self, id: &str) -> Option<(usize, &AuditKey)> {
        let rank = self.keys.iter().position(|(known, _)| known == id)?;
        Some((rank, &self.keys[rank].1))
    }
}

/// A stored row of a chain as a verifier meets it.
///
/// `event` is `None` when the row cannot even be read as an event (an action outside the vocabulary).
#[derive(Clone, Debug)]
pub struct ChainRow {
    /// Its number, from 1.
    pub sequence: i64,
    /// What it says.
    pub event: Option<AuditEvent>,
    /// Its stored seal.
    pub seal: Option<Seal>,
    /// The name of the key it was sealed under.
    pub key_id: String,
}

/// Walks a chain from its beginning and stops at the first row that does not hold.
#[derive(Debug)]
pub struct Verifier<'a> {
    keys: &'a AuditKeys,
    chain: &'a str,
    head: Seal,
    count: i64,
    /// The place of the last row's key among the keys.
    rank: usize,
}

/// The first row of a chain that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("audit row {sequence} does not hold: it, or one removed before it, was changed")]
pub struct BrokenAt {
    /// Its number.
    pub sequence: i64,
}

impl<'a> Verifier<'a> {
    /// Starts at the beginning of the chain named `chain`.
    #[must_use]
    pub const fn new(keys: &'a AuditKeys, chain: &'a str) -> Self {
        Self { keys, chain, head: Seal::GENESIS, count: 0, rank: 0 }
    }

    /// Checks the next row.
    ///
    /// # Errors
    /// [`BrokenAt`] naming the row, when its number, its words or its seal do not follow.
    pub fn check(&mut self, row: &ChainRow) -> Result<(), BrokenAt> {
        let broken = BrokenAt { sequence: row.sequence };
        let event = row.event.as_ref().ok_or(broken)?;
        let (rank, key) = self.keys.find(&row.key_id).ok_or(broken)?;
        let expected = key.seal(self.chain, self.count + 1, self.head, event);
        if rank < self.rank || row.sequence != self.count + 1 || row.seal != Some(expected) {
            return Err(broken);
        }
        self.rank = rank;
        self.head = expected;
        self.count += 1;
        Ok(())
    }

    /// How many rows held, and the seal of the last.
    #[must_use]
    pub const fn result(&self) -> (i64, Seal) {
        (self.count, self.head)
    }
}

#[cfg(test)]
mod tests;
