//! `hop`: the least a reverse proxy in Rust can do, as the yardstick: hyper on both sides, one thread,
//! connections kept and shared, bodies streamed. It reads no body and knows no tokens.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

use anyhow::Result;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONNECTION, HOST, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where requests go
    #[arg(long)]
    upstream: SocketAddr,
}

/// The way to the upstream.
struct Way {
    address: SocketAddr,
    host: HeaderValue,
    /// Connections that have answered; those whose body is still on its way are not ready yet.
    kept: RefCell<Vec<SendRequest<Incoming>>>,
}

/// Serves until the process ends.
pub(crate) async fn serve(args: Args) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    accept(listener, args.upstream).await
}

/// Serves at a port that is open.
pub(crate) async fn accept(listener: TcpListener, upstream: SocketAddr) -> Result<()> {
    let host = HeaderValue::try_from(upstream.to_string())?;
    let way = Rc::new(Way { address: upstream, host, kept: RefCell::default() });
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let way = Rc::clone(&way);
        tokio::task::spawn_local(async move {
            let pass = service_fn(|request| {
                let way = Rc::clone(&way);
                // Where the upstream does not answer, whoever calls finds the connection closed.
                async move { way.pass(request).await }
            });
            let _ =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), pass).await;
        });
    }
}

impl Way {
    async fn pass(&self, mut request: Request<Incoming>) -> Result<Response<Incoming>> {
        request.headers_mut().remove(CONNECTION);
        request.headers_mut().insert(HOST, self.host.clone());
        let mut sender = match self.ready() {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        let mut response = sender.send_request(request).await?;
        self.kept.borrow_mut().push(sender);
        response.headers_mut().remove(CONNECTION);
        Ok(response)
    }

    /// A connection that waits for its next request, the one that was used last.
    fn ready(&self) -> Option<SendRequest<Incoming>> {
        let mut kept = self.kept.borrow_mut();
        kept.retain(|sender| !sender.is_closed());
        let at = kept.iter().rposition(SendRequest::is_ready)?;
        Some(kept.swap_remove(at))
    }

    async fn connect(&self) -> Result<SendRequest<Incoming>> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::task::spawn_local(connection);
        sender.ready().await?;
        Ok(sender)
    }
}
