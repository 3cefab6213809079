//! Requests to the admin API: an endpoint's type says method, path, request and reply.
//!
//! One request is one attempt: nothing is repeated silently, because the caller cannot know whether
//! the first one was carried out. Redirects are not followed, so the key goes to the named host only.

use std::time::Duration;

use aerostack_core::api::error::ErrorReply;
use aerostack_core::api::operation::{Endpoint, Method, TEAM_HEADER};
use aerostack_core::api::page::{PAGE_MAX, Page, PageQuery};
use aerostack_core::slug::Slug;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use url::Url;

use crate::api_url::ApiUrl;
use crate::failure::{Failure, Outcome};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// A long export takes its time, and a reader of a pipe may be slow.
const DOWNLOAD_TIMEOUT: Duration = Duration::from_secs(3_600);
const REPLY_MAX_BYTES: usize = 32 * 1024 * 1024;
/// Most pages of a list that are put together.
pub(crate) const PAGES_MAX: usize = 1_000;
const USER_AGENT: &str = concat!("aerostack-cli/", env!("CARGO_PKG_VERSION"));

/// A connection to one gateway, with or without a key.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: ApiUrl,
    key: Option<SecretString>,
}

/// What an open path answered.
#[derive(Debug)]
pub(crate) struct Probe {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The server's clock, as it wrote it.
    pub(crate) date: Option<String>,
}

/// An answer that is taken as it comes.
#[derive(Debug)]
pub(crate) struct Download(reqwest::Response);

impl Download {
    /// The next piece; `None` after the last.
    ///
    /// # Errors
    /// When the answer breaks off.
    pub(crate) async fn next(&mut self, client: &Client) -> Outcome<Option<Vec<u8>>> {
        let piece = self.0.chunk().await.map_err(|error| client.unreachable(&error))?;
        Ok(piece.map(|piece| piece.to_vec()))
    }
}

impl Client {
    /// Prepares requests to `url`; none is sent yet.
    ///
    /// # Errors
    /// When `https` is asked for and the machine has no certificates.
    pub(crate) fn new(url: ApiUrl, key: Option<SecretString>) -> Outcome<Self> {
        // A second installation fails, and that is what is wanted: the first one stands.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(USER_AGENT);
        if url.is_plain() {
            // Without this, a machine without certificates could not even speak plain HTTP.
            builder = builder.tls_certs_only([]);
        }
        if url.is_loopback() {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| {
            Failure::failed(format!("HTTPS cannot be set up: {}", innermost(&error)))
                .with_hint("install the system's CA certificates (package ca-certificates)")
        })?;
        Ok(Self { http, url, key })
    }

    /// Sends one request, for a team if one is named, and reads its reply.
    ///
    /// # Errors
    /// [`Failure::Refused`] with the gateway's own words, or what went wrong on the way.
    pub(crate) async fn call<E: Endpoint>(
        &self,
        parameters: &[&str],
        team: Option<&Slug>,
        request: &E::Request,
    ) -> Outcome<E::Reply> {
        let response = self.send::<E>(parameters, team, request, REQUEST_TIMEOUT).await?;
        let status = response.status();
        let body = self.read(response).await?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|_| self.not_the_api(status.as_u16()));
        }
        Err(self.refused(status.as_u16(), &body))
    }

    /// Sends one request whose answer is taken as it comes.
    ///
    /// # Errors
    /// As for [`Client::call`].
    pub(crate) async fn download<E: Endpoint>(
        &self,
        parameters: &[&str],
        team: Option<&Slug>,
        request: &E::Request,
    ) -> Outcome<Download> {
        let response = self.send::<E>(parameters, team, request, DOWNLOAD_TIMEOUT).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(Download(response));
        }
        let body = self.read(response).await?;
        Err(self.refused(status.as_u16(), &body))
    }

    async fn send<E: Endpoint>(
        &self,
        parameters: &[&str],
        team: Option<&Slug>,
        request: &E::Request,
        timeout: Duration,
    ) -> Outcome<reqwest::Response> {
        let path = E::OPERATION.fill(parameters);
        let method = E::OPERATION.method();
        let mut target = self.url.join(&path)?;
        if method.asks_in_query() {
            add_query(&mut target, request);
        }
        let verb = reqwest::Method::from_bytes(method.word().as_bytes()).expect("a method's word is a token");
        let mut builder = self.http.request(verb, target).timeout(timeout);
        builder = builder.header(ACCEPT, E::OPERATION.content_type());
        if matches!(method, Method::Post | Method::Patch | Method::Put) {
            let body = serde_json::to_vec(request).expect("a request of the API is plain data");
            builder = builder.header(CONTENT_TYPE, "application/json").body(body);
        }
        if let Some(key) = &self.key {
            builder = builder.header(AUTHORIZATION, bearer(key)?);
        }
        if let Some(team) = team {
            builder = builder.header(TEAM_HEADER, team.as_str());
        }
        builder.send().await.map_err(|error| self.unreachable(&error))
    }

    /// The gateway's own words of why it refused.
    fn refused(&self, status: u16, body: &[u8]) -> Failure {
        match serde_json::from_slice::<ErrorReply>(body) {
            Ok(reply) => Failure::Refused(Box::new(reply.error)),
            Err(_) => self.not_the_api(status),
        }
    }

    /// All pages of a list, put together.
    ///
    /// # Errors
    /// Those of [`Client::call`], and a list that has no end.
    pub(crate) async fn list<E, T>(&self, parameters: &[&str], team: Option<&Slug>) -> Outcome<Page<T>>
    where
        E: Endpoint<Request = PageQuery, Reply = Page<T>>,
    {
        let mut items = Vec::new();
        let mut query = PageQuery { limit: Some(PAGE_MAX), cursor: None };
        for _ in 0..PAGES_MAX {
            let page = self.call::<E>(parameters, team, &query).await?;
            items.extend(page.items);
            match page.next_cursor {
                Some(cursor) => query.cursor = Some(cursor),
                None => {
                    return Ok(Page { items, next_cursor: None });
                }
            }
        }
        Err(endless_list())
    }

    /// Asks an open path, without the key.
    ///
    /// # Errors
    /// When nothing answers.
    pub(crate) async fn probe(&self, path: &str) -> Outcome<Probe> {
        let response =
            self.http.get(self.url.join(path)?).send().await.map_err(|error| self.unreachable(&error))?;
        let date = response.headers().get(DATE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(Probe { status: response.status().as_u16(), date })
    }

    async fn read(&self, mut response: reqwest::Response) -> Outcome<Vec<u8>> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            if body.len() + chunk.len() > REPLY_MAX_BYTES {
                return Err(Failure::failed(format!(
                    "the answer of {} is larger than 32 MiB",
                    self.url.as_str()
                )));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let url = self.url.as_str();
        if error.is_timeout() {
            let hint = "if something was to be changed, look whether it was before trying again";
            return Failure::failed(format!("{url} did not answer in time")).with_hint(hint);
        }
        if error.is_connect() {
            let hint = "start a gateway with `aerostack-gateway serve`, or name another one with --api-url";
            return Failure::failed(format!("no gateway can be reached at {url}: {}", innermost(error)))
                .with_hint(hint);
        }
        Failure::failed(format!("the connection to {url} failed: {}", innermost(error)))
    }

    fn not_the_api(&self, status: u16) -> Failure {
        let url = self.url.as_str();
        Failure::failed(format!("{url} answered {status} in a form that is not the admin API's"))
            .with_hint("check --api-url, and that gateway and command line are of one version")
    }
}

/// A list whose pages go on and on.
pub(crate) fn endless_list() -> Failure {
    Failure::failed(format!("the list has more than {PAGES_MAX} pages"))
}

fn bearer(key: &SecretString) -> Outcome<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret())).map_err(|_| {
        Failure::usage("the account key has characters that no key has")
            .with_hint("a key is ak_… in one line")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn add_query(target: &mut Url, request: &impl Serialize) {
    let request = serde_json::to_value(request).expect("a request of the API is plain data");
    let Some(fields) = request.as_object().filter(|fields| !fields.is_empty()) else {
        return;
    };
    let mut pairs = target.query_pairs_mut();
    for (name, value) in fields {
        match value {
            serde_json::Value::String(text) => pairs.append_pair(name, text),
            other => pairs.append_pair(name, &other.to_string()),
        };
    }
}

/// The cause at the end of the chain; the layers above it repeat one another.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aerostack_core::api::token::ListTokensQuery;
    use aerostack_core::token::TokenStatus;

    #[test]
    fn a_query_holds_what_was_asked_for_and_nothing_else() {
        let mut target = Url::parse("http://x.test/a").unwrap();
        add_query(&mut target, &ListTokensQuery::default());
        assert_eq!(target.as_str(), "http://x.test/a");
        let query = ListTokensQuery {
            status: Some(TokenStatus::Active),
            limit: Some(5),
            cursor: Some("a&b".to_owned()),
        };
        add_query(&mut target, &query);
        assert_eq!(target.query(), Some("status=active&limit=5&cursor=a%26b"));
    }
}
