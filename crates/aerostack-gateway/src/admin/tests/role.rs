//! Every operation × every role, over a workspace or team of one's own and over a foreign one.
//!
//! What is expected stands here as a table of its own, so that a slip in the operations' own
//! declarations shows.

use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::operation::{Method, Operation, TEAM_HEADER};
use aerostack_core::member::{Membership, TeamRole};
use aerostack_core::plan::Plan;
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};

use super::person::{Hall, Person, error_of, in_a_hall, send};
use crate::store;
use crate::store::testing::sample::NOW;

/// Over what an operation needs a power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    /// A link that the path holds, whoever comes.
    Link,
    Oneself,
    Installation,
    Team,
    Workspace,
}

/// Who may: operator, owner, admin, member; strangers never.
type Allowed = [bool; 4];

/// What an identifier looks like; nothing has this one.
const NO_ID: &str = "tok_00000000000000000000000000";

const ALL: Allowed = [true, true, true, true];
const MANAGERS: Allowed = [true, true, true, false];
/// Of a foreign workspace an operator sees everything but this.
const TEAM_ONLY: Allowed = [false, true, true, false];
const OWNER: Allowed = [true, true, false, false];
const OPERATOR: Allowed = [true, false, false, false];

/// No wildcard: a new operation does not compile until somebody decides who may.
const fn table(operation: Operation) -> (Over, Allowed) {
    use Operation as O;
    match operation {
        O::ShowAccount | O::ListKeys | O::CreateKey | O::RevokeKey | O::ListPlans | O::ShowOwnUsage => {
            (Over::Oneself, ALL)
        }
        O::SetPlan => (Over::Installation, OPERATOR),
        O::ListWorkspaces | O::ListCallsToday => (Over::Team, ALL),
        O::CreateWorkspace
        | O::ListServers
        | O::AddServer
        | O::ShowServer
        | O::EditServer
        | O::DeleteServer
        | O::TestServer
        | O::Offboard => (Over::Team, MANAGERS),
        O::ShowWorkspace
        | O::ListInstalls
        | O::ShowInstall
        | O::ListTools
        | O::ShowAnalytics
        | O::ShowAnalyticsSeries
        | O::ExportAnalytics
        | O::ListCalls
        | O::FollowCalls
        | O::ExportCalls => (Over::Workspace, ALL),
        O::UpdateWorkspace
        | O::ListTokens
        | O::CreateToken
        | O::ShowToken
        | O::RevokeToken
        | O::RotateToken
        | O::InstallServer
        | O::UpdateInstall
        | O::UninstallServer
        | O::ListAudit
        | O::VerifyAudit => (Over::Workspace, MANAGERS),
        O::ListWorkspaceMembers | O::InviteWorkspaceMember | O::RemoveWorkspaceMember => {
            (Over::Workspace, MANAGERS)
        }
        O::DeleteWorkspace => (Over::Workspace, OWNER),
        O::ChangeRole => (Over::Team, OWNER),
        O::ShowTeam
        | O::ListInvites
        | O::InviteMember
        | O::RemoveInvite
        | O::RemoveMember
        | O::ListTeamAudit
        | O::VerifyTeamAudit => (Over::Team, MANAGERS),
        O::ShowInvite | O::AcceptInvite => (Over::Link, ALL),
        O::ListSessions | O::EndSession | O::CreateSignInLink => (Over::Oneself, ALL),
        O::ListSkills | O::SearchSkills | O::ShowSkill | O::ListSkillVersions => (Over::Oneself, ALL),
        O::PublishSkill | O::UpdateSkill | O::YankSkillVersion => (Over::Team, MANAGERS),
        O::ListInstalledSkills | O::InstallSkill => (Over::Workspace, ALL),
        O::UninstallSkill | O::UpgradeSkill => (Over::Workspace, MANAGERS),
        O::ListSecrets | O::SetSecret | O::DeleteSecret => (Over::Workspace, TEAM_ONLY),
        O::ShowAlert | O::SetAlert | O::DeleteAlert | O::TestAlert => (Over::Workspace, TEAM_ONLY),
    }
}

/// A body that can be read, so that nothing but the role is in the way.
fn body(operation: Operation) -> Value {
    match operation {
        Operation::CreateKey | Operation::CreateToken | Operation::CreateWorkspace => {
            json!({ "name": format!("new {}", rand::random::<u64>()) })
        }
        Operation::InviteWorkspaceMember => json!({ "email": "new@co.com" }),
        Operation::InviteMember => json!({ "email": format!("new{}@co.com", rand::random::<u64>()) }),
        Operation::ChangeRole => json!({ "role": "admin" }),
        Operation::SetPlan => json!({ "plan": "pro" }),
        Operation::InstallServer => json!({ "server": "nothing-here" }),
        Operation::PublishSkill => {
            json!({ "name": "crm", "version": "1.0.0", "mcp_url": "https://crm.example.com/mcp" })
        }
        Operation::YankSkillVersion => json!({ "yanked": true }),
        Operation::UpdateSkill => json!({ "visibility": "team" }),
        Operation::InstallSkill => json!({ "skill": "nothing-here" }),
        Operation::SetAlert => json!({ "url": "https://hooks.example.com/x", "calls": 1_000 }),
        Operation::SetSecret => json!({ "value": "ghp_value" }),
        Operation::UpdateInstall => json!({ "enabled": true }),
        Operation::AddServer => json!({ "slug": "github", "url": "https://mcp.example.com/mcp" }),
        Operation::Offboard => json!({ "who": "nobody@co.com" }),
        _ => json!({}),
    }
}

/// How a role fared.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// The role was not in the way, whatever else was.
    Admitted,
    /// Told that it may not.
    Forbidden,
    /// Told that there is no such workspace or team.
    Unknown,
}

async fn fares(person: &Person, operation: Operation, workspace: &str, team: &str) -> Outcome {
    let over = table(operation).0;
    let parameters: Vec<&str> = operation
        .parameters()
        .enumerate()
        .map(|(index, name)| match name {
            _ if index == 0 && over == Over::Workspace => workspace,
            "id" => NO_ID,
            "email" => "nobody@co.com",
            "version" => "7.0.0",
            _ => "nothing-here",
        })
        .collect();
    let mut request = Request::builder()
        .method(operation.method().word())
        .uri(operation.fill(&parameters))
        .header("authorization", format!("Bearer {}", person.key))
        .header("content-type", "application/json");
    if over == Over::Team {
        request = request.header(TEAM_HEADER, team);
    }
    let body = match operation.method() {
        Method::Get | Method::Delete => Bytes::new(),
        Method::Post | Method::Patch | Method::Put => body(operation).to_string().into(),
    };
    let response = send(&person.app, request.body(Full::from(body)).unwrap()).await;
    if response.status().is_success() {
        return Outcome::Admitted;
    }
    let error = error_of(response).await;
    let unknown = [format!("there is no workspace '{workspace}'"), format!("there is no team '@{team}'")];
    match error.code {
        ErrorCode::Forbidden => Outcome::Forbidden,
        ErrorCode::NotFound if unknown.contains(&error.message) => Outcome::Unknown,
        ErrorCode::InvalidRequest | ErrorCode::Unauthorized => panic!("{operation:?}: {}", error.message),
        _ => Outcome::Admitted,
    }
}

async fn joins(hall: &Hall, team: &Person, username: &str, role: TeamRole) -> Person {
    let person = hall.person(username).await;
    let membership = Membership {
        team: team.account.id.clone(),
        account: person.account.id.clone(),
        role,
        joined_at: NOW,
    };
    let mut tx = hall.app.store.write().await.unwrap();
    store::member::put(&mut tx, &membership).await.unwrap();
    tx.commit().await.unwrap();
    person
}

#[tokio::test]
async fn every_role_is_admitted_to_what_is_its_own_and_to_nothing_else() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        acme.has_plan(Plan::Enterprise).await;
        let admin = joins(&hall, &acme, "anna", TeamRole::Admin).await;
        let member = joins(&hall, &acme, "mike", TeamRole::Member).await;
        let people = [hall.operator("ops").await, acme.clone(), admin, member];
        let stranger = hall.person("stranger").await;
        for &operation in Operation::ALL {
            let (over, allowed) = table(operation);
            for (index, (person, may)) in people.iter().zip(allowed).enumerate() {
                let name = format!("w-{index}-{}", operation.name().to_lowercase());
                let slug = acme.creates_workspace(&name[..name.len().min(32)]).await.slug;
                let expected = if may { Outcome::Admitted } else { Outcome::Forbidden };
                let fared = fares(person, operation, slug.as_str(), "acme").await;
                assert_eq!(fared, expected, "{operation:?} by {}", person.account.username);
            }
            let slug = format!("w-1-{}", operation.name().to_lowercase());
            let expected = match over {
                Over::Link | Over::Oneself => Outcome::Admitted,
                Over::Installation => Outcome::Forbidden,
                Over::Team | Over::Workspace => Outcome::Unknown,
            };
            let fared = fares(&stranger, operation, &slug[..slug.len().min(32)], "acme").await;
            assert_eq!(fared, expected, "{operation:?} by a stranger");
        }
    })
    .await;
}

#[tokio::test]
async fn a_foreign_workspace_and_none_at_all_are_refused_in_the_same_words() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        acme.creates_workspace("engineering").await;
        let stranger = hall.person("stranger").await;
        for &operation in Operation::ALL.iter().filter(|operation| table(**operation).0 == Over::Workspace) {
            assert_eq!(
                fares(&stranger, operation, "engineering", "").await,
                Outcome::Unknown,
                "{operation:?}"
            );
            assert_eq!(fares(&stranger, operation, "nowhere", "").await, Outcome::Unknown, "{operation:?}");
        }
    })
    .await;
}
