//! The schema: which migrations the program has, and which the database has.
//!
//! The migrations are embedded, one folder per engine with the same names. They only ever go
//! forward. A database with a migration that the program does not know is newer than the program;
//! it is left alone.

use sqlx::migrate::{AppliedMigration, Migrate, Migrator};
use sqlx::{PgConnection, SqliteConnection};

use super::error::StoreError;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// Brings SQLite's schema up to date; gives the number of migrations it had to apply.
pub(super) async fn apply_sqlite(connection: &mut SqliteConnection) -> Result<usize, StoreError> {
    let exists = exists_sqlite(connection).await?;
    apply(&SQLITE, connection, exists).await
}

/// Brings PostgreSQL's schema up to date; gives the number of migrations it had to apply.
pub(super) async fn apply_postgres(connection: &mut PgConnection) -> Result<usize, StoreError> {
    let exists = exists_postgres(connection).await?;
    apply(&POSTGRES, connection, exists).await
}

/// Tells whether SQLite's schema is the program's.
pub(super) async fn is_current_sqlite(connection: &mut SqliteConnection) -> Result<bool, StoreError> {
    let exists = exists_sqlite(connection).await?;
    Ok(missing(&SQLITE, connection, exists).await? == 0)
}

/// Tells whether PostgreSQL's schema is the program's.
pub(super) async fn is_current_postgres(connection: &mut PgConnection) -> Result<bool, StoreError> {
    let exists = exists_postgres(connection).await?;
    Ok(missing(&POSTGRES, connection, exists).await? == 0)
}

pub(super) async fn apply<C: Migrate>(
    migrator: &Migrator,
    connection: &mut C,
    exists: bool,
) -> Result<usize, StoreError> {
    let missing = missing(migrator, connection, exists).await?;
    // Also with nothing missing: it refuses a migration that was applied with another text.
    migrator.run_direct(None, connection, false).await?;
    Ok(missing)
}

/// The number of the program's migrations that the database does not have.
async fn missing<C: Migrate>(
    migrator: &Migrator,
    connection: &mut C,
    exists: bool,
) -> Result<usize, StoreError> {
    let applied: Vec<AppliedMigration> =
        if exists { connection.list_applied_migrations(&migrator.table_name).await? } else { Vec::new() };
    if let Some(unknown) = applied.iter().find(|applied| !migrator.version_exists(applied.version)) {
        return Err(StoreError::SchemaIsNewer { version: unknown.version });
    }
    Ok(migrator.iter().filter(|known| applied.iter().all(|applied| applied.version != known.version)).count())
}

// Asked before the list of applied migrations, because asking for that would create its table, and
// a look at a database changes nothing.

async fn exists_sqlite(connection: &mut SqliteConnection) -> Result<bool, StoreError> {
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_master WHERE name = '_sqlx_migrations'")
        .fetch_one(connection)
        .await?;
    Ok(count > 0)
}

async fn exists_postgres(connection: &mut PgConnection) -> Result<bool, StoreError> {
    // In the schema where it would be made: another installation's may be on the search path as well.
    let table = "SELECT to_regclass(quote_ident(current_schema()) || '._sqlx_migrations') IS NOT NULL";
    Ok(sqlx::query_scalar(table).fetch_one(connection).await?)
}
