//! Webhooks: one signed message, posted once. What is answered but the status is not read.
//!
//! The same two clients, and so the same rules, as towards servers: where an address may be, no redirects,
//! no cookies, no proxy.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use url::Url;

use super::address::Trust;
use super::client::Upstreams;
use super::credential::Credential;
use super::error::UpstreamError;
use super::http::Endpoint;

/// A message on its way.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Where to.
    pub url: Url,
    /// Whether an operator gave that address: then it may be on loopback and in private networks.
    pub trusted: bool,
    /// Identifier, moment and signature.
    pub headers: [(HeaderName, HeaderValue); 3],
    /// What it says: JSON.
    pub body: String,
    /// Time for an answer to begin.
    pub timeout: Duration,
}

/// Why a message was not taken. The address is in no text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// The receiver says that it is there no more: nothing is to be sent to it again.
    #[error("HTTP 410: the receiver wants no more messages")]
    Gone,
    /// Anything else.
    #[error("{0}")]
    NotTaken(String),
}

impl From<UpstreamError> for WebhookError {
    fn from(error: UpstreamError) -> Self {
        Self::NotTaken(error.to_string())
    }
}

impl Upstreams {
    /// Posts a message.
    ///
    /// # Errors
    /// [`WebhookError`] unless the receiver answers with a status that begins with 2.
    pub async fn post_webhook(&self, webhook: Webhook) -> Result<(), WebhookError> {
        let Webhook { url, trusted, headers, body, timeout } = webhook;
        let trust = if trusted { Trust::Operator } else { Trust::Anybody };
        let endpoint = Endpoint::new(self.http_of(trust), url, timeout, Credential::none());
        let headers: HeaderMap = headers.into_iter().collect();
        match endpoint.post_json(headers, Bytes::from(body)).await?.status() {
            status if status.is_success() => Ok(()),
            StatusCode::GONE => Err(WebhookError::Gone),
            status if status.is_redirection() => {
                Err(WebhookError::NotTaken(format!("HTTP {}; redirects are not followed", status.as_u16())))
            }
            status => Err(WebhookError::NotTaken(format!("HTTP {}", status.as_u16()))),
        }
    }
}
