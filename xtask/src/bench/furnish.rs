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
    settings: Vec<Setting>,
    profile: Profile,
}

/// A variable and its value, beside those that every gateway here has.
pub(super) type Setting = (&'static str, String);

impl Gateway {
    /// Starts one with its data in `folder`, which it makes if need be.
    pub(super) fn start(folder: &Path) -> Result<Self> {
        Self::start_with(folder, &[])
    }

    /// The same with settings of its own.
    pub(super) fn start_with(folder: &Path, settings: &[Setting]) -> Result<Self> {
        let mut serve = pin::command(&program("aerostack-gateway")?, Core::Proxy);
        serve.envs(settings.iter().map(|(variable, value)| (variable, value)));
        let gateway = Self::serve(serve, folder)?;
        Ok(Self { settings: settings.to_vec(), ..gateway })
    }

    /// Ends it, does something, and starts it anew; it listens elsewhere then.
    pub(super) fn restart_after(self, meanwhile: impl FnOnce() -> Result<()>) -> Result<Self> {
        let Self { running, key, folder, settings, .. } = self;
        drop(running);
        meanwhile()?;
        let gateway = Self::start_with(&folder, &settings)?;
        Ok(Self { key, ..gateway })
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
        let (key, folder, settings) = (String::new(), folder.to_owned(), Vec::new());
        Ok(Self { running, address, key, folder, settings, profile: Profile::Release })
    }

    /// Makes an operator account without limits, and does all that follows as that.
    pub(super) fn make_owner(&mut self) -> Result<()> {
        let mut owner = Command::new(paths::program("aerostack-gateway", self.profile)?);
        owner.args(["owner", "create", "--email", "admin@example.com", "--username", "acme"]);
        owner.args(["--plan", "enterprise"]).env("AEROSTACK_DATA_DIR", &self.folder);
        owner.envs(self.settings.iter().map(|(variable, value)| (variable, value)));
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
        let made = (0..count).map(|number| self.make_token(workspace, &format!("Bencher {number}")));
        made.map(|made| Ok(made?.1 + "\n")).collect()
    }

    /// Makes a token; gives its id and itself.
    pub(super) fn make_token(&self, workspace: &str, name: &str) -> Result<(String, String)> {
        let created = self.create(&format!("workspaces/{workspace}/tokens"), &json!({ "name": name }))?;
        let told = |field: &str| Some(created[field].as_str()?.to_owned());
        told("id").zip(told("token")).context("a created token is told")
    }

    /// Revokes one.
    pub(super) fn revoke(&self, workspace: &str, id: &str) -> Result<()> {
        self.order(&format!("workspaces/{workspace}/tokens/{id}/revoke"), &json!({}), 200).map(drop)
    }

    fn create(&self, what: &str, request: &Value) -> Result<Value> {
        self.order(what, request, 201)
    }

    fn order(&self, path: &str, request: &Value, status: u16) -> Result<Value> {
        let path = format!("/api/v1/{path}");
        let answer = visitor::post(&self.address, &path, &self.key, &request.to_string())?;
        ensure!(answer.status == status, "{path} was answered {}: {}", answer.status, answer.body);
        serde_json::from_str(&answer.body).with_context(|| format!("{path} answers with JSON"))
    }
}
