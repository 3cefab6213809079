//! Account keys and plans.

use aerostack_core::api::account::CreateKeyRequest;
use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::operation::endpoint;
use aerostack_core::api::page::{Empty, PageQuery};
use aerostack_core::api::plan::SetPlanRequest;
use aerostack_core::plan::Plan;

use super::person::{Person, in_a_hall};

fn key(name: &str) -> CreateKeyRequest {
    CreateKeyRequest { name: name.to_owned() }
}

#[tokio::test]
async fn a_new_key_works_and_a_revoked_one_does_not() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        let created = acme.calls::<endpoint::CreateKey>(&[], &key("ci")).await.unwrap();
        let ci = Person { key: created.key, ..acme.clone() };
        let listed = ci.calls::<endpoint::ListKeys>(&[], &PageQuery::default()).await.unwrap();
        let mut current: Vec<_> = listed.items.iter().map(|key| (key.name.as_str(), key.current)).collect();
        current.sort_unstable();
        assert_eq!(current, [("ci", true), ("first", false)]);
        let (code, ..) = acme.is_refused::<endpoint::CreateKey>(&[], &key("ci")).await;
        assert_eq!(code, ErrorCode::NameTaken);
        let revoked = ci.calls::<endpoint::RevokeKey>(&["ci"], &Empty {}).await.unwrap();
        assert!(revoked.current && revoked.revoked_at.is_some());
        let (code, ..) = ci.is_refused::<endpoint::ShowAccount>(&[], &Empty {}).await;
        assert_eq!(code, ErrorCode::Unauthorized);
        let again = acme.calls::<endpoint::RevokeKey>(&[created.id.as_str()], &Empty {}).await.unwrap();
        assert_eq!(again.revoked_at, revoked.revoked_at);
        let (code, _, hint) = acme.is_refused::<endpoint::RevokeKey>(&["frist"], &Empty {}).await;
        assert_eq!((code, hint.as_deref()), (ErrorCode::NotFound, Some("did you mean 'first'?")));
        acme.calls::<endpoint::CreateKey>(&[], &key("ci")).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn anothers_key_cannot_be_revoked() {
    in_a_hall(|hall| async move {
        let (acme, other) = (hall.person("acme").await, hall.person("other").await);
        let created = acme.calls::<endpoint::CreateKey>(&[], &key("ci")).await.unwrap();
        let (code, ..) = other.is_refused::<endpoint::RevokeKey>(&[created.id.as_str()], &Empty {}).await;
        assert_eq!(code, ErrorCode::NotFound);
    })
    .await;
}

#[tokio::test]
async fn plans_are_set_by_operators_only_and_count_at_once() {
    in_a_hall(|hall| async move {
        let (acme, operator) = (hall.person("acme").await, hall.operator("ops").await);
        acme.creates_workspace("team").await;
        let free = SetPlanRequest { plan: Plan::Free };
        for username in ["acme", "nobody"] {
            let (code, ..) = acme.is_refused::<endpoint::SetPlan>(&[username], &free).await;
            assert_eq!(code, ErrorCode::Forbidden, "{username}");
        }
        for name in ["a", "b", "c", "d"] {
            acme.creates_token("team", name).await.unwrap();
        }
        let set = operator.calls::<endpoint::SetPlan>(&["acme"], &free).await.unwrap();
        assert_eq!((set.previous, set.plan), (Plan::Pro, Plan::Free));
        let refused = acme.creates_token("team", "e").await.err().unwrap();
        assert_eq!(refused.message, "4 of 3 tokens used (Free plan)");
        let plans = acme.calls::<endpoint::ListPlans>(&[], &Empty {}).await.unwrap();
        assert_eq!((plans.current, plans.workspaces_used, plans.plans.len()), (Plan::Free, 1, 4));
        let own = SetPlanRequest { plan: Plan::Enterprise };
        assert!(operator.calls::<endpoint::SetPlan>(&["ops"], &own).await.is_ok());
        let (code, ..) = operator.is_refused::<endpoint::SetPlan>(&["nobody"], &own).await;
        assert_eq!(code, ErrorCode::NotFound);
    })
    .await;
}
