//! The protocol's revisions, and in which of its two eras a request is to be read.
//!
//! Source: MCP 2026-07-28, "Versioning" and "Streamable HTTP"; for older ones `initialize`.

use http::HeaderMap;
use http::header::HeaderName;

use super::error::Refusal;
use crate::jsonrpc::Request;
use crate::tool_header;

/// The one modern revision.
pub const MODERN: &str = "2026-07-28";
/// `_meta` key of the revision.
pub const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// `_meta` key of the caller's capabilities.
pub const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// `_meta` key of the caller's name.
pub const META_CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
/// `_meta` key of the least level of log messages that are wanted.
pub const META_LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
/// `_meta` key of our name.
pub const META_SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
/// `_meta` key of the listening a notification belongs to.
pub const META_SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

/// Header of the revision.
pub const VERSION_HEADER: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD_HEADER: HeaderName = HeaderName::from_static("mcp-method");
const NAME_HEADER: HeaderName = HeaderName::from_static("mcp-name");

/// A revision that opens with `initialize`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Legacy {
    /// 2024-11-05
    V2024_11_05,
    /// 2025-03-26
    V2025_03_26,
    /// 2025-06-18
    V2025_06_18,
    /// 2025-11-25
    V2025_11_25,
}

impl Legacy {
    /// Every legacy revision, oldest first.
    pub const ALL: [Self; 4] = [Self::V2024_11_05, Self::V2025_03_26, Self::V2025_06_18, Self::V2025_11_25];
    /// What a request without handshake and session is served as.
    pub const WITHOUT_HANDSHAKE: Self = Self::V2025_03_26;

    /// Its date.
    #[must_use]
    pub const fn date(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
        }
    }

    /// The revision of a date.
    #[must_use]
    pub fn of(date: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|revision| revision.date() == date)
    }

    /// What an `initialize` that asks for `date` is answered with: the same, or the newest we speak.
    #[must_use]
    pub fn negotiate(date: &str) -> Self {
        Self::of(date).unwrap_or(Self::V2025_11_25)
    }

    /// Tells whether it has batches.
    #[must_use]
    pub const fn has_batches(self) -> bool {
        matches!(self, Self::V2024_11_05 | Self::V2025_03_26)
    }
}

/// In which era a request is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerEra {
    /// Opened by `initialize`, or not opened at all.
    Legacy,
    /// 2026-07-28: every request stands alone.
    Modern,
}

/// The version header, if there is one that can be read.
#[must_use]
pub fn version_header(headers: &HeaderMap) -> Option<&str> {
    headers.get(VERSION_HEADER)?.to_str().ok().map(str::trim)
}

/// Tells whether a version header names the modern revision or a newer one.
#[must_use]
pub fn is_modern_header(version: &str) -> bool {
    version >= MODERN
}

/// Decides the era of a single message. A modern one is checked whole: `_meta`, then headers.
///
/// # Errors
/// The refusal that the modern revision prescribes.
pub fn era_of(request: &Request<'_>, headers: &HeaderMap) -> Result<CallerEra, Refusal> {
    let version = version_header(headers);
    let meta = request.meta().map_err(Refusal::Fault)?;
    let named = meta.as_ref().and_then(|meta| meta.string(META_VERSION));
    let Some((meta, named)) = meta.zip(named) else {
        let modern = version.is_some_and(is_modern_header);
        if modern && request.id.is_some() {
            return Err(missing_meta(META_VERSION));
        }
        return Ok(if modern { CallerEra::Modern } else { CallerEra::Legacy });
    };
    if request.id.is_none() {
        return Ok(CallerEra::Modern);
    }
    if !meta.raw(META_CAPABILITIES).is_some_and(|raw| raw.starts_with('{')) {
        return Err(missing_meta(META_CAPABILITIES));
    }
    check_headers(request, &named, headers)?;
    Ok(CallerEra::Modern)
}

/// Whether a modern request declares an extension.
///
/// # Errors
/// [`Refusal::Fault`] when a key of the declaration appears twice.
pub fn declares(request: &Request<'_>, extension: &str) -> Result<bool, Refusal> {
    let mut found = request.meta().map_err(Refusal::Fault)?;
    for key in [META_CAPABILITIES, "extensions", extension] {
        let Some(object) = found else { return Ok(false) };
        found = object.object(key).map_err(Refusal::Fault)?;
    }
    Ok(found.is_some())
}

fn missing_meta(key: &str) -> Refusal {
    Refusal::InvalidParams { message: format!("Invalid params: _meta lacks {key}"), bad_request: true }
}

fn check_headers(request: &Request<'_>, named: &str, headers: &HeaderMap) -> Result<(), Refusal> {
    let version = single(headers, VERSION_HEADER, "MCP-Protocol-Version")?;
    if version != named {
        return Err(Refusal::HeaderMismatch(
            "Header mismatch: MCP-Protocol-Version differs from _meta".to_owned(),
        ));
    }
    if named != MODERN {
        return Err(Refusal::UnsupportedRevision { requested: named.to_owned() });
    }
    if single(headers, METHOD_HEADER, "Mcp-Method")? != request.method {
        return Err(Refusal::HeaderMismatch("Header mismatch: Mcp-Method differs from method".to_owned()));
    }
    let key = match request.method.as_ref() {
        "tools/call" | "prompts/get" => "name",
        "resources/read" => "uri",
        "tasks/get" | "tasks/update" | "tasks/cancel" => "taskId",
        _ => return Ok(()),
    };
    let Some(expected) = request.params.as_ref().and_then(|params| params.string(key)) else {
        return Ok(());
    };
    let given = tool_header::decode(single(headers, NAME_HEADER, "Mcp-Name")?.as_bytes());
    if given.as_deref() != Some(expected.as_ref()) {
        return Err(Refusal::HeaderMismatch(format!("Header mismatch: Mcp-Name differs from params.{key}")));
    }
    Ok(())
}

/// The trimmed value of a header that must be there once.
fn single<'a>(headers: &'a HeaderMap, name: HeaderName, title: &str) -> Result<&'a str, Refusal> {
    let mut values = headers.get_all(name).iter();
    let value = values
        .next()
        .ok_or_else(|| Refusal::HeaderMismatch(format!("Header mismatch: {title} is missing")))?;
    if values.next().is_some() {
        return Err(Refusal::HeaderMismatch(format!("Header mismatch: {title} appears twice")));
    }
    let text = std::str::from_utf8(value.as_bytes()).map(|text| text.trim_matches([' ', '\t']));
    text.map_err(|_| Refusal::HeaderMismatch(format!("Header mismatch: {title} cannot be read")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jsonrpc::message::{Body, Message, read};

    fn era(body: &str, headers: &[(&str, &str)]) -> Result<CallerEra, Refusal> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        let Ok(Body::Single(Message::Request(request))) = read(body.as_bytes(), 64) else { panic!("{body}") };
        era_of(&request, &map)
    }

    fn modern(method: &str, version: &str) -> String {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{"name":"a b","_meta":{{"{META_VERSION}":"{version}","{META_CAPABILITIES}":{{}}}}}}}}"#
        )
    }

    #[test]
    fn the_body_decides_and_the_headers_must_agree() {
        let good = [("mcp-protocol-version", MODERN), ("mcp-method", "tools/call"), ("mcp-name", " a b ")];
        assert_eq!(era(&modern("tools/call", MODERN), &good), Ok(CallerEra::Modern));
        for missing in 0..3 {
            let mut headers = good.to_vec();
            headers.remove(missing);
            let refused = era(&modern("tools/call", MODERN), &headers);
            assert!(matches!(refused, Err(Refusal::HeaderMismatch(_))), "{refused:?}");
        }
        let encoded = [good[0], good[1], ("mcp-name", "=?base64?YSBi?=")];
        assert_eq!(era(&modern("tools/call", MODERN), &encoded), Ok(CallerEra::Modern));
        let twice = [good[0], good[1], good[2], ("mcp-name", "other")];
        assert!(matches!(era(&modern("tools/call", MODERN), &twice), Err(Refusal::HeaderMismatch(_))));
    }

    #[test]
    fn a_mismatch_is_told_before_an_unknown_revision() {
        let headers = |version| [("mcp-protocol-version", version), ("mcp-method", "tools/list")];
        let refused = era(&modern("tools/list", "v999.0.0"), &headers(MODERN));
        assert!(matches!(refused, Err(Refusal::HeaderMismatch(_))));
        let refused = era(&modern("tools/list", "v999.0.0"), &headers("v999.0.0"));
        assert_eq!(refused, Err(Refusal::UnsupportedRevision { requested: "v999.0.0".to_owned() }));
    }

    #[test]
    fn without_meta_the_header_asks_for_it_and_older_headers_do_not() {
        let plain = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
        let refused = era(plain, &[("mcp-protocol-version", MODERN)]);
        assert!(matches!(refused, Err(Refusal::InvalidParams { bad_request: true, .. })));
        assert_eq!(era(plain, &[("mcp-protocol-version", "2025-11-25")]), Ok(CallerEra::Legacy));
        assert_eq!(era(plain, &[]), Ok(CallerEra::Legacy));
    }
}
