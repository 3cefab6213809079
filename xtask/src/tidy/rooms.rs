//! The rooms of the house and what each must not know.

/// A part of the source and the paths it must not name.
pub(super) struct Room {
    /// How findings call it.
    pub(super) name: &'static str,
    /// Beginnings of the paths of its files.
    files: &'static [&'static str],
    /// Beginnings that are not its files all the same.
    but: &'static [&'static str],
    /// Paths it must not name.
    pub(super) never: &'static [&'static str],
    /// Why.
    pub(super) why: &'static str,
}

impl Room {
    /// Whether a file belongs to it.
    pub(super) fn holds(&self, path: &str) -> bool {
        let begins = |stems: &[&str]| stems.iter().any(|stem| path.starts_with(stem));
        begins(self.files) && !begins(self.but)
    }
}

const WORLD: &[&str] = &[
    "tokio",
    "hyper",
    "sqlx",
    "reqwest",
    "std::env",
    "std::fs",
    "std::process",
    "std::thread",
    "std::time::SystemTime",
    "std::time::Instant",
    "SystemTime::now",
    "Instant::now",
    "rand::rng",
    "rand::random",
    "rand::rngs",
];

/// All rooms.
pub(super) const ROOMS: &[Room] = &[
    Room {
        name: "core",
        files: &["crates/aerostack-core/src/"],
        but: &[],
        never: WORLD,
        why: "decisions are tested with values alone",
    },
    Room {
        name: "core's domain",
        files: &["crates/aerostack-core/src/"],
        but: &["crates/aerostack-core/src/api", "crates/aerostack-core/src/lib.rs"],
        never: &["crate::api"],
        why: "wire shapes follow the domain",
    },
    Room {
        name: "the protocol floor",
        files: &["crates/aerostack-gateway/src/http/", "crates/aerostack-gateway/src/jsonrpc"],
        but: &[],
        never: &[
            "aerostack_core",
            "crate::admin",
            "crate::app",
            "crate::dashboard",
            "crate::grants",
            "crate::mcp",
            "crate::service",
            "crate::snapshot",
            "crate::store",
            "crate::upstream",
        ],
        why: "protocol floors do not learn the business",
    },
    Room {
        name: "the store",
        files: &["crates/aerostack-gateway/src/store"],
        but: &[],
        never: &[
            "crate::admin",
            "crate::app",
            "crate::dashboard",
            "crate::grants",
            "crate::http",
            "crate::jsonrpc",
            "crate::mcp",
            "crate::service",
            "crate::upstream",
        ],
        why: "SQL answers questions, it does not know who asks",
    },
    Room {
        name: "upstream",
        files: &["crates/aerostack-gateway/src/upstream"],
        but: &[],
        never: &[
            "crate::admin",
            "crate::app",
            "crate::dashboard",
            "crate::grants",
            "crate::mcp",
            "crate::service",
            "crate::store",
        ],
        why: "it is handed a server and a credential; it cannot go shopping",
    },
    Room {
        name: "mcp",
        files: &["crates/aerostack-gateway/src/mcp"],
        but: &[],
        never: &["crate::admin", "crate::dashboard", "crate::service"],
        why: "two doors, one hall (`app`); what both need goes down",
    },
    Room {
        name: "admin",
        files: &["crates/aerostack-gateway/src/admin"],
        but: &[],
        never: &["crate::mcp", "crate::dashboard", "crate::service"],
        why: "two doors, one hall (`app`); what both need goes down",
    },
    Room {
        name: "dashboard",
        files: &["crates/aerostack-gateway/src/dashboard"],
        but: &[],
        never: &["crate::mcp", "crate::service", "crate::upstream", "crate::grants"],
        why: "pages do what the admin API does, and by its functions",
    },
    Room {
        name: "mail",
        files: &["crates/aerostack-gateway/src/mail"],
        but: &[],
        never: &[
            "crate::admin",
            "crate::app",
            "crate::dashboard",
            "crate::mcp",
            "crate::service",
            "crate::store",
        ],
        why: "letters do not know who sends them",
    },
    Room {
        name: "the hall",
        files: &["crates/aerostack-gateway/src/app", "crates/aerostack-gateway/src/grants"],
        but: &[],
        never: &["crate::admin", "crate::dashboard", "crate::mcp", "crate::service"],
        why: "the doors stand on it",
    },
    Room {
        name: "the command line",
        files: &["crates/aerostack-cli/src/"],
        but: &[],
        never: &["aerostack_gateway", "sqlx"],
        why: "all checks are on the server",
    },
];

/// Manifests, the dependencies each must not have, and why.
pub(super) const CRATES: &[(&str, &[&str], &str)] = &[
    (
        "crates/aerostack-core/Cargo.toml",
        &["tokio", "hyper", "hyper-util", "sqlx", "reqwest"],
        "decisions are tested with values alone",
    ),
    ("crates/aerostack-cli/Cargo.toml", &["aerostack-gateway", "sqlx"], "all checks are on the server"),
];
