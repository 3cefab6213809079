//! Identifiers: a prefix that names the noun and 26 characters that sort by time of creation
//! (48 bits of milliseconds and 80 random bits in Crockford's base 32, lower case).

use std::fmt;

use rand::CryptoRng;
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters after the prefix of every identifier.
pub const ID_BODY_LEN: usize = 26;

fn write(prefix: &str, now: Timestamp, rng: &mut dyn CryptoRng) -> String {
    let mut random = [0u8; 10];
    rng.fill_bytes(&mut random);
    let mut bits = [0u8; 16];
    let millis = u64::try_from(now.as_millis()).unwrap_or(0);
    bits[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    bits[6..].copy_from_slice(&random);
    let mut number = u128::from_be_bytes(bits);
    let mut text = [0u8; ID_BODY_LEN];
    for place in text.iter_mut().rev() {
        *place = ALPHABET[usize::try_from(number & 31).expect("five bits fit")];
        number >>= 5;
    }
    let body = std::str::from_utf8(&text).expect("the alphabet is ASCII");
    [prefix, body].concat()
}

fn is_body(text: &str) -> bool {
    text.len() == ID_BODY_LEN && text.bytes().all(|byte| ALPHABET.contains(&byte))
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// What every identifier of this noun begins with.
            pub const PREFIX: &'static str = $prefix;

            /// Makes a new identifier from the time and 80 random bits.
            pub fn new(now: Timestamp, rng: &mut dyn CryptoRng) -> Self {
                Self(write($prefix, now, rng))
            }

            /// Reads an identifier; `None` if prefix, length or alphabet are wrong.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                text.strip_prefix($prefix).filter(|rest| is_body(rest)).map(|_| Self(text.to_owned()))
            }

            /// Takes an identifier back from where it was stored by us.
            #[must_use]
            pub fn from_stored(text: String) -> Self {
                Self(text)
            }

            /// The whole text, prefix included.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

ids! {
    /// An account: a person with a login.
    AccountId = "acc_";
    /// An account key, `ak_…` on the wire.
    KeyId = "key_";
    /// A workspace.
    WorkspaceId = "ws_";
    /// A workspace token.
    TokenId = "tok_";
    /// A server in the catalogue of an account.
    ServerId = "srv_";
    /// A server or a skill installed into a workspace.
    InstallId = "ins_";
    /// An invitation into a team or a workspace.
    InviteId = "inv_";
    /// A browser that is signed in, `ses_…` in its cookie.
    SessionId = "sid_";
    /// A skill.
    SkillId = "skl_";
    /// One version of a skill.
    SkillVersionId = "skv_";
    /// One message of an alert; the same at every try.
    AlertMessageId = "alm_";
    /// One request to the gateway, in logs and error answers.
    RequestId = "req_";
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    #[test]
    fn identifiers_read_back_and_sort_by_time() {
        let mut rng = StdRng::seed_from_u64(1);
        let first = TokenId::new(Timestamp::from_millis(1_000), &mut rng);
        let second = TokenId::new(Timestamp::from_millis(1_001), &mut rng);
        assert!(first < second);
        assert_eq!(first.as_str().len(), "tok_".len() + ID_BODY_LEN);
        assert_eq!(TokenId::parse(first.as_str()), Some(first.clone()));
        assert_eq!(WorkspaceId::parse(first.as_str()), None);
        assert_eq!(TokenId::parse("tok_short"), None);
    }
}
