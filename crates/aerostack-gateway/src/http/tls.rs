//! TLS without a proxy in front: a certificate chain and a key from PEM files, HTTP/1.1 only.
//!
//! The files can be read again while connections are accepted. What was read last and could be used is
//! what new connections get; those that stand keep what they began with.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::config::TlsFiles;

/// Why the files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate chain cannot be read, or there is none in the file.
    #[error("{} holds no readable PEM certificate ({reason})", .path.display())]
    Certificate {
        /// Which file.
        path: PathBuf,
        /// What the reader says.
        reason: String,
    },
    /// The private key cannot be read, or there is none in the file.
    #[error("{} holds no readable PEM private key ({reason})", .path.display())]
    Key {
        /// Which file.
        path: PathBuf,
        /// What the reader says.
        reason: String,
    },
    /// Certificate and key do not fit.
    #[error("certificate and private key cannot be used together ({0})")]
    Pair(rustls::Error),
}

/// Certificate and key in use, and the files they come from.
pub struct Tls {
    files: TlsFiles,
    config: ArcSwap<ServerConfig>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError`], which names the file.
    pub fn open(files: &TlsFiles) -> Result<Self, TlsError> {
        Ok(Self { files: files.clone(), config: ArcSwap::from_pointee(read(files)?) })
    }

    /// Reads the files again. It reads from disk: not to be called where others wait.
    ///
    /// *What it does not do*: watch the files; somebody says when they have changed.
    ///
    /// # Errors
    /// [`TlsError`]; then what was in use stays.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.config.store(Arc::new(read(&self.files)?));
        Ok(())
    }

    /// What accepts the next connection.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.load_full())
    }
}

fn read(files: &TlsFiles) -> Result<ServerConfig, TlsError> {
    let chain = certificates(&files.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| TlsError::Key { path: files.key.clone(), reason: error.to_string() })?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Pair)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(TlsError::Pair)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |reason: String| TlsError::Certificate { path: path.to_owned(), reason };
    let chain = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| failed(error.to_string()))?;
    if chain.is_empty() { Err(failed("the file has none".to_owned())) } else { Ok(chain) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_hold_nothing_usable_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("empty.pem");
        std::fs::write(&path, "no certificate here").unwrap();
        let files = TlsFiles { certificate: path.clone(), key: path.clone() };
        let error = Tls::open(&files).err().map(|error| error.to_string()).unwrap();
        assert!(
            error.starts_with(&format!("{} holds no readable PEM certificate", path.display())),
            "{error}"
        );
        let missing = TlsFiles { certificate: folder.path().join("none"), key: path };
        assert!(matches!(Tls::open(&missing), Err(TlsError::Certificate { .. })));
    }
}
