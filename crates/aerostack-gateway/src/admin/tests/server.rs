//! The catalogue, installs and switches. The servers named here do not answer.

use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::operation::endpoint;
use aerostack_core::api::page::{Empty, PageQuery};
use aerostack_core::api::server::{
    AddServerRequest, EditServerRequest, InstallRequest, InstallStatus, UpdateInstallRequest,
};
use aerostack_core::server::{Auth, SessionMode};

use super::person::{Hall, Person, in_a_hall};
use crate::offer_set::FreshList;
use crate::store;
use crate::upstream::Listing;

fn server(slug: &str) -> AddServerRequest {
    AddServerRequest {
        slug: slug.parse().unwrap(),
        // Nothing listens on port 1.
        url: Some("http://127.0.0.1:1/mcp?key=hidden".to_owned()),
        stdio: None,
        auth: Auth::None,
        session: SessionMode::PerCaller,
        timeout: None,
    }
}

fn reference(text: &str, alias: Option<&str>) -> InstallRequest {
    InstallRequest { server: text.to_owned(), alias: alias.map(|alias| alias.parse().unwrap()) }
}

async fn acme_with_github(hall: &Hall) -> Person {
    let acme = hall.operator("acme").await;
    acme.creates_workspace("team").await;
    acme.calls::<endpoint::AddServer>(&[], &server("github")).await.unwrap();
    acme
}

#[tokio::test]
async fn a_server_is_added_once_with_an_address_that_can_be_one() {
    in_a_hall(|hall| async move {
        let acme = acme_with_github(&hall).await;
        let (code, ..) = acme.is_refused::<endpoint::AddServer>(&[], &server("github")).await;
        assert_eq!(code, ErrorCode::NameTaken);
        for (url, timeout) in
            [("ftp://x.test/", None), ("https://me:pw@x.test/", None), ("https://x.test/", Some(0))]
        {
            let request = AddServerRequest { url: Some(url.to_owned()), timeout, ..server("other") };
            let (code, ..) = acme.is_refused::<endpoint::AddServer>(&[], &request).await;
            assert_eq!(code, ErrorCode::InvalidRequest, "{url}");
        }
        let (code, _, hint) = acme.is_refused::<endpoint::ShowServer>(&["githib"], &Empty {}).await;
        assert_eq!((code, hint.as_deref()), (ErrorCode::NotFound, Some("did you mean 'github'?")));
        let tested = acme.calls::<endpoint::TestServer>(&["github"], &Empty {}).await.unwrap();
        assert!(!tested.ok && tested.error.is_some());
    })
    .await;
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_installed_with_a_warning() {
    in_a_hall(|hall| async move {
        let acme = acme_with_github(&hall).await;
        let installed =
            acme.calls::<endpoint::InstallServer>(&["team"], &reference("github", None)).await.unwrap();
        assert!(installed.warning.is_some() && !installed.already_installed);
        assert_eq!(installed.install.server, "@acme/github");
        assert_eq!(installed.install.status, InstallStatus::Failing);
        let again =
            acme.calls::<endpoint::InstallServer>(&["team"], &reference("@acme/github", None)).await.unwrap();
        assert!(again.already_installed);
        assert_eq!(again.install.id, installed.install.id);
        let shown = acme.calls::<endpoint::ShowServer>(&["github"], &Empty {}).await.unwrap();
        assert_eq!(shown.installed_in, ["team".parse().unwrap()]);
        let (code, message, hint) = acme.is_refused::<endpoint::DeleteServer>(&["github"], &Empty {}).await;
        assert_eq!((code, message.as_str()), (ErrorCode::Conflict, "'github' is installed in team"));
        assert_eq!(hint.as_deref(), Some("remove it first: aerostack mcp uninstall github -w team"));
        acme.calls::<endpoint::UninstallServer>(&["team", "github"], &Empty {}).await.unwrap();
        acme.calls::<endpoint::DeleteServer>(&["github"], &Empty {}).await.unwrap();
        let audit = acme.calls::<endpoint::ListAudit>(&["team"], &Default::default()).await.unwrap();
        let shown: Vec<_> =
            audit.items.iter().map(|event| (event.action.word(), event.object.as_str())).collect();
        assert_eq!(
            shown[..2],
            [("server_uninstalled", "@acme/github"), ("server_installed", "@acme/github")]
        );
    })
    .await;
}

#[tokio::test]
async fn another_server_under_a_taken_slug_is_refused() {
    in_a_hall(|hall| async move {
        let acme = acme_with_github(&hall).await;
        acme.calls::<endpoint::AddServer>(&[], &server("gitlab")).await.unwrap();
        acme.calls::<endpoint::InstallServer>(&["team"], &reference("github", None)).await.unwrap();
        let taken = reference("gitlab", Some("github"));
        let (code, message, _) = acme.is_refused::<endpoint::InstallServer>(&["team"], &taken).await;
        assert_eq!(
            (code, message.as_str()),
            (ErrorCode::NameTaken, "'github' is @acme/github in this workspace")
        );
        let second = reference("github", Some("github-2"));
        acme.calls::<endpoint::InstallServer>(&["team"], &second).await.unwrap();
        let listed = acme.calls::<endpoint::ListInstalls>(&["team"], &PageQuery::default()).await.unwrap();
        assert_eq!(listed.items.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn anothers_catalogue_cannot_be_installed_from() {
    in_a_hall(|hall| async move {
        acme_with_github(&hall).await;
        let other = hall.person("other").await;
        other.creates_workspace("lab").await;
        for text in ["@acme/github", "@nobody/github", "github"] {
            let (code, ..) =
                other.is_refused::<endpoint::InstallServer>(&["lab"], &reference(text, None)).await;
            assert_eq!(code, ErrorCode::NotFound, "{text}");
        }
        let (code, ..) =
            other.is_refused::<endpoint::InstallServer>(&["lab"], &reference("a/b/c", None)).await;
        assert_eq!(code, ErrorCode::InvalidRequest);
    })
    .await;
}

/// Installs the server and stores a list for it, as if it had answered.
async fn installs_with_tools(hall: &Hall, person: &Person) {
    let installed =
        person.calls::<endpoint::InstallServer>(&["team"], &reference("github", None)).await.unwrap();
    let tool = |name: &str| format!(r#"{{"name":"{name}","inputSchema":{{"type":"object"}}}}"#);
    let listing = Listing::of_tools(vec![tool("create"), tool("delete")], "modern");
    let list = FreshList::of(listing, None).await;
    let workspace = person.calls::<endpoint::ShowWorkspace>(&["team"], &Empty {}).await.unwrap().id;
    let mut order = hall.app.order().await.unwrap();
    let now = hall.clock.now();
    order.save_list(&workspace, &installed.install.id, &list, now).await.unwrap();
    order.commit(Vec::new()).await.unwrap();
}

fn switch(enabled: bool, tool: Option<&str>) -> UpdateInstallRequest {
    UpdateInstallRequest { enabled, tool: tool.map(str::to_owned) }
}

const INSTALLED: [&str; 2] = ["team", "github"];

#[tokio::test]
async fn tools_are_switched_by_own_or_exposed_name() {
    in_a_hall(|hall| async move {
        let acme = acme_with_github(&hall).await;
        installs_with_tools(&hall, &acme).await;
        let off = switch(false, Some("github__create"));
        let off = acme.calls::<endpoint::UpdateInstall>(&INSTALLED, &off).await.unwrap();
        assert_eq!((off.disabled_tools.as_slice(), off.tools), (&["create".to_owned()][..], 1));
        let tools = acme.calls::<endpoint::ListTools>(&["team"], &PageQuery::default()).await.unwrap();
        let shown: Vec<_> = tools.items.iter().map(|tool| (tool.name.as_str(), tool.enabled)).collect();
        assert_eq!(shown, [("github__create", false), ("github__delete", true)]);
        let on = switch(true, Some("create"));
        let on = acme.calls::<endpoint::UpdateInstall>(&INSTALLED, &on).await.unwrap();
        assert_eq!((on.disabled_tools.len(), on.tools), (0, 2));
        let off = acme.calls::<endpoint::UpdateInstall>(&INSTALLED, &switch(false, None)).await.unwrap();
        assert_eq!((off.status, off.tools), (InstallStatus::Disabled, 0));
        let audit = acme.calls::<endpoint::ListAudit>(&["team"], &Default::default()).await.unwrap();
        let shown: Vec<_> =
            audit.items.iter().map(|event| (event.action.word(), event.object.as_str())).collect();
        let expected =
            [("server_disabled", "@acme/github"), ("tool_enabled", "create"), ("tool_disabled", "create")];
        assert_eq!(shown[..3], expected);
    })
    .await;
}

#[tokio::test]
async fn tools_that_are_not_there_are_not_switched() {
    in_a_hall(|hall| async move {
        let acme = acme_with_github(&hall).await;
        acme.calls::<endpoint::InstallServer>(&["team"], &reference("github", None)).await.unwrap();
        let off = switch(false, Some("creat"));
        let (code, message, _) = acme.is_refused::<endpoint::UpdateInstall>(&INSTALLED, &off).await;
        assert_eq!(
            (code, message.as_str()),
            (ErrorCode::Conflict, "the tools of 'github' are not known yet")
        );
        acme.calls::<endpoint::UninstallServer>(&INSTALLED, &Empty {}).await.unwrap();
        installs_with_tools(&hall, &acme).await;
        let (code, _, hint) = acme.is_refused::<endpoint::UpdateInstall>(&INSTALLED, &off).await;
        assert_eq!((code, hint.as_deref()), (ErrorCode::NotFound, Some("did you mean 'create'?")));
        let (code, ..) = acme.is_refused::<endpoint::UpdateInstall>(&["team", "githu"], &off).await;
        assert_eq!(code, ErrorCode::NotFound);
    })
    .await;
}

#[tokio::test]
async fn an_edited_server_reaches_its_workspaces_and_keeps_addresses_out_of_the_audit() {
    in_a_hall(|hall| async move {
        let acme = acme_with_github(&hall).await;
        acme.calls::<endpoint::InstallServer>(&["team"], &reference("github", None)).await.unwrap();
        let workspace = acme.calls::<endpoint::ShowWorkspace>(&["team"], &Empty {}).await.unwrap().id;
        let before = hall.app.grants.snapshot(&workspace).unwrap().revision;
        let request = EditServerRequest {
            url: Some("http://127.0.0.1:2/mcp?key=hidden".to_owned()),
            timeout: Some(9),
            ..EditServerRequest::default()
        };
        let edited = acme.calls::<endpoint::EditServer>(&["github"], &request).await.unwrap();
        assert_eq!((edited.timeout, edited.url.as_str()), (Some(9), "http://127.0.0.1:2/mcp?key=hidden"));
        assert!(hall.app.grants.snapshot(&workspace).unwrap().revision > before);
        let back = EditServerRequest { timeout: Some(0), ..EditServerRequest::default() };
        assert_eq!(acme.calls::<endpoint::EditServer>(&["github"], &back).await.unwrap().timeout, None);
        let mut tx = hall.app.store.read().await.unwrap();
        let chain = acme.account.id.as_str();
        let events = store::audit::page(&mut tx, chain, &Default::default(), 10).await.unwrap();
        let details: Vec<_> = events.iter().map(|(_, event)| event.detail.as_str()).collect();
        assert_eq!(details, ["timeout", "url: 127.0.0.1, timeout", "127.0.0.1"]);
    })
    .await;
}
