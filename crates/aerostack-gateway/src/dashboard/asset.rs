//! The style sheet, the script and the icon, which are part of the program.
//!
//! Pages name them with a digest of what they hold, so that a browser keeps them for good and a new
//! program is never seen in an old dress.

use std::sync::LazyLock;

use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{Response, StatusCode};
use sha2::{Digest, Sha256};

use crate::http::body::Body;
use crate::http::respond;

/// Bytes of a digest that stand in an address.
const VERSION_LEN_BYTES: usize = 6;

/// Something that pages load.
pub(super) struct Asset {
    text: &'static str,
    kind: &'static str,
    version: LazyLock<String>,
}

/// How pages look.
pub(super) static STYLE: Asset = Asset {
    text: include_str!("../../assets/style.css"),
    kind: "text/css; charset=utf-8",
    version: LazyLock::new(|| version_of(include_str!("../../assets/style.css"))),
};

/// What makes them quicker to use; they work without.
pub(super) static SCRIPT: Asset = Asset {
    text: include_str!("../../assets/app.js"),
    kind: "text/javascript; charset=utf-8",
    version: LazyLock::new(|| version_of(include_str!("../../assets/app.js"))),
};

/// What stands in a browser's tab.
pub(super) static ICON: Asset = Asset {
    text: include_str!("../../assets/icon.svg"),
    kind: "image/svg+xml",
    version: LazyLock::new(|| version_of(include_str!("../../assets/icon.svg"))),
};

fn version_of(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest.iter().take(VERSION_LEN_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

impl Asset {
    /// What its address ends in.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// Answers a request for it.
    pub(super) fn answer(&self, headers: &HeaderMap, query: Option<&str>) -> Response<Body> {
        const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
        let tag = format!("\"{}\"", self.version());
        let is_known = headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
        let mut response = match is_known {
            true => respond::empty(StatusCode::NOT_MODIFIED),
            false => respond::text(StatusCode::OK, self.text),
        };
        // Asked for by its digest it never changes; by its name alone it may at any time.
        let is_this = query.is_some_and(|query| query.strip_prefix("v=") == Some(self.version()));
        let kept = if is_this { "public, max-age=31536000, immutable" } else { "no-cache" };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(kept));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            headers.insert(ETAG, tag);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asset_is_kept_for_good_by_its_digest_only() {
        let kept = |query: Option<&str>| {
            let response = STYLE.answer(&HeaderMap::new(), query);
            response.headers()[CACHE_CONTROL].to_str().unwrap().to_owned()
        };
        let own = format!("v={}", STYLE.version());
        assert_eq!(kept(Some(&own)), "public, max-age=31536000, immutable");
        assert_eq!((kept(Some("v=old")), kept(None)), ("no-cache".to_owned(), "no-cache".to_owned()));
        let mut headers = HeaderMap::new();
        headers.insert(IF_NONE_MATCH, format!("\"{}\"", STYLE.version()).parse().unwrap());
        assert_eq!(STYLE.answer(&headers, None).status(), StatusCode::NOT_MODIFIED);
    }
}
