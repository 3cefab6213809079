//! The usual beginning of a story: a workspace `engineering`, a server installed as `desk`, and Alice,
//! who holds a token.

use crate::client::Caller;
use crate::gateway::Gateway;
use crate::person::Person;
use crate::story::{World, story};
use crate::upstream::{Setup, Upstream};

/// Tells a story on every engine there is, with each of these servers behind the gateway.
pub async fn story_behind(setups: &[Setup], tell: impl AsyncFn(&Scene)) {
    for setup in setups {
        story(async |world| tell(&Scene::set(world, setup.clone()).await).await).await;
    }
}

/// Everybody in their place.
pub struct Scene {
    /// The gateway.
    pub gateway: Gateway,
    /// Who administers.
    pub owner: Person,
    /// Who calls.
    pub alice: Caller,
    /// What stands behind, installed as `desk`.
    pub upstream: Upstream,
}

impl Scene {
    /// Sets it with the product's defaults.
    pub async fn set(world: &World, upstream: Setup) -> Self {
        Self::set_in(world.gateway().await, upstream).await
    }

    /// Sets it in a gateway that runs.
    pub async fn set_in(gateway: Gateway, upstream: Setup) -> Self {
        let mut owner = gateway.owner().await;
        owner.creates_workspace("engineering").await;
        let upstream = upstream.start().await;
        owner.installs("desk", &upstream).await;
        let alice = owner.creates_token("Alice Chen").await;
        Self { gateway, owner, alice, upstream }
    }
}
