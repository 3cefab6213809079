//! `serve`: everything is checked first, then the port is opened, then one line says so.
//!
//! [`start`] is the whole of it but for signals and that line, so that tests run the same gateway in
//! their own process.

use std::net::SocketAddr;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use http::Response;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::signals::{Hangups, Signals};
use super::{ground, master_key, reload};
use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::http::body::Body;
use crate::http::edges::Edges;
use crate::http::server::{self, Stop};
use crate::http::tls::{Tls, TlsError};
use crate::mail;
use crate::service::Service;
use crate::settings::{BadSetting, Settings};
use crate::store::account;
use crate::store::lease::{Doing, Lease};
use crate::telemetry;

/// Time for what is left to write, and for goodbyes to upstreams, after the last connection ended.
const FINISH_WITHIN: Duration = Duration::from_secs(10);
/// Time between two sortings of the figures; without them they would grow until somebody asks.
const FIGURES_UPKEEP_EVERY: Duration = Duration::from_secs(5);
/// File handles beside those of connections: databases, upstreams, logs.
#[cfg(unix)]
const OTHER_FILES: u64 = 512;
/// File handles for a program that runs as a server: three pipes, and what tells of its end.
#[cfg(unix)]
const FILES_PER_PROGRAM: u64 = 4;
/// Exit code of a process that a second signal ended.
const ENDED_BY_SIGNAL: i32 = 130;

/// A gateway that serves.
pub struct Running {
    /// Where it listens; the real port.
    pub address: SocketAddr,
    /// Its hall.
    pub app: Arc<App>,
    url: String,
    stop: Stop,
    server: JoinHandle<()>,
    /// What connections began ends with them.
    _edges: Arc<Edges>,
    lease: Lease,
}

impl Running {
    /// `http://127.0.0.1:8787`, or `https://…` with TLS.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Is cancelled when this process may no longer be the only one that serves the database.
    #[must_use]
    pub fn lease_lost(&self) -> CancellationToken {
        self.lease.lost()
    }

    /// Drains: requests under way finish within the drain timeout, new ones are refused, streams say
    /// goodbye; then everything is written and closed.
    ///
    /// # Panics
    /// When the accept loop panicked, which is a mistake of the code.
    pub async fn stop(self) {
        self.app.begin_drain();
        self.stop.begin_drain();
        self.server.await.expect("the accept loop does not panic");
        self.app.finish(FINISH_WITHIN).await;
        self.lease.release().await;
    }
}

/// Runs until a signal; the exit code is 1 if the database was taken away.
///
/// # Errors
/// Whatever keeps the gateway from starting; [`BadSetting`] where a setting does.
pub async fn run(settings: Settings) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::register()?;
    for name in &settings.unknown {
        tracing::warn!("the variable {name} is not known and has no effect");
    }
    raise_file_limit(&settings.config);
    let repeat = settings.flags_to_repeat();
    let running = start(settings.config, Clock::system()).await?;
    if let Err(error) = telemetry::result(&format!("listening on {}", running.url())) {
        tracing::warn!(%error, "nobody reads stdout");
    }
    hint_at_first_account(&running.app, &repeat).await;
    let lost = running.lease_lost();
    let code = tokio::select! {
        signal = signals.next() => {
            tracing::info!(signal, "draining; a second signal ends at once");
            ExitCode::SUCCESS
        }
        () = lost.cancelled() => {
            tracing::error!("the right to serve this database is lost; ending everything at once");
            running.stop.end_now();
            ExitCode::FAILURE
        }
    };
    tokio::select! {
        () = running.stop() => tracing::info!("stopped"),
        signal = signals.next() => {
            tracing::warn!(signal, "ended at once");
            telemetry::flush();
            std::process::exit(ENDED_BY_SIGNAL);
        }
    }
    Ok(code)
}

/// Starts a gateway in this process. When this returns, it answers.
///
/// # Errors
/// Whatever is wrong with settings, folder, lease, database, key or port, in this order.
pub async fn start(config: Config, clock: Clock) -> anyhow::Result<Running> {
    telemetry::figures();
    warn_if_open(&config);
    let tls = config.tls.as_ref().map(Tls::open).transpose().map_err(name_setting)?.map(Arc::new);
    if let Some(mail) = &config.mail {
        mail::check(mail).await.map_err(|error| BadSetting::of("AEROSTACK_SMTP_CA", error.to_string()))?;
    }
    ground::prepare_folder(&config)?;
    let doing = Doing::Serve(config.listen);
    let timeout = config.limits.database_timeout;
    let mut lease = Lease::take(&config.database, doing, clock.now(), timeout).await?;
    match start_under(&lease, config, tls, clock).await {
        Ok(begun) => {
            lease.announce(begun.address);
            let Begun { address, app, url, stop, server, edges } = begun;
            Ok(Running { address, app, url, stop, server, _edges: edges, lease })
        }
        Err(error) => {
            // Nothing was accepted yet: whoever tries next need not wait.
            lease.release().await;
            Err(error)
        }
    }
}

/// A gateway that serves under somebody's lease.
struct Begun {
    address: SocketAddr,
    app: Arc<App>,
    url: String,
    stop: Stop,
    server: JoinHandle<()>,
    edges: Arc<Edges>,
}

async fn start_under(
    lease: &Lease,
    config: Config,
    tls: Option<Arc<Tls>>,
    clock: Clock,
) -> anyhow::Result<Begun> {
    let listen = config.listen;
    // Said before anything is changed in it: whoever started the wrong one can see so.
    tracing::info!(database = ?config.database, data_dir = %config.data_dir.display(), "opening the database");
    let store = ground::open(&config).await?.under(lease.term());
    let applied = store.migrate().await.context("the database's schema cannot be brought up to date")?;
    if applied > 0 {
        tracing::info!(migrations = applied, "the database's schema was brought up to date");
    }
    master_key::finish(&config, &store).await?;
    let vault = master_key::vault(&config, &store).await?;
    let app = App::start(config, store, vault, clock).await.context("the database cannot be read")?;
    let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    let address = listener.local_addr()?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    app.set_listening_url(format!("{scheme}://{}", reachable(address)));
    app.tasks.spawn(keep_figures(app.stopping.clone()));
    if let Some(tls) = &tls {
        app.tasks.spawn(reload::at_hangups(Hangups::register()?, Arc::clone(tls), app.stopping.clone()));
    }
    let stop = Stop::default();
    let edges = Arc::new(Edges::start().context("threads cannot be started")?);
    let accepting = accept(listener, tls, Arc::clone(&edges), Arc::clone(&app), stop.clone());
    let server = tokio::spawn(accepting);
    Ok(Begun { address, app, url: format!("{scheme}://{address}"), stop, server, edges })
}

async fn accept(listener: TcpListener, tls: Option<Arc<Tls>>, edges: Arc<Edges>, app: Arc<App>, stop: Stop) {
    let limits = app.config.limits;
    let service = Arc::new(Service::new(app));
    let answer = move |request, peer| {
        let service = Arc::clone(&service);
        // Boxed, so that a connection between two requests does not carry the size of one.
        let answering: Pin<Box<dyn Future<Output = Response<Body>> + Send>> =
            Box::pin(async move { service.answer(peer, request).await });
        answering
    };
    server::serve(listener, tls, &limits, &edges, answer, stop).await;
}

async fn keep_figures(stopping: CancellationToken) {
    while stopping.run_until_cancelled(tokio::time::sleep(FIGURES_UPKEEP_EVERY)).await.is_some() {
        telemetry::figures().run_upkeep();
    }
}

/// An address that a client on this machine can use: nobody connects to "any".
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    address
}

fn name_setting(error: TlsError) -> BadSetting {
    let name = match &error {
        TlsError::Certificate { .. } => "AEROSTACK_TLS_CERT",
        TlsError::Key { .. } | TlsError::Pair(_) => "AEROSTACK_TLS_KEY",
    };
    BadSetting::of(name, error.to_string())
}

fn warn_if_open(config: &Config) {
    let is_https = config.public_url.as_ref().is_some_and(|url| url.scheme() == "https");
    if !config.listen.ip().is_loopback() && config.tls.is_none() && !is_https {
        tracing::warn!(
            listen = %config.listen,
            "TOKENS TRAVEL UNENCRYPTED: this address can be reached from other machines and there is no TLS. \
             Set --tls-cert and --tls-key, or put a proxy with TLS in front and set --public-url https://…"
        );
    }
}

async fn hint_at_first_account(app: &App, repeat: &str) {
    let count = async { account::count(&mut app.store.read().await?).await };
    if count.await.is_ok_and(|count| count == 0) {
        let command =
            format!("aerostack-gateway owner create --email you@example.com --username you{repeat}");
        tracing::warn!("there is no account yet; make one with: {command}");
    }
}

/// Raises the soft limit of file handles to the hard one, and says when even that is too low.
#[cfg(unix)]
fn raise_file_limit(config: &Config) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let files = if raised.is_ok() { limit.maximum } else { limit.current };
    let programs =
        config.stdio.as_ref().map_or(0, |_| config.limits.stdio_children as u64 * FILES_PER_PROGRAM);
    let needed = (config.limits.connections as u64).saturating_add(OTHER_FILES).saturating_add(programs);
    if let Some(files) = files.filter(|&files| files < needed) {
        tracing::warn!(files, needed, "the limit of open files is lower than the limit of connections needs");
    }
}

#[cfg(not(unix))]
fn raise_file_limit(_config: &Config) {}
