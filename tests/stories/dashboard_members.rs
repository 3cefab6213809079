//! Members on their page: invited with a link that is shown once, seen, and removed.

use aerostack_core::plan::Plan;
use aerostack_tests::browser::{Browser, path_of};
use aerostack_tests::story::story;
use aerostack_tests::wire::ask;

use super::dashboard_servers::{follows, sees};

const PAGE: &str = "/workspaces/engineering/members";
const ALICE: &str = "alice.chen@company.com";

/// What stands after a text, up to a quote or tag.
fn after<'a>(page: &'a str, text: &str) -> &'a str {
    let rest = page.split_once(text).unwrap_or_else(|| panic!("{text}: {page}")).1;
    rest.split(['"', '<']).next().unwrap()
}

#[tokio::test]
async fn somebody_is_invited_by_a_link_joins_is_seen_and_is_removed_at_once() {
    story(async |world| {
        let gateway = world.gateway().await;
        let mut owner = gateway.owner_on(Plan::Team).await;
        owner.creates_workspace("engineering").await;
        let mut browser = Browser::of(&owner).await;
        assert!(sees(&mut browser, PAGE).await.contains("aerostack workspace member invite engineering"));
        let invite = format!("{PAGE}/invite");
        let wrong = browser.sends(&invite, &[("email", "alice")]).await;
        assert_eq!(wrong.status(), 400);
        assert!(wrong.text().contains("id=\"email-problem\""), "{}", wrong.text());
        let sent = browser.sends(&invite, &[("email", ALICE)]).await;
        assert_eq!(sent.status(), 200, "{}", sent.text());
        let page = sent.text();
        assert!(page.contains("No mail server is configured"), "{page}");
        let link = format!("http{}", after(&page, ">http"));
        let list = sees(&mut browser, PAGE).await;
        assert!(list.contains(">invited</span>") && !list.contains("/join/"), "{list}");
        let mut alice = Browser::at(gateway.address());
        alice.opens(&path_of(&link)).await;
        let joined = alice.sends(&path_of(&link), &[("username", "alice")]).await.text();
        let token = format!("mwt_{}", after(&joined, ">mwt_"));
        let bearer = format!("Bearer {token}");
        let calls = async || {
            let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
            let body = br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
            ask(owner.address, "POST", "/ws/engineering", &headers, body).await.status()
        };
        assert_eq!(calls().await, 200);
        let list = sees(&mut browser, PAGE).await;
        assert!(
            !list.contains(">invited</span>") && list.contains("<td data-label=\"Last active\"><time"),
            "{list}"
        );
        assert!(list.contains("<td data-label=\"Calls\" class=\"number\">0</td>"), "{list}");
        let remove = format!("{PAGE}/alice.chen%40company.com/remove");
        assert!(list.contains(&remove), "{list}");
        let asked = sees(&mut browser, &remove).await;
        assert!(asked.contains("The token tied to them is refused at once"), "{asked}");
        let gone = browser.sends(&remove, &[]).await;
        let list = follows(&mut browser, &gone).await;
        assert!(
            list.contains("Their token is refused from now on.") && list.contains("No members yet"),
            "{list}"
        );
        assert_eq!(calls().await, 401);
        assert_eq!(browser.opens(&remove).await.status(), 404);
    })
    .await;
}

#[tokio::test]
async fn an_invitation_is_withdrawn_and_its_link_is_dead() {
    story(async |world| {
        let gateway = world.gateway().await;
        let mut owner = gateway.owner_on(Plan::Team).await;
        owner.creates_workspace("engineering").await;
        let mut browser = Browser::of(&owner).await;
        sees(&mut browser, &format!("{PAGE}/invite")).await;
        let page = browser.sends(&format!("{PAGE}/invite"), &[("email", ALICE)]).await.text();
        let link = format!("http{}", after(&page, ">http"));
        let remove = format!("{PAGE}/alice.chen%40company.com/remove");
        assert!(sees(&mut browser, &remove).await.contains("Withdraw the invitation"));
        let gone = browser.sends(&remove, &[]).await;
        assert!(follows(&mut browser, &gone).await.contains("Its link is dead."));
        assert_eq!(Browser::at(gateway.address()).opens(&path_of(&link)).await.status(), 404);
    })
    .await;
}
