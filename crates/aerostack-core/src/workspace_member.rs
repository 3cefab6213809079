//! Members of a single workspace: what they are given when they accept an invitation to it.
//!
//! Belonging to a workspace is no place in the team: it is a personal token, tied to the address that
//! was invited, and nothing beside it. The token takes a seat in the transaction that accepts.

use std::collections::BTreeSet;

use rand::CryptoRng;

use crate::account::Email;
use crate::id::{AccountId, WorkspaceId};
use crate::plan::Seats;
use crate::text::parse_name;
use crate::time::Timestamp;
use crate::token::{IssueRefusal, Issued, TokenOrder, issue};

/// Most tokens of one person's name that are told apart by a number.
const NAMESAKES_MAX: u32 = 10_000;

/// Decides over the personal token of somebody who joins a workspace, given its seats and the names of
/// its active tokens.
///
/// # Errors
/// [`IssueRefusal::SeatLimitReached`]; in practice no other.
pub fn admit(
    workspace: WorkspaceId,
    email: &Email,
    joining: AccountId,
    seats: Seats,
    taken: &BTreeSet<String>,
    now: Timestamp,
    rng: &mut dyn CryptoRng,
) -> Result<Issued, IssueRefusal> {
    let name = free_name(&personal_name(email), taken);
    let name_is_taken = taken.contains(&name);
    let order = TokenOrder {
        workspace,
        name,
        person: Some(email.clone()),
        expires_in: None,
        rate_limit_per_minute: None,
        created_by: joining,
    };
    issue(order, seats, name_is_taken, now, rng)
}

/// The name of a person as their address tells it: `alice.chen@company.com` is `Alice Chen`.
#[must_use]
pub fn personal_name(email: &Email) -> String {
    let local = email.as_str().split(['@', '+']).next().unwrap_or_default();
    let words = local.split(['.', '_', '-']).filter(|word| !word.is_empty());
    let name = words.map(capitalised).collect::<Vec<_>>().join(" ");
    // A mailbox may be longer than a name, or hold no word at all.
    parse_name(&name).or_else(|_| parse_name(email.as_str())).unwrap_or_else(|_| "Member".to_owned())
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn free_name(name: &str, taken: &BTreeSet<String>) -> String {
    let numbered = (2..NAMESAKES_MAX).map(|number| format!("{name} ({number})"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names.find(|name| !taken.contains(name)).unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    const NOW: Timestamp = Timestamp::from_millis(1_773_746_100_000);

    fn email(text: &str) -> Email {
        Email::parse(text).unwrap()
    }

    fn admit_at(used: u32, taken: &[&str]) -> Result<Issued, IssueRefusal> {
        let mut rng = StdRng::seed_from_u64(1);
        let (workspace, account) = (WorkspaceId::new(NOW, &mut rng), AccountId::new(NOW, &mut rng));
        let seats = Seats { used, limit: Some(3), plan: Plan::Free };
        let taken = taken.iter().map(|&name| name.to_owned()).collect();
        admit(workspace, &email("alice.chen@company.com"), account, seats, &taken, NOW, &mut rng)
    }

    #[test]
    fn who_joins_gets_a_token_of_their_name_that_is_tied_to_their_address() {
        let issued = admit_at(2, &[]).unwrap();
        assert_eq!(issued.token.name, "Alice Chen");
        assert_eq!(issued.token.person, Some(email("alice.chen@company.com")));
        assert!(issued.raw.expose().starts_with("mwt_alice_"));
        assert_eq!(admit_at(2, &["Alice Chen", "Alice Chen (2)"]).unwrap().token.name, "Alice Chen (3)");
    }

    #[test]
    fn a_full_plan_admits_nobody() {
        assert_eq!(admit_at(3, &[]).unwrap_err().to_string(), "3 of 3 tokens used (Free plan)");
    }

    #[test]
    fn a_name_is_read_from_every_address() {
        for (address, name) in [
            ("alice@co.com", "Alice"),
            ("alice.chen+mcp@co.com", "Alice Chen"),
            ("łukasz_nowak-kowalski@co.com", "Łukasz Nowak Kowalski"),
            ("+@co.com", "+@co.com"),
            ("..@co.com", "..@co.com"),
        ] {
            assert_eq!(personal_name(&email(address)), name, "{address}");
        }
        let long = format!("{}@co.com", "a".repeat(120));
        assert_eq!(personal_name(&email(&long)), "Member");
    }
}
