//! A gateway in process, on a port of its own, which can be stopped and started on the same data.

use std::net::SocketAddr;
use std::sync::Arc;

use aerostack_core::account::{Account, AccountKind, Email, issue_key};
use aerostack_core::id::AccountId;
use aerostack_core::plan::Plan;
use aerostack_core::slug::Slug;
use aerostack_gateway::app::App;
use aerostack_gateway::clock::Clock;
use aerostack_gateway::commands::serve::{self, Running};
use aerostack_gateway::config::Config;
use aerostack_gateway::store;

use crate::person::Person;

/// A gateway, running or stopped.
pub struct Gateway {
    /// Its settings.
    pub config: Config,
    /// Its time.
    pub clock: Clock,
    running: Option<Running>,
}

impl Gateway {
    /// Starts one.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(config: Config, clock: Clock) -> Self {
        let mut gateway = Self { config, clock, running: None };
        gateway.starts().await;
        gateway
    }

    /// Starts it on the data it was stopped on.
    ///
    /// # Panics
    /// When it runs already or does not start.
    pub async fn starts(&mut self) {
        assert!(self.running.is_none(), "the gateway runs already");
        let running = serve::start(self.config.clone(), self.clock.clone()).await;
        self.running = Some(running.expect("the gateway starts"));
    }

    /// Drains and stops it.
    pub async fn stops(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }

    /// Stops and starts it. It listens on another port afterwards.
    pub async fn restarts(&mut self) {
        self.stops().await;
        self.starts().await;
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.running().address
    }

    /// Its address as a person types it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Its inside.
    #[must_use]
    pub fn app(&self) -> &Arc<App> {
        &self.running().app
    }

    /// An operator on the Team plan: `acme`, `admin@co.com`.
    pub async fn owner(&self) -> Person {
        self.person("acme", "admin@co.com", Plan::Team, AccountKind::Operator).await
    }

    /// The same on another plan.
    pub async fn owner_on(&self, plan: Plan) -> Person {
        self.person("acme", "admin@co.com", plan, AccountKind::Operator).await
    }

    /// Somebody else with an account, who is no operator.
    pub async fn somebody(&self, username: &str, plan: Plan) -> Person {
        self.person(username, &format!("{username}@example.com"), plan, AccountKind::Person).await
    }

    /// Makes an account and a key for it, as `owner create` does.
    ///
    /// # Panics
    /// When the account exists.
    pub async fn person(&self, username: &str, email: &str, plan: Plan, kind: AccountKind) -> Person {
        let app = self.app();
        let (now, mut rng) = (app.clock.now(), app.rng());
        let account = Account {
            id: AccountId::new(now, &mut rng),
            email: Email::parse(email).expect("an address"),
            email_verified: true,
            username: Slug::parse(username).expect("a username"),
            plan,
            kind,
            revision: 0,
            created_at: now,
        };
        let issued = issue_key(account.id.clone(), "story", now, &mut rng).expect("a name");
        let mut tx = app.store.write().await.expect("the database writes");
        store::account::insert(&mut tx, &account).await.expect("the account is new");
        store::account::insert_key(&mut tx, &issued.key).await.expect("the key is new");
        tx.commit().await.expect("the account is kept");
        Person::new(self.address(), username, issued.raw.expose(), self.clock.clone())
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("the gateway runs")
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.app.begin_drain();
            running.app.stopping.cancel();
        }
    }
}
