//! A gateway with everything switched on: an owner, a workspace, the upstream installed, a thousand
//! tokens, records, and a quota that is raised by configuration, not taken away.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::pin::{self, Core};
use super::program;
use crate::paths::{self, Profile};
use crate::process::{self, Running};
use crate::visitor;

/// The workspace that is called.
pub(super) const WORKSPACE: &str = "bench";
/// What is installed there; names of tools begin with it.
pub(super) const SERVER: &str = "mock";
/// A workspace that is asked for its tools alone.
pub(super) const LISTS: &str = "lists";
/// The highest that can be set: no token comes near it, and every call is counted against it.
const RATE_LIMIT: &str = "1000000";

/// A gateway that runs.
pub(super) struct Gateway {
    pub(super) running: Running,
    /// Where it listens: `127.0.0.1:…`.
    pub(super) address: String,
    /// Its owner's.
    key: String,
    folder: PathBuf,
    profile: Profile,
}

impl Gateway {
    /// Starts one with its data in `folder`, which it makes if need be.
    pub(super) fn start(folder: &Path) -> Result<Self> {
        Self::serve(pin::command(&program("aerostack-gateway")?, Core::Proxy), folder)
    }

    /// Starts one of another build.
    pub(super) fn start_as(profile: Profile, folder: &Path) -> Result<Self> {
        let program = paths::program("aerostack-gateway", profile)?;
        Ok(Self { profile, ..Self::serve(pin::command(&program, Core::Proxy), folder)? })
    }

    /// The same by a command that runs it.
    pub(super) fn serve(mut serve: Command, folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let log = folder.join("gateway.log");
        serve.env("AEROSTACK_DATA_DIR", folder).env("AEROSTACK_LISTEN", "127.0.0.1:0");
        serve.env("AEROSTACK_RATE_LIMIT_PER_MINUTE", RATE_LIMIT);
        serve.stderr(File::options().create(true).append(true).open(&log)?);
        let mut running = Running::start(serve)?;
        let url = running
            .line_after("listening on ")
            .with_context(|| format!("the gateway said:\n{}", fs::read_to_string(log).unwrap_or_default()))?;
        let address = url.strip_prefix("http://").context("a plain address")?.to_owned();
        let (key, folder) = (String::new(), folder.to_owned());
        Ok(Self { running, address, key, folder, profile: Profile::Release })
    }

    /// Makes an operator account without limits, and does all that follows as that.
    pub(super) fn make_owner(&mut self) -> Result<()> {
        let mut owner = Command::new(paths::program("aerostack-gateway", self.profile)?);
        owner.args(["owner", "create", "--email", "admin@example.com", "--username", "acme"]);
        owner.args(["--plan", "enterprise"]).env("AEROSTACK_DATA_DIR", &self.folder);
        process::output(&mut owner)?.trim().clone_into(&mut self.key);
        Ok(())
    }

    /// Makes a workspace.
    pub(super) fn make_workspace(&self, slug: &str) -> Result<()> {
        self.create("workspaces", &json!({ "name": slug, "slug": slug })).map(|_| ())
    }

    /// Installs a server, which has to be reached.
    pub(super) fn install(&self, workspace: &str, server: &str, url: &str) -> Result<()> {
        self.create("servers", &json!({ "slug": server, "url": url }))?;
        let installed =
            self.create(&format!("workspaces/{workspace}/servers"), &json!({ "server": server }))?;
        ensure!(installed["warning"].is_null(), "installing {server}: {}", installed["warning"]);
        Ok(())
    }

    /// Makes tokens of one length, and gives them a line each.
    pub(super) fn make_tokens(&self, workspace: &str, count: u32) -> Result<String> {
        let path = format!("workspaces/{workspace}/tokens");
        let one = |number: u32| -> Result<String> {
            let created = self.create(&path, &json!({ "name": format!("Bencher {number}") }))?;
            Ok(created["token"].as_str().context("a created token is told")?.to_owned() + "\n")
        };
        (0..count).map(one).collect()
    }

    fn create(&self, what: &str, request: &Value) -> Result<Value> {
        let path = format!("/api/v1/{what}");
        let answer = visitor::post(&self.address, &path, &self.key, &request.to_string())?;
        ensure!(answer.status == 201, "{path} was answered {}: {}", answer.status, answer.body);
        serde_json::from_str(&answer.body).with_context(|| format!("{path} answers with JSON"))
    }
}
