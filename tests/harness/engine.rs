//! Where a story takes place: an empty database of one engine, and a folder of its own.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use aerostack_gateway::config::{Config, Database};
use secrecy::SecretString;
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

/// Names a PostgreSQL server where databases may be created.
pub const POSTGRES_VARIABLE: &str = "AEROSTACK_TEST_POSTGRES_URL";

/// A database engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// SQLite, in the place's folder.
    Sqlite,
    /// PostgreSQL, in a database of its own.
    Postgres,
}

/// An empty database and a folder.
#[derive(Debug)]
pub struct Place {
    /// The engine.
    pub engine: Engine,
    folder: TempDir,
    database: Option<PostgresDatabase>,
}

#[derive(Debug)]
struct PostgresDatabase {
    server: String,
    name: String,
    url: String,
}

impl Place {
    /// Makes one; `None` for PostgreSQL when no server is named.
    ///
    /// # Panics
    /// When folder or database cannot be made.
    pub async fn new(engine: Engine) -> Option<Self> {
        let database = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(PostgresDatabase::create(std::env::var(POSTGRES_VARIABLE).ok()?).await),
        };
        let folder = TempDir::new().expect("a temporary folder can be made");
        Some(Self { engine, folder, database })
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The product's defaults, at this place, on any free port.
    #[must_use]
    pub fn config(&self) -> Config {
        let mut config = Config::local(self.folder().join("data"));
        if let Some(database) = &self.database {
            config.database = Database::Postgres(SecretString::from(database.url.clone()));
        }
        config
    }

    /// The database as `--database-url` takes it.
    #[must_use]
    pub fn database_url(&self) -> String {
        match &self.database {
            Some(database) => database.url.clone(),
            None => format!("sqlite:{}", self.folder().join("data/aerostack.db").display()),
        }
    }

    /// Drops the database. The folder goes with the place.
    pub async fn clear(self) {
        if let Some(database) = self.database {
            let statement = format!("DROP DATABASE {} WITH (FORCE)", database.name);
            administer(&database.server, statement).await;
        }
    }
}

impl PostgresDatabase {
    async fn create(server: String) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("aerostack_story_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        administer(&server, format!("CREATE DATABASE {name}")).await;
        let mut url: url::Url = server.parse().expect("the variable holds an address");
        url.set_path(&name);
        Self { url: url.to_string(), server, name }
    }
}

async fn administer(server: &str, statement: String) {
    let mut connection = PgConnection::connect(server).await.expect("the PostgreSQL server is reached");
    let done = sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await;
    done.expect("databases may be made and dropped");
}
