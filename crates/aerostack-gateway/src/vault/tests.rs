//! What is sealed opens again, and only where and as what it was sealed.

use super::*;
use aerostack_core::id::{InstallId, WorkspaceId};
use aerostack_core::secret::SecretName;
use rand::SeedableRng;
use rand::rngs::StdRng;

const NOW: Timestamp = Timestamp::from_millis(1_773_746_100_000);

fn place() -> SecretPlace {
    SecretPlace {
        workspace: WorkspaceId::from_stored("ws_1".to_owned()),
        install: InstallId::from_stored("ins_1".to_owned()),
        address: "https://mcp.example.com/mcp".to_owned(),
        name: SecretName::normalise("GITHUB_TOKEN").unwrap(),
    }
}

fn sealed(vault: &Vault, rng: &mut StdRng) -> SealedSecret {
    let value = SecretValue::new("ghp_value".to_owned()).unwrap();
    let sealed = vault.seal_secret(&place(), &value, rng).unwrap();
    SealedSecret {
        place: place(),
        key_id: vault.id().to_owned(),
        sealed,
        revision: 1,
        created_at: NOW,
        updated_at: NOW,
    }
}

fn opened(vault: &Vault, secret: &SealedSecret) -> Option<String> {
    vault.open_secret(secret).map(|value| value.expose().to_owned())
}

#[test]
fn a_handle_is_always_the_same_and_opened_by_this_installation_alone() {
    let vault = Vault::new(&[1; MASTER_KEY_LEN]);
    let handle = vault.seal_handle(b"a task");
    assert_eq!(handle, vault.seal_handle(b"a task"));
    assert_ne!(handle, vault.seal_handle(b"another"));
    assert_eq!(vault.open_handle(&handle).as_deref(), Some(&b"a task"[..]));
    assert_eq!(Vault::new(&[2; MASTER_KEY_LEN]).open_handle(&handle), None);
    assert_eq!((vault.open_session(&handle), vault.open_handle("made-up")), (None, None));
}

#[test]
fn a_secret_opens_in_its_own_place_and_nowhere_else() {
    let mut rng = StdRng::seed_from_u64(1);
    let vault = Vault::new(&[1; 32]);
    let secret = sealed(&vault, &mut rng);
    assert_eq!(opened(&vault, &secret).as_deref(), Some("ghp_value"));
    assert_eq!(opened(&Vault::new(&[2; 32]), &secret), None);
    assert_ne!(sealed(&vault, &mut rng).sealed, secret.sealed, "every value has a nonce of its own");
    let moved = [
        SecretPlace { workspace: WorkspaceId::from_stored("ws_2".to_owned()), ..place() },
        SecretPlace { install: InstallId::from_stored("ins_2".to_owned()), ..place() },
        SecretPlace { address: "https://evil.example.com/mcp".to_owned(), ..place() },
        SecretPlace { name: SecretName::normalise("OTHER").unwrap(), ..place() },
    ];
    for place in moved {
        assert_eq!(opened(&vault, &SealedSecret { place, ..secret.clone() }), None);
    }
    assert_eq!(opened(&vault, &SealedSecret { key_id: "other".to_owned(), ..secret.clone() }), None);
    for index in 0..secret.sealed.len() {
        let mut changed = secret.clone();
        changed.sealed[index] ^= 1;
        assert_eq!(opened(&vault, &changed), None);
    }
}

#[test]
fn a_vault_that_does_not_fit_seals_nothing() {
    let value = SecretValue::new("ghp_value".to_owned()).unwrap();
    let vault = Vault::new(&[1; 32]).not_fitting();
    let refused = vault.seal_secret(&place(), &value, &mut StdRng::seed_from_u64(1));
    assert_eq!(refused, Err(WrongKey));
}

#[test]
fn what_is_kept_of_former_keys_opens_with_the_present_one_only() {
    let mut rng = StdRng::seed_from_u64(1);
    let at = |millis| Timestamp::from_millis(millis);
    let [first, second, third] = [1, 2, 3].map(|byte| Vault::new(&[byte; 32]));
    let oldest = second.seal_former(&first, at(1), &mut rng);
    let session = first.seal_session(b"state", &mut rng);
    let second = second.after(vec![oldest.clone()]).unwrap();
    assert_eq!(second.open_session(&session).as_deref(), Some(&b"state"[..]));
    assert_eq!((oldest.id.as_str(), second.audit_key_id()), ("1", second.id()));
    assert!(Vault::new(&[3; 32]).after(vec![oldest.clone()]).is_err());

    let kept = vec![
        third.seal_former(&second, at(2), &mut rng),
        third.reseal_former(&oldest, &second, &mut rng).unwrap(),
    ];
    assert_eq!(third.reseal_former(&kept[0], &second, &mut rng), Err(WrongKey));
    let later = second.seal_session(b"later", &mut rng);
    let third = third.after(kept).unwrap();
    assert_eq!(third.open_session(&later).as_deref(), Some(&b"later"[..]));
    assert_eq!(third.open_session(&session), None);
}

#[test]
fn a_sealed_session_opens_with_the_same_key_only() {
    let mut rng = StdRng::seed_from_u64(1);
    let vault = Vault::new(&[1; 32]);
    let text = vault.seal_session(b"state", &mut rng);
    assert_eq!(vault.open_session(&text).as_deref(), Some(&b"state"[..]));
    assert_eq!(Vault::new(&[2; 32]).open_session(&text), None);
    assert_eq!(vault.open_session(&text[1..]), None);
    assert_eq!(vault.open_session(""), None);
    assert_eq!(vault.open_parked(&text), None, "a session is no parked call");
    let handle = vault.seal_parked(b"state", &mut rng);
    assert_eq!(vault.open_parked(&handle).as_deref(), Some(&b"state"[..]));
    assert_eq!((vault.open_session(&handle), vault.open_parked(&format!("{handle}A"))), (None, None));
}
