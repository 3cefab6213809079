//! Legacy session ids. They carry their own state, sealed, so that neither a restart nor another
//! gateway process strands a client; what a session may do is decided by its bearer each time.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use aerostack_core::client_capability::ClientCapabilities;
use aerostack_core::id::TokenId;
use http::header::HeaderName;
use rand::CryptoRng;

use super::revision::Legacy;
use crate::vault::Vault;

/// The header that carries a session id.
pub const SESSION_HEADER: HeaderName = HeaderName::from_static("mcp-session-id");
/// Ended sessions that are remembered; older ones are forgotten first.
const ENDED_MAX: usize = 65_536;
const NONCE_LEN: usize = 16;
/// In the byte of the revision: capabilities follow. Clients that declare none have ids as before there were any.
const DECLARES: u8 = 0x80;

/// What a session id says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The revision agreed on.
    pub revision: Legacy,
    /// The token it was opened with.
    pub token: TokenId,
    /// What its client can be asked for.
    pub capabilities: ClientCapabilities,
}

impl Session {
    /// Writes a new session id.
    pub fn seal(&self, vault: &Vault, rng: &mut dyn CryptoRng) -> String {
        let revision = Legacy::ALL.iter().position(|revision| *revision == self.revision).unwrap_or_default();
        let mut nonce = [0u8; NONCE_LEN];
        rng.fill_bytes(&mut nonce);
        let revision = u8::try_from(revision).expect("there are four revisions");
        let mut plain = match self.capabilities.any() {
            true => vec![revision | DECLARES, self.capabilities.bits()],
            false => vec![revision],
        };
        plain.extend_from_slice(&nonce);
        plain.extend_from_slice(self.token.as_str().as_bytes());
        vault.seal_session(&plain, rng)
    }

    /// Reads a session id; `None` if this installation did not write it.
    #[must_use]
    pub fn open(text: &str, vault: &Vault) -> Option<Self> {
        let plain = vault.open_session(text)?;
        let (&first, rest) = plain.split_first()?;
        let (bits, rest) =
            if first & DECLARES == 0 { (0, rest) } else { rest.split_first().map(|(b, r)| (*b, r))? };
        let revision = *Legacy::ALL.get(usize::from(first & !DECLARES))?;
        let token = TokenId::parse(std::str::from_utf8(rest.get(NONCE_LEN..)?).ok()?)?;
        Some(Self { revision, token, capabilities: ClientCapabilities::of_bits(bits) })
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
        let vault = Vault::new(&[1; 32]);
        let mut id = String::new();
        for bits in [0, 1, 0x7f] {
            let capabilities = ClientCapabilities::of_bits(bits);
            let session = Session { revision: Legacy::V2025_06_18, token: token.clone(), capabilities };
            id = session.seal(&vault, &mut rng);
            assert!(id.bytes().all(|byte| (0x21..=0x7e).contains(&byte)));
            assert_eq!(Session::open(&id, &vault), Some(session));
        }
        assert_eq!(Session::open(&id, &Vault::new(&[2; 32])), None);
        assert_eq!(Session::open("made-up", &vault), None);
    }

    #[test]
    fn an_id_from_before_there_were_capabilities_still_opens() {
        let mut rng = StdRng::seed_from_u64(1);
        let token = TokenId::new(Timestamp::from_millis(1), &mut rng);
        let vault = Vault::new(&[1; 32]);
        let old = [&[3][..], &[7; NONCE_LEN], token.as_str().as_bytes()].concat();
        let expected =
            Session { revision: Legacy::V2025_11_25, token, capabilities: ClientCapabilities::default() };
        assert_eq!(Session::open(&vault.seal_session(&old, &mut rng), &vault), Some(expected));
    }

    #[test]
    fn an_ended_session_is_remembered() {
        let ended = EndedSessions::default();
        ended.end("a");
        ended.end("a");
        assert!(ended.contains("a") && !ended.contains("b"));
    }
}
