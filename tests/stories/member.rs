//! Somebody is invited into one workspace: over the command line and the page, with a seat and without.

use aerostack_core::plan::Plan;
use aerostack_tests::answer::Answer;
use aerostack_tests::browser::Browser;
use aerostack_tests::cli::Terminal;
use aerostack_tests::client::Caller;
use aerostack_tests::gateway::Gateway;
use aerostack_tests::golden::assert_golden;
use aerostack_tests::patience::eventually;
use aerostack_tests::person::Person;
use aerostack_tests::story::story;
use aerostack_tests::upstream::{Setup, Upstream};
use aerostack_tests::wire::ask;

use super::token::status;

const ALICE: &str = "alice.chen@company.com";

/// The link that the command printed, and the end of it.
async fn is_invited(terminal: &mut Terminal, email: &str) -> (String, String) {
    let link = terminal.does(&["workspace", "member", "invite", "engineering", email]).await;
    let link = link.trim().to_owned();
    let end = link.rsplit('/').next().unwrap().to_owned();
    (link, end)
}

/// Somebody at a terminal where nobody is logged in.
fn newcomer(gateway: &Gateway) -> Terminal {
    Terminal::of(&Person::new(gateway.address(), "nobody", "", gateway.clock.clone()))
}

/// The first credential of a kind in a text.
fn credential(text: &str, prefix: &str) -> String {
    let is_credential = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut words = text.split(|letter: char| !is_credential(letter));
    words
        .find(|word| word.starts_with(prefix) && word.len() > 40)
        .unwrap_or_else(|| panic!("{text}"))
        .to_owned()
}

fn holder(owner: &Person, token: String) -> Caller {
    Caller {
        address: owner.address,
        path: "/ws/engineering".to_owned(),
        token,
        id: String::new(),
        headers: Vec::new(),
    }
}

/// The owner of a workspace, and the server behind it.
async fn set(gateway: &Gateway, plan: Plan) -> (Person, Upstream) {
    let mut owner = gateway.owner_on(plan).await;
    owner.creates_workspace("engineering").await;
    let upstream = Setup::legacy().start().await;
    owner.installs("desk", &upstream).await;
    (owner, upstream)
}

#[tokio::test]
async fn who_is_invited_joins_with_a_token_is_listed_and_is_shut_out_at_once() {
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let (owner, _upstream) = set(&gateway, Plan::Team).await;
        let mut terminal = Terminal::of(&owner);
        let (link, _) = is_invited(&mut terminal, ALICE).await;
        let waiting = terminal.runs(&["workspace", "member", "list", "engineering"]).await;
        assert_golden("member-list-pending", &waiting.transcript());
        let joined = newcomer(&gateway).runs(&["team", "join", &link, "--username", "alice"]).await;
        assert_golden("member-join", &joined.transcript());
        let alice = holder(&owner, credential(&joined.stdout, "mwt_"));
        assert_eq!(status(&alice).await, 200);
        eventually("the use is written", async || {
            let list = ["workspace", "member", "list", "engineering", "--output", "csv"];
            terminal.does(&list).await.lines().nth(1).is_some_and(|line| line.matches("2026-").count() == 2)
        })
        .await;
        let listed = terminal.runs(&["workspace", "member", "list", "engineering"]).await;
        assert_golden("member-list", &listed.transcript());
        let removed = terminal.runs(&["workspace", "member", "remove", "engineering", ALICE]).await;
        assert_golden("member-remove", &removed.transcript());
        assert_eq!(status(&alice).await, 401);
        assert!(owner.verifies_audit().await.ok);
    })
    .await;
}

#[tokio::test]
async fn without_a_seat_page_command_and_owner_are_told_and_the_link_stays_good() {
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let (owner, _upstream) = set(&gateway, Plan::Free).await;
        for name in ["One", "Two", "Three"] {
            owner.creates_token(name).await;
        }
        let mut terminal = Terminal::of(&owner);
        let (link, end) = is_invited(&mut terminal, ALICE).await;
        let page = opens(&gateway, &end).await;
        assert_eq!(page.status(), 200);
        assert!(
            page.text().contains("No seat is free now: 3 of 3 tokens used (Free plan)"),
            "{}",
            page.text()
        );
        let mut browser = Browser::at(gateway.address());
        let path = format!("/join/{end}");
        browser.opens(&path).await;
        let page = browser.sends(&path, &[("username", "alice")]).await;
        let told = "<p class=\"problem\" role=\"alert\">No seat is free in &#39;engineering&#39;: 3 of 3 tokens used \
                    (Free plan). Whoever invited you can see this; your link stays good until 2026-03-24 11:15 \
                    UTC.</p>";
        assert_eq!((page.status(), page.text().matches("class=\"problem\"").count()), (403, 1));
        assert!(page.text().contains(told), "{}", page.text());
        let join = ["team", "join", link.as_str(), "--username", "alice"];
        let refused = newcomer(&gateway).runs(&join).await;
        assert_golden("member-join-full", &refused.transcript());
        let told = terminal.runs(&["workspace", "member", "list", "engineering"]).await;
        assert_golden("member-list-full", &told.transcript());
        let audit = terminal.does(&["workspace", "audit", "engineering", "--limit", "1"]).await;
        assert!(audit.contains("join_refused: alice.chen@company.com"), "{audit}");
        owner.revokes("name:One").await.unwrap();
        assert!(!opens(&gateway, &end).await.text().contains("No seat is free"));
        assert_eq!(newcomer(&gateway).runs(&join).await.code, 0);
    })
    .await;
}

#[tokio::test]
async fn offboarding_ends_membership_token_and_invitation_of_workspaces() {
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let (owner, _upstream) = set(&gateway, Plan::Team).await;
        let mut operations = owner.clone();
        operations.creates_workspace("operations").await;
        let mut terminal = Terminal::of(&owner);
        let (link, _) = is_invited(&mut terminal, ALICE).await;
        let joined = newcomer(&gateway).does(&["team", "join", &link, "--username", "alice"]).await;
        let alice = holder(&owner, credential(&joined, "mwt_"));
        assert_eq!(status(&alice).await, 200);
        terminal.does(&["workspace", "member", "invite", "operations", ALICE]).await;
        let done = terminal.runs(&["offboard", ALICE, "--yes"]).await;
        assert_golden("member-offboard", &done.transcript());
        assert_eq!(status(&alice).await, 401);
        let left = terminal.does(&["workspace", "member", "list", "operations", "--output", "csv"]).await;
        assert_eq!(left.lines().count(), 1, "{left}");
    })
    .await;
}

async fn opens(gateway: &Gateway, link: &str) -> Answer {
    ask(gateway.address(), "GET", &format!("/join/{link}"), &[], b"").await
}
