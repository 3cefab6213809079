//! A browser without scripts: it keeps cookies, follows nothing by itself, and sends the forms it is shown.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::answer::Answer;
use crate::wire::ask;

/// Somebody's browser.
#[derive(Clone, Debug)]
pub struct Browser {
    address: SocketAddr,
    cookies: BTreeMap<String, String>,
    token: String,
}

impl Browser {
    /// A new one, without cookies.
    #[must_use]
    pub fn at(address: SocketAddr) -> Self {
        Self { address, cookies: BTreeMap::new(), token: String::new() }
    }

    /// Where the gateway listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Opens a page.
    pub async fn opens(&mut self, path: &str) -> Answer {
        self.opens_with(path, &[]).await
    }

    /// The same with headers of its own.
    pub async fn opens_with(&mut self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let cookies = self.cookie_line();
        let headers = [headers, &[("Cookie", &cookies)]].concat();
        let answer = ask(self.address, "GET", path, &headers, b"").await;
        self.remember(&answer);
        answer
    }

    /// Sends a form of the page that was opened last.
    pub async fn sends(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let own = format!("http://{}", self.address);
        let token = self.token.clone();
        self.sends_from(&own, path, &[fields, &[("form_token", token.as_str())]].concat()).await
    }

    /// Sends exactly these fields, as a page of another origin would.
    pub async fn sends_from(&mut self, origin: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let (cookies, host) = (self.cookie_line(), self.address.to_string());
        let headers = [
            ("Host", host.as_str()),
            ("Cookie", &cookies),
            ("Origin", origin),
            ("User-Agent", "Story"),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ];
        let answer = ask(self.address, "POST", path, &headers, body.as_bytes()).await;
        self.remember(&answer);
        answer
    }

    /// The cookies it keeps, as they are sent.
    #[must_use]
    pub fn cookie_line(&self) -> String {
        let pairs: Vec<String> = self.cookies.iter().map(|(name, text)| format!("{name}={text}")).collect();
        pairs.join("; ")
    }

    fn remember(&mut self, answer: &Answer) {
        for (name, value) in &answer.head.headers {
            let pair = value.split(';').next().and_then(|pair| pair.split_once('='));
            let (true, Some((cookie, text))) = (name.eq_ignore_ascii_case("set-cookie"), pair) else {
                continue;
            };
            match text {
                "" => self.cookies.remove(cookie),
                _ => self.cookies.insert(cookie.to_owned(), text.to_owned()),
            };
        }
        let field = answer.text().split("name=\"form_token\" value=\"").nth(1).map(str::to_owned);
        if let Some(token) = field.as_deref().and_then(|rest| rest.split('"').next()) {
            self.token = token.to_owned();
        }
    }
}

/// The path of an address, as a browser opens it.
///
/// # Panics
/// When it is no address.
#[must_use]
pub fn path_of(url: &str) -> String {
    url::Url::parse(url).expect("a link is an address").path().to_owned()
}
