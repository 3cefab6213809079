//! What a person does with skills, and who belongs to whose team.

use aerostack_core::api::operation::endpoint;
use aerostack_core::api::page::{Page, PageQuery};
use aerostack_core::api::skill::{
    InstallSkillRequest, InstalledSkillReply, PublishSkillRequest, PublishedSkill, SkillView,
    UpdateSkillRequest,
};
use aerostack_core::member::{Membership, TeamRole};
use aerostack_core::skill::Visibility;
use aerostack_core::slug::Slug;
use aerostack_gateway::app::Publication;
use aerostack_gateway::store;
use serde_json::json;

use crate::function::Function;
use crate::gateway::Gateway;
use crate::person::{Person, Said};

/// A manifest of a function.
///
/// # Panics
/// When name or version are none.
#[must_use]
pub fn manifest(name: &str, version: &str, function: &Function) -> PublishSkillRequest {
    let value = json!({
        "name": name,
        "version": version,
        "description": format!("What {name} does"),
        "tools": Function::tools(),
        "function_url": function.url(),
    });
    serde_json::from_value(value).expect("a manifest")
}

impl Person {
    /// Publishes a function as a skill of their own.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn publishes(&self, name: &str, visibility: Visibility, function: &Function) -> SkillView {
        let request =
            PublishSkillRequest { visibility: Some(visibility), ..manifest(name, "1.0.0", function) };
        self.orders_skill(&request).await.expect("a skill is published").skill
    }

    /// Asks to publish a skill.
    ///
    /// # Errors
    /// What the gateway says no with.
    pub async fn orders_skill(&self, request: &PublishSkillRequest) -> Said<PublishedSkill> {
        self.asks::<endpoint::PublishSkill>(&[], request).await
    }

    /// Changes who may use a skill of their own.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn shows_skill_to(&self, name: &str, visibility: Visibility) {
        let request = UpdateSkillRequest { visibility };
        self.asks::<endpoint::UpdateSkill>(&[name], &request).await.expect("the visibility changes");
    }

    /// Installs a skill into the workspace.
    ///
    /// # Errors
    /// What the gateway says no with.
    pub async fn installs_skill(&self, reference: &str) -> Said<InstalledSkillReply> {
        let request = InstallSkillRequest { skill: reference.to_owned(), alias: None };
        self.asks::<endpoint::InstallSkill>(&[&self.workspace], &request).await
    }

    /// The references of the skills they are listed.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn skills(&self) -> Vec<String> {
        let query = PageQuery { limit: Some(1_000), cursor: None };
        let page: Page<SkillView> =
            self.asks::<endpoint::ListSkills>(&[], &query).await.expect("skills are listed");
        page.items.iter().map(SkillView::reference).collect()
    }
}

impl Gateway {
    /// Lets a person into a team.
    ///
    /// # Panics
    /// When the database refuses it.
    pub async fn lets_join(&self, team: &Person, person: &Person, role: TeamRole) {
        self.changes_membership(team, person, Some(role)).await;
    }

    /// Puts a person out of a team.
    ///
    /// # Panics
    /// When the database refuses it.
    pub async fn lets_go(&self, team: &Person, person: &Person) {
        self.changes_membership(team, person, None).await;
    }

    /// In one order: the membership, and every workspace whose right to skills begins or ends by it.
    async fn changes_membership(&self, team: &Person, person: &Person, role: Option<TeamRole>) {
        let app = self.app();
        let mut order = app.order().await.expect("the lane is free");
        let mut ids = Vec::new();
        for person in [team, person] {
            let username = Slug::parse(&person.username).expect("a username");
            let found = store::account::find_by_username(&mut order.tx, &username).await;
            ids.push(found.expect("the database answers").expect("the account is there").id);
        }
        let (team, account) = (ids[0].clone(), ids[1].clone());
        match role {
            Some(role) => {
                let joined_at = app.clock.now();
                let membership = Membership { team: team.clone(), account: account.clone(), role, joined_at };
                store::member::put(&mut order.tx, &membership).await.expect("they join");
            }
            None => {
                store::member::delete(&mut order.tx, &team, &account).await.expect("they leave");
            }
        }
        let concerned = store::skill_install::workspaces_concerned(&mut order.tx, &team, &account).await;
        let mut publications = Vec::new();
        for workspace in concerned.expect("the database answers") {
            store::workspace::lock(&mut order.tx, &workspace).await.expect("it is locked");
            publications.push(Publication::Workspace(workspace));
        }
        order.commit(publications).await.expect("it is kept");
    }
}
