//! Who is meant, what ends, and what is only shown.

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;
use crate::account::AccountKind;
use crate::id::{AccountId, WorkspaceId};
use crate::plan::Plan;
use crate::role::Role;
use crate::token::{TokenOrder, issue};

const NOW: Timestamp = Timestamp::from_millis(1_773_746_100_000);

fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

fn account(address: &str, username: &str) -> Account {
    Account {
        id: AccountId::new(NOW, &mut StdRng::seed_from_u64(9)),
        email: email(address),
        email_verified: true,
        username: Slug::parse(username).unwrap(),
        plan: Plan::Pro,
        kind: AccountKind::Person,
        revision: 1,
        created_at: NOW,
    }
}

fn token(workspace: &str, name: &str, person: Option<&str>) -> TeamToken {
    let mut rng = rand::rng();
    let order = TokenOrder {
        workspace: WorkspaceId::new(NOW, &mut rng),
        name: name.to_owned(),
        person: person.map(email),
        expires_in: None,
        rate_limit_per_minute: None,
        created_by: AccountId::new(NOW, &mut rng),
    };
    let seats = Seats { used: 0, limit: None, plan: Plan::Enterprise };
    let token = issue(order, seats, false, NOW, &mut rng).unwrap().token;
    TeamToken { token, workspace: Slug::parse(workspace).unwrap() }
}

fn revoked(mut held: TeamToken) -> TeamToken {
    held.token.revoked_at = Some(NOW);
    held
}

fn names(tokens: &[TeamToken]) -> Vec<&str> {
    tokens.iter().map(|held| held.token.name.as_str()).collect()
}

fn identify_text(text: &str, tokens: &[TeamToken]) -> Result<Subject, OffboardRefusal> {
    identify(Target::parse(text)?, tokens, &[email("zoe@co.com")], NOW)
}

#[test]
fn an_address_is_a_person_and_a_name_is_whoever_its_tokens_are_tied_to() {
    let tokens = [
        token("eng", "Alice Chen", Some("alice@co.com")),
        token("ops", "Alice Chen", None),
        token("eng", "CI Bot", None),
        revoked(token("eng", "Bob", Some("bob@co.com"))),
    ];
    let person = |address| Ok(Subject::Person(email(address)));
    assert_eq!(identify_text("Nobody@Co.com", &[]), person("nobody@co.com"));
    assert_eq!(identify_text("Alice Chen", &tokens), person("alice@co.com"));
    assert_eq!(identify_text(" CI Bot ", &tokens), Ok(Subject::Tokens("CI Bot".to_owned())));
    // A token that is over still names its person: so the second run finds the same one.
    assert_eq!(identify_text("Bob", &tokens), person("bob@co.com"));
}

#[test]
fn a_name_of_nobody_or_of_several_people_is_refused() {
    let tokens = [token("eng", "Alice Chen", Some("b@co.com")), token("ops", "Alice Chen", Some("a@co.com"))];
    let several = OffboardRefusal::SeveralPeople {
        name: "Alice Chen".to_owned(),
        people: vec![email("a@co.com"), email("b@co.com")],
    };
    assert_eq!(
        several.to_string(),
        "tokens named 'Alice Chen' are tied to several people: a@co.com, b@co.com"
    );
    assert_eq!(identify_text("Alice Chen", &tokens), Err(several));
    let hint = Some("did you mean 'Alice Chen'?".to_owned());
    let unknown = OffboardRefusal::UnknownName { name: "Alice Chan".to_owned(), hint };
    assert_eq!(identify_text("Alice Chan", &tokens), Err(unknown));
    let hint = Some("did you mean 'zoe@co.com'?".to_owned());
    let unknown = OffboardRefusal::UnknownName { name: "zoe".to_owned(), hint };
    assert_eq!(identify_text("zoe", &tokens), Err(unknown));
    assert_eq!(identify_text("mwt_alice_0123", &tokens), Err(OffboardRefusal::TokenText));
    assert_eq!(identify_text(" ", &tokens), Err(OffboardRefusal::Unreadable));
}

#[test]
fn an_address_of_nobody_is_told_with_what_is_close_of_the_team() {
    let known = [email("alice@co.com"), email("bob@co.com")];
    let told = |address: &str, tokens: &[TeamToken]| {
        let subject = Subject::Person(email(address));
        let plan = plan(&subject, &Person::default(), tokens, NOW);
        match unknown_person(email(address), &known, &plan) {
            OffboardRefusal::UnknownPerson { hint, .. } => hint,
            other => Some(other.to_string()),
        }
    };
    let tokens = [token("eng", "Dora Laptop", None), token("ops", "Dora Laptop", None)];
    assert_eq!(told("alcie@co.com", &tokens).as_deref(), Some("did you mean 'alice@co.com'?"));
    assert_eq!(told("dora@co.com", &tokens).as_deref(), Some("did you mean the token 'Dora Laptop'?"));
    assert_eq!(told("stranger@example.org", &tokens), None);
}

#[test]
fn the_tie_decides_what_ends_and_resembling_names_stay() {
    let tokens = [
        token("eng", "Alice Chen", Some("alice@co.com")),
        token("ops", "Laptop", Some("alice@co.com")),
        token("eng", "Alice Cursor", None),
        token("eng", "alicechen (old)", Some("chen@home.net")),
        token("eng", "Bob Laptop", None),
        token("eng", "CI Bot", None),
        revoked(token("eng", "Alice gone", None)),
    ];
    let person = Person::default();
    let plan = plan(&Subject::Person(email("alice@co.com")), &person, &tokens, NOW);
    assert_eq!(names(&plan.tokens), ["Alice Chen", "Laptop"]);
    // `Bob Laptop` is shown because a tied token is called so: shown, and left alone.
    assert_eq!(names(&plan.look_alikes), ["Alice Cursor", "alicechen (old)", "Bob Laptop"]);
    let (eng, ops) = (Slug::parse("eng").unwrap(), Slug::parse("ops").unwrap());
    assert_eq!(plan.freed(), [(&eng, 1), (&ops, 1)].into());
}

#[test]
fn a_name_that_was_never_tied_ends_exactly_its_tokens() {
    let tokens = [
        token("eng", "CI Bot", None),
        token("ops", "CI Bot", None),
        token("ops", "CI Bot 2", None),
        token("ops", "Nightly", None),
    ];
    let plan = plan(&Subject::Tokens("CI Bot".to_owned()), &Person::default(), &tokens, NOW);
    assert_eq!(names(&plan.tokens), ["CI Bot", "CI Bot"]);
    assert_eq!(names(&plan.look_alikes), ["CI Bot 2"]);
}

#[test]
fn the_username_is_one_of_a_persons_words_and_short_words_are_none() {
    let tokens = [token("eng", "wonderland's pc", None), token("eng", "a b c", None)];
    let person = Person { account: Some(account("a.b@co.com", "wonderland")), ..Person::default() };
    let plan = plan(&Subject::Person(email("a.b@co.com")), &person, &tokens, NOW);
    assert_eq!(names(&plan.look_alikes), ["wonderland's pc"]);
}

#[test]
fn no_more_look_alikes_are_shown_than_the_limit_and_the_rest_is_counted() {
    let tokens: Vec<TeamToken> =
        (0..LOOK_ALIKES_MAX + 7).map(|number| token("eng", &format!("alice {number}"), None)).collect();
    let plan = plan(&Subject::Person(email("alice@co.com")), &Person::default(), &tokens, NOW);
    assert_eq!((plan.look_alikes.len(), plan.look_alikes_unshown), (LOOK_ALIKES_MAX, 7));
}

#[test]
fn nobody_offboards_the_owner_and_only_the_owner_an_admin() {
    let owner = account("admin@co.com", "acme");
    let subject = |address| Subject::Person(email(address));
    let standing = |role| Standing { is_operator: false, role: Some(role) };
    let (member, admin) = (
        Person { role: Some(TeamRole::Member), ..Person::default() },
        Person { role: Some(TeamRole::Admin), ..Person::default() },
    );
    let invited = Person { invited_as: Some(TeamRole::Admin), ..member.clone() };
    let asked =
        |address, person: &Person, role| may_offboard(&subject(address), &owner, person, standing(role));
    let refused = Err(OffboardRefusal::Admin(email("a@co.com")));
    for role in [Role::Owner, Role::Admin] {
        let owned = Err(OffboardRefusal::Owner(email("admin@co.com")));
        assert_eq!(asked("admin@co.com", &Person::default(), role), owned);
        assert_eq!(asked("a@co.com", &member, role), Ok(()));
    }
    for person in [&admin, &invited] {
        assert_eq!(asked("a@co.com", person, Role::Owner), Ok(()));
        assert_eq!(asked("a@co.com", person, Role::Admin), refused);
    }
    let operator = Standing { is_operator: true, role: Some(Role::Member) };
    assert_eq!(may_offboard(&subject("a@co.com"), &owner, &admin, operator), Ok(()));
}
