//! Every page × everybody. A page that is added is added to the table.

use aerostack_core::api::operation::endpoint;
use aerostack_core::api::page::Empty;
use aerostack_core::api::workspace::CreateWorkspaceRequest;
use aerostack_core::skill::Visibility;
use aerostack_tests::answer::Answer;
use aerostack_tests::browser::Browser;
use aerostack_tests::client::Caller;
use aerostack_tests::crew::Crew;
use aerostack_tests::function::Function;
use aerostack_tests::gateway::Gateway;
use aerostack_tests::story::story;
use aerostack_tests::upstream::{Setup, Upstream};

/// For everybody who is signed in.
const ALL: [u16; 5] = [200, 200, 200, 200, 200];
/// For who has part in the team, and operators; it does not exist for others.
const TEAM: [u16; 5] = [200, 200, 200, 404, 200];
/// For who manages the team, and operators.
const MANAGERS: [u16; 5] = [200, 200, 403, 404, 200];
/// For the owner and operators.
const OWNER: [u16; 5] = [200, 403, 403, 404, 200];
/// For who manages the team: operators see no secrets of others.
const SECRETS: [u16; 5] = [200, 200, 403, 404, 403];
/// A skill for the team: running the installation is no membership.
const SKILL: [u16; 5] = [200, 200, 200, 403, 403];
const NOBODY: [u16; 5] = [404; 5];

/// What each page answers owner, admin, member, stranger, operator with.
pub(super) const PAGES: &[(&str, [u16; 5])] = &[
    ("/", ALL),
    ("/?team=acme", TEAM),
    ("/?team=@acme", TEAM),
    ("/?team=nobody", NOBODY),
    ("/?team=NO%20SLUG", NOBODY),
    ("/new-workspace", ALL),
    ("/new-workspace?team=acme", MANAGERS),
    ("/workspaces/engineering", TEAM),
    ("/workspaces/engineering/settings", MANAGERS),
    ("/workspaces/engineering/delete", OWNER),
    ("/workspaces/engineering/nothing", NOBODY),
    ("/workspaces/nowhere", NOBODY),
    ("/workspaces/NO%20SLUG", NOBODY),
    ("/workspaces/engineering/tokens", MANAGERS),
    ("/workspaces/engineering/tokens?status=active", MANAGERS),
    ("/workspaces/engineering/tokens/new", MANAGERS),
    ("/workspaces/engineering/tokens/{token}/revoke", MANAGERS),
    ("/workspaces/engineering/tokens/{token}/rotate", MANAGERS),
    ("/workspaces/engineering/analytics", TEAM),
    ("/workspaces/engineering/analytics?period=90d&user=bob&server=desk&tool=desk__echo", TEAM),
    ("/workspaces/engineering/analytics?period=soon", [400, 400, 400, 404, 400]),
    ("/workspaces/engineering/analytics/figures.csv", TEAM),
    ("/workspaces/engineering/analytics/calls.csv", TEAM),
    ("/workspaces/engineering/analytics/nothing", NOBODY),
    ("/workspaces/former/analytics", NOBODY),
    ("/workspaces/former/audit", MANAGERS),
    ("/workspaces/former/audit/verify", MANAGERS),
    ("/workspaces/former/audit/export", MANAGERS),
    ("/workspaces/engineering/audit", MANAGERS),
    ("/workspaces/engineering/audit?action=token_created", MANAGERS),
    ("/workspaces/engineering/audit/verify", MANAGERS),
    ("/workspaces/engineering/servers", TEAM),
    ("/workspaces/engineering/servers/desk", TEAM),
    ("/workspaces/engineering/servers/nothing", NOBODY),
    ("/workspaces/engineering/servers/desk/uninstall", MANAGERS),
    ("/workspaces/engineering/servers/-/install", MANAGERS),
    ("/workspaces/engineering/servers/-/add", MANAGERS),
    ("/workspaces/engineering/members", MANAGERS),
    ("/workspaces/engineering/members/invite", MANAGERS),
    ("/workspaces/engineering/members/nobody@example.com/remove", [404, 404, 403, 404, 404]),
    ("/workspaces/engineering/secrets", SECRETS),
    ("/workspaces/engineering/secrets/set", SECRETS),
    ("/workspaces/engineering/secrets/desk/NOTHING/delete", [404, 404, 403, 404, 403]),
    ("/catalog", ALL),
    ("/catalog?team=acme", MANAGERS),
    ("/catalog/-/add?team=acme", MANAGERS),
    ("/catalog/desk/edit?team=acme", MANAGERS),
    ("/catalog/desk/delete?team=acme", MANAGERS),
    ("/catalog/nothing/edit?team=acme", [404, 404, 403, 404, 404]),
    ("/skills", ALL),
    ("/skills?in=all&q=deploy", ALL),
    ("/skills/acme/deploy", SKILL),
    ("/skills/acme/deploy/install", SKILL),
    ("/skills/acme/deploy/visibility", [200, 200, 403, 403, 403]),
    ("/skills/acme/nothing", NOBODY),
    ("/team", ALL),
    ("/team?team=acme", MANAGERS),
    ("/team/invite?team=acme", MANAGERS),
    ("/team/bob@example.com/remove?team=acme", MANAGERS),
    ("/team/nobody@example.com/remove?team=acme", [404, 404, 403, 404, 404]),
    ("/team/audit?team=acme", MANAGERS),
    ("/team/audit/verify?team=acme", MANAGERS),
    ("/account", ALL),
    ("/account/keys/new", ALL),
    ("/account/keys/{token}/revoke", NOBODY),
    ("/account/sessions/all/end", ALL),
];

/// Everything that pages are about.
pub(super) struct House {
    /// Everybody.
    pub(super) crew: Crew,
    /// A token of Alice Chen.
    pub(super) alice: Caller,
    _behind: (Upstream, Function),
}

/// Furnishes a gateway with what the table's addresses name.
pub(super) async fn furnish(gateway: &Gateway) -> House {
    let crew = Crew::gather(gateway).await;
    let alice = crew.owner.creates_token("Alice Chen").await;
    let former = CreateWorkspaceRequest { name: "Former".to_owned(), slug: None, description: None };
    crew.owner.asks::<endpoint::CreateWorkspace>(&[], &former).await.unwrap();
    crew.owner.asks::<endpoint::DeleteWorkspace>(&["former"], &Empty {}).await.unwrap();
    let (upstream, function) = (Setup::modern().start().await, Function::starts().await);
    crew.owner.installs("desk", &upstream).await;
    crew.owner.publishes("deploy", Visibility::Team, &function).await;
    House { crew, alice, _behind: (upstream, function) }
}

#[tokio::test]
async fn every_page_is_shown_to_whom_it_is_for_and_to_nobody_else() {
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let house = furnish(&gateway).await;
        let mut browsers = Vec::new();
        for person in house.crew.everybody() {
            browsers.push(Browser::of(person).await);
        }
        let mut nobody = Browser::at(gateway.address());
        for (page, expected) in PAGES {
            let path = page.replace("{token}", &house.alice.id);
            let mut seen = Vec::new();
            for browser in &mut browsers {
                let answer = browser.opens(&path).await;
                holds_nothing_inline(&answer, page);
                seen.push(answer.status());
            }
            assert_eq!(seen, expected, "{page}");
            let answer = nobody.opens(&path).await;
            assert_eq!((answer.status(), answer.header("location")), (303, Some("/sign-in")), "{page}");
        }
    })
    .await;
}

/// The policy would stop scripts and styles inside a page: there are none, and no page relies on one.
fn holds_nothing_inline(answer: &Answer, page: &str) {
    let text = answer.text();
    let policy = answer.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains("script-src 'self';") && !policy.contains("unsafe"), "{page}: {policy}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{page}");
    assert!(
        !text.contains("style=\"") && !text.contains("<style") && !text.contains("javascript:"),
        "{page}"
    );
    assert!(text.split("<script").skip(1).all(|script| script.starts_with(" src=\"/assets/")), "{page}");
    for handler in [" onclick", " onload", " onerror", " onsubmit", " onchange"] {
        assert!(!text.contains(handler), "{page}");
    }
    assert!(text.len() < 40_000, "{page} has {} bytes", text.len());
    // Nothing of any other host is asked for.
    for source in [" src=\"", "<link rel=\"stylesheet\" href=\""] {
        assert!(text.split(source).skip(1).all(|rest| rest.starts_with("/assets/")), "{page}");
    }
}

#[tokio::test]
async fn what_a_role_does_not_allow_is_not_offered() {
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let crew = Crew::gather(&gateway).await;
        let offered = async |person| {
            let text = Browser::of(person).await.opens("/workspaces/engineering").await.text();
            ["/tokens\"", "/settings\"", "/delete\""].map(|link| text.contains(link))
        };
        assert_eq!(offered(&crew.owner).await, [true, true, true]);
        assert_eq!(offered(&crew.admin).await, [true, true, false]);
        assert_eq!(offered(&crew.member).await, [false, false, false]);
        assert_eq!(offered(&crew.operator).await, [true, true, true]);

        // Whoever has several teams sees all of them, and each by itself.
        let mut bob = Browser::of(&crew.member).await;
        let all = bob.opens("/").await.text();
        assert!(
            all.contains("/workspaces/engineering")
                && all.contains("href=\"/?team=acme\"")
                && all.contains("New workspace")
        );
        let own = bob.opens("/?team=bob").await.text();
        assert!(!own.contains("/workspaces/engineering") && own.contains("No workspaces yet"));
        let acme = bob.opens("/?team=acme").await.text();
        assert!(acme.contains("Engineering") && !acme.contains("New workspace"));
    })
    .await;
}
