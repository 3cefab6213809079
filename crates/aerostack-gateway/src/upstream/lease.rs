//! Holding a session: it is not ended for being idle meanwhile.

use std::sync::Arc;

use super::session::Session;

/// The right to use a session; while it is held the session is not ended for being idle.
pub(super) struct Lease(Arc<Session>);

impl Lease {
    pub(super) fn new(session: Arc<Session>) -> Self {
        Self(session)
    }

    pub(super) fn session(&self) -> &Arc<Session> {
        &self.0
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.touch();
    }
}
