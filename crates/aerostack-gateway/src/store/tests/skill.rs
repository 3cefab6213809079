//! Skills, their versions, and what becomes of installs when a right ends.

use aerostack_core::account::AccountKind;
use aerostack_core::member::{Membership, TeamRole};
use aerostack_core::server::Source;
use aerostack_core::skill::{Relation, Skill, SkillVersion, Visibility};

use crate::store::install_summary::list_skills_page;
use crate::store::testing::on_both_engines;
use crate::store::testing::sample::{
    NOW, account, acme, install, server, skill, skill_install, skill_version, slug, workspace,
};
use crate::store::{self, StoreError, Tx};

fn names(found: &[store::skill::SkillSummary]) -> Vec<String> {
    found.iter().map(|found| format!("{}/{}", found.owner_username, found.skill.name)).collect()
}

async fn publishes(tx: &mut Tx, skill: &Skill, versions: &[&str]) {
    store::skill::insert(tx, skill).await.unwrap();
    for version in versions {
        store::skill_version::insert(tx, &skill_version(skill, version)).await.unwrap();
    }
}

#[tokio::test]
async fn versions_read_back_and_the_newest_is_the_highest_not_the_last_written() {
    on_both_engines(|store| async move {
        let (owner, _) = acme(&store).await;
        let mut tx = store.write().await.unwrap();
        let crm = skill(&owner.id, "crm", Visibility::Team);
        publishes(&mut tx, &crm, &["1.9.0", "1.10.0", "1.2.0"]).await;
        assert_eq!(store::skill::find(&mut tx, &owner.id, &slug("crm")).await.unwrap(), Some(crm.clone()));
        let newest = store::skill_version::newest(&mut tx, &crm.id).await.unwrap().unwrap();
        assert_eq!(newest, {
            let mut expected = skill_version(&crm, "1.10.0");
            expected.id = newest.id.clone();
            expected
        });
        assert_eq!(
            store::skill_version::find_by_id(&mut tx, &newest.id).await.unwrap(),
            Some(newest.clone())
        );
        let page =
            store::skill_version::list(&mut tx, &crm.id, Some(newest.version.number()), 1).await.unwrap();
        assert_eq!(page[0].version.to_string(), "1.9.0");
        assert_eq!(store::skill_version::count(&mut tx, &crm.id).await.unwrap(), 3);
        let summary = store::skill::summary(&mut tx, &crm.id).await.unwrap().unwrap();
        assert_eq!((summary.version, summary.tools), (newest.version, newest.tools));
        tx.commit().await.unwrap();
        let mut tx = store.write().await.unwrap();
        let again = store::skill_version::insert(&mut tx, &skill_version(&crm, "1.2.0")).await;
        assert!(matches!(again, Err(StoreError::Conflict)));
    })
    .await;
}

#[tokio::test]
async fn what_is_offered_is_the_newest_that_was_not_taken_back() {
    on_both_engines(|store| async move {
        let (owner, workspace) = acme(&store).await;
        let mut tx = store.write().await.unwrap();
        let crm = skill(&owner.id, "crm", Visibility::Team);
        publishes(&mut tx, &crm, &["1.9.0", "1.10.0"]).await;
        let newest = store::skill_version::newest(&mut tx, &crm.id).await.unwrap().unwrap();
        store::install::insert(&mut tx, &skill_install(&workspace.id, &newest, "crm")).await.unwrap();
        store::install::insert(&mut tx, &skill_install(&workspace.id, &newest, "crm-2")).await.unwrap();
        assert_eq!(store::skill_version::count_workspaces(&mut tx, &newest.id).await.unwrap(), 1);
        for (yanked, offered, is_yanked) in [
            (&[][..], "1.10.0", false),
            (&["1.10.0"], "1.9.0", false),
            (&["1.9.0"], "1.10.0", false),
            (&["1.9.0", "1.10.0"], "1.10.0", true),
        ] {
            for version in store::skill_version::list(&mut tx, &crm.id, None, 10).await.unwrap() {
                let at = yanked.contains(&version.version.to_string().as_str()).then_some(NOW);
                store::skill_version::set_yanked(&mut tx, &version.id, at).await.unwrap();
            }
            let found = store::skill_version::offered(&mut tx, &crm.id).await.unwrap().unwrap();
            assert_eq!((found.version.to_string().as_str(), found.yanked_at.is_some()), (offered, is_yanked));
            let summary = store::skill::summary(&mut tx, &crm.id).await.unwrap().unwrap();
            assert_eq!((summary.version, summary.yanked), (found.version, is_yanked));
            let newest = store::skill_version::newest(&mut tx, &crm.id).await.unwrap().unwrap();
            assert_eq!(newest.version.to_string(), "1.10.0");
            let installs = list_skills_page(&mut tx, &workspace.id, None, 10).await.unwrap();
            let is_told = installs[0].skill.as_ref().unwrap().yanked;
            assert_eq!(is_told, yanked.contains(&"1.10.0"));
        }
    })
    .await;
}

#[tokio::test]
async fn lists_and_searches_show_what_an_account_may_use_and_nothing_else() {
    on_both_engines(|store| async move {
        let (owner, _) = acme(&store).await;
        let (bob, stranger) = (account("bob", AccountKind::Person), account("mallory", AccountKind::Person));
        let mut tx = store.write().await.unwrap();
        for person in [&bob, &stranger] {
            store::account::insert(&mut tx, person).await.unwrap();
        }
        let membership = Membership {
            team: owner.id.clone(),
            account: bob.id.clone(),
            role: TeamRole::Member,
            joined_at: NOW,
        };
        store::member::put(&mut tx, &membership).await.unwrap();
        for (name, visibility) in
            [("open", Visibility::Public), ("ours", Visibility::Team), ("mine", Visibility::Private)]
        {
            publishes(&mut tx, &skill(&owner.id, name, visibility), &["1.0.0", "1.1.0"]).await;
        }
        let tool = skill(&bob.id, "tool", Visibility::Private);
        store::skill::insert(&mut tx, &tool).await.unwrap();
        let version =
            SkillVersion { description: "Übersetzt Texte".into(), ..skill_version(&tool, "0.1.0") };
        store::skill_version::insert(&mut tx, &version).await.unwrap();
        for (person, listed, found) in [
            (
                &owner,
                vec!["acme/mine", "acme/open", "acme/ours"],
                vec!["acme/mine", "acme/open", "acme/ours"],
            ),
            (&bob, vec!["acme/open", "acme/ours", "bob/tool"], vec!["acme/open", "acme/ours", "bob/tool"]),
            (&stranger, vec![], vec!["acme/open"]),
        ] {
            let list = store::skill::list_of_account(&mut tx, &person.id, None, 10).await.unwrap();
            assert_eq!(names(&list), listed, "{}", person.username);
            let all = store::skill::search(&mut tx, &person.id, "", None, 10).await.unwrap();
            assert_eq!(names(&all), found, "{}", person.username);
        }
        let search = async |tx: &mut Tx, text: &str| {
            names(&store::skill::search(tx, &bob.id, text, None, 10).await.unwrap())
        };
        assert_eq!(search(&mut tx, "@acme/o").await, ["acme/open", "acme/ours"]);
        assert_eq!(search(&mut tx, "100%").await.len(), 2);
        assert_eq!(search(&mut tx, "@ACME/O").await, ["acme/open", "acme/ours"]);
        assert_eq!(search(&mut tx, "ÜberSetzt").await, ["bob/tool"]);
        for nothing in ["1.0.0", "%x", "___", "!"] {
            assert!(search(&mut tx, nothing).await.is_empty(), "{nothing}");
        }
        let page = store::skill::search(&mut tx, &bob.id, "", Some("acme/open"), 1).await.unwrap();
        assert_eq!(names(&page), ["acme/ours"]);
    })
    .await;
}

#[tokio::test]
async fn an_install_is_withdrawn_while_the_workspace_owner_has_no_right() {
    on_both_engines(|store| async move {
        let (owner, engineering) = acme(&store).await;
        let bob = account("bob", AccountKind::Person);
        let own = workspace(&bob.id, "bobs");
        let crm = skill(&owner.id, "crm", Visibility::Team);
        let version = skill_version(&crm, "1.0.0");
        let mut tx = store.write().await.unwrap();
        store::account::insert(&mut tx, &bob).await.unwrap();
        store::workspace::insert(&mut tx, &own).await.unwrap();
        store::skill::insert(&mut tx, &crm).await.unwrap();
        store::skill_version::insert(&mut tx, &version).await.unwrap();
        for place in [&engineering, &own] {
            store::install::insert(&mut tx, &skill_install(&place.id, &version, "crm")).await.unwrap();
        }
        let withdrawn = async |tx: &mut Tx| {
            let mut found = Vec::new();
            for place in [&engineering, &own] {
                let state = store::workspace::state(tx, &place.id).await.unwrap().unwrap();
                let listed = list_skills_page(tx, &place.id, None, 10).await.unwrap();
                assert_eq!(state.installs[0].install, listed[0].install);
                assert_eq!(state.installs[0].skill.as_ref(), Some(&version));
                assert_eq!(listed[0].reference(), "@acme/crm");
                found.push(state.installs[0].install.withdrawn);
            }
            found
        };
        assert_eq!(withdrawn(&mut tx).await, [false, true]);
        let membership = Membership {
            team: owner.id.clone(),
            account: bob.id.clone(),
            role: TeamRole::Member,
            joined_at: NOW,
        };
        store::member::put(&mut tx, &membership).await.unwrap();
        assert_eq!(withdrawn(&mut tx).await, [false, false]);
        let concerned =
            store::skill_install::workspaces_concerned(&mut tx, &owner.id, &bob.id).await.unwrap();
        assert_eq!(concerned, std::slice::from_ref(&own.id));
        let mut with = store::skill_install::workspaces_with(&mut tx, &crm.id).await.unwrap();
        with.sort_by_key(|(_, relation)| *relation != Relation::Owner);
        assert_eq!(with, [(engineering.id.clone(), Relation::Owner), (own.id.clone(), Relation::Member)]);
        let private = Skill { visibility: Visibility::Private, ..crm.clone() };
        store::skill::update_visibility(&mut tx, &private).await.unwrap();
        assert_eq!(withdrawn(&mut tx).await, [false, true]);
    })
    .await;
}

#[tokio::test]
async fn a_skill_and_a_server_share_the_slugs_of_a_workspace_and_stand_in_install_order() {
    on_both_engines(|store| async move {
        let (owner, engineering) = acme(&store).await;
        let crm = skill(&owner.id, "crm", Visibility::Public);
        let (first, second) = (skill_version(&crm, "1.0.0"), skill_version(&crm, "2.0.0"));
        let github = server(&owner.id, "github");
        let placed = skill_install(&engineering.id, &first, "crm");
        let mut tx = store.write().await.unwrap();
        store::skill::insert(&mut tx, &crm).await.unwrap();
        store::skill_version::insert(&mut tx, &first).await.unwrap();
        store::skill_version::insert(&mut tx, &second).await.unwrap();
        store::server::insert(&mut tx, &github).await.unwrap();
        store::install::insert(&mut tx, &placed).await.unwrap();
        let earlier = aerostack_core::time::Timestamp::from_millis(NOW.as_millis() - 1);
        store::install::insert(&mut tx, &install(&engineering.id, &github, "github", earlier)).await.unwrap();
        let state = store::workspace::state(&mut tx, &engineering.id).await.unwrap().unwrap();
        let slugs: Vec<_> = state.installs.iter().map(|found| found.install.slug.as_str()).collect();
        assert_eq!(slugs, ["github", "crm"]);
        store::skill_install::update_version(&mut tx, &placed.id, &second.id).await.unwrap();
        let moved =
            store::install::find_by_slug(&mut tx, &engineering.id, &slug("crm")).await.unwrap().unwrap();
        assert_eq!(moved.install.source, Source::Skill(second.id.clone()));
        assert_eq!(moved.skill.unwrap().version, second.version);
        tx.commit().await.unwrap();
        let mut tx = store.write().await.unwrap();
        let taken = store::install::insert(&mut tx, &install(&engineering.id, &github, "crm", NOW)).await;
        assert!(matches!(taken, Err(StoreError::Conflict)));
    })
    .await;
}
