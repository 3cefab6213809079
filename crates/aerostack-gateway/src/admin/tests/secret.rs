//! Secrets: set, listed, deleted; who is meant where nobody is named; and that no value comes back.

use aerostack_core::api::audit::AuditQuery;
use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::operation::endpoint;
use aerostack_core::api::page::{Empty, PageQuery};
use aerostack_core::api::secret::{
    DeleteSecretQuery, DeletedSecret, SecretState, SecretView, SetSecretRequest,
};
use aerostack_core::api::server::{AddServerRequest, EditServerRequest, InstallRequest};
use aerostack_core::secret::{SECRETS_MAX, SecretValue};
use aerostack_core::server::SessionMode;

use super::person::{Person, in_a_hall};

fn value(text: &str, server: Option<&str>) -> SetSecretRequest {
    SetSecretRequest {
        value: SecretValue::new(text.to_owned()).unwrap(),
        server: server.map(|slug| slug.parse().unwrap()),
    }
}

fn of(server: Option<&str>) -> DeleteSecretQuery {
    DeleteSecretQuery { server: server.map(|slug| slug.parse().unwrap()) }
}

/// Adds a server that does not answer, and installs it.
async fn has(person: &Person, slug: &str, auth: &str) {
    let server = AddServerRequest {
        slug: slug.parse().unwrap(),
        url: Some(format!("http://127.0.0.1:1/{slug}")),
        stdio: None,
        auth: auth.parse().unwrap(),
        session: SessionMode::PerCaller,
        timeout: None,
    };
    person.calls::<endpoint::AddServer>(&[], &server).await.unwrap();
    let request = InstallRequest { server: slug.to_owned(), alias: None };
    person.calls::<endpoint::InstallServer>(&["team"], &request).await.unwrap();
}

async fn listed(person: &Person) -> Vec<SecretView> {
    person.calls::<endpoint::ListSecrets>(&["team"], &PageQuery::default()).await.unwrap().items
}

async fn states(person: &Person) -> Vec<(String, String, SecretState)> {
    let views = listed(person).await.into_iter();
    views.map(|view| (view.name.to_string(), view.server.to_string(), view.state)).collect()
}

#[tokio::test]
async fn a_secret_finds_the_one_server_that_takes_it() {
    in_a_hall(|hall| async move {
        let acme = hall.operator("acme").await;
        acme.creates_workspace("team").await;
        has(&acme, "plain", "none").await;
        let (code, message, hint) =
            acme.is_refused::<endpoint::SetSecret>(&["team", "github-token"], &value("ghp_1", None)).await;
        assert_eq!(code, ErrorCode::Conflict);
        assert_eq!(message, "no server installed in 'team' takes the secret GITHUB_TOKEN");
        assert!(hint.unwrap().contains("--auth bearer:GITHUB_TOKEN"));
        has(&acme, "github", "bearer:GITHUB_TOKEN").await;
        let set = acme
            .calls::<endpoint::SetSecret>(&["team", "github-token"], &value("ghp_1", None))
            .await
            .unwrap();
        assert_eq!((set.name.as_str(), set.server.as_str()), ("GITHUB_TOKEN", "github"));
        assert_eq!((set.state, set.sent_as.as_deref()), (SecretState::Used, Some("Authorization: Bearer …")));
        has(&acme, "crm", "headers").await;
        let (code, message, _) =
            acme.is_refused::<endpoint::SetSecret>(&["team", "GITHUB_TOKEN"], &value("ghp_1", None)).await;
        assert_eq!((code, message.as_str()), (ErrorCode::InvalidRequest, "several servers fit: crm, github"));
        acme.calls::<endpoint::SetSecret>(&["team", "GITHUB_TOKEN"], &value("two", Some("crm")))
            .await
            .unwrap();
        acme.calls::<endpoint::SetSecret>(&["team", "X"], &value("3", Some("plain"))).await.unwrap();
        let text = |name: &str, server: &str, state| (name.to_owned(), server.to_owned(), state);
        assert_eq!(
            states(&acme).await,
            [
                text("GITHUB_TOKEN", "crm", SecretState::Used),
                text("GITHUB_TOKEN", "github", SecretState::Used),
                text("X", "plain", SecretState::Unused),
            ]
        );
        let (code, ..) =
            acme.is_refused::<endpoint::DeleteSecret>(&["team", "GITHUB_TOKEN"], &of(None)).await;
        assert_eq!(code, ErrorCode::InvalidRequest);
        let deleted =
            acme.calls::<endpoint::DeleteSecret>(&["team", "GITHUB_TOKEN"], &of(Some("crm"))).await.unwrap();
        let expected = DeletedSecret { name: set.name, server: "crm".parse().unwrap() };
        assert_eq!(deleted, expected);
        acme.calls::<endpoint::DeleteSecret>(&["team", "GITHUB_TOKEN"], &of(None)).await.unwrap();
        let (code, ..) =
            acme.is_refused::<endpoint::DeleteSecret>(&["team", "GITHUB_TOKEN"], &of(None)).await;
        assert_eq!(code, ErrorCode::NotFound);
        let audit = acme.calls::<endpoint::ListAudit>(&["team"], &AuditQuery::default()).await.unwrap();
        let told: Vec<String> = audit
            .items
            .iter()
            .map(|event| format!("{} {} {}", event.action, event.object, event.detail))
            .filter(|line| line.starts_with("secret"))
            .collect();
        assert_eq!(told[..2], ["secret_deleted GITHUB_TOKEN github", "secret_deleted GITHUB_TOKEN crm"]);
        assert!(told.contains(&"secret_set GITHUB_TOKEN github".to_owned()), "{told:?}");
    })
    .await;
}

#[tokio::test]
async fn a_value_that_cannot_be_sent_as_it_is_is_refused_and_not_repeated() {
    in_a_hall(|hall| async move {
        let acme = hall.operator("acme").await;
        acme.creates_workspace("team").await;
        has(&acme, "crm", "headers").await;
        for bad in ["line\nbreak", " edge", "tab\t", "cr\rlf"] {
            let (code, message, _) =
                acme.is_refused::<endpoint::SetSecret>(&["team", "KEY"], &value(bad, None)).await;
            assert_eq!(code, ErrorCode::InvalidRequest);
            assert!(!message.contains(bad), "{message}");
        }
        let (code, ..) = acme.is_refused::<endpoint::SetSecret>(&["team", "---"], &value("v", None)).await;
        assert_eq!(code, ErrorCode::InvalidRequest);
        let (code, ..) =
            acme.is_refused::<endpoint::SetSecret>(&["team", "KEY"], &value("v", Some("none-here"))).await;
        assert_eq!(code, ErrorCode::NotFound);
        for number in 0..SECRETS_MAX {
            let name = format!("KEY_{number}");
            acme.calls::<endpoint::SetSecret>(&["team", &name], &value("v", None)).await.unwrap();
        }
        let (code, ..) = acme.is_refused::<endpoint::SetSecret>(&["team", "MORE"], &value("v", None)).await;
        assert_eq!(code, ErrorCode::LimitReached);
        acme.calls::<endpoint::SetSecret>(&["team", "KEY_0"], &value("w", None)).await.unwrap();
        let page = PageQuery { limit: Some(20), cursor: None };
        let first = acme.calls::<endpoint::ListSecrets>(&["team"], &page).await.unwrap();
        let page = PageQuery { cursor: first.next_cursor, ..page };
        let second = acme.calls::<endpoint::ListSecrets>(&["team"], &page).await.unwrap();
        let mut names: Vec<_> =
            first.items.iter().chain(&second.items).map(|view| view.name.clone()).collect();
        names.dedup();
        assert_eq!((names.len(), second.next_cursor), (SECRETS_MAX as usize, None));
    })
    .await;
}

#[tokio::test]
async fn a_secret_stays_behind_when_its_server_moves_and_dies_with_its_install() {
    in_a_hall(|hall| async move {
        let acme = hall.operator("acme").await;
        acme.creates_workspace("team").await;
        has(&acme, "crm", "headers").await;
        acme.calls::<endpoint::SetSecret>(&["team", "KEY"], &value("v", None)).await.unwrap();
        let edit =
            |url: &str| EditServerRequest { url: Some(url.to_owned()), ..EditServerRequest::default() };
        acme.calls::<endpoint::EditServer>(&["crm"], &edit("http://127.0.0.1:1/other")).await.unwrap();
        assert_eq!(listed(&acme).await[0].state, SecretState::Moved);
        acme.calls::<endpoint::EditServer>(&["crm"], &edit("http://127.0.0.1:1/crm")).await.unwrap();
        assert_eq!(listed(&acme).await[0].state, SecretState::Used);
        acme.calls::<endpoint::UninstallServer>(&["team", "crm"], &Empty {}).await.unwrap();
        assert_eq!(listed(&acme).await, []);
        let again = InstallRequest { server: "crm".to_owned(), alias: None };
        acme.calls::<endpoint::InstallServer>(&["team"], &again).await.unwrap();
        assert_eq!(listed(&acme).await, []);
    })
    .await;
}
