//! A reader that stops reading does not keep open what its token opened.

use std::time::{Duration, Instant};

use aerostack_core::api::token::CreateTokenRequest;
use aerostack_tests::client::{Caller, rpc};
use aerostack_tests::person::token_named;
use aerostack_tests::scene::Scene;
use aerostack_tests::story::{rounds, story};
use aerostack_tests::upstream::{Answers, Sessions, Setup, Tool};
use aerostack_tests::wire::Wire;
use serde_json::json;

use super::revocation::assert_within_grace;

/// More than sockets and the gateway together take of an answer that nobody reads.
const MUCH_KIB: usize = 12 * 1_024;
/// The same of a list, which may have less.
const LIST_KIB: usize = 7 * 1_024;
/// So long that what ends a connection in a story is something else.
const NEVER: Duration = Duration::from_secs(3_600);

/// What a reader stops reading.
#[derive(Clone, Copy, Debug)]
enum Reads {
    /// A large answer that streams through as JSON.
    Json,
    /// The same, which the server sends as an event stream.
    Events,
    /// The transport of 2024-11-05.
    OldSse,
    /// An answer that was gathered in memory.
    Batch,
    /// A list for other models' interfaces.
    Definitions,
}

const ALL: [Reads; 5] = [Reads::Json, Reads::Events, Reads::OldSse, Reads::Batch, Reads::Definitions];

impl Reads {
    /// What stands behind the gateway.
    fn setup(self) -> Setup {
        let answers = if matches!(self, Self::Events) { Answers::Stream } else { Answers::Json };
        let setup = Setup::legacy().sessions(Sessions::None).answers(answers);
        if !matches!(self, Self::Definitions) {
            return setup;
        }
        let schema = json!({ "type": "object", "description": "x".repeat(LIST_KIB * 1_024) });
        setup.tools([Tool::echo().with("inputSchema", schema)])
    }

    /// Opens it, reads its head and no more, and waits until no more fits on the way.
    async fn opens(self, caller: &Caller) -> Wire {
        let big = |kib: usize| json!({ "name": "desk__big", "arguments": { "kib": kib } });
        let call = rpc(1, "tools/call", &big(MUCH_KIB));
        let mut wire = Wire::open_narrow(caller.address).await;
        let bytes = match self {
            Self::Json | Self::Events => caller.bytes("POST", &call),
            Self::OldSse => caller.at(format!("{}/sse", caller.path)).bytes("GET", ""),
            Self::Definitions => caller.at(format!("{}/openai-tools", caller.path)).bytes("GET", ""),
            Self::Batch => {
                let half = rpc(1, "tools/call", &big(MUCH_KIB / 2));
                caller.bytes("POST", &format!("[{half},{half}]"))
            }
        };
        wire.write(&bytes).await.unwrap();
        assert_eq!(wire.head().await.unwrap().status, 200);
        if matches!(self, Self::OldSse) {
            let endpoint = wire.piece().await.unwrap().unwrap();
            let endpoint = String::from_utf8_lossy(&endpoint);
            let address = endpoint.trim_end().rsplit("data: ").next().unwrap();
            assert_eq!(caller.at(address).posts(&call).await.status(), 202);
        }
        wire.until_full().await;
        wire
    }
}

#[tokio::test]
async fn prove_a_reader_that_stops_reading_is_cut_off_when_its_token_is_revoked() {
    for reads in ALL {
        story(async |world| {
            let gateway = world.gateway_with(|config| config.limits.write_timeout = NEVER).await;
            let scene = Scene::set_in(gateway, reads.setup()).await;
            let mut figures = Vec::new();
            for _ in 0..rounds(1, 40) {
                let caller = scene.owner.creates_token("Stops Reading").await;
                let mut wire = reads.opens(&caller).await;
                scene.owner.revokes(&caller.id).await.unwrap();
                let revoked_at = Instant::now();
                wire.until_closed().await;
                figures.push(revoked_at.elapsed());
            }
            assert_within_grace(
                world,
                &format!("{reads:?} that nobody reads ended after a revoke"),
                &figures,
            );
        })
        .await;
    }
}

#[tokio::test]
async fn a_reader_that_stops_reading_is_cut_off_when_its_token_expires_and_no_other_is() {
    story(async |world| {
        let mut gateway = world.gateway_out_of_time().await;
        gateway.stops().await;
        gateway.config.limits.write_timeout = NEVER;
        gateway.starts().await;
        let scene = Scene::set_in(gateway, Reads::Json.setup()).await;
        let order = CreateTokenRequest { expires_in: Some(60), ..token_named("Demo") };
        let demo = scene.owner.caller(&scene.owner.orders_token(&order).await.unwrap());
        let mut alices = Reads::Json.opens(&scene.alice).await;
        let mut demos = Reads::Json.opens(&demo).await;
        scene.gateway.clock.advance(Duration::from_secs(60));
        demos.until_closed().await;
        // Hers waits for her as long as she likes.
        let answer = alices.rest().await.unwrap();
        assert!(answer.len() > MUCH_KIB * 1_024, "{}", answer.len());
    })
    .await;
}
