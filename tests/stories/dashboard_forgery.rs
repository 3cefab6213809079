//! Forms that nobody of ours drew for this person are refused and change nothing.

use aerostack_tests::browser::Browser;
use aerostack_tests::crew::Crew;
use aerostack_tests::page::{forms, link};
use aerostack_tests::story::story;
use serde_json::json;

/// Every page with a form, and what would make it do something.
const FORMS: &[(&str, &[(&str, &str)])] = &[
    ("/new-workspace", &[("name", "Forged")]),
    ("/workspaces/engineering/settings", &[("name", "Forged")]),
    ("/workspaces/engineering/delete", &[("confirm", "engineering")]),
    ("/workspaces/engineering/tokens/new", &[("name", "Forged")]),
    ("/workspaces/engineering/tokens/{token}/revoke", &[]),
    ("/workspaces/engineering/tokens/{token}/rotate", &[]),
    ("/team/invite", &[("email", "forged@example.com")]),
    ("/team/bob%40example.com/remove", &[]),
    ("/account/keys/new", &[("name", "forged")]),
    ("/account/sessions/all/end", &[]),
];

#[tokio::test]
async fn a_form_without_its_token_or_of_another_origin_changes_nothing() {
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let crew = Crew::gather(&gateway).await;
        let alice = crew.owner.creates_token("Alice Chen").await;
        let before = crew.owner.verifies_audit().await;
        let mut browser = Browser::of(&crew.owner).await;
        let mut anna = Browser::of(&crew.admin).await;
        let own = format!("http://{}", gateway.address());
        for (path, typed) in FORMS {
            let path = path.replace("{token}", &alice.id);
            let drawn = forms(&browser.opens(&path).await).pop().unwrap();
            assert_eq!(drawn.action, path);
            let token = drawn.fields.iter().find(|(name, _)| name == "form_token").unwrap().1.clone();
            let foreign = forms(&anna.opens("/").await).pop().unwrap().fields[0].1.clone();
            let sent = |token: &str| {
                let mut fields = typed.to_vec();
                fields.push(("form_token", Box::leak(token.to_owned().into_boxed_str())));
                fields
            };
            for (origin, fields) in [
                (own.as_str(), typed.to_vec()),
                (own.as_str(), sent("")),
                (own.as_str(), sent(&foreign)),
                ("https://evil.test", sent(&token)),
                ("http://127.0.0.1:1", sent(&token)),
                ("null", sent(&token)),
            ] {
                let answer = browser.sends_from(origin, &path, &fields).await;
                assert_eq!(answer.status(), 403, "{path} from {origin}: {fields:?}");
            }
            // The browser of somebody who has signed out, with a form from before.
            let mut gone = browser.clone();
            gone.opens("/").await;
            let signed_in = Browser::of(&crew.owner).await;
            assert_ne!(signed_in.cookie_line(), browser.cookie_line());
            let nobody = Browser::at(gateway.address()).sends_from(&own, &path, &sent(&token)).await;
            assert_eq!(nobody.status(), 403, "{path}");
        }
        assert_eq!(crew.owner.verifies_audit().await, before);
        assert_eq!(crew.owner.tokens().await.items.len(), 1);
        assert_eq!(alice.asks("ping", json!({})).await.status(), 200);
    })
    .await;
}

#[tokio::test]
async fn what_belongs_to_another_workspace_is_not_reached_through_ones_own() {
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let mut crew = Crew::gather(&gateway).await;
        let alice = crew.owner.creates_token("Alice Chen").await;
        crew.stranger.creates_workspace("Globex").await;
        crew.stranger.creates_token("Mine").await;
        let mut browser = Browser::of(&crew.stranger).await;
        let page = browser.opens("/workspaces/globex/tokens").await;
        let revoke = link(&page, "Revoke Mine").unwrap();
        for word in ["revoke", "rotate"] {
            let stolen = format!("/workspaces/globex/tokens/{}/{word}", alice.id);
            assert_eq!(browser.opens(&stolen).await.status(), 404);
            browser.opens(&revoke).await;
            assert_eq!(browser.sends(&stolen, &[]).await.status(), 404);
            let foreign = format!("/workspaces/engineering/tokens/{}/{word}", alice.id);
            assert_eq!(browser.sends(&foreign, &[]).await.status(), 404);
        }
        // A role is asked for where something is done, too.
        let mut bob = Browser::of(&crew.member).await;
        bob.opens("/").await;
        for (path, fields, status) in [
            (format!("/workspaces/engineering/tokens/{}/revoke", alice.id), vec![], 403),
            ("/workspaces/engineering/tokens/new".to_owned(), vec![("name", "Mine")], 403),
            ("/workspaces/engineering/settings".to_owned(), vec![("name", "Mine")], 403),
            ("/workspaces/engineering/delete".to_owned(), vec![("confirm", "engineering")], 403),
            ("/new-workspace?team=acme".to_owned(), vec![("name", "Mine")], 403),
            ("/new-workspace?team=globex".to_owned(), vec![("name", "Mine")], 404),
            ("/workspaces/globex/delete".to_owned(), vec![("confirm", "globex")], 404),
        ] {
            assert_eq!(bob.sends(&path, &fields).await.status(), status, "{path}");
        }
        let mut anna = Browser::of(&crew.admin).await;
        anna.opens("/").await;
        let answer = anna.sends("/workspaces/engineering/delete", &[("confirm", "engineering")]).await;
        assert_eq!(answer.status(), 403);
        assert_eq!(alice.asks("ping", json!({})).await.status(), 200);
        assert_eq!(crew.owner.tokens().await.items.len(), 1);
        assert_eq!(anna.sends("/", &[]).await.status(), 405);
    })
    .await;
}
