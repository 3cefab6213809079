//! Other people's clients against our gateway, with other people's servers behind it.
//!
//! The official SDKs of both major lines connect to a running gateway, each in every era it has; they
//! list, call, call at once, follow progress, hear of changes, and lose access. `cargo xtask test`
//! installs them into `.cache` and runs this; by itself it is ignored, because Cargo alone has neither
//! Node nor Python.

mod bearer;
mod client;
mod conformance;
mod plan;
mod program;
mod table;
mod world;

use client::Client;
use world::World;

#[test]
#[ignore = "needs the packages that `cargo xtask test` installs"]
fn the_official_suite_passes_in_every_crossing() {
    let failed = conformance::run(&World::start());
    assert!(failed.is_empty(), "not as expected:\n{}", failed.join("\n"));
}

#[test]
#[ignore = "needs the packages that `cargo xtask test` installs"]
fn every_client_reaches_every_server() {
    let world = World::start();
    let mut table = table::Table::new();
    for client in Client::ALL {
        let checks = client.run(&world);
        table.add(client.name, checks);
    }
    println!("\n{table}");
    assert!(table.holds(), "not every check passed:\n{}", table.reasons());
}
