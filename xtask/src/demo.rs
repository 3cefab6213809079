//! `demo`: the product at work, told as a transcript. A gateway on SQLite in a scratch folder, an
//! MCP server behind it, a workspace, tokens, a call, a revocation, the report, the audit log.
//!
//! Every step is checked: what does not happen as told ends the demo with exit code 1. All that was
//! started ends with it, however it ends.

mod stage;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::interrupt;
use crate::process;

use stage::{Stage, WORKSPACE};

/// Who gets the token that is revoked, and who gets the one that goes on working.
const ALICE: &str = "Alice Chen";
const BOB: &str = "Bob Singh";

/// Gives the tour; without `once` everything stays up until Ctrl-C.
pub(crate) fn run(once: bool) -> Result<()> {
    build()?;
    let stage = Stage::open()?;
    tour(&stage)?;
    if once {
        println!("\nThat was the demo: everything above is stopped and its scratch folder removed.");
        return Ok(());
    }
    stay_up(&stage)
}

/// A development build: it is there in a third of the time of a release build, and fast enough here.
fn build() -> Result<()> {
    println!(
        "Building the gateway, the command line and an example MCP server (a few minutes the first time) …"
    );
    let packages = ["aerostack-gateway", "aerostack-cli", "aerostack-tests"];
    let mut cargo = process::cargo(&["build", "--bins"]);
    packages.iter().for_each(|package| {
        cargo.args(["--package", package]);
    });
    process::run(&mut cargo)
}

fn tour(stage: &Stage) -> Result<()> {
    stage.heading("A workspace with an MCP server in it");
    stage.aerostack(&["workspace", "create", WORKSPACE])?;
    stage.aerostack(&["mcp", "add", "example", "--url", stage.upstream_url()])?;
    let installed = stage.aerostack(&["mcp", "install", "example", "--workspace", WORKSPACE])?;
    ensure!(!installed.to_lowercase().contains("warning"), "the example server was not reached");
    let tools = stage.aerostack(&["mcp", "list", "--workspace", WORKSPACE, "--tools-only"])?;
    ensure!(tools.lines().any(|line| line == "example__echo"), "the tool example__echo is not listed");

    stage.heading("A token for one person, and a call with it, as an editor makes it");
    let token = stage.token_for(ALICE)?;
    let answer = stage.call_tool(&token, "example__add", &json!({ "a": 40, "b": 2 }))?;
    ensure!(answer.status == 200, "the call was answered {}", answer.status);
    let reply: Value = serde_json::from_str(&answer.body)?;
    ensure!(reply["result"]["structuredContent"]["sum"] == 42, "the call came to {}", answer.body);

    stage.heading("Access that ends when it is told to");
    let revoked = stage.aerostack(&["workspace", "token", "revoke", WORKSPACE, "--name", ALICE])?;
    ensure!(revoked.contains("immediately disabled"), "the revocation is not told");
    let answer = stage.call_tool(&token, "example__add", &json!({ "a": 40, "b": 2 }))?;
    ensure!(answer.status == 401, "a revoked token was answered {}", answer.status);

    stage.heading("Who called what, how often, how well");
    let report = stage.aerostack(&["analytics", "--workspace", WORKSPACE])?;
    ensure!(report.contains(ALICE) && report.contains("example__add"), "the report does not show the call");
    ensure!(report.contains("1 call, 0 errors"), "the report does not count the one call");

    stage.heading("Who did what");
    let list = stage.aerostack(&["workspace", "token", "list", WORKSPACE])?;
    ensure!(list.contains(ALICE) && list.contains("revoked"), "the token list does not show the revocation");
    let audit = stage.aerostack(&["workspace", "audit", WORKSPACE])?;
    ensure!(audit.contains(&format!("token_revoked: {ALICE}")), "the audit log does not show the revocation");
    ensure!(audit.contains(&format!("token_created: {ALICE}")), "the audit log does not show the token");
    Ok(())
}

fn stay_up(stage: &Stage) -> Result<()> {
    stage.heading("Your turn");
    let token = stage.token_for(BOB)?;
    let answer = stage.call_tool(&token, "example__echo", &json!({ "text": "hello" }))?;
    ensure!(answer.status == 200, "the call was answered {}", answer.status);
    println!(
        "\nThe gateway stays up at {} until Ctrl-C. Bob's token works. Try, in another shell:\n",
        stage.url()
    );
    for line in stage.things_to_try(&token) {
        println!("  {line}");
    }
    println!("\nCtrl-C stops everything and removes the scratch folder.");
    interrupt::wait();
    println!("\nThat was the demo.");
    Ok(())
}
