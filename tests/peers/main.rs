//! Other people's programs against our gateway: clients, with other people's servers behind it, and a browser.
//!
//! The official SDKs of both major lines connect to a running gateway, each in every era it has; they
//! list, call, call at once, follow progress, hear of changes, and lose access. Chromium signs in, uses every
//! page and looks at it. `cargo xtask test` installs what they need into `.cache` and runs this; by itself it
//! is ignored, because Cargo alone has neither Node nor Python nor a browser.

mod bearer;
mod client;
mod compatibility;
mod conformance;
mod expected;
mod plan;
mod program;
mod referees;
mod report;
mod scenarios;
mod server;
mod suite;
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
use compatibility::Compatibility;
use expected::Expected;
use world::World;

#[test]
#[ignore = "needs the packages that `cargo xtask test` installs"]
fn the_official_suite_passes_in_every_crossing() {
    let list = Expected::list();
    let mut outcomes = conformance::outcomes(&World::start());
    outcomes.extend(scenarios::outcomes(&list));
    let text = referees::text(&outcomes, &list);
    println!("\n{text}");
    let surprises: Vec<String> = outcomes.iter().flat_map(|outcome| outcome.surprises(&list)).collect();
    assert!(surprises.is_empty(), "not as expected:\n{}", surprises.join("\n"));
    report::keep("referees.md", &text);
}

#[test]
#[ignore = "needs the packages that `cargo xtask test` installs"]
fn every_client_reaches_every_server() {
    let world = World::start();
    let mut compatibility = Compatibility::default();
    for client in &Client::ALL {
        let checks = client.run(&world);
        compatibility.add(client, checks);
    }
    let document = compatibility.document();
    println!("\n{document}");
    let reasons = compatibility.reasons();
    assert!(reasons.is_empty(), "not every check passed:\n{reasons}");
    report::keep("compatibility.md", &document);
}
