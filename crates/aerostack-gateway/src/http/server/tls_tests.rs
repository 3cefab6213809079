//! The same over TLS: handshakes, and certificates that are renewed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, StatusCode};
use rustls_pki_types::CertificateDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::tests::{limits, rest};
use super::{Received, Stop, serve};
use crate::config::TlsFiles;
use crate::http::edges::Edges;
use crate::http::respond;
use crate::http::tls::{Tls, TlsError};

/// A server with TLS, and its files.
struct TlsServer {
    address: SocketAddr,
    stop: Stop,
    task: JoinHandle<()>,
    tls: Arc<Tls>,
    files: TlsFiles,
    certificate: CertificateDer<'static>,
    _folder: tempfile::TempDir,
}

async fn tls_server() -> TlsServer {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let files = TlsFiles { certificate: path("cert.pem"), key: path("key.pem") };
    let certificate = make_tls_files(&files);
    let tls = Arc::new(Tls::open(&files).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = |_: Request<Received>, _| async { respond::text(StatusCode::OK, "hello") };
    let (stop, serving) = (Stop::default(), Some(Arc::clone(&tls)));
    let stopping = stop.clone();
    let task =
        tokio::spawn(
            async move { serve(listener, serving, &limits(), &Edges::none(), service, stopping).await },
        );
    TlsServer { address, stop, task, tls, files, certificate, _folder: folder }
}

/// Certificate and key of `localhost` in a folder; gives the certificate.
fn make_tls_files(files: &TlsFiles) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    made.cert.der().clone()
}

/// Asks over TLS, trusting this certificate alone.
async fn ask_over_tls(
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
) -> Result<String, std::io::Error> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let client =
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(client));
    let stream = TcpStream::connect(address).await.unwrap();
    let mut stream = connector.connect("localhost".try_into().unwrap(), stream).await?;
    stream.write_all(b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn tls_connections_are_served_with_the_files_as_they_were_last_read() {
    let TlsServer { address, tls, files, certificate: first, .. } = &tls_server().await;
    let answer = ask_over_tls(*address, first).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"), "{answer}");
    let second = make_tls_files(files);
    assert!(ask_over_tls(*address, &second).await.is_err(), "nobody has said that the files changed");
    tls.reload().unwrap();
    assert!(ask_over_tls(*address, &second).await.unwrap().ends_with("hello"));
    assert!(ask_over_tls(*address, first).await.is_err());
    std::fs::write(&files.key, rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
    assert!(matches!(tls.reload(), Err(TlsError::Pair(_))));
    assert!(ask_over_tls(*address, &second).await.unwrap().ends_with("hello"), "what was in use stays");

    let mut plain = TcpStream::connect(*address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut bytes = Vec::new();
    let _ = plain.read_to_end(&mut bytes).await;
    assert!(!bytes.starts_with(b"HTTP"), "{bytes:?}");
}

#[tokio::test]
async fn a_drain_does_not_wait_for_a_handshake_that_does_not_come() {
    let server = tls_server().await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    // Connections are accepted in order, so the silent one is in.
    ask_over_tls(server.address, &server.certificate).await.unwrap();
    server.stop.begin_drain();
    tokio::time::timeout(Duration::from_secs(60), server.task).await.expect("no limit is reached").unwrap();
    assert_eq!(rest(&mut silent).await, "");
}

#[tokio::test]
async fn the_second_signal_alone_does_not_wait_for_a_handshake() {
    let server = tls_server().await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    ask_over_tls(server.address, &server.certificate).await.unwrap();
    server.stop.end_now();
    tokio::time::timeout(Duration::from_secs(60), server.task).await.expect("no limit is reached").unwrap();
    assert_eq!(rest(&mut silent).await, "");
}
