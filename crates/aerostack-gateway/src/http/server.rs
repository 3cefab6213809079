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
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_rustls::Accept;
use tokio_rustls::server::TlsStream;
use tokio_util::task::TaskTracker;

use super::body::Body;
use super::connection::{self, FRESH_GRACE, Host, Patience};
use super::edges::Edges;
use super::refusal::{self, Refusal};
pub use super::stop::Stop;
use super::tls::Tls;
pub use super::watched::Received;
use crate::config::Limits;

/// Connections over the limit that are told so at the same time; further ones are closed at once.
const REFUSALS_AT_ONCE: usize = 64;
/// Wait after a failed accept: the process is out of file handles or memory, and trying again at once
/// would only burn a core.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Time connections made during the drain get once the old ones are done.
const LATE_GRACE: Duration = Duration::from_secs(1);

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
    S: Fn(Request<Received>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let host = |service: S, stop: Stop| {
        let (protocol, patience) = (connection::protocol(limits), Patience::of(limits));
        Arc::new(Host { protocol, patience, service, stop })
    };
    let before = host(service.clone(), stop.clone());
    let meanwhile = host(service, stop.undrained());
    let door = Door {
        listener,
        tls,
        handshake_timeout: limits.header_timeout,
        places: Arc::new(Semaphore::new(limits.connections)),
        refusals: Arc::new(Semaphore::new(REFUSALS_AT_ONCE)),
        edges,
    };
    let (early, late) = (TaskTracker::new(), TaskTracker::new());
    tokio::select! {
        biased;
        () = stop.drain().cancelled() => {}
        () = door.accept_all(&early, &before) => {}
    }
    early.close();
    tokio::select! {
        biased;
        () = stop.now().cancelled() => {}
        () = early.wait() => {}
        () = sleep(limits.drain_timeout) => {
            tracing::warn!(connections = early.len(), "the time to drain is over; open connections are dropped");
        }
        () = door.accept_all(&late, &meanwhile) => {}
    }
    drop(door);
    late.close();
    tokio::select! {
        () = stop.now().cancelled() => {}
        _ = timeout(LATE_GRACE, late.wait()) => {}
    }
    stop.end_now();
    early.wait().await;
    late.wait().await;
}

/// Everything a new connection needs.
struct Door<'a> {
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    handshake_timeout: Duration,
    places: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
    edges: &'a Edges,
}

impl Door<'_> {
    /// Accepts for ever; each connection becomes a task of `tracker`.
    async fn accept_all<S, F>(&self, tracker: &TaskTracker, host: &Arc<Host<S>>)
    where
        S: Fn(Request<Received>, SocketAddr) -> F + Send + Sync + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
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
            let (place, errand) = match Arc::clone(&self.places).try_acquire_owned() {
                Ok(place) => (place, Errand::Serve(peer)),
                Err(_) => {
                    metrics::counter!("aerostack_connections_refused_total").increment(1);
                    let Ok(place) = Arc::clone(&self.refusals).try_acquire_owned() else { continue };
                    (place, Errand::Refuse)
                }
            };
            // It leaves this runtime for that of an edge.
            if let Ok(stream) = stream.into_std() {
                self.attend(tracker, stream, place, errand, Arc::clone(host));
            }
        }
    }

    /// Makes a connection a task of its own.
    fn attend<S, F>(
        &self,
        tracker: &TaskTracker,
        stream: std::net::TcpStream,
        place: OwnedSemaphorePermit,
        errand: Errand,
        host: Arc<Host<S>>,
    ) where
        S: Fn(Request<Received>, SocketAddr) -> F + Send + Sync + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let tls = self.tls.as_ref().map(|tls| tls.acceptor());
        let patience = self.handshake_timeout;
        // What is rare is boxed, and all else is held once: there may be thousands of connections.
        match (tls, errand) {
            (None, Errand::Serve(peer)) => self.edges.spawn(tracker, async move {
                let Ok(stream) = TcpStream::from_std(stream) else { return };
                connection::run(stream, &peer, &host).await;
                drop(place);
            }),
            (None, Errand::Refuse) => self.edges.spawn(tracker, async move {
                let Ok(stream) = TcpStream::from_std(stream) else { return };
                refuse(stream, &host.stop).await;
                drop(place);
            }),
            (Some(tls), errand) => self.edges.spawn(tracker, async move {
                let Ok(stream) = TcpStream::from_std(stream) else { return };
                let shaken = Box::pin(shake(tls.accept(stream), patience, &host.stop)).await;
                match (shaken, errand) {
                    (Some(stream), Errand::Serve(peer)) => {
                        Box::pin(connection::run(stream, &peer, &host)).await;
                    }
                    (Some(stream), Errand::Refuse) => refuse(stream, &host.stop).await,
                    (None, _) => {}
                }
                drop(place);
            }),
        }
    }
}

/// What is to be done with a connection.
#[derive(Clone, Copy)]
enum Errand {
    /// Serve this peer.
    Serve(SocketAddr),
    /// Tell it that there is no place.
    Refuse,
}

/// Waits for a handshake; `None` when it fails, takes too long, or the gateway ends.
async fn shake(
    accept: Accept<TcpStream>,
    patience: Duration,
    stop: &Stop,
) -> Option<Box<TlsStream<TcpStream>>> {
    let shaken = tokio::select! {
        shaken = timeout(patience, accept) => shaken,
        () = late(stop) => return None,
    };
    match shaken {
        Ok(Ok(stream)) => return Some(Box::new(stream)),
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
    None
}

/// Waits until the gateway drains, and then as long as for any connection that has asked for nothing yet, unless it
/// ends at once.
async fn late(stop: &Stop) {
    stop.drain().cancelled().await;
    let _ = timeout(FRESH_GRACE, stop.now().cancelled()).await;
}

/// Tells a peer that there is no place for it.
async fn refuse<T: AsyncRead + AsyncWrite + Unpin>(io: T, stop: &Stop) {
    stop.now().run_until_cancelled(Box::pin(refusal::answer(io, Refusal::TooManyConnections))).await;
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
