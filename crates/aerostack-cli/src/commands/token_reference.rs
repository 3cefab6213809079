//! Which token is meant: `[WORKSPACE] (--name N | TOKEN_ID)` as it goes into a path.
//!
//! The text of a token never travels: it is digested here, before anything is sent. An account key
//! or a mangled token is refused here for the same reason.

use aerostack_core::bearer::{self, TokenDigest, TokenKind};
use aerostack_core::id::TokenId;
use aerostack_core::slug::Slug;

use crate::args::token::TokenChoice;
use crate::failure::{Failure, Outcome};

const DIGEST_PREFIX: &str = "sha256:";
const NAME_PREFIX: &str = "name:";

/// A token of a workspace, as named on the command line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TokenReference {
    /// The workspace, if one was named.
    pub(super) workspace: Option<Slug>,
    /// What stands in the path.
    pub(super) id: String,
}

impl TokenReference {
    /// Tells workspace and token apart.
    ///
    /// # Errors
    /// A usage failure when the token is missing, named twice, or is none.
    pub(super) fn read(choice: &TokenChoice) -> Outcome<Self> {
        let words: Vec<&String> = choice.first.iter().chain(&choice.second).collect();
        let (workspace, token) = match (&words[..], &choice.name) {
            ([], Some(name)) => (None, by_name(name)?),
            ([workspace], Some(name)) if !is_token(workspace) => (Some(workspace), by_name(name)?),
            ([token], None) if is_token(token) => (None, by_text(token)?),
            ([workspace, token], None) => (Some(workspace), by_text(token)?),
            ([] | [_], None) => {
                return Err(Failure::usage("it is not said which token")
                    .with_hint("name it with --name, or give its TOKEN_ID"));
            }
            (_, _) => {
                return Err(
                    Failure::usage("the token is named twice").with_hint("give either --name or TOKEN_ID")
                );
            }
        };
        let workspace = workspace.map(|text| {
            Slug::parse(text).map_err(|error| Failure::usage(format!("'{text}' is no workspace: {error}")))
        });
        Ok(Self { workspace: workspace.transpose()?, id: token })
    }
}

/// A slug has no underscore and no colon, so a token is never taken for a workspace.
fn is_token(text: &str) -> bool {
    let kinds =
        [TokenKind::Workspace.prefix(), TokenKind::AccountKey.prefix(), TokenId::PREFIX, DIGEST_PREFIX];
    kinds.iter().any(|prefix| text.trim().starts_with(prefix))
}

fn by_name(name: &str) -> Outcome<String> {
    let name = name.trim();
    if name.is_empty() {
        Err(Failure::usage("the name of the token is empty"))
    } else {
        Ok(format!("{NAME_PREFIX}{name}"))
    }
}

fn by_text(text: &str) -> Outcome<String> {
    // A table on a narrow terminal cuts identifiers so; what is left is the beginning of one.
    let text = text.trim().trim_end_matches('…');
    if text.starts_with(TokenKind::AccountKey.prefix()) {
        return Err(Failure::usage("this is an account key, not a workspace token")
            .with_hint("end it with `aerostack account key revoke`"));
    }
    if text.starts_with(TokenKind::Workspace.prefix()) {
        if !bearer::is_well_formed(TokenKind::Workspace, text) {
            return Err(Failure::usage("this token is incomplete or misspelt: its checksum does not fit"));
        }
        return Ok(format!("{DIGEST_PREFIX}{}", TokenDigest::of(text).to_hex()));
    }
    let digest = text.strip_prefix(DIGEST_PREFIX);
    let id = text.strip_prefix(TokenId::PREFIX);
    let fits = digest.is_some_and(|hex| TokenDigest::from_hex(hex).is_some())
        || id.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    if fits {
        return Ok(text.to_owned());
    }
    Err(Failure::usage(format!("'{text}' is no TOKEN_ID"))
        .with_hint(format!("to name a token by its name: --name \"{text}\"")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aerostack_core::bearer::RawToken;

    fn read(words: &[&str], name: Option<&str>) -> Outcome<(Option<String>, String)> {
        let choice = TokenChoice {
            first: words.first().map(|&word| word.to_owned()),
            second: words.get(1).map(|&word| word.to_owned()),
            name: name.map(str::to_owned),
        };
        TokenReference::read(&choice).map(|found| (found.workspace.map(|slug| slug.to_string()), found.id))
    }

    /// A well-formed token: forty zeros and the checksum over what stands before it.
    fn raw() -> String {
        let checked = format!("mwt_alice_{}", "0".repeat(40));
        format!("{checked}{:08x}", checksum(checked.as_bytes()))
    }

    fn checksum(bytes: &[u8]) -> u32 {
        let step = |crc: u32| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }
        };
        !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), |crc, _| step(crc)))
    }

    #[test]
    fn workspace_and_token_are_told_apart() {
        let ws = Some("eng".to_owned());
        assert_eq!(read(&["eng"], Some("Alice Chen")).unwrap(), (ws.clone(), "name:Alice Chen".to_owned()));
        assert_eq!(read(&[], Some("Alice")).unwrap(), (None, "name:Alice".to_owned()));
        assert_eq!(read(&["eng", "tok_01h"], None).unwrap(), (ws, "tok_01h".to_owned()));
        assert_eq!(read(&["tok_01h"], None).unwrap(), (None, "tok_01h".to_owned()));
    }

    #[test]
    fn the_text_of_a_token_becomes_its_digest() {
        let raw = raw();
        assert!(RawToken::parse(TokenKind::Workspace, &raw).is_some());
        let (_, id) = read(&["eng", &raw], None).unwrap();
        assert_eq!(id, format!("sha256:{}", TokenDigest::of(&raw).to_hex()));
    }

    #[test]
    fn what_names_no_token_or_two_is_wrong_usage_and_credentials_are_not_repeated() {
        for (words, name) in [
            (&["eng"][..], None),
            (&[], None),
            (&["eng", "tok_1"], Some("Alice")),
            (&["tok_1"], Some("Alice")),
            (&["eng", "Alice Chen"], None),
            (&["eng", ".."], None),
            (&["Eng!", "tok_1"], None),
            (&["eng"], Some(" ")),
            (&["eng", "mwt_alice_0123"], None),
            (&["eng", "ak_0123"], None),
        ] {
            let failure = read(words, name).unwrap_err();
            assert_eq!(failure.exit_code(), 2, "{words:?}");
            let said = format!("{failure} {:?}", failure.hint());
            assert!(!said.contains("mwt_alice") && !said.contains("ak_0"), "{said}");
        }
        let failure = read(&["eng", "Alice Chen"], None).unwrap_err();
        assert_eq!(failure.hint().as_deref(), Some("to name a token by its name: --name \"Alice Chen\""));
    }
}
