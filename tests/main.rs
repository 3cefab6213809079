//! Stories and contracts, one binary: the product driven through its own doors.
#![allow(clippy::unwrap_used, reason = "a story that does not hold ends")]

mod contract {
    //! What other programs and people rely on.
    mod api;
    mod help;
    mod schema;
}

mod stories {
    //! One file per noun or promise. Each is told on SQLite and, where a server is named, on PostgreSQL.
    mod crash;
    mod expiry;
    mod header_mismatch;
    mod malformed;
    mod malformed_http;
    mod modern;
    mod old_sse;
    mod progress;
    mod quota;
    mod refusal;
    mod revocation;
    mod seats;
    mod seed;
    mod session;
    mod stalled;
    mod stranger;
    mod token;
    mod workspace;
}
