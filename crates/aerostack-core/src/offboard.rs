//! Offboarding: who is meant, and everything of theirs in one team that ends.
//!
//! What ends follows ties: `--for` on a token, a membership, the address of an invitation. A name
//! alone proves nothing, so tokens whose names merely resemble the person's are shown and left alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::account::{Account, Email};
use crate::bearer::TokenKind;
use crate::member::TeamRole;
use crate::plan::Seats;
use crate::role::{Power, Standing};
use crate::slug::Slug;
use crate::suggest;
use crate::text::{NameError, parse_name};
use crate::time::Timestamp;
use crate::token::{Token, TokenStatus};

/// Most tokens shown as resembling and not touched.
pub const LOOK_ALIKES_MAX: usize = 100;
/// Fewest letters of a word that is compared.
const WORD_MIN_CHARS: usize = 3;
/// Fewest letters of a word that may be the beginning of another.
const BEGINNING_MIN_CHARS: usize = 4;
const SIMILARITY_FLOOR: f64 = 0.8;

/// What was typed: an address, or a token's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An e-mail address.
    Person(Email),
    /// The name of a token.
    Name(String),
}

/// Who or what is offboarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A person, with everything that is tied to them.
    Person(Email),
    /// The tokens of one name, none of which was ever tied to anybody.
    Tokens(String),
}

impl Subject {
    /// The address, or the tokens' name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Person(email) => email.as_str(),
            Self::Tokens(name) => name,
        }
    }
}

/// A token, and the slug of its workspace.
#[derive(Clone, Debug)]
pub struct TeamToken {
    /// The token.
    pub token: Token,
    /// Where it opens.
    pub workspace: Slug,
}

/// What the team knows of the person beside tokens.
#[derive(Clone, Debug, Default)]
pub struct Person {
    /// Their account, if the address has one.
    pub account: Option<Account>,
    /// Their role in the team.
    pub role: Option<TeamRole>,
    /// The highest role an open invitation would give them.
    pub invited_as: Option<TeamRole>,
}

/// Why nobody is offboarded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OffboardRefusal {
    /// The text can be neither.
    #[error("expected an e-mail address or the name of a token")]
    Unreadable,
    /// Somebody pasted a token's text, which is repeated nowhere.
    #[error("this is the text of a token, not its name")]
    TokenText,
    /// No token of the team ever had the name.
    #[error("no token of this team is named '{name}'")]
    UnknownName {
        /// The name that was given.
        name: String,
        /// `did you mean …?`, if an active token's name or an address is close.
        hint: Option<String>,
    },
    /// Nobody of the address has, or ever had, anything of the team.
    #[error("nobody has, or ever had, the address {email} in this team")]
    UnknownPerson {
        /// The address that was given.
        email: Email,
        /// `did you mean …?`, if an address of the team is close, or a token goes by such a name.
        hint: Option<String>,
    },
    /// Tokens of the name are, or were, tied to several people.
    #[error("tokens named '{name}' are tied to several people: {}", addresses(.people))]
    SeveralPeople {
        /// The name that was given.
        name: String,
        /// The people, in order of their addresses.
        people: Vec<Email>,
    },
    /// The team is theirs.
    #[error("{0} owns this team and cannot be offboarded from it")]
    Owner(Email),
    /// Only who manages admins may end an admin.
    #[error("{0} is an admin; only the owner may offboard an admin")]
    Admin(Email),
}

/// What ends, and what merely looks as if it should.
#[derive(Clone, Debug, Default)]
pub struct OffboardPlan {
    /// Tokens to revoke.
    pub tokens: Vec<TeamToken>,
    /// Active tokens that resemble the person by name and stay; at most [`LOOK_ALIKES_MAX`].
    pub look_alikes: Vec<TeamToken>,
    /// How many more resemble than are shown.
    pub look_alikes_unshown: usize,
}

impl Target {
    /// Reads what was typed; what can be an address is one.
    ///
    /// # Errors
    /// [`OffboardRefusal::Unreadable`], or [`OffboardRefusal::TokenText`] for a pasted token.
    pub fn parse(text: &str) -> Result<Self, OffboardRefusal> {
        if text.trim_start().starts_with(TokenKind::Workspace.prefix()) {
            return Err(OffboardRefusal::TokenText);
        }
        if let Ok(email) = Email::parse(text) {
            return Ok(Self::Person(email));
        }
        parse_name(text).map(Self::Name).map_err(|error| match error {
            NameError::Unfit => OffboardRefusal::Unreadable,
            NameError::Credential => OffboardRefusal::TokenText,
        })
    }
}

/// Decides who is meant, given the team's tokens: all active ones, and of the name every one there ever was.
///
/// A name stands for whom its tokens are or were tied to, so that repeating the order finds the same
/// person; only a name that was never tied stands for its tokens. `addresses` are the team's, to be
/// suggested where nobody is found.
///
/// # Errors
/// [`OffboardRefusal::UnknownName`] or [`OffboardRefusal::SeveralPeople`].
pub fn identify(
    target: Target,
    tokens: &[TeamToken],
    addresses: &[Email],
    now: Timestamp,
) -> Result<Subject, OffboardRefusal> {
    let name = match target {
        Target::Person(email) => return Ok(Subject::Person(email)),
        Target::Name(name) => name,
    };
    let named: Vec<&Token> =
        tokens.iter().map(|held| &held.token).filter(|token| token.name == name).collect();
    if named.is_empty() {
        let active = tokens.iter().filter(|held| held.token.status(now) == TokenStatus::Active);
        let names = active.map(|held| held.token.name.as_str());
        let hint = suggest::hint(&name, names.chain(addresses.iter().map(Email::as_str)));
        return Err(OffboardRefusal::UnknownName { name, hint });
    }
    let people: BTreeSet<&Email> = named.iter().filter_map(|token| token.person.as_ref()).collect();
    let mut people: Vec<Email> = people.into_iter().cloned().collect();
    match people.len() {
        0 => Ok(Subject::Tokens(name)),
        1 => Ok(Subject::Person(people.remove(0))),
        _ => Err(OffboardRefusal::SeveralPeople { name, people }),
    }
}

/// The refusal of an address that the team never knew: a slip of the keyboard must not look like a
/// person who is gone. Suggests `addresses` of the team, else the tokens that go by such a name.
#[must_use]
pub fn unknown_person(email: Email, addresses: &[Email], plan: &OffboardPlan) -> OffboardRefusal {
    let by_address = suggest::hint(email.as_str(), addresses.iter().map(Email::as_str));
    let hint = by_address.or_else(|| {
        let names: BTreeSet<&str> = plan.look_alikes.iter().map(|held| held.token.name.as_str()).collect();
        let names: Vec<String> =
            names.into_iter().take(suggest::SUGGESTIONS_MAX).map(|name| format!("'{name}'")).collect();
        (!names.is_empty()).then(|| format!("did you mean the token {}?", names.join(" or ")))
    });
    OffboardRefusal::UnknownPerson { email, hint }
}

/// Decides whether a caller of this standing may offboard the person from `owner`'s team.
///
/// # Errors
/// [`OffboardRefusal::Owner`] or [`OffboardRefusal::Admin`].
pub fn may_offboard(
    subject: &Subject,
    owner: &Account,
    person: &Person,
    caller: Standing,
) -> Result<(), OffboardRefusal> {
    let Subject::Person(email) = subject else { return Ok(()) };
    if *email == owner.email {
        return Err(OffboardRefusal::Owner(email.clone()));
    }
    let is_admin = person.role.max(person.invited_as) == Some(TeamRole::Admin);
    if is_admin && !caller.permits(Power::ManageAdmins) {
        return Err(OffboardRefusal::Admin(email.clone()));
    }
    Ok(())
}

/// Decides which of the team's tokens end, and which only resemble.
#[must_use]
pub fn plan(subject: &Subject, person: &Person, tokens: &[TeamToken], now: Timestamp) -> OffboardPlan {
    let words = words_of(subject, person, tokens);
    let active = tokens.iter().filter(|held| held.token.status(now) == TokenStatus::Active);
    let (ending, others): (Vec<&TeamToken>, Vec<&TeamToken>) =
        active.partition(|held| belongs(subject, &held.token));
    let mut look_alikes: Vec<TeamToken> =
        others.into_iter().filter(|held| resembles(&held.token.name, &words)).cloned().collect();
    let look_alikes_unshown = look_alikes.len().saturating_sub(LOOK_ALIKES_MAX);
    look_alikes.truncate(LOOK_ALIKES_MAX);
    OffboardPlan { tokens: ending.into_iter().cloned().collect(), look_alikes, look_alikes_unshown }
}

impl OffboardPlan {
    /// The seats that revoking frees, by workspace.
    #[must_use]
    pub fn freed(&self) -> BTreeMap<&Slug, u32> {
        let mut freed = BTreeMap::new();
        for held in &self.tokens {
            *freed.entry(&held.workspace).or_default() += u32::from(held.token.takes_seat);
        }
        freed
    }
}

/// The seats after `freed` of them are given back.
#[must_use]
pub const fn seats_after(seats: Seats, freed: u32) -> Seats {
    Seats { used: seats.used.saturating_sub(freed), ..seats }
}

fn belongs(subject: &Subject, token: &Token) -> bool {
    match subject {
        Subject::Person(email) => token.person.as_ref() == Some(email),
        Subject::Tokens(name) => token.name == *name,
    }
}

/// The words a person goes by: of their address, their username, and the first of each name that is
/// tied to them. Later words of a name tell the device more often than the person.
fn words_of(subject: &Subject, person: &Person, tokens: &[TeamToken]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if let Subject::Person(email) = subject {
        let local = email.as_str().rsplit_once('@').map_or("", |(local, _)| local);
        found.extend(words(local));
    }
    found.extend(person.account.iter().flat_map(|account| words(account.username.as_str())));
    let own = tokens.iter().filter(|held| belongs(subject, &held.token));
    found.extend(own.filter_map(|held| words(&held.token.name).next()));
    found
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| word.chars().count() >= WORD_MIN_CHARS)
        .map(str::to_lowercase)
}

fn resembles(name: &str, known: &BTreeSet<String>) -> bool {
    words(name).any(|word| known.iter().any(|known| is_alike(&word, known)))
}

fn is_alike(word: &str, known: &str) -> bool {
    let begins =
        |short: &str, long: &str| short.chars().count() >= BEGINNING_MIN_CHARS && long.starts_with(short);
    word == known
        || begins(word, known)
        || begins(known, word)
        || strsim::normalized_damerau_levenshtein(word, known) >= SIMILARITY_FLOOR
}

fn addresses(people: &[Email]) -> String {
    people.iter().map(Email::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
