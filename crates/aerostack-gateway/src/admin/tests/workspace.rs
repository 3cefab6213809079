//! Workspaces: created under a plan, hidden from strangers, deleted for good.

use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::operation::endpoint;
use aerostack_core::api::page::{Empty, PageQuery};
use aerostack_core::api::workspace::{CreateWorkspaceRequest, UpdateWorkspaceRequest};
use aerostack_core::plan::{Plan, Seats};
use aerostack_core::workspace::ToolPrefix;

use super::person::in_a_hall;

fn named(name: &str) -> CreateWorkspaceRequest {
    CreateWorkspaceRequest { name: name.to_owned(), slug: None, description: None }
}

#[tokio::test]
async fn a_workspace_is_created_open_and_empty() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        let created = acme.creates_workspace("My Team!").await;
        assert_eq!((created.slug.as_str(), created.name.as_str()), ("my-team", "My Team!"));
        assert_eq!(created.seats, Seats { used: 0, limit: Some(25), plan: Plan::Pro });
        assert!(created.gateway_url.ends_with("/ws/my-team"));
        assert!(hall.app.grants.snapshot(&created.id).is_some());
        let shown = acme.calls::<endpoint::ShowWorkspace>(&["my-team"], &Empty {}).await.unwrap();
        assert_eq!(shown, created);
    })
    .await;
}

#[tokio::test]
async fn a_taken_slug_is_refused_in_the_same_words_whoever_holds_it() {
    in_a_hall(|hall| async move {
        let (acme, other) = (hall.person("acme").await, hall.person("other").await);
        acme.creates_workspace("Team").await;
        let own = acme.is_refused::<endpoint::CreateWorkspace>(&[], &named("Team")).await;
        let foreign = other.is_refused::<endpoint::CreateWorkspace>(&[], &named("Team")).await;
        acme.calls::<endpoint::DeleteWorkspace>(&["team"], &Empty {}).await.unwrap();
        let deleted = acme.is_refused::<endpoint::CreateWorkspace>(&[], &named("Team")).await;
        let words = "the slug 'team' is taken".to_owned();
        let hint = "use it with: aerostack workspace use team".to_owned();
        assert_eq!(own, (ErrorCode::SlugTaken, words.clone(), Some(hint)));
        assert_eq!(foreign, (ErrorCode::SlugTaken, words, None));
        assert_eq!(deleted, foreign);
    })
    .await;
}

#[tokio::test]
async fn a_full_plan_refuses_one_more_workspace() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        acme.has_plan(Plan::Free).await;
        acme.creates_workspace("one").await;
        let (code, message, _) = acme.is_refused::<endpoint::CreateWorkspace>(&[], &named("two")).await;
        assert_eq!(code, ErrorCode::WorkspaceLimitReached);
        assert_eq!(message, "1 of 1 workspaces used (Free plan)");
    })
    .await;
}

#[tokio::test]
async fn names_without_a_slug_and_long_descriptions_are_refused() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        let long = CreateWorkspaceRequest { description: Some("x".repeat(501)), ..named("ok") };
        for request in [named("李雷"), named(""), named("a\u{202e}b"), long] {
            let (code, ..) = acme.is_refused::<endpoint::CreateWorkspace>(&[], &request).await;
            assert_eq!(code, ErrorCode::InvalidRequest, "{request:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_strangers_workspace_does_not_exist_and_an_operator_reaches_it() {
    in_a_hall(|hall| async move {
        let (acme, stranger) = (hall.person("acme").await, hall.person("stranger").await);
        let operator = hall.operator("ops").await;
        acme.creates_workspace("team").await;
        let foreign = stranger.is_refused::<endpoint::ShowWorkspace>(&["team"], &Empty {}).await;
        let (code, message, hint) =
            stranger.is_refused::<endpoint::ShowWorkspace>(&["none"], &Empty {}).await;
        assert_eq!(code, ErrorCode::NotFound);
        assert_eq!(foreign, (code, message.replace("none", "team"), hint));
        assert!(operator.calls::<endpoint::ShowWorkspace>(&["team"], &Empty {}).await.is_ok());
        let listed = stranger.calls::<endpoint::ListWorkspaces>(&[], &PageQuery::default()).await.unwrap();
        assert!(listed.items.is_empty());
    })
    .await;
}

#[tokio::test]
async fn changes_are_published_and_nothing_changed_is_no_event() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        let created = acme.creates_workspace("team").await;
        let request = UpdateWorkspaceRequest {
            name: Some("The Team".to_owned()),
            tool_prefix: Some(ToolPrefix::Never),
            description: None,
        };
        for _ in 0..2 {
            let changed = acme.calls::<endpoint::UpdateWorkspace>(&["team"], &request).await.unwrap();
            assert_eq!((changed.name.as_str(), changed.tool_prefix), ("The Team", ToolPrefix::Never));
        }
        assert_eq!(hall.app.grants.snapshot(&created.id).unwrap().name, "The Team");
        let audit = acme.calls::<endpoint::ListAudit>(&["team"], &Default::default()).await.unwrap();
        let details: Vec<_> = audit.items.iter().map(|event| event.detail.as_str()).collect();
        assert_eq!(details, ["name: The Team, tool prefix: never", "team"]);
    })
    .await;
}

#[tokio::test]
async fn deleting_ends_the_tokens_and_says_how_many() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        let created = acme.creates_workspace("team").await;
        let token = acme.creates_token("team", "Alice").await.unwrap();
        let digest = aerostack_core::bearer::TokenDigest::of(&token.token);
        assert!(hall.app.grants.find(&digest).unwrap().is_live(hall.clock.now()));
        let deleted = acme.calls::<endpoint::DeleteWorkspace>(&["team"], &Empty {}).await.unwrap();
        assert_eq!((deleted.slug, deleted.tokens_ended), (created.slug, 1));
        assert!(hall.app.grants.find(&digest).is_none_or(|grant| !grant.is_live(hall.clock.now())));
        let (code, ..) = acme.is_refused::<endpoint::ShowWorkspace>(&["team"], &Empty {}).await;
        assert_eq!(code, ErrorCode::NotFound);
    })
    .await;
}

#[tokio::test]
async fn lists_are_paged_by_cursor() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        for name in ["cc", "aa", "bb"] {
            acme.creates_workspace(name).await;
        }
        let mut query = PageQuery { limit: Some(2), cursor: None };
        let first = acme.calls::<endpoint::ListWorkspaces>(&[], &query).await.unwrap();
        query.cursor = first.next_cursor.clone();
        let second = acme.calls::<endpoint::ListWorkspaces>(&[], &query).await.unwrap();
        let slugs: Vec<_> = first.items.iter().chain(&second.items).map(|view| view.slug.as_str()).collect();
        assert_eq!(slugs, ["aa", "bb", "cc"]);
        assert!(first.next_cursor.is_some());
        assert_eq!(second.next_cursor, None);
    })
    .await;
}
