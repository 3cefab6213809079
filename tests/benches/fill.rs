//! `fill`: rows for a gateway's SQLite that would take too long to make one by one. The gateway has
//! made the database, is not running, and opens it afterwards.
//!
//! What is there serves as the pattern: tokens belong to a workspace that has one already, and further
//! workspaces have what that one has installed, with the lists that its servers gave. Tokens are such
//! as the gateway issues; nothing tells them from its own but that the audit log knows nothing of them.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use aerostack_core::bearer::{RawToken, TokenKind, label};
use aerostack_core::id::{InstallId, TokenId, WorkspaceId};
use aerostack_core::time::Timestamp;
use anyhow::{Context, Result, ensure};
use rand::SeedableRng;
use rand::rngs::StdRng;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection, Row, SqliteTransaction};

/// What every token is called, before its number.
const NAME: &str = "Filler";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The gateway's database
    #[arg(long)]
    database: PathBuf,
    /// The workspace that serves as the pattern
    #[arg(long)]
    workspace: String,
    /// Tokens that are added to it
    #[arg(long, default_value_t = 0)]
    tokens: u32,
    /// Workspaces that are added, each with one token
    #[arg(long, default_value_t = 0)]
    workspaces: u32,
    /// How many of the tokens are told, evenly spread, each with the path that it opens
    #[arg(long, default_value_t = 100)]
    told: u32,
}

/// The workspace that others are made after.
struct Pattern {
    id: String,
    owner: String,
}

/// Fills, and prints tokens.
pub(crate) async fn run(args: Args) -> Result<()> {
    for (token, path) in fill(&args).await? {
        println!("{token} {path}");
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "rows are dated by the machine's clock")]
fn now() -> Result<Timestamp> {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).context("it is later than 1970")?;
    Ok(Timestamp::from_millis(i64::try_from(since_1970.as_millis())?))
}

async fn fill(args: &Args) -> Result<Vec<(String, String)>> {
    ensure!(args.tokens == 0 || args.workspaces == 0, "tokens are added, or workspaces");
    let options = SqliteConnectOptions::new().filename(&args.database);
    let mut connection = SqliteConnection::connect_with(&options).await.context("the database opens")?;
    let mut tx = connection.begin().await?;
    let found = sqlx::query("SELECT id, owner_id FROM workspaces WHERE slug = $1");
    let found = found.bind(&args.workspace).fetch_one(&mut *tx).await.context("the workspace is there")?;
    let pattern = Pattern { id: found.try_get("id")?, owner: found.try_get("owner_id")? };
    let now = now()?;
    // Every gateway that is filled has the same tokens; it is open to nobody else.
    let mut rng = StdRng::seed_from_u64(7);
    let count = args.tokens.max(args.workspaces);
    let each = (count / args.told.max(1)).max(1);
    let mut told = Vec::new();
    for number in 0..count {
        let (workspace, slug) = if args.workspaces > 0 {
            let slug = format!("more-{number:06}");
            (add_workspace(&mut tx, &pattern, &slug, now, &mut rng).await?, slug)
        } else {
            (pattern.id.clone(), args.workspace.clone())
        };
        let token = add_token(&mut tx, &pattern.owner, &workspace, number, now, &mut rng).await?;
        if number.is_multiple_of(each) {
            told.push((token, format!("/ws/{slug}")));
        }
    }
    tx.commit().await?;
    connection.close().await?;
    Ok(told)
}

async fn add_token(
    tx: &mut SqliteTransaction<'_>,
    owner: &str,
    workspace: &str,
    number: u32,
    now: Timestamp,
    rng: &mut StdRng,
) -> Result<String> {
    let name = format!("{NAME} {number:07}");
    let token = RawToken::generate(TokenKind::Workspace, &label(&name), rng);
    let insert = "INSERT INTO tokens (id, workspace_id, name, digest, takes_seat, created_by, created_at_ms)
                  VALUES ($1, $2, $3, $4, 1, $5, $6)";
    let insert = sqlx::query(insert).bind(TokenId::new(now, rng).as_str().to_owned()).bind(workspace);
    let insert = insert.bind(name).bind(token.digest().as_bytes().to_vec()).bind(owner);
    insert.bind(now.as_millis()).execute(&mut **tx).await?;
    // A token that lasts takes a seat, and those are not counted one by one.
    let seat = "UPDATE workspaces SET lasting_seats = lasting_seats + 1 WHERE id = $1";
    sqlx::query(seat).bind(workspace).execute(&mut **tx).await?;
    Ok(token.expose().to_owned())
}

/// A workspace with everything that the pattern has installed; gives its id.
async fn add_workspace(
    tx: &mut SqliteTransaction<'_>,
    pattern: &Pattern,
    slug: &str,
    now: Timestamp,
    rng: &mut StdRng,
) -> Result<String> {
    let id = WorkspaceId::new(now, rng).as_str().to_owned();
    let insert = "INSERT INTO workspaces
                      (id, slug, owner_id, name, description, tool_prefix, revision, created_at_ms)
                  SELECT $1, $2, owner_id, $2, description, tool_prefix, 1, $3 FROM workspaces WHERE id = $4";
    let insert = sqlx::query(insert).bind(&id).bind(slug).bind(now.as_millis());
    insert.bind(&pattern.id).execute(&mut **tx).await?;
    let installs = sqlx::query("SELECT id FROM installs WHERE workspace_id = $1 ORDER BY id");
    for install in installs.bind(&pattern.id).fetch_all(&mut **tx).await? {
        let like: String = install.try_get("id")?;
        let copy = InstallId::new(now, rng).as_str().to_owned();
        let insert =
            "INSERT INTO installs (id, workspace_id, server_id, slug, enabled, disabled_tools, created_at_ms)
                      SELECT $1, $2, server_id, slug, enabled, disabled_tools, created_at_ms
                      FROM installs WHERE id = $3";
        sqlx::query(insert).bind(&copy).bind(&id).bind(&like).execute(&mut **tx).await?;
        let insert = "INSERT INTO install_lists (install_id, offers, listed_at_ms)
                      SELECT $1, offers, listed_at_ms FROM install_lists WHERE install_id = $2";
        sqlx::query(insert).bind(&copy).bind(&like).execute(&mut **tx).await?;
    }
    Ok(id)
}

#[cfg(test)]
mod tests {
    use aerostack_core::bearer::is_well_formed;

    use super::*;

    /// What `fill` names of the gateway's tables.
    const TABLES: [&str; 4] = [
        "CREATE TABLE workspaces (id TEXT, slug TEXT UNIQUE, owner_id TEXT, name TEXT, description TEXT,
                                  tool_prefix TEXT, revision BIGINT, created_at_ms BIGINT,
                                  lasting_seats BIGINT DEFAULT 0)",
        "CREATE TABLE tokens (id TEXT UNIQUE, workspace_id TEXT, name TEXT, digest BLOB UNIQUE, takes_seat BIGINT,
                              created_by TEXT, created_at_ms BIGINT)",
        "CREATE TABLE installs (id TEXT UNIQUE, workspace_id TEXT, server_id TEXT, slug TEXT, enabled BIGINT,
                                disabled_tools TEXT, created_at_ms BIGINT)",
        "CREATE TABLE install_lists (install_id TEXT UNIQUE, offers TEXT, listed_at_ms BIGINT)",
    ];

    async fn filled(tokens: u32, workspaces: u32) -> (Vec<(String, String)>, [i64; 4], i64) {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("some.db");
        let options = SqliteConnectOptions::new().filename(&database).create_if_missing(true);
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        for table in TABLES {
            sqlx::query(table).execute(&mut connection).await.unwrap();
        }
        for row in [
            "INSERT INTO workspaces VALUES ('ws_1', 'bench', 'acc_1', 'Bench', '', 'always', 1, 1, 0)",
            "INSERT INTO installs VALUES ('ins_1', 'ws_1', 'srv_1', 'mock', 1, '[]', 1)",
            "INSERT INTO install_lists VALUES ('ins_1', '{}', 1)",
        ] {
            sqlx::query(row).execute(&mut connection).await.unwrap();
        }
        let args = Args { database, workspace: "bench".to_owned(), tokens, workspaces, told: 10 };
        let told = fill(&args).await.unwrap();
        let count = |table: &str| format!("SELECT COUNT(*) FROM {table}");
        let mut counts = [0; 4];
        for (place, table) in ["workspaces", "tokens", "installs", "install_lists"].into_iter().enumerate() {
            let sql = sqlx::AssertSqlSafe(count(table));
            counts[place] = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
        }
        let seats = "SELECT SUM(lasting_seats) FROM workspaces";
        (told, counts, sqlx::query_scalar(seats).fetch_one(&mut connection).await.unwrap())
    }

    #[tokio::test]
    async fn tokens_are_added_to_the_workspace_and_some_are_told() {
        let (told, counts, seats) = filled(100, 0).await;
        assert_eq!((told.len(), counts, seats), (10, [1, 100, 1, 1], 100));
        assert!(
            told.iter()
                .all(|(token, path)| is_well_formed(TokenKind::Workspace, token) && path == "/ws/bench")
        );
    }

    #[tokio::test]
    async fn workspaces_have_what_the_pattern_has_and_a_token_each() {
        let (told, counts, seats) = filled(0, 3).await;
        let paths: Vec<&str> = told.iter().map(|(_, path)| path.as_str()).collect();
        assert_eq!(paths, ["/ws/more-000000", "/ws/more-000001", "/ws/more-000002"]);
        assert_eq!((counts, seats), ([4, 3, 4, 4], 3));
    }
}
