//! One install's program: what is run with what around it, and in which era it is spoken to.
//!
//! A program is asked `server/discover` first. One that answers with an error is spoken to in the legacy era;
//! one that ends, or says nothing, is started again in it: older servers are undone by a first message they do
//! not know.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aerostack_core::id::InstallId;
use aerostack_core::stdio::StdioCommand;
use bytes::Bytes;
use tokio::process::Command;

use super::super::connect::{
    Connector, HANDSHAKE_LIMIT_BYTES, Probe, Verdict, judge_error, judge_result, read_initialized,
};
use super::super::credential::Credential;
use super::super::error::UpstreamError;
use super::super::message::{self, Message, Outcome, RpcError};
use super::super::session::{About, Route, Session};
use super::super::target::{Caller, Era, Target};
use super::SWITCHED_OFF;
use super::backoff::Backoff;
use super::child::{Birth, Child};
use super::children::Children;
use super::launch::{Order, words};
use super::said::Speaker;
use crate::config::Limits;

/// What a program is given of the gateway's own environment.
const INHERITED: [&str; 4] = ["PATH", "HOME", "LANG", "TMPDIR"];

/// One install's program.
pub(in super::super) struct Program {
    children: Option<Arc<Children>>,
    install: InstallId,
    slug: String,
    command: StdioCommand,
    credential: Credential,
    is_operators: bool,
    idle: Duration,
    limits: Limits,
    backoff: Arc<Mutex<Backoff>>,
}

impl Program {
    /// The program of a target; `None` if that is none. Without `children` it is never started.
    pub(in super::super) fn of(
        target: &Target,
        children: Option<&Arc<Children>>,
        limits: &Limits,
    ) -> Option<Arc<Self>> {
        let command = target.stdio.clone()?;
        if let Some(children) = children {
            children.need_folder(&target.install);
        }
        Some(Arc::new(Self {
            children: children.cloned(),
            install: target.install.clone(),
            slug: target.slug.clone(),
            command,
            credential: target.credential.clone(),
            is_operators: target.trusted,
            idle: target.idle_timeout,
            limits: *limits,
            backoff: Arc::default(),
        }))
    }

    fn backoff(&self) -> MutexGuard<'_, Backoff> {
        self.backoff.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts it for a caller and finds out what it speaks.
    ///
    /// # Errors
    /// [`UpstreamError`], in the server owner's words.
    pub(in super::super) async fn connect(
        &self,
        connector: &Connector,
        known: Option<Verdict>,
        caller: &Caller,
    ) -> Result<Session, UpstreamError> {
        if let Some((left, reason)) = self.backoff().left(&caller.unasked()) {
            let seconds = left.as_secs() + 1;
            return Err(UpstreamError::Unreachable(format!("{reason}; started again in {seconds} s")));
        }
        let limit = self.limits.stdio_start_timeout;
        let connected = tokio::time::timeout(limit, self.establish(connector, known, caller)).await;
        let connected = connected.unwrap_or_else(|_| {
            Err(UpstreamError::TimedOut(format!("the program gave no answer within {} s", limit.as_secs())))
        });
        match &connected {
            Ok(_) => self.backoff().started(),
            Err(
                error @ (UpstreamError::Unreachable(_)
                | UpstreamError::TimedOut(_)
                | UpstreamError::BadAnswer(_)),
            ) if self.children.is_some() => {
                self.backoff().not_started(self.credential.mask(error.text()));
            }
            Err(_) => {}
        }
        connected
    }

    async fn establish(
        &self,
        connector: &Connector,
        known: Option<Verdict>,
        caller: &Caller,
    ) -> Result<Session, UpstreamError> {
        let mut child = self.start(connector, caller).await?;
        if known != Some(Verdict::Stdio(Era::Legacy)) {
            let patience = self.limits.stdio_start_timeout / 2;
            match tokio::time::timeout(patience, discover(&child, connector)).await {
                Ok(Ok(Some(about))) => {
                    let announced = about.declared.announces;
                    if announced.any() {
                        child.tell(message::listen(connector.next_id(), announced, &BTreeSet::new())).await;
                    }
                    return Ok(session(connector, about, child, Era::Modern));
                }
                Ok(Ok(None)) => {}
                Ok(Err(error)) if child.is_open() => return Err(error),
                Ok(Err(_)) | Err(_) => {
                    tracing::debug!(server = self.slug, "a program is started again, in the legacy era");
                    child.end().await;
                    child = self.start(connector, caller).await?;
                }
            }
        }
        let id = connector.next_id();
        let hello = message::initialize(id, caller.capabilities());
        let answer = child.ask(id, hello, HANDSHAKE_LIMIT_BYTES).await?;
        let about = read_initialized(&answer, id)?;
        child.tell(message::initialized()).await;
        Ok(session(connector, about, child, Era::Legacy))
    }

    async fn start(&self, connector: &Connector, caller: &Caller) -> Result<Arc<Child>, UpstreamError> {
        let unreachable = |reason: String| UpstreamError::Unreachable(reason);
        let children = self.children.as_ref().ok_or_else(|| unreachable(SWITCHED_OFF.into()))?;
        if !self.is_operators {
            return Err(unreachable("only programs that an operator has chosen are run".into()));
        }
        self.credential.complete().map_err(UpstreamError::LackingCredential)?;
        let place = children.place().await?;
        let command = self.command(children).await?;
        let process = children.start(command).await;
        let process =
            process.map_err(|error| unreachable(format!("the program cannot be started: {error}")))?;
        let pid = process.id().ok_or_else(|| unreachable("the program ended at once".into()))?;
        let speaker = Speaker {
            install: self.install.clone(),
            slug: self.slug.clone(),
            pid,
            credential: self.credential.clone(),
        };
        let child = Child::begin(Birth {
            process,
            pid,
            place,
            children: children.clone(),
            speaker,
            caller: caller.unasked(),
            backoff: self.backoff.clone(),
            aside: connector.aside_of(caller),
            idle: self.idle,
            line_bytes: self.limits.stdio_line_bytes,
        });
        tracing::debug!(server = self.slug, pid, "a program was started");
        child.map(Arc::new).ok_or_else(|| unreachable("the program has no pipes".into()))
    }

    /// The command with nothing of ours around it but what it needs.
    async fn command(&self, children: &Children) -> Result<Command, UpstreamError> {
        let folder = children.folder_of(&self.install);
        let records = children.records();
        for folder in [&folder, &records] {
            make_folder(folder).await.map_err(|error| {
                UpstreamError::Unreachable(format!("the program's folder cannot be made: {error}"))
            })?;
        }
        let mut command = Command::new(children.launcher());
        let order = Order { records: &records, open_files: self.limits.stdio_open_files };
        command.args(words(&order)).args(&self.command.command);
        command.env_clear().envs(self.environment()?).current_dir(folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        Ok(command)
    }

    fn environment(&self) -> Result<Vec<(String, OsString)>, UpstreamError> {
        let inherited =
            INHERITED.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var_os(name)?)));
        let mut environment: Vec<(String, OsString)> = inherited.collect();
        environment.extend(self.command.env.iter().map(|(name, value)| (name.clone(), value.into())));
        for (name, value) in self.credential.values() {
            if value.expose().contains('\0') {
                let reason = format!("the secret {name} cannot stand in an environment");
                return Err(UpstreamError::LackingCredential(reason));
            }
            environment.push((name.to_string(), value.expose().into()));
        }
        Ok(environment)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(children) = &self.children {
            children.leave_folder(&self.install);
        }
    }
}

/// Makes a folder that nobody else can look into, unless it is there.
async fn make_folder(folder: &std::path::Path) -> std::io::Result<()> {
    let mut builder = tokio::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    builder.mode(0o700);
    builder.create(folder).await
}

fn session(connector: &Connector, about: About, child: Arc<Child>, era: Era) -> Session {
    child.set_ready();
    Session::new(about, Route::Stdio { child, era }, connector.endpoint.clone(), connector.aside.clone())
}

/// Asks whether the program is modern; `None` if it is not.
async fn discover(child: &Child, connector: &Connector) -> Result<Option<About>, UpstreamError> {
    let mut may_repeat = true;
    loop {
        let id = connector.next_id();
        let answer = child.ask(id, message::discover(id), HANDSHAKE_LIMIT_BYTES).await?;
        match judge(&answer) {
            Probe::Modern(about) => return Ok(Some(about)),
            Probe::Legacy => return Ok(None),
            // A server may name the very revision it was asked in: then it wants to be asked again.
            Probe::AskAgain if std::mem::take(&mut may_repeat) => {}
            Probe::AskAgain => {
                let reason = "it refuses the revision it says it supports";
                return Err(UpstreamError::BadAnswer(reason.into()));
            }
        }
    }
}

fn judge(answer: &Bytes) -> Probe {
    match Message::read(answer) {
        Some(Message::Response { outcome: Outcome::Result(raw), .. }) => judge_result(raw),
        Some(Message::Response { outcome: Outcome::Error(raw), .. }) => judge_error(&RpcError::read(raw)),
        _ => Probe::Legacy,
    }
}
