//! What an installation can set. Every limit has a name, a unit and a default here; `args` fills
//! them from flags and environment variables, `aerostack-gateway check` shows them.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use aerostack_core::plan::PlanTable;
use ipnet::IpNet;
use url::Url;

/// Effective settings of a gateway.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to accept connections.
    pub listen: SocketAddr,
    /// Where SQLite files, master key and lock stand.
    pub data_dir: PathBuf,
    /// Which database.
    pub database: Database,
    /// What editors and browsers are told to use; `None` is the listening address.
    pub public_url: Option<Url>,
    /// Browser origins that may call the gateway, beside loopback and the public URL.
    pub allowed_origins: Vec<String>,
    /// Private networks in which anybody's upstreams may be.
    pub upstream_allow: Vec<IpNet>,
    /// Certificate chain and key for TLS without a proxy.
    pub tls: Option<TlsFiles>,
    /// The master key as text, where it is not kept in the data folder.
    pub master_key: Option<secrecy::SecretString>,
    /// How mail is sent; `None` sends none.
    pub mail: Option<Mail>,
    /// The master key that is to take its place, while it is being replaced.
    pub next_master_key: Option<secrecy::SecretString>,
    /// How programs are run as servers; `None` runs none.
    pub stdio: Option<Stdio>,
    /// What plans allow.
    pub plans: PlanTable,
    /// Everything that is bounded.
    pub limits: Limits,
}

/// Which database engine, and where.
#[derive(Clone)]
pub enum Database {
    /// A file in the data folder.
    Sqlite(PathBuf),
    /// A `postgres://` address, which may hold a password.
    Postgres(secrecy::SecretString),
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "Sqlite({})", path.display()),
            Self::Postgres(_) => f.write_str("Postgres(…)"),
        }
    }
}

/// PEM files for TLS.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// Certificate chain.
    pub certificate: PathBuf,
    /// Private key.
    pub key: PathBuf,
}

/// The server that takes our mail, and in whose name it is sent.
#[derive(Clone)]
pub struct Mail {
    /// `smtp://` or `smtps://`, with user and password where the server wants them.
    pub url: secrecy::SecretString,
    /// Its name, as its certificate has it.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: MailTls,
    /// A PEM file with further roots to trust, for a server with a certificate of one's own.
    pub roots: Option<PathBuf>,
    /// The sender.
    pub from: lettre::message::Mailbox,
}

/// How programs are run as servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stdio {
    /// The gateway's own program, which sets the limits of each before it becomes it.
    pub launcher: PathBuf,
}

/// How a connection to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    /// From the first byte.
    Always,
    /// By STARTTLS, or nothing is sent.
    Required,
    /// By STARTTLS where the server offers it.
    Opportunistic,
    /// Not at all.
    Never,
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mail({}:{}, {:?})", self.host, self.port, self.tls)
    }
}

/// Everything that is bounded, with the product's defaults.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Requests a token may make in any 60 seconds, unless its plan or itself says otherwise.
    pub rate_limit_per_minute: u32,
    /// Largest request body.
    pub body_limit_bytes: usize,
    /// Largest total of request headers.
    pub header_limit_bytes: usize,
    /// Time for a request's headers to arrive.
    pub header_timeout: Duration,
    /// Time for a request's body to arrive.
    pub body_timeout: Duration,
    /// Time a connection is kept open between two requests.
    pub idle_timeout: Duration,
    /// Time for a peer to take what is written to it.
    pub write_timeout: Duration,
    /// Open connections of the whole gateway.
    pub connections: usize,
    /// Open streams of one token.
    pub streams_per_token: u32,
    /// Answers up to this size are checked whole; larger ones are streamed.
    pub whole_answer_bytes: usize,
    /// Largest answer to a call, however it is passed on.
    pub answer_limit_bytes: usize,
    /// Largest single event of an upstream's event stream, and largest answer that must be read whole.
    pub event_limit_bytes: usize,
    /// Bytes of bodies and gathered answers held at the same time, of everybody together.
    pub held_bytes: usize,
    /// The same of one token.
    pub held_per_token_bytes: usize,
    /// Time without a byte from an upstream after which a call is given up.
    pub call_idle_timeout: Duration,
    /// Time a legacy call may go on in all after its caller has hung up.
    pub abandoned_call_timeout: Duration,
    /// Time for which what was said on an event stream is kept for a caller who comes back.
    pub replay_timeout: Duration,
    /// Time after which the connection of a call's event stream is closed, for callers who then ask again.
    pub call_stream_for: Duration,
    /// Time a question of an upstream waits for its answer, and a call with it.
    pub question_timeout: Duration,
    /// Calls that wait for answers of modern callers, over all workspaces.
    pub parked_calls: usize,
    /// The same of one token.
    pub parked_calls_per_token: usize,
    /// Time for connecting to an upstream and listing all its tools.
    pub list_timeout: Duration,
    /// Time between refreshes of a tool list.
    pub list_refresh_every: Duration,
    /// Tool lists refreshed at the same time, over all workspaces.
    pub list_refreshes_at_once: usize,
    /// Tools of one upstream; a list with more is refused.
    pub tools_per_install: usize,
    /// Total size of one upstream's tool definitions.
    pub tool_list_bytes: usize,
    /// Calls in flight to one installed server.
    pub calls_per_install: usize,
    /// Upstream sessions of one installed server.
    pub sessions_per_install: usize,
    /// Time without a call after which an upstream session is ended.
    pub session_idle_timeout: Duration,
    /// Programs that run as servers at the same time, over all workspaces.
    pub stdio_children: usize,
    /// The same of one installed server.
    pub stdio_children_per_install: usize,
    /// Resident memory of one program with all it has started.
    pub stdio_memory_bytes: usize,
    /// Files that one of them may have open.
    pub stdio_open_files: usize,
    /// Time for a program to start and to say what it speaks.
    pub stdio_start_timeout: Duration,
    /// Time without a call after which a program is ended.
    pub stdio_idle_timeout: Duration,
    /// Longest message of a program.
    pub stdio_line_bytes: usize,
    /// Time calls in flight get to finish after SIGTERM.
    pub drain_timeout: Duration,
    /// Time between comment lines that keep an idle event stream open.
    pub keep_alive_every: Duration,
    /// Requests of one batch.
    pub batch_len: usize,
    /// Levels of nesting of a request's JSON.
    pub json_depth: usize,
    /// Time an administrative request may wait for the database.
    pub database_timeout: Duration,
    /// Time between writes of when tokens were last used.
    pub last_used_every: Duration,
    /// Time for a mail server to take a mail.
    pub mail_timeout: Duration,
    /// Mails that are handed to the mail server at the same time.
    pub mails_at_once: usize,
    /// Time between two looks at the calls of workspaces with alerts.
    pub alerts_every: Duration,
    /// Time for the receiver of an alert to answer.
    pub webhook_timeout: Duration,
    /// Messages of alerts that are posted at the same time.
    pub webhooks_at_once: usize,
    /// Calls that may wait to be recorded; more are counted and not recorded.
    pub calls_waiting: usize,
    /// Free room on the disk below which calls are not recorded.
    pub free_space_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const KIB: usize = 1_024;
        const MIB: usize = 1_024 * KIB;
        Self {
            rate_limit_per_minute: aerostack_core::quota::DEFAULT_LIMIT_PER_MINUTE,
            body_limit_bytes: 16 * MIB,
            header_limit_bytes: 32 * KIB,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(120),
            write_timeout: Duration::from_secs(60),
            connections: 10_000,
            streams_per_token: 64,
            whole_answer_bytes: 64 * KIB,
            answer_limit_bytes: 1_024 * MIB,
            event_limit_bytes: 16 * MIB,
            held_bytes: 256 * MIB,
            held_per_token_bytes: 64 * MIB,
            call_idle_timeout: Duration::from_secs(300),
            abandoned_call_timeout: Duration::from_secs(600),
            replay_timeout: Duration::from_secs(300),
            call_stream_for: Duration::from_secs(600),
            question_timeout: Duration::from_secs(300),
            parked_calls: 1_024,
            parked_calls_per_token: 16,
            list_timeout: Duration::from_secs(5),
            list_refresh_every: Duration::from_secs(300),
            list_refreshes_at_once: 32,
            tools_per_install: 5_000,
            tool_list_bytes: 8 * MIB,
            calls_per_install: 256,
            sessions_per_install: 1_024,
            session_idle_timeout: Duration::from_secs(1_800),
            stdio_children: 512,
            stdio_children_per_install: 128,
            stdio_memory_bytes: 1_024 * MIB,
            stdio_open_files: 1_024,
            stdio_start_timeout: Duration::from_secs(30),
            stdio_idle_timeout: Duration::from_secs(600),
            stdio_line_bytes: 16 * MIB,
            drain_timeout: Duration::from_secs(30),
            keep_alive_every: Duration::from_secs(15),
            batch_len: 50,
            json_depth: 128,
            database_timeout: Duration::from_secs(10),
            last_used_every: Duration::from_secs(2),
            mail_timeout: Duration::from_secs(15),
            mails_at_once: 8,
            alerts_every: Duration::from_secs(10),
            webhook_timeout: Duration::from_secs(10),
            webhooks_at_once: 16,
            calls_waiting: 65_536,
            free_space_bytes: 256 * MIB,
        }
    }
}

impl Config {
    /// Settings for a folder with SQLite on any free loopback port; everything else by default.
    #[must_use]
    pub fn local(data_dir: PathBuf) -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0),
            database: Database::Sqlite(data_dir.join("aerostack.db")),
            data_dir,
            public_url: None,
            allowed_origins: Vec::new(),
            upstream_allow: Vec::new(),
            tls: None,
            master_key: None,
            mail: None,
            next_master_key: None,
            stdio: None,
            plans: PlanTable::default(),
            limits: Limits::default(),
        }
    }
}
