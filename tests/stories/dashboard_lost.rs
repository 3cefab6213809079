//! Addresses that lead nowhere: a page for people, the old words for programs, and the same for everybody.

use aerostack_tests::browser::Browser;
use aerostack_tests::story::story;
use aerostack_tests::wire::ask;

const BROWSER: (&str, &str) = ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8");

#[tokio::test]
async fn an_address_that_leads_nowhere_is_a_page_to_people_and_json_to_programs() {
    story(async |world| {
        let gateway = world.gateway().await;
        let owner = gateway.owner().await;
        let mut browser = Browser::of(&owner).await;
        let (signed_in, stranger) = (
            browser.opens_with("/sign-up", &[BROWSER]).await,
            ask(gateway.address(), "GET", "/sign-up", &[BROWSER], b"").await,
        );
        assert_eq!((signed_in.status(), stranger.status()), (404, 404));
        assert!(stranger.text().contains("<h1>There is nothing here</h1>"), "{}", stranger.text());
        assert_eq!(signed_in.text(), stranger.text());
        assert!(stranger.header("content-security-policy").is_some());
        let program =
            async |method, path, kind| ask(gateway.address(), method, path, &[("Accept", kind)], b"").await;
        for (method, path, kind) in [
            ("GET", "/sign-up", "application/json"),
            ("POST", "/sign-up", "text/html"),
            ("GET", "/ws/acme/other", BROWSER.1),
            ("GET", "/mcp", BROWSER.1),
            ("GET", "/.well-known/oauth-protected-resource", BROWSER.1),
        ] {
            let answer = program(method, path, kind).await;
            assert_eq!((answer.status(), answer.error_code()), (404, Some(-32600)), "{method} {path}");
        }
        let api = program("GET", "/api/v1/nothing", BROWSER.1).await;
        assert_eq!((api.status(), api.header("content-type")), (404, Some("application/json")));
    })
    .await;
}
