//! A loopback port whose requests reach the gateway with a token: the conformance suite cannot send one.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// Longest head of a request.
const HEAD_MAX_BYTES: usize = 64 * 1_024;

/// Listens until the runtime ends; gives the port.
pub(crate) fn adding(runtime: &Runtime, token: String, gateway: SocketAddr) -> u16 {
    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).expect("a loopback port");
    let port = listener.local_addr().expect("it is bound").port();
    runtime.spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let token = token.clone();
            // Whoever hangs up ends the other side as well.
            tokio::spawn(async move { pass(client, &token, gateway).await.ok() });
        }
    });
    port
}

/// Passes on one request and its answer, in whatever pieces they come.
async fn pass(mut client: TcpStream, token: &str, gateway: SocketAddr) -> std::io::Result<()> {
    let mut head = Vec::new();
    let end = loop {
        let end = head.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            break end;
        }
        if head.len() > HEAD_MAX_BYTES || client.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    };
    let mut server = TcpStream::connect(gateway).await?;
    for line in head[..end].split(|byte| *byte == b'\n') {
        // One request a connection: the next one needs its token as well.
        if !line.to_ascii_lowercase().starts_with(b"connection:") {
            server.write_all(line.strip_suffix(b"\r").unwrap_or(line)).await?;
            server.write_all(b"\r\n").await?;
        }
    }
    let added = format!("connection: close\r\nauthorization: Bearer {token}\r\n\r\n");
    server.write_all(added.as_bytes()).await?;
    server.write_all(&head[end + 4..]).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
