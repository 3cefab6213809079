//! PostgreSQL breaks connections: the one that holds the right to serve, or one in the midst of a commit.

use aerostack_core::api::error::ErrorCode;
use aerostack_gateway::clock::Clock;
use aerostack_gateway::commands::serve::{self, Running};
use aerostack_tests::engine::Engine;
use aerostack_tests::patience::eventually;
use aerostack_tests::scene::Scene;
use aerostack_tests::story::{World, story};
use aerostack_tests::upstream::Setup;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Tells a story on PostgreSQL alone: SQLite has no connections that could break.
async fn story_on_postgres(tell: impl AsyncFn(&World)) {
    story(async |world| {
        if world.place.engine == Engine::Postgres {
            tell(world).await;
        }
    })
    .await;
}

async fn database_does(world: &World, text: &str) {
    let mut connection = PgConnection::connect(&world.place.database_url()).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// Breaks the session that holds the right to serve, and starts another gateway before the first one
/// has taken it again.
async fn takes_over(world: &World) -> Running {
    let breaks = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name LIKE 'aerostack/%'";
    loop {
        database_does(world, breaks).await;
        if let Ok(running) = serve::start(world.place.config(), Clock::system()).await {
            return running;
        }
    }
}

#[tokio::test]
async fn a_gateway_that_is_taken_over_accepts_nothing_that_the_next_one_has_revoked() {
    story_on_postgres(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let (first, alice) = (&scene.gateway, &scene.alice);
        let second = takes_over(world).await;
        let owner = scene.owner.at(second.address);
        let moved = owner.creates_token("Bob").await;
        assert_eq!(moved.asks("ping", json!({})).await.status(), 200);
        owner.revokes("name:Alice Chen").await.unwrap();
        let late = alice.asks("ping", json!({})).await;
        assert_eq!((late.status(), late.error_code()), (503, Some(-32005)), "the first one is closed");
        // Nor does it change anything any more, noticed or not.
        let refused = first.app().store.write().await.err().map(|error| error.to_string());
        assert_eq!(refused.as_deref(), Some("another gateway has taken this database over"));
        second.stop().await;
    })
    .await;
}

/// Has every commit that touches a table break its connection.
fn breaking(table: &str) -> String {
    format!(
        "CREATE FUNCTION breaks() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';
         CREATE CONSTRAINT TRIGGER breaks AFTER INSERT OR UPDATE ON {table} DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION breaks();"
    )
}

#[tokio::test]
async fn a_revocation_in_doubt_ends_everything_and_is_undone_when_it_did_not_happen() {
    story_on_postgres(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let hello = json!({ "text": "hi" });
        assert_eq!(scene.alice.calls("desk__echo", hello.clone()).await.status(), 200);
        let session = scene.upstream.calls()[0].header("mcp-session-id").unwrap().to_owned();
        database_does(world, &breaking("tokens")).await;
        let refused = scene.owner.revokes("name:Alice Chen").await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::OutcomeUnknown);
        scene
            .upstream
            .until("the session is ended", |seen| {
                seen.requests().iter().any(|request| {
                    request.method == http::Method::DELETE
                        && request.header("mcp-session-id") == Some(session.as_str())
                })
            })
            .await;
        eventually("it is let in again", async || {
            scene.alice.calls("desk__echo", hello.clone()).await.status() == 200
        })
        .await;
        database_does(world, "DROP FUNCTION breaks CASCADE").await;
        scene.owner.revokes("name:Alice Chen").await.unwrap();
        assert_eq!(scene.alice.calls("desk__echo", hello).await.status(), 401);
    })
    .await;
}
