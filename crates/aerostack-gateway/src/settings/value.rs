//! How each kind of setting is read and shown. What is shown never holds a secret, and neither does
//! the reason of a refusal where the value may be one.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use aerostack_core::time::{format_span, parse_span};
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use super::reader::Kind;
use crate::config::Database;
use crate::telemetry;
use crate::vault::parse_master_key;

pub(super) const LISTEN: Kind<SocketAddr> = Kind { parse: parse_listen, show: ToString::to_string };
pub(super) const PATH: Kind<PathBuf> =
    Kind { parse: |text| Ok(PathBuf::from(text)), show: |path| path.display().to_string() };
pub(super) const OPTIONAL_PATH: Kind<Option<PathBuf>> = Kind {
    parse: |text| Ok(Some(PathBuf::from(text))),
    show: |path| path.as_ref().map_or_else(none, |path| path.display().to_string()),
};
pub(super) const DATABASE: Kind<Database> = Kind { parse: parse_database, show: show_database };
pub(super) const PUBLIC_URL: Kind<Option<Url>> = Kind {
    parse: |text| parse_public_url(text).map(Some),
    show: |url| url.as_ref().map_or_else(none, ToString::to_string),
};
pub(super) const ORIGINS: Kind<Vec<String>> =
    Kind { parse: |text| list(text, parse_origin), show: |origins| or_none(origins.join(",")) };
pub(super) const NETWORKS: Kind<Vec<IpNet>> = Kind {
    parse: |text| list(text, parse_network),
    show: |networks| or_none(networks.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")),
};
pub(super) const MASTER_KEY: Kind<Option<SecretString>> = Kind {
    parse: |text| parse_master_key(text).map(|_| Some(text.into())).map_err(|error| error.to_string()),
    show: |key| {
        if key.is_some() { "***".to_owned() } else { "master.key in the data folder".to_owned() }
    },
};
pub(super) const NEXT_MASTER_KEY: Kind<Option<SecretString>> =
    Kind { parse: MASTER_KEY.parse, show: |key| if key.is_some() { "***".to_owned() } else { none() } };
pub(super) const SWITCH: Kind<bool> =
    Kind { parse: parse_switch, show: |on| if *on { "true" } else { "false" }.to_owned() };
pub(super) const LOG: Kind<String> = Kind { parse: parse_log, show: String::clone };

fn parse_switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err(format!("'{text}' is neither true nor false")),
    }
}

fn none() -> String {
    "none".to_owned()
}

fn or_none(text: String) -> String {
    if text.is_empty() { none() } else { text }
}

fn list<T>(text: &str, parse: fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(parse).collect()
}

fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    numeric.as_deref().unwrap_or(text).parse().map_err(|_| {
        format!("'{text}' is no address and port, such as 127.0.0.1:8787, 0.0.0.0:8787 or [::]:8787")
    })
}

fn parse_database(text: &str) -> Result<Database, String> {
    if let Some(path) = text.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path.contains(":memory:") || path.contains('?') {
            return Err("after sqlite: stands the path of a file, and nothing else".to_owned());
        }
        return Ok(Database::Sqlite(PathBuf::from(path)));
    }
    // The text may hold a password, so no reason repeats it.
    if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
        return Err("expected sqlite:<path> or postgres://user@host/database".to_owned());
    }
    let unreadable =
        "it is no readable postgres:// address; characters such as @ / : # in a password are percent-encoded";
    let fits = Url::parse(text).is_ok() && sqlx::postgres::PgConnectOptions::from_str(text).is_ok();
    if fits { Ok(Database::Postgres(text.into())) } else { Err(unreadable.to_owned()) }
}

fn show_database(database: &Database) -> String {
    match database {
        Database::Sqlite(path) => format!("sqlite:{}", path.display()),
        Database::Postgres(url) => mask(url.expose_secret(), "postgres://***"),
    }
}

/// The address without its password, wherever it stands; `otherwise` where that cannot be told.
pub(super) fn mask(text: &str, otherwise: &str) -> String {
    let Ok(mut url) = Url::parse(text) else {
        return otherwise.to_owned();
    };
    if url.password().is_some() && url.set_password(Some("***")).is_err() {
        return otherwise.to_owned();
    }
    let has_secret = |name: &str| name.contains("password") || name.contains("key");
    if url.query_pairs().any(|(name, _)| has_secret(&name)) {
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let masked = pairs.iter().map(|(name, value)| (name, if has_secret(name) { "***" } else { value }));
        url.query_pairs_mut().clear().extend_pairs(masked);
    }
    url.to_string()
}

fn parse_public_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|_| format!("'{text}' is no URL, such as https://mcp.company.com"))?;
    let fits = matches!(url.scheme(), "http" | "https")
        && url.host().is_some_and(|host| host != Host::Domain(""))
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if fits {
        Ok(url)
    } else {
        Err("expected http:// or https:// with a host, and no user, query or fragment".into())
    }
}

/// An origin as browsers and editors send it. Those of editors have schemes of their own.
fn parse_origin(text: &str) -> Result<String, String> {
    let refused =
        || format!("'{text}' is no origin, such as https://tools.company.com or http://localhost:3000");
    let url = Url::parse(text).map_err(|_| refused())?;
    let is_bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.username().is_empty();
    if !is_bare || !url.has_host() || text.contains('*') {
        return Err(refused());
    }
    let origin = url.origin();
    let text = if origin.is_tuple() { origin.ascii_serialization() } else { text.to_lowercase() };
    Ok(text.trim_end_matches('/').to_owned())
}

fn parse_network(text: &str) -> Result<IpNet, String> {
    let address = || text.parse::<std::net::IpAddr>().map(IpNet::from);
    text.parse()
        .or_else(|_| address())
        .map_err(|_| format!("'{text}' is no network, such as 10.0.0.0/8 or fd00::/8"))
}

fn parse_log(text: &str) -> Result<String, String> {
    telemetry::filter(text).map(|_| text.to_owned())
}

/// A size in bytes: `16MiB`, `64KiB`, `65536`.
pub(super) fn parse_size(text: &str) -> Option<usize> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let factor: usize = match unit.trim() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.parse::<usize>().ok()?.checked_mul(factor)
}

/// Writes a size with the largest unit that loses nothing.
pub(super) fn format_size(bytes: usize) -> String {
    let units = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let fitting = units.into_iter().find(|(_, factor)| bytes >= *factor && bytes.is_multiple_of(*factor));
    fitting.map_or_else(|| bytes.to_string(), |(unit, factor)| format!("{}{unit}", bytes / factor))
}

/// A span, as everywhere in the product.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    parse_span(text).ok()
}

/// Writes a span, as everywhere in the product.
pub(super) fn format_duration(span: Duration) -> String {
    format_span(span)
}
