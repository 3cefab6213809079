//! Everybody a page is shown to: the owner of a team, its admin, its member, somebody with an account of
//! their own, and who runs the installation.

use aerostack_core::account::AccountKind;
use aerostack_core::member::{Membership, TeamRole};
use aerostack_core::plan::Plan;
use aerostack_core::slug::Slug;
use aerostack_gateway::store;

use crate::gateway::Gateway;
use crate::person::Person;

/// The people around the team `acme`, whose owner has a workspace `engineering`.
pub struct Crew {
    /// `acme`, who runs nothing but their own team.
    pub owner: Person,
    /// An admin of `acme`.
    pub admin: Person,
    /// A member of `acme`.
    pub member: Person,
    /// Has no part in `acme`.
    pub stranger: Person,
    /// Runs the installation, and is in no team.
    pub operator: Person,
}

impl Crew {
    /// Gathers them.
    ///
    /// # Panics
    /// When somebody is there already.
    pub async fn gather(gateway: &Gateway) -> Self {
        let mut owner = gateway.person("acme", "admin@co.com", Plan::Team, AccountKind::Person).await;
        owner.creates_workspace("Engineering").await;
        let crew = Self {
            owner,
            admin: gateway.somebody("anna", Plan::Pro).await,
            member: gateway.somebody("bob", Plan::Pro).await,
            stranger: gateway.somebody("globex", Plan::Pro).await,
            operator: gateway.person("root", "root@co.com", Plan::Team, AccountKind::Operator).await,
        };
        joins(gateway, &crew.owner, &crew.admin, TeamRole::Admin).await;
        joins(gateway, &crew.owner, &crew.member, TeamRole::Member).await;
        crew
    }

    /// Everybody, in the order owner, admin, member, stranger, operator.
    #[must_use]
    pub fn everybody(&self) -> [&Person; 5] {
        [&self.owner, &self.admin, &self.member, &self.stranger, &self.operator]
    }
}

async fn joins(gateway: &Gateway, owner: &Person, person: &Person, role: TeamRole) {
    let app = gateway.app();
    let mut tx = app.store.write().await.expect("the database writes");
    let mut ids = Vec::new();
    for username in [&owner.username, &person.username] {
        let username = Slug::parse(username).expect("a username");
        let found = store::account::find_by_username(&mut tx, &username).await.expect("the database reads");
        ids.push(found.expect("they have an account").id);
    }
    let (account, team) = (ids.remove(1), ids.remove(0));
    let membership = Membership { team, account, role, joined_at: app.clock.now() };
    store::member::put(&mut tx, &membership).await.expect("they are new in the team");
    tx.commit().await.expect("the membership is kept");
}
