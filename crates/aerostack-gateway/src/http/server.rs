//! The accept loop: connections under a limit, and an orderly end.
//!
//! The end has three steps. From the first moment of the drain, connections between two requests are
//! closed and the others finish the request they are at; new ones are still accepted, so that the
//! service can tell them that the gateway drains. When the old ones are done, or their time is up, the
//! port is closed. What is left then is dropped. Long streams watch the drain themselves and say
//! goodbye; hyper alone would wait for them for ever.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::body::Body;
use super::connection::{self, FRESH_GRACE, Host, Patience};
use super::edges::Edges;
use super::refusal::{self, Refusal};
use super::tls::Tls;
pub use super::watched::Received;
use super::woken::Woken;
use crate::config::Limits;

/// Connections over the limit that are told so at the same time; further ones are closed at once.
const REFUSALS_AT_ONCE: usize = 64;
/// Wait after a failed accept: the process is out of file handles or memory, and trying again at once
/// would only burn a core.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Time connections made during the drain get once the old ones are done.
const LATE_GRACE: Duration = Duration::from_secs(1);

/// The two signals that end a server.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// Finish what is under way, then end.
    pub drain: CancellationToken,
    /// End at once.
    pub now: CancellationToken,
}

/// Serves on these edges until told to stop; returns when no connection is left.
///
/// `service` is called for every request with the peer's address, and its answer is written. With `tls`
/// every connection begins with a handshake.
///
/// *Cancellation*: dropping the future closes the port but not the connections; use `stop`.
pub async fn serve<S, F>(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    limits: &Limits,
    edges: &Edges,
    service: S,
    stop: Stop,
) where
    S: Fn(Request<Received>, SocketAddr) -> F + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let door = Door {
        listener,
        tls,
        host: Arc::new(Host {
            protocol: connection::protocol(limits),
            patience: Patience::of(limits),
            service,
        }),
        handshake_timeout: limits.header_timeout,
        places: Arc::new(Semaphore::new(limits.connections)),
        refusals: Arc::new(Semaphore::new(REFUSALS_AT_ONCE)),
        edges,
        now: stop.now.clone(),
    };
    let (early, late) = (TaskTracker::new(), TaskTracker::new());
    tokio::select! {
        biased;
        () = stop.now.cancelled() => {}
        () = stop.drain.cancelled() => {}
        () = door.accept_all(&early, &stop.drain) => {}
    }
    early.close();
    let never = CancellationToken::new();
    tokio::select! {
        biased;
        () = stop.now.cancelled() => {}
        () = early.wait() => {}
        () = sleep(limits.drain_timeout) => {
            tracing::warn!(connections = early.len(), "the time to drain is over; open connections are dropped");
        }
        () = door.accept_all(&late, &never) => {}
    }
    drop(door);
    late.close();
    tokio::select! {
        () = stop.now.cancelled() => {}
        _ = timeout(LATE_GRACE, late.wait()) => {}
    }
    stop.now.cancel();
    early.wait().await;
    late.wait().await;
}

/// Everything a new connection needs.
struct Door<'a, S> {
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    host: Arc<Host<S>>,
    handshake_timeout: Duration,
    places: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
    edges: &'a Edges,
    now: CancellationToken,
}

impl<S, F> Door<'_, S>
where
    S: Fn(Request<Received>, SocketAddr) -> F + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    /// Accepts for ever; each connection becomes a task of `tracker`.
    async fn accept_all(&self, tracker: &TaskTracker, drain: &CancellationToken) {
        loop {
            let (stream, peer) = match self.listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) if is_of_one_peer(&error) => continue,
                Err(error) => {
                    tracing::error!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            // Without it small answers would wait for the peer's acknowledgement of the one before.
            let _ = stream.set_nodelay(true);
            match Arc::clone(&self.places).try_acquire_owned() {
                Ok(place) => self.serve(tracker, stream, peer, place, drain.clone()),
                Err(_) => self.refuse(tracker, stream),
            }
        }
    }

    fn serve(
        &self,
        tracker: &TaskTracker,
        stream: TcpStream,
        peer: SocketAddr,
        place: OwnedSemaphorePermit,
        drain: CancellationToken,
    ) {
        self.attend(tracker, stream, place, Errand::Serve { peer, host: Arc::clone(&self.host), drain });
    }

    /// Tells a peer that there is no place for it.
    fn refuse(&self, tracker: &TaskTracker, stream: TcpStream) {
        metrics::counter!("aerostack_connections_refused_total").increment(1);
        if let Ok(place) = Arc::clone(&self.refusals).try_acquire_owned() {
            self.attend(tracker, stream, place, Errand::Refuse);
        }
    }

    fn attend(
        &self,
        tracker: &TaskTracker,
        stream: TcpStream,
        place: OwnedSemaphorePermit,
        errand: Errand<S>,
    ) {
        let tls = self.tls.as_ref().map(|tls| tls.acceptor());
        let (handshake_timeout, now) = (self.handshake_timeout, self.now.clone());
        // It leaves this runtime for that of an edge.
        let Ok(stream) = stream.into_std() else { return };
        // What is rare is boxed, and all else is held once: there may be thousands of connections.
        match (tls, errand) {
            (None, Errand::Serve { peer, host, drain }) => self.edges.spawn(tracker, async move {
                let Ok(stream) = TcpStream::from_std(stream) else { return };
                let now = pin!(now.cancelled());
                tokio::select! {
                    biased;
                    () = Woken::new(now) => {}
                    () = connection::run(stream, &peer, &host, &drain) => {}
                }
                drop(place);
            }),
            (tls, errand) => self.edges.spawn(tracker, async move {
                let Ok(stream) = TcpStream::from_std(stream) else { return };
                let attended: Pin<Box<dyn Future<Output = ()> + Send>> = match tls {
                    None => Box::pin(errand.run(stream)),
                    Some(tls) => Box::pin(errand.run_with_tls(stream, tls, handshake_timeout)),
                };
                let now = pin!(now.cancelled());
                tokio::select! {
                    biased;
                    () = Woken::new(now) => {}
                    () = attended => {}
                }
                drop(place);
            }),
        }
    }
}

/// What is to be done with a connection.
enum Errand<S> {
    Serve { peer: SocketAddr, host: Arc<Host<S>>, drain: CancellationToken },
    Refuse,
}

impl<S, F> Errand<S>
where
    S: Fn(Request<Received>, SocketAddr) -> F,
    F: Future<Output = Response<Body>>,
{
    async fn run<T: AsyncRead + AsyncWrite + Unpin>(self, io: T) {
        match self {
            Self::Serve { peer, host, drain } => connection::run(io, &peer, &host, &drain).await,
            Self::Refuse => refusal::answer(io, Refusal::TooManyConnections).await,
        }
    }

    async fn run_with_tls(self, stream: TcpStream, tls: TlsAcceptor, handshake_timeout: Duration) {
        let drain = match &self {
            Self::Serve { drain, .. } => Some(drain.clone()),
            Self::Refuse => None,
        };
        let shaken = tokio::select! {
            shaken = timeout(handshake_timeout, tls.accept(stream)) => shaken,
            () = late(drain) => return,
        };
        match shaken {
            Ok(Ok(stream)) => self.run(stream).await,
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    }
}

/// Waits until the gateway drains, and then as long as for any connection that has asked for nothing yet.
async fn late(drain: Option<CancellationToken>) {
    match drain {
        Some(drain) => drain.cancelled().await,
        None => std::future::pending().await,
    }
    sleep(FRESH_GRACE).await;
}

/// Errors of one connection that was gone before it was accepted: the next one may be fine.
fn is_of_one_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tls_tests;
