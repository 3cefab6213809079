//! Tokens: seats, names, references, revocation, rotation.

use std::time::Duration;

use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::operation::endpoint;
use aerostack_core::api::page::Empty;
use aerostack_core::api::token::{CreateTokenRequest, ListTokensQuery, RotateTokenRequest, mcp_json};
use aerostack_core::bearer::TokenDigest;
use aerostack_core::plan::{Plan, Seats};
use aerostack_core::token::TokenStatus;

use super::person::{Hall, in_a_hall, token_named};

impl Hall {
    fn accepts(&self, raw: &str) -> bool {
        let grant = self.app.grants.find(&TokenDigest::of(raw));
        grant.is_some_and(|grant| grant.is_live(self.clock.now()))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_racing_creates_against_25_seats_give_25_tokens() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        acme.creates_workspace("team").await;
        let racers = (0..60).map(|number| {
            let acme = acme.clone();
            tokio::spawn(async move { acme.creates_token("team", &format!("Person {number}")).await })
        });
        let outcomes: Vec<_> =
            futures_util::future::join_all(racers).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 25);
        for refused in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
            assert_eq!(refused.code, ErrorCode::SeatLimitReached);
            assert_eq!(refused.message, "25 of 25 tokens used (Pro plan)");
        }
        let accepted = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok());
        assert!(accepted.into_iter().all(|created| hall.accepts(&created.token)));
        let page = acme.calls::<endpoint::ListTokens>(&["team"], &ListTokensQuery::default()).await.unwrap();
        assert_eq!((page.items.len(), page.seats.used), (25, 25));
    })
    .await;
}

#[tokio::test]
async fn a_created_token_is_accepted_at_once_and_shown_once() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        acme.creates_workspace("team").await;
        let request = CreateTokenRequest {
            expires_in: Some(3_600),
            person: Some("Alice@Co.com".parse().unwrap()),
            rate_limit_per_minute: Some(7),
            ..token_named("Alice Chen")
        };
        let created = acme.calls::<endpoint::CreateToken>(&["team"], &request).await.unwrap();
        assert!(created.token.starts_with("mwt_alice_"));
        assert_eq!(created.seats, Seats { used: 1, limit: Some(25), plan: Plan::Pro });
        let slug = "team".parse().unwrap();
        assert_eq!(created.mcp_json, mcp_json(&slug, &created.gateway_url, &created.token));
        assert!(hall.accepts(&created.token));
        for reference in [
            created.id.as_str().to_owned(),
            created.id.as_str()[..20].to_owned(),
            "name:Alice Chen".to_owned(),
            format!("sha256:{}", TokenDigest::of(&created.token).to_hex()),
        ] {
            let shown = acme.calls::<endpoint::ShowToken>(&["team", &reference], &Empty {}).await.unwrap();
            assert_eq!((&shown.id, shown.status), (&created.id, TokenStatus::Active), "{reference}");
            assert_eq!(shown.rate_limit_per_minute, Some(7));
        }
        hall.clock.advance(Duration::from_secs(3_600));
        assert!(!hall.accepts(&created.token));
        let query = ListTokensQuery { status: Some(TokenStatus::Expired), ..ListTokensQuery::default() };
        let page = acme.calls::<endpoint::ListTokens>(&["team"], &query).await.unwrap();
        assert_eq!((page.items.len(), page.seats.used), (1, 0));
    })
    .await;
}

#[tokio::test]
async fn names_are_unique_among_active_tokens_only() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        acme.creates_workspace("team").await;
        acme.creates_token("team", "Alice").await.unwrap();
        let refused = acme.creates_token("team", " Alice ").await.err().unwrap();
        assert_eq!(
            (refused.code, refused.message.as_str()),
            (ErrorCode::NameTaken, "an active token named 'Alice' exists")
        );
        acme.calls::<endpoint::RevokeToken>(&["team", "name:Alice"], &Empty {}).await.unwrap();
        acme.creates_token("team", "Alice").await.unwrap();
        for request in [token_named(""), CreateTokenRequest { expires_in: Some(59), ..token_named("Bob") }] {
            let (code, ..) = acme.is_refused::<endpoint::CreateToken>(&["team"], &request).await;
            assert_eq!(code, ErrorCode::InvalidRequest);
        }
    })
    .await;
}

#[tokio::test]
async fn revoking_is_immediate_and_twice_says_so() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        acme.creates_workspace("team").await;
        let created = acme.creates_token("team", "Alice").await.unwrap();
        let path = ["team", created.id.as_str()];
        let first = acme.calls::<endpoint::RevokeToken>(&path, &Empty {}).await.unwrap();
        assert!(!hall.accepts(&created.token));
        assert_eq!((first.status, first.already_inactive), (TokenStatus::Revoked, false));
        hall.clock.advance(Duration::from_secs(5));
        let second = acme.calls::<endpoint::RevokeToken>(&path, &Empty {}).await.unwrap();
        assert_eq!((second.revoked_at, second.already_inactive), (first.revoked_at, true));
        let audit = acme.calls::<endpoint::ListAudit>(&["team"], &Default::default()).await.unwrap();
        let words: Vec<_> = audit.items.iter().map(|event| event.action.word()).collect();
        assert_eq!(words, ["token_revoked", "token_created", "workspace_created"]);
    })
    .await;
}

#[tokio::test]
async fn a_name_that_is_not_found_brings_the_closest_ones() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        acme.creates_workspace("team").await;
        acme.creates_token("team", "Alice Chen").await.unwrap();
        let refused = acme.is_refused::<endpoint::RevokeToken>(&["team", "name:Alice Chan"], &Empty {}).await;
        let message = "there is no active token named 'Alice Chan'".to_owned();
        assert_eq!(refused, (ErrorCode::NotFound, message, Some("did you mean 'Alice Chen'?".to_owned())));
        acme.calls::<endpoint::RevokeToken>(&["team", "name:Alice Chen"], &Empty {}).await.unwrap();
        let (code, _, hint) =
            acme.is_refused::<endpoint::RevokeToken>(&["team", "name:Alice Chen"], &Empty {}).await;
        assert_eq!((code, hint.as_deref()), (ErrorCode::NotFound, Some("'Alice Chen' is already revoked")));
    })
    .await;
}

#[tokio::test]
async fn an_ambiguous_beginning_says_how_many_it_fits() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        acme.creates_workspace("team").await;
        let first = acme.creates_token("team", "a").await.unwrap();
        acme.creates_token("team", "b").await.unwrap();
        let beginning = &first.id.as_str()[..10];
        let (code, message, _) =
            acme.is_refused::<endpoint::ShowToken>(&["team", beginning], &Empty {}).await;
        assert_eq!((code, message), (ErrorCode::InvalidRequest, format!("2 tokens begin with {beginning}")));
        let (code, ..) = acme.is_refused::<endpoint::ShowToken>(&["team", "tok_zzzzzzz"], &Empty {}).await;
        assert_eq!(code, ErrorCode::NotFound);
    })
    .await;
}

#[tokio::test]
async fn a_token_of_another_workspace_is_not_found() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        acme.creates_workspace("team").await;
        acme.creates_workspace("other").await;
        let created = acme.creates_token("other", "Alice").await.unwrap();
        let digest = format!("sha256:{}", TokenDigest::of(&created.token).to_hex());
        for reference in [created.id.as_str(), &created.id.as_str()[..20], &digest] {
            let (code, ..) = acme.is_refused::<endpoint::RevokeToken>(&["team", reference], &Empty {}).await;
            assert_eq!(code, ErrorCode::NotFound);
        }
        assert!(hall.accepts(&created.token));
    })
    .await;
}

#[tokio::test]
async fn rotating_works_at_a_full_plan_and_the_overlap_takes_no_seat() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        acme.has_plan(Plan::Free).await;
        acme.creates_workspace("team").await;
        for name in ["a", "b"] {
            acme.creates_token("team", name).await.unwrap();
        }
        let old = acme.creates_token("team", "CI Bot").await.unwrap();
        let overlap = RotateTokenRequest { overlap: Some(600) };
        let new = acme.calls::<endpoint::RotateToken>(&["team", "name:CI Bot"], &overlap).await.unwrap();
        assert_eq!((new.name.as_str(), new.seats.used), ("CI Bot", 3));
        let replaced = new.replaces.unwrap();
        assert_eq!(replaced.id, old.id);
        assert_eq!(replaced.ends_at, hall.clock.now().plus(Duration::from_secs(600)));
        assert!(hall.accepts(&old.token) && hall.accepts(&new.token));

        let again = acme.is_refused::<endpoint::RotateToken>(&["team", old.id.as_str()], &overlap).await;
        assert_eq!(again.0, ErrorCode::Conflict);
        let long = RotateTokenRequest { overlap: Some(8 * 86_400) };
        let (code, ..) = acme.is_refused::<endpoint::RotateToken>(&["team", new.id.as_str()], &long).await;
        assert_eq!(code, ErrorCode::InvalidRequest);

        hall.clock.advance(Duration::from_secs(600));
        assert!(!hall.accepts(&old.token) && hall.accepts(&new.token));
        let now = RotateTokenRequest::default();
        let third = acme.calls::<endpoint::RotateToken>(&["team", "name:CI Bot"], &now).await.unwrap();
        assert!(!hall.accepts(&new.token) && hall.accepts(&third.token));
        let audit = acme.calls::<endpoint::ListAudit>(&["team"], &Default::default()).await.unwrap();
        assert_eq!(audit.items[0].action.word(), "token_rotated");
        assert_eq!(audit.items.len(), 6);
    })
    .await;
}

#[tokio::test]
async fn one_seat_lets_two_tokens_work_at_the_most() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        acme.creates_workspace("team").await;
        let first = acme.creates_token("team", "CI Bot").await.unwrap();
        let overlap = RotateTokenRequest { overlap: Some(600) };
        let second = acme.calls::<endpoint::RotateToken>(&["team", "name:CI Bot"], &overlap).await.unwrap();
        let (code, message, _) =
            acme.is_refused::<endpoint::RotateToken>(&["team", "name:CI Bot"], &overlap).await;
        assert_eq!(code, ErrorCode::Conflict);
        assert_eq!(message, "the token that 'CI Bot' replaced still works out its own overlap");
        let now = RotateTokenRequest::default();
        let third = acme.calls::<endpoint::RotateToken>(&["team", "name:CI Bot"], &now).await.unwrap();
        let live = [&first.token, &second.token, &third.token].map(|raw| hall.accepts(raw));
        assert_eq!(live, [true, false, true]);

        // Whoever is left of the two has the seat.
        acme.calls::<endpoint::RevokeToken>(&["team", third.id.as_str()], &Empty {}).await.unwrap();
        let page = acme.calls::<endpoint::ListTokens>(&["team"], &ListTokensQuery::default()).await.unwrap();
        assert_eq!((page.seats.used, hall.accepts(&first.token)), (1, true));
        let workspace = acme.calls::<endpoint::ShowWorkspace>(&["team"], &Empty {}).await.unwrap();
        assert_eq!(workspace.seats.used, 1);
    })
    .await;
}

#[tokio::test]
async fn revoking_by_name_ends_the_overlap_too() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        acme.creates_workspace("team").await;
        let old = acme.creates_token("team", "Alice").await.unwrap();
        let overlap = RotateTokenRequest { overlap: Some(600) };
        let new = acme.calls::<endpoint::RotateToken>(&["team", old.id.as_str()], &overlap).await.unwrap();
        let revoked = acme.calls::<endpoint::RevokeToken>(&["team", "name:Alice"], &Empty {}).await.unwrap();
        assert_eq!(revoked.id, new.id);
        assert!(!hall.accepts(&old.token) && !hall.accepts(&new.token));
        let page = acme.calls::<endpoint::ListTokens>(&["team"], &ListTokensQuery::default()).await.unwrap();
        assert!(page.items.iter().all(|token| token.status == TokenStatus::Revoked));
    })
    .await;
}
