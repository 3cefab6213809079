//! What the stories here begin with: a gateway, its owner, a workspace with a server, and a browser.

use aerostack_core::api::member::InviteWorkspaceMemberRequest;
use aerostack_core::api::operation::endpoint;
use aerostack_core::api::page::Empty;
use aerostack_core::api::team::InviteRequest;
use aerostack_core::api::token::CreateTokenRequest;
use aerostack_core::member::TeamRole;
use aerostack_core::plan::Plan;
use aerostack_core::skill::Visibility;
use aerostack_tests::chromium::{Chromium, Tab};
use aerostack_tests::client::Caller;
use aerostack_tests::function::Function;
use aerostack_tests::gateway::Gateway;
use aerostack_tests::person::{Person, token_named};
use aerostack_tests::story::World;
use aerostack_tests::upstream::{Setup, Upstream};
use serde_json::json;

/// The pages of the workspace.
pub(super) const ENGINEERING: &str = "/workspaces/engineering";

/// Everything in its place.
pub(super) struct Desk {
    /// A browser nobody uses yet.
    pub(super) chromium: Chromium,
    /// The gateway, with the machine's clock: scripts of pages look at it too.
    pub(super) gateway: Gateway,
    /// Who owns the workspace `engineering`.
    pub(super) owner: Person,
    /// What is installed in it as `desk`.
    _upstream: Upstream,
}

impl Desk {
    /// Sets it.
    pub(super) async fn set(world: &World) -> Self {
        let chromium = Chromium::starts().await;
        let gateway = world.gateway().await;
        let mut owner = gateway.owner().await;
        owner.creates_workspace("Engineering").await;
        let upstream = Setup::modern().start().await;
        owner.installs("desk", &upstream).await;
        Self { chromium, gateway, owner, _upstream: upstream }
    }

    /// A tab of somebody who is not signed in.
    pub(super) async fn stranger(&self) -> Tab {
        self.chromium.tab(&self.gateway.url()).await
    }

    /// A tab of somebody who is signed in.
    pub(super) async fn tab_of(&self, person: &Person) -> Tab {
        let tab = self.stranger().await;
        tab.opens(&sign_in_link(person).await).await;
        tab.presses("Sign in").await;
        tab.reads("Workspaces").await;
        tab
    }

    /// Whoever holds a token.
    pub(super) fn caller(&self, token: &str) -> Caller {
        let (address, path) = (self.gateway.address(), "/ws/engineering".to_owned());
        Caller { address, path, token: token.to_owned(), id: String::new(), headers: Vec::new() }
    }

    /// Puts some of everything into the workspace and around it; gives what stands in the addresses of pages.
    pub(super) async fn filled(&self) -> Vec<(&'static str, String)> {
        let (owner, upstream, function) =
            (&self.owner, Setup::modern().start().await, Function::starts().await);
        owner.installs_with("vault", &upstream, "bearer:API_KEY").await;
        owner.sets_secret("API_KEY", "vault", "swordfish").await;
        owner.publishes("deploy", Visibility::Team, &function).await;
        owner.installs_skill("@acme/deploy").await.unwrap();
        let alice = owner.creates_token("Alice Chen").await;
        let tied = CreateTokenRequest {
            person: Some("bob@example.com".parse().unwrap()),
            expires_in: Some(86_400),
            rate_limit_per_minute: Some(30),
            ..token_named("Bob Singh (new laptop)")
        };
        owner.orders_token(&tied).await.unwrap();
        let gone = owner.creates_token("CI Bot").await;
        owner.revokes(&gone.id).await.unwrap();
        for text in ["hello", "again"] {
            alice.calls("desk__echo", json!({ "text": text })).await;
        }
        let bob = self.gateway.somebody("bob", Plan::Pro).await;
        self.gateway.lets_join(owner, &bob, TeamRole::Member).await;
        let dave = InviteWorkspaceMemberRequest { email: "dave@example.com".parse().unwrap() };
        owner.asks::<endpoint::InviteWorkspaceMember>(&[&owner.workspace], &dave).await.unwrap();
        let erin = InviteRequest { email: "erin@example.com".parse().unwrap(), role: TeamRole::Admin };
        let join = owner.asks::<endpoint::InviteMember>(&[], &erin).await.unwrap().link.unwrap();
        vec![("{token}", alice.id), ("{join}", join), ("{sign-in}", sign_in_link(owner).await)]
    }
}

/// A link that signs a person in once.
pub(super) async fn sign_in_link(person: &Person) -> String {
    person.asks::<endpoint::CreateSignInLink>(&[], &Empty {}).await.unwrap().url
}
