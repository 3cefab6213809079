//! One suite for two engines: a test is given a fresh, migrated database on SQLite, and once more on
//! PostgreSQL when `AEROSTACK_TEST_POSTGRES_URL` names a server where databases may be created.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use secrecy::SecretString;
use sqlx::{Connection, PgConnection};

use super::Store;
use crate::config::Database;

const POSTGRES_URL: &str = "AEROSTACK_TEST_POSTGRES_URL";
/// How long a test waits for a connection.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);

/// Runs a test on every engine there is, one after the other.
pub(crate) async fn on_both_engines<F, Fut>(test: F)
where
    F: Fn(Store) -> Fut,
    Fut: Future<Output = ()>,
{
    on_both_databases(|database| {
        let test = &test;
        async move {
            let store = Store::open(&database, TIMEOUT).await.unwrap();
            store.migrate().await.unwrap();
            test(store.clone()).await;
            store.close().await;
        }
    })
    .await;
}

/// The same for tests that open the (empty) database themselves.
pub(crate) async fn on_both_databases<F, Fut>(test: F)
where
    F: Fn(Database) -> Fut,
    Fut: Future<Output = ()>,
{
    let folder = tempfile::tempdir().unwrap();
    test(Database::Sqlite(folder.path().join("test.db"))).await;
    let Ok(url) = std::env::var(POSTGRES_URL) else {
        return;
    };
    let name = database_name();
    administer(&url, format!("CREATE DATABASE {name}")).await;
    let mut address: url::Url = url.parse().unwrap();
    address.set_path(&name);
    test(Database::Postgres(SecretString::from(address.to_string()))).await;
    administer(&url, format!("DROP DATABASE {name} WITH (FORCE)")).await;
}

fn database_name() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("aerostack_test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

async fn administer(url: &str, statement: String) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// Rows to begin with: an account, a workspace of it, and what makes more of both.
pub(crate) mod sample {
    use aerostack_core::account::{Account, AccountKind, Email};
    use aerostack_core::id::{AccountId, InstallId, ServerId, SkillId, SkillVersionId, WorkspaceId};
    use aerostack_core::manifest::{Backing, ManifestTool};
    use aerostack_core::plan::{Plan, Seats};
    use aerostack_core::server::{Auth, Install, Server, SessionMode, Source, parse_url};
    use aerostack_core::skill::{Skill, SkillVersion, Visibility};
    use aerostack_core::slug::Slug;
    use aerostack_core::time::Timestamp;
    use aerostack_core::token::{self, Token, TokenOrder};
    use aerostack_core::workspace::{ToolPrefix, Workspace};

    use crate::store::{self, Store};

    /// When every test happens.
    pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_773_746_100_000);

    pub(crate) fn slug(text: &str) -> Slug {
        Slug::parse(text).unwrap()
    }

    /// An account with a username and an address made of it.
    pub(crate) fn account(username: &str, kind: AccountKind) -> Account {
        Account {
            id: AccountId::new(NOW, &mut rand::rng()),
            email: Email::parse(&format!("{username}@co.com")).unwrap(),
            email_verified: true,
            username: slug(username),
            plan: Plan::Pro,
            kind,
            revision: 1,
            created_at: NOW,
        }
    }

    /// A workspace of an account.
    pub(crate) fn workspace(owner: &AccountId, text: &str) -> Workspace {
        Workspace {
            id: WorkspaceId::new(NOW, &mut rand::rng()),
            slug: slug(text),
            owner: owner.clone(),
            name: text.to_owned(),
            description: String::new(),
            tool_prefix: ToolPrefix::Always,
            revision: 1,
            created_at: NOW,
            deleted_at: None,
        }
    }

    /// An active token.
    pub(crate) fn token(workspace: &Workspace, name: &str) -> Token {
        let order = TokenOrder {
            workspace: workspace.id.clone(),
            name: name.to_owned(),
            person: None,
            expires_in: None,
            rate_limit_per_minute: None,
            created_by: workspace.owner.clone(),
        };
        let seats = Seats { used: 0, limit: None, plan: Plan::Enterprise };
        token::issue(order, seats, false, NOW, &mut rand::rng()).unwrap().token
    }

    /// A server of an account's catalogue.
    pub(crate) fn server(owner: &AccountId, text: &str) -> Server {
        Server {
            id: ServerId::new(NOW, &mut rand::rng()),
            owner: owner.clone(),
            slug: slug(text),
            url: parse_url(&format!("https://{text}.test/mcp")).unwrap(),
            stdio: None,
            auth: Auth::None,
            session: SessionMode::Shared,
            timeout: Some(std::time::Duration::from_secs(7)),
            trusted: false,
            created_at: NOW,
        }
    }

    /// A server installed into a workspace.
    pub(crate) fn install(workspace: &WorkspaceId, server: &Server, text: &str, at: Timestamp) -> Install {
        Install {
            id: InstallId::new(at, &mut rand::rng()),
            workspace: workspace.clone(),
            source: Source::Server(server.id.clone()),
            slug: slug(text),
            enabled: true,
            withdrawn: false,
            disabled_tools: Vec::new(),
            created_at: at,
        }
    }

    /// A skill of an account.
    pub(crate) fn skill(owner: &AccountId, name: &str, visibility: Visibility) -> Skill {
        Skill {
            id: SkillId::new(NOW, &mut rand::rng()),
            owner: owner.clone(),
            name: slug(name),
            visibility,
            created_at: NOW,
        }
    }

    /// A version of a skill, backed by a function.
    pub(crate) fn skill_version(skill: &Skill, version: &str) -> SkillVersion {
        let tool = ManifestTool {
            name: "find".to_owned(),
            description: "Finds\0people".to_owned(),
            input_schema: serde_json::json!({ "type": "object" }),
        };
        SkillVersion {
            id: SkillVersionId::new(NOW, &mut rand::rng()),
            skill: skill.id.clone(),
            version: version.parse().unwrap(),
            description: format!("Finds 100% of people, {version}"),
            backing: Backing::Function(parse_url("https://fn.test/crm").unwrap()),
            tools: vec![tool],
            trusted: true,
            published_at: NOW,
            yanked_at: None,
        }
    }

    /// A version of a skill installed into a workspace.
    pub(crate) fn skill_install(workspace: &WorkspaceId, version: &SkillVersion, text: &str) -> Install {
        Install {
            id: InstallId::new(NOW, &mut rand::rng()),
            workspace: workspace.clone(),
            source: Source::Skill(version.id.clone()),
            slug: slug(text),
            enabled: true,
            withdrawn: false,
            disabled_tools: Vec::new(),
            created_at: NOW,
        }
    }

    /// The account `acme` with the workspace `engineering`, committed.
    pub(crate) async fn acme(store: &Store) -> (Account, Workspace) {
        let owner = account("acme", AccountKind::Person);
        let workspace = workspace(&owner.id, "engineering");
        let mut tx = store.write().await.unwrap();
        store::account::insert(&mut tx, &owner).await.unwrap();
        store::workspace::insert(&mut tx, &workspace).await.unwrap();
        tx.commit().await.unwrap();
        (owner, workspace)
    }
}
