//! TLS without a proxy in front: a certificate chain and a key from PEM files, HTTP/1.1 only.

use std::path::{Path, PathBuf};
use std::sync::Arc;

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

/// Reads the files and makes what accepts TLS connections.
///
/// *What it does not do*: follow changes of the files; a renewed certificate needs a restart.
///
/// # Errors
/// [`TlsError`], which names the file.
pub fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, TlsError> {
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
    Ok(TlsAcceptor::from(Arc::new(config)))
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
        let error = acceptor(&files).err().map(|error| error.to_string()).unwrap();
        assert!(
            error.starts_with(&format!("{} holds no readable PEM certificate", path.display())),
            "{error}"
        );
        let missing = TlsFiles { certificate: folder.path().join("none"), key: path };
        assert!(matches!(acceptor(&missing), Err(TlsError::Certificate { .. })));
    }
}
