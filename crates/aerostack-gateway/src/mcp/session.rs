//! Legacy session ids. They carry their own state, sealed, so that neither a restart nor another
//! gateway process strands a client; what a session may do is decided by its bearer each time.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use aerostack_core::id::TokenId;
use rand::CryptoRng;

use super::revision::Legacy;
use crate::vault::Vault;

/// The header that carries a session id.
pub const SESSION_HEADER: &str = "mcp-session-id";
/// Ended sessions that are remembered; older ones are forgotten first.
const ENDED_MAX: usize = 65_536;
const NONCE_LEN: usize = 16;

/// What a session id says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The revision agreed on.
    pub revision: Legacy,
    /// The token it was opened with.
    pub token: TokenId,
}

impl Session {
    /// Writes a new session id.
    pub fn seal(&self, vault: &Vault, rng: &mut dyn CryptoRng) -> String {
        let revision = Legacy::ALL.iter().position(|revision| *revision == self.revision).unwrap_or_default();
        let mut nonce = [0u8; NONCE_LEN];
        rng.fill_bytes(&mut nonce);
        let mut plain = vec![u8::try_from(revision).expect("there are four revisions")];
        plain.extend_from_slice(&nonce);
        plain.extend_from_slice(self.token.as_str().as_bytes());
        vault.seal_session(&plain, rng)
    }

    /// Reads a session id; `None` if this installation did not write it.
    #[must_use]
    pub fn open(text: &str, vault: &Vault) -> Option<Self> {
        let plain = vault.open_session(text)?;
        let revision = *Legacy::ALL.get(usize::from(*plain.first()?))?;
        let token = TokenId::parse(std::str::from_utf8(plain.get(1 + NONCE_LEN..)?).ok()?)?;
        Some(Self { revision, token })
    }
}

/// Sessions that were ended by their clients, for as long as the process lives.
#[derive(Debug, Default)]
pub struct EndedSessions(Mutex<(HashSet<String>, VecDeque<String>)>);

impl EndedSessions {
    /// Remembers that a session was ended.
    pub fn end(&self, id: &str) {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, order) = &mut *guard;
        if known.insert(id.to_owned()) {
            order.push_back(id.to_owned());
        }
        if order.len() > ENDED_MAX
            && let Some(oldest) = order.pop_front()
        {
            known.remove(&oldest);
        }
    }

    /// Tells whether a session was ended.
    #[must_use]
    pub fn contains(&self, id: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.contains(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aerostack_core::time::Timestamp;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    #[test]
    fn a_session_id_carries_its_state_and_only_this_installation_reads_it() {
        let mut rng = StdRng::seed_from_u64(1);
        let token = TokenId::new(Timestamp::from_millis(1), &mut rng);
        let session = Session { revision: Legacy::V2025_06_18, token };
        let vault = Vault::new(&[1; 32]);
        let id = session.seal(&vault, &mut rng);
        assert!(id.bytes().all(|byte| (0x21..=0x7e).contains(&byte)));
        assert_eq!(Session::open(&id, &vault), Some(session));
        assert_eq!(Session::open(&id, &Vault::new(&[2; 32])), None);
        assert_eq!(Session::open("made-up", &vault), None);
    }

    #[test]
    fn an_ended_session_is_remembered() {
        let ended = EndedSessions::default();
        ended.end("a");
        ended.end("a");
        assert!(ended.contains("a") && !ended.contains("b"));
    }
}
