//! Other people's programs against our gateway: clients, with other people's servers behind it, and a browser.
//!
//! The official SDKs of both major lines connect to a running gateway, each in every era it has; they
//! list, call, call at once, follow progress, hear of changes, and lose access. Chromium signs in, uses every
//! page and looks at it. `cargo xtask test` installs what they need into `.cache` and runs this; by itself it
//! is ignored, because Cargo alone has neither Node nor Python nor a browser.

mod bearer;
mod client;
mod conformance;
mod plan;
mod program;
mod table;
mod world;

mod browser {
    //! The dashboard in a real browser, on SQLite and, where a server is named, on PostgreSQL.
    #![allow(clippy::unwrap_used, reason = "a story that does not hold ends")]

    mod axe;
    mod desk;
    mod invitation;
    mod keyboard;
    mod look;
    mod pages;
    mod scriptless;
    mod token;
}

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
