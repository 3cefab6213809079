//! Work that goes through many bytes is done on a thread of its own, where it holds nobody up.

/// Work on no more than this many bytes is done where it stands: it takes less than a millisecond.
const HERE_MAX_BYTES: usize = 64 * 1_024;

/// Does `work`, which goes through about `bytes` bytes.
///
/// *Cancellation*: dropped, large work goes on and its result is thrown away.
///
/// # Panics
/// When `work` does.
pub async fn run<T: Send + 'static>(bytes: usize, work: impl FnOnce() -> T + Send + 'static) -> T {
    if bytes <= HERE_MAX_BYTES {
        return work();
    }
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime ends, and with it whoever waits here.
            Err(_) => std::future::pending().await,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn small_work_is_done_here_and_large_work_elsewhere() {
        let here = std::thread::current().id();
        let place = || std::thread::current().id();
        assert_eq!(run(HERE_MAX_BYTES, place).await, here);
        assert_ne!(run(HERE_MAX_BYTES + 1, place).await, here);
    }
}
