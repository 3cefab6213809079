//! A hall with everything that a call finds in memory: a workspace with a server, and a thousand tokens.

use std::sync::Arc;
use std::sync::OnceLock;

use aerostack_core::account::{Account, AccountKind, Email};
use aerostack_core::id::{AccountId, InstallId, ServerId, WorkspaceId};
use aerostack_core::plan::{Plan, Seats};
use aerostack_core::server::{Auth, Install, Server, SessionMode, Source, parse_url};
use aerostack_core::slug::Slug;
use aerostack_core::time::Timestamp;
use aerostack_core::token::{self, TokenOrder};
use aerostack_core::workspace::{ToolPrefix, Workspace};
use aerostack_gateway::app::App;
use aerostack_gateway::clock::Clock;
use aerostack_gateway::config::Config;
use aerostack_gateway::store::{self, Store};
use aerostack_gateway::vault::Vault;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// When everything happens.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_773_746_100_000);
/// Tokens that are accepted.
const TOKENS: u32 = 1_000;

/// The hall, and what it stands on.
pub(crate) struct Hall {
    pub(crate) app: Arc<App>,
    /// The tokens' texts.
    pub(crate) tokens: Vec<String>,
    _runtime: Runtime,
    _folder: TempDir,
}

impl Hall {
    /// The one hall of all measurements.
    pub(crate) fn shared() -> &'static Self {
        static HALL: OnceLock<Hall> = OnceLock::new();
        HALL.get_or_init(Self::open)
    }

    fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let runtime = Runtime::new().expect("threads can be had");
        let config = Config::local(folder.path().to_owned());
        let (app, tokens) = runtime.block_on(async {
            let timeout = config.limits.database_timeout;
            let store = Store::open(&config.database, timeout).await.expect("a database can be made");
            store.migrate().await.expect("a new database is migrated");
            let tokens = furnish(&store).await.expect("a new database takes what is written");
            let app = App::start(config, store, Vault::new(&[7; 32]), Clock::manual(NOW)).await;
            (app.expect("the hall opens"), tokens)
        });
        Self { app, tokens, _runtime: runtime, _folder: folder }
    }
}

/// Writes an owner, a workspace with a server, and the tokens, whose texts it gives.
async fn furnish(store: &Store) -> Result<Vec<String>, store::StoreError> {
    let slug = |text: &str| Slug::parse(text).expect("it is a slug");
    let owner = Account {
        id: AccountId::new(NOW, &mut rand::rng()),
        email: Email::parse("acme@example.com").expect("it is an address"),
        email_verified: true,
        username: slug("acme"),
        plan: Plan::Enterprise,
        kind: AccountKind::Operator,
        revision: 1,
        created_at: NOW,
    };
    let workspace = Workspace {
        id: WorkspaceId::new(NOW, &mut rand::rng()),
        slug: slug("bench"),
        owner: owner.id.clone(),
        name: "bench".to_owned(),
        description: String::new(),
        tool_prefix: ToolPrefix::Always,
        revision: 1,
        created_at: NOW,
        deleted_at: None,
    };
    let server = Server {
        id: ServerId::new(NOW, &mut rand::rng()),
        owner: owner.id.clone(),
        slug: slug("mock"),
        // Nobody listens: calls are relayed by prefix, and none is sent.
        url: parse_url("http://127.0.0.1:9/mcp").expect("it is a URL"),
        stdio: None,
        auth: Auth::None,
        session: SessionMode::Shared,
        timeout: None,
        trusted: true,
        created_at: NOW,
    };
    let install = Install {
        id: InstallId::new(NOW, &mut rand::rng()),
        workspace: workspace.id.clone(),
        source: Source::Server(server.id.clone()),
        slug: slug("mock"),
        enabled: true,
        withdrawn: false,
        disabled_tools: Vec::new(),
        created_at: NOW,
    };
    let mut tx = store.write().await?;
    store::account::insert(&mut tx, &owner).await?;
    store::workspace::insert(&mut tx, &workspace).await?;
    store::server::insert(&mut tx, &server).await?;
    store::install::insert(&mut tx, &install).await?;
    let mut texts = Vec::new();
    for number in 0..TOKENS {
        let order = TokenOrder {
            workspace: workspace.id.clone(),
            name: format!("Bencher {number}"),
            person: None,
            expires_in: None,
            rate_limit_per_minute: None,
            created_by: owner.id.clone(),
        };
        let seats = Seats { used: 0, limit: None, plan: Plan::Enterprise };
        let issued = token::issue(order, seats, false, NOW, &mut rand::rng()).expect("a seat is free");
        store::token::insert(&mut tx, &issued.token).await?;
        texts.push(issued.raw.expose().to_owned());
    }
    tx.commit().await?;
    Ok(texts)
}
