//! Waiting for something to become true, without naming a span that is too short on a slow machine.

use std::time::Duration;

use crate::wire::PATIENCE;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Looks again and again until `holds` does.
///
/// # Panics
/// When it does not hold in time; `what` is told.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let wait = async {
        while !holds().await {
            looks.tick().await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, wait).await.is_ok(), "waited in vain until {what}");
}
