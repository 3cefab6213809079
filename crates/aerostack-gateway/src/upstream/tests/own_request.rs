//! What the gateway asks a server on its own account.

use super::super::Target;
use super::super::credential::tests::holding;
use super::super::message::set_level;
use super::super::target::Caller;
use super::super::testing::{Server, json, target};
use super::plays::{client_of, with_sessions};

#[tokio::test]
async fn what_a_server_says_to_the_gateways_own_requests_is_told_without_secrets() {
    let refusal = r#"{"jsonrpc":"2.0","id":ID,"error":{"code":-32000,"message":"bad ghp_value"}}"#;
    let server = Server::start(with_sessions(move |seen| json(refusal.replace("ID", &seen.id())))).await;
    let client = client_of(Target { credential: holding(&[("KEY", "ghp_value")]), ..target(&server) });
    let lease = client.pool().lease(&Caller::Gateway).await.unwrap();
    let told = lease.session().ask(set_level(7, "info"), 7).await.unwrap_err();
    assert!(told.contains("bad [secret]"), "{told}");
}
