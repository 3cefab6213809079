//! The words that name a token in a path: `tok_…` or the beginning of one, `sha256:<64 hex digits>`
//! (what a raw token is sent as), or `name:<name of an active token>`.
//!
//! No message repeats a reference that is none: somebody may have pasted a raw token.

use aerostack_core::bearer::TokenDigest;
use aerostack_core::id::{ID_BODY_LEN, TokenId, WorkspaceId};
use aerostack_core::suggest;
use aerostack_core::text::parse_name;
use aerostack_core::time::Timestamp;
use aerostack_core::token::{Token, TokenStatus};

use super::error::ApiError;
use crate::store::{self, Tx};

/// Fewest characters of the beginning of an identifier.
const PREFIX_MIN_LEN: usize = 6;
/// Most tokens looked at to say how many a beginning fits.
const PREFIX_FITS_MAX: i64 = 100;
/// Most names compared for a suggestion.
const SUGGESTION_POOL: i64 = 10_000;

/// What a reference says, not yet looked up.
#[derive(Debug, PartialEq, Eq)]
enum Reference {
    Id(TokenId),
    Prefix(String),
    Digest(TokenDigest),
    Name(String),
}

/// The token a reference names.
#[derive(Debug)]
pub(super) struct Resolved {
    /// The token.
    pub(super) token: Token,
    /// When it was named by name: the other active ones of that name, which a rotation's overlap leaves.
    pub(super) namesakes: Vec<Token>,
}

/// Finds the token of a workspace that a reference names.
pub(super) async fn resolve(
    tx: &mut Tx,
    workspace: &WorkspaceId,
    text: &str,
    now: Timestamp,
) -> Result<Resolved, ApiError> {
    let found = match parse(text)? {
        Reference::Id(id) => store::token::find(tx, &id).await?.filter(|token| token.workspace == *workspace),
        Reference::Prefix(prefix) => by_prefix(tx, workspace, &prefix).await?,
        Reference::Digest(digest) => store::token::find_by_digest(tx, workspace, &digest).await?,
        Reference::Name(name) => return by_name(tx, workspace, &name, now).await,
    };
    let missing = || {
        ApiError::not_found("no token of this workspace has this id")
            .with_hint("list them with: aerostack workspace token list".to_owned())
    };
    Ok(Resolved { token: found.ok_or_else(missing)?, namesakes: Vec::new() })
}

fn parse(text: &str) -> Result<Reference, ApiError> {
    if let Some(name) = text.strip_prefix("name:") {
        return Ok(Reference::Name(parse_name(name)?));
    }
    if let Some(hex) = text.strip_prefix("sha256:") {
        let digest = TokenDigest::from_hex(hex);
        return digest.map(Reference::Digest).ok_or_else(|| ApiError::invalid("sha256: takes 64 hex digits"));
    }
    if let Some(id) = TokenId::parse(text) {
        return Ok(Reference::Id(id));
    }
    let is_beginning = text.starts_with(TokenId::PREFIX)
        && (PREFIX_MIN_LEN..TokenId::PREFIX.len() + ID_BODY_LEN).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if is_beginning {
        return Ok(Reference::Prefix(text.to_owned()));
    }
    Err(ApiError::invalid("this names no token")
        .with_hint("use a token's id (tok_…), at least 6 characters of it, or name:<name>".to_owned()))
}

async fn by_prefix(tx: &mut Tx, workspace: &WorkspaceId, prefix: &str) -> Result<Option<Token>, ApiError> {
    let mut found = store::token::find_by_prefix(tx, workspace, prefix, PREFIX_FITS_MAX).await?;
    if found.len() > 1 {
        let count = found.len();
        let at_least = if found.len() as u64 >= PREFIX_FITS_MAX.unsigned_abs() { "at least " } else { "" };
        return Err(ApiError::invalid(format!("{at_least}{count} tokens begin with {prefix}"))
            .with_hint("use more of the id, or the whole of it".to_owned()));
    }
    Ok(found.pop())
}

async fn by_name(
    tx: &mut Tx,
    workspace: &WorkspaceId,
    name: &str,
    now: Timestamp,
) -> Result<Resolved, ApiError> {
    let mut active = store::token::find_active_by_name(tx, workspace, name, now).await?.into_iter();
    if let Some(token) = active.next() {
        return Ok(Resolved { token, namesakes: active.collect() });
    }
    let names = store::token::active_names(tx, workspace, now, SUGGESTION_POOL).await?;
    let closest = suggest::hint(name, names.iter().map(String::as_str));
    let over =
        store::token::find_latest_by_name(tx, workspace, name).await?.map(|token| over_hint(&token, now));
    let hints: Vec<String> = [over, closest].into_iter().flatten().collect();
    Err(ApiError::not_found(format!("there is no active token named '{name}'"))
        .with_hint((!hints.is_empty()).then(|| hints.join("; "))))
}

fn over_hint(token: &Token, now: Timestamp) -> String {
    match token.status(now) {
        TokenStatus::Revoked => format!("'{}' is already revoked", token.name),
        TokenStatus::Expired => format!("'{}' has expired", token.name),
        // Only tokens that are over come here.
        TokenStatus::Active => format!("'{}' is active", token.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aerostack_core::bearer::{RawToken, TokenKind};

    #[test]
    fn every_way_to_name_a_token_is_read() {
        let id = TokenId::new(Timestamp::from_millis(1), &mut rand::rng());
        let digest = TokenDigest::of("x");
        assert_eq!(parse(id.as_str()), Ok(Reference::Id(id.clone())));
        assert_eq!(parse(&id.as_str()[..6]), Ok(Reference::Prefix(id.as_str()[..6].to_owned())));
        assert_eq!(parse(&format!("sha256:{}", digest.to_hex())), Ok(Reference::Digest(digest)));
        assert_eq!(parse("name: Alice Chen"), Ok(Reference::Name("Alice Chen".to_owned())));
        for bad in ["tok_0", "Alice", "sha256:00", "name:", "name:a\u{0}b", "tok_%_______", ""] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_raw_token_is_not_repeated() {
        let raw = RawToken::generate(TokenKind::Workspace, "alice", &mut rand::rng());
        let refused = format!("{:?}", parse(raw.expose()).unwrap_err());
        assert!(!refused.contains(raw.expose()));
    }
}
