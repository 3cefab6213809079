//! Answers that are written past hyper: where no request could be read, whichever of a connection it
//! would have been, hyper's own answer has no body.
//!
//! Each is a whole literal response with a JSON-RPC error body, because that is what a client of this
//! gateway can read. The peer gets a moment to take it: closing a socket with unread bytes in it makes
//! the kernel throw away what was just written.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Time for the peer to take the answer and close.
const FAREWELL: Duration = Duration::from_secs(1);
/// Most bytes read and thrown away while the peer takes the answer.
const LEFTOVER_BYTES: u64 = 256 * 1_024;

/// Why a connection is closed without a request having been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The gateway's connection limit is reached.
    TooManyConnections,
    /// The head of a request did not arrive in time.
    TooSlow,
    /// The head of a request is beyond anything that is read.
    HeadTooLarge,
    /// The bytes are no HTTP/1 request.
    NotHttp,
}

impl Refusal {
    /// The whole response.
    pub(super) fn text(self) -> String {
        let (status, headers, code, message) = match self {
            Self::TooManyConnections => {
                ("503 Service Unavailable", "retry-after: 1\r\n", -32_004, "Too many connections")
            }
            Self::TooSlow => ("408 Request Timeout", "", -32_600, "The request did not arrive in time"),
            Self::HeadTooLarge => {
                ("431 Request Header Fields Too Large", "", -32_600, "The request headers are too large")
            }
            Self::NotHttp => ("400 Bad Request", "", -32_600, "Not an HTTP/1.1 request"),
        };
        let body =
            format!(r#"{{"jsonrpc":"2.0","id":null,"error":{{"code":{code},"message":"{message}"}}}}"#);
        let len = body.len();
        format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncache-control: no-store\r\n{headers}\
             content-length: {len}\r\nconnection: close\r\n\r\n{body}"
        )
    }
}

/// Writes the refusal and closes, within about two seconds whatever the peer does.
pub(super) async fn answer<T: AsyncRead + AsyncWrite + Unpin>(mut io: T, refusal: Refusal) {
    let written = async {
        io.write_all(refusal.text().as_bytes()).await?;
        io.shutdown().await
    };
    // A peer that is gone or does not read gets no better answer.
    if let Ok(Ok(())) = tokio::time::timeout(FAREWELL, written).await {
        farewell(io).await;
    }
}

/// Waits a moment for a peer to take the last answer and close, and throws away what it still sends.
pub(super) async fn farewell<T: AsyncRead + Unpin>(io: T) {
    let (mut leftover, mut nowhere) = (io.take(LEFTOVER_BYTES), tokio::io::sink());
    let _ = tokio::time::timeout(FAREWELL, tokio::io::copy(&mut leftover, &mut nowhere)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_is_a_whole_response_with_a_json_rpc_error() {
        for (refusal, status, code) in [
            (Refusal::TooManyConnections, "503", -32_004),
            (Refusal::TooSlow, "408", -32_600),
            (Refusal::HeadTooLarge, "431", -32_600),
            (Refusal::NotHttp, "400", -32_600),
        ] {
            let text = refusal.text();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
            assert!(head.contains(&format!("content-length: {}", body.len())));
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(body["error"]["code"], code);
            assert_eq!(body["id"], serde_json::Value::Null);
        }
    }
}
