//! Reading the files of TLS again when the process is told to.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::signals::Hangups;
use crate::http::tls::Tls;

/// Reads certificate and key again at every SIGHUP, until `stopping`. Files that cannot be used change
/// nothing.
pub(super) async fn at_hangups(mut hangups: Hangups, tls: Arc<Tls>, stopping: CancellationToken) {
    while stopping.run_until_cancelled(hangups.next()).await.is_some() {
        let tls = Arc::clone(&tls);
        match tokio::task::spawn_blocking(move || tls.reload()).await {
            Ok(Ok(())) => tracing::info!("certificate and private key were read again"),
            Ok(Err(error)) => {
                tracing::error!(%error, "certificate and private key cannot be used; those before stay in use");
            }
            Err(error) => tracing::error!(%error, "certificate and private key were not read"),
        }
    }
}
