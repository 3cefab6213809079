//! Signing secrets of alerts, sealed for their workspace.

use aerostack_core::alert::{Alert, SigningSecret};
use aerostack_core::id::WorkspaceId;
use rand::CryptoRng;

use super::{Vault, WrongKey, open, seal};

impl Vault {
    /// Seals the signing secret of a workspace's alert.
    ///
    /// # Errors
    /// [`WrongKey`]: what is sealed under a key that nobody keeps would be lost.
    pub fn seal_signing(
        &self,
        workspace: &WorkspaceId,
        secret: &SigningSecret,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, WrongKey> {
        if !self.fits() {
            return Err(WrongKey);
        }
        Ok(seal(&self.alerts, secret.expose().as_bytes(), &place(workspace, self.id()), rng))
    }

    /// Opens the signing secret of an alert; `None` if it was sealed under another key or for another
    /// workspace, or changed.
    #[must_use]
    pub fn open_signing(&self, alert: &Alert) -> Option<SigningSecret> {
        let plain = open(&self.alerts, &alert.sealed, &place(&alert.workspace, &alert.key_id))?;
        SigningSecret::parse(std::str::from_utf8(&plain).ok()?).ok()
    }
}

fn place(workspace: &WorkspaceId, key_id: &str) -> Vec<u8> {
    // Neither has a slash in it.
    format!("{workspace}/{key_id}").into_bytes()
}

#[cfg(test)]
mod tests {
    use aerostack_core::alert::{Thresholds, Window};
    use aerostack_core::server::parse_url;
    use aerostack_core::time::Timestamp;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    fn alert(vault: &Vault, workspace: &str, secret: &SigningSecret) -> Alert {
        let workspace = WorkspaceId::from_stored(workspace.to_owned());
        let sealed = vault.seal_signing(&workspace, secret, &mut StdRng::seed_from_u64(2)).unwrap();
        Alert {
            workspace,
            revision: 1,
            url: parse_url("https://hooks.example.com/x").unwrap(),
            trusted: false,
            key_id: vault.id().to_owned(),
            sealed,
            thresholds: Thresholds {
                error_rate: None,
                min_calls: 1,
                calls: Some(1),
                window: Window::DEFAULT,
            },
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
        }
    }

    #[test]
    fn a_signing_secret_opens_for_its_workspace_and_its_key_alone() {
        let (vault, secret) = (Vault::new(&[1; 32]), SigningSecret::generate(&mut StdRng::seed_from_u64(1)));
        let sealed = alert(&vault, "ws_1", &secret);
        let opened =
            |vault: &Vault, alert: &Alert| vault.open_signing(alert).map(|it| it.expose().to_owned());
        assert_eq!(opened(&vault, &sealed).as_deref(), Some(secret.expose()));
        assert_eq!(opened(&Vault::new(&[2; 32]), &sealed), None);
        let moved = Alert { workspace: WorkspaceId::from_stored("ws_2".to_owned()), ..sealed.clone() };
        assert_eq!(opened(&vault, &moved), None);
        assert_eq!(opened(&vault, &Alert { key_id: "other".to_owned(), ..sealed.clone() }), None);
        assert_eq!(opened(&vault, &Alert { sealed: Vec::new(), ..sealed }), None);
        let lost = Vault::new(&[1; 32]).not_fitting();
        let refused =
            lost.seal_signing(&WorkspaceId::from_stored("ws_1".to_owned()), &secret, &mut rand::rng());
        assert_eq!(refused, Err(WrongKey));
    }
}
