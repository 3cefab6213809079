//! Effective settings: a flag, else an environment variable, else the default.
//!
//! Everything is read and checked in one go before anything is opened. A bad value is refused by
//! name, and each effective value knows where it came from, for `check`. An empty variable counts as
//! not set.

use std::path::PathBuf;

use aerostack_core::plan::PlanTable;
use secrecy::SecretString;

mod limits;
mod mail;
mod plans;
mod reader;
mod value;

use reader::Reader;
pub use reader::{BadSetting, Environment, Setting, Source};

use crate::args::Flags;
use crate::config::{Config, Database, Stdio, TlsFiles};

/// Where connections are accepted unless set.
const LISTEN: &str = "127.0.0.1:8787";
/// File of the SQLite database in the data folder.
const DATABASE_FILE: &str = "aerostack.db";

/// Variables that are no settings of [`Config`]: read elsewhere in this program, or by the command line.
const OTHER_VARIABLES: [&str; 4] =
    ["AEROSTACK_LOG", "AEROSTACK_API_URL", "AEROSTACK_API_KEY", "AEROSTACK_CONFIG_DIR"];

/// The configuration, and how it came about.
#[derive(Debug)]
pub struct Settings {
    /// What the gateway runs with.
    pub config: Config,
    /// What is logged.
    pub log: String,
    /// Every setting, for people; secrets are masked.
    pub shown: Vec<Setting>,
    /// Variables that look meant for this program and are not known to it.
    pub unknown: Vec<String>,
}

impl Settings {
    /// Puts flags and environment together.
    ///
    /// # Errors
    /// [`BadSetting`] names the first that cannot be used.
    pub fn read(flags: &Flags, environment: &Environment) -> Result<Self, BadSetting> {
        let mut reader = Reader::new(environment);
        let listen =
            reader.value(("listen", "AEROSTACK_LISTEN"), flags.listen.as_deref(), value::LISTEN, || {
                (value::LISTEN.parse)(LISTEN)
            })?;
        let data_dir = reader.value(
            ("data-dir", "AEROSTACK_DATA_DIR"),
            flags.data_dir.as_deref(),
            value::PATH,
            default_data_dir,
        )?;
        let default_database = || Ok(Database::Sqlite(data_dir.join(DATABASE_FILE)));
        let database = reader.value(
            ("database-url", "AEROSTACK_DATABASE_URL"),
            flags.database_url.as_deref(),
            value::DATABASE,
            default_database,
        )?;
        let public_url = reader.value(
            ("public-url", "AEROSTACK_PUBLIC_URL"),
            flags.public_url.as_deref(),
            value::PUBLIC_URL,
            || Ok(None),
        )?;
        let tls = read_tls(&mut reader, flags)?;
        let none = || Ok(Vec::new());
        let allowed_origins = reader.variable("AEROSTACK_ALLOWED_ORIGINS", value::ORIGINS, none)?;
        let upstream_allow =
            reader.variable("AEROSTACK_UPSTREAM_ALLOW", value::NETWORKS, || Ok(Vec::new()))?;
        let plans = reader.variable("AEROSTACK_PLANS", plans::PLANS, || Ok(PlanTable::default()))?;
        let master_key: Option<SecretString> =
            reader.variable("AEROSTACK_MASTER_KEY", value::MASTER_KEY, || Ok(None))?;
        let mail = mail::read(&mut reader)?;
        let next_master_key: Option<SecretString> =
            reader.variable("AEROSTACK_MASTER_KEY_NEW", value::NEXT_MASTER_KEY, || Ok(None))?;
        let stdio = read_stdio(&mut reader, flags)?;
        let limits = limits::read(&mut reader)?;
        let log =
            reader.variable("AEROSTACK_LOG", value::LOG, || Ok(crate::telemetry::DEFAULT_LOG.to_owned()))?;
        let (shown, unknown) = reader.finish(&OTHER_VARIABLES);
        let config = Config {
            listen,
            data_dir,
            database,
            public_url,
            allowed_origins,
            upstream_allow,
            tls,
            master_key,
            mail,
            next_master_key,
            stdio,
            plans,
            limits,
        };
        Ok(Self { config, log, shown, unknown })
    }

    /// The flags that make another command of this program use the same database; empty for defaults.
    ///
    /// A setting from the environment is not repeated: it holds for the next command as well, and a
    /// database address may have a password in it.
    #[must_use]
    pub fn flags_to_repeat(&self) -> String {
        let flags = self.shown.iter().filter(|setting| setting.source == Source::Flag);
        let repeated = flags.filter_map(|setting| match setting.name {
            "AEROSTACK_DATA_DIR" => Some(format!(" --data-dir {}", setting.value)),
            "AEROSTACK_DATABASE_URL" => Some(format!(" --database-url {}", setting.value)),
            _ => None,
        });
        repeated.collect()
    }
}

/// Both files or neither.
fn read_tls(reader: &mut Reader<'_>, flags: &Flags) -> Result<Option<TlsFiles>, BadSetting> {
    let none = || Ok(None);
    let certificate = ("tls-cert", "AEROSTACK_TLS_CERT");
    let key = ("tls-key", "AEROSTACK_TLS_KEY");
    let certificate_file: Option<PathBuf> =
        reader.value(certificate, flags.tls_cert.as_deref(), value::OPTIONAL_PATH, none)?;
    let key_file = reader.value(key, flags.tls_key.as_deref(), value::OPTIONAL_PATH, none)?;
    match (certificate_file, key_file) {
        (Some(certificate), Some(key)) => Ok(Some(TlsFiles { certificate, key })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(BadSetting::of(key.1, "it is needed beside AEROSTACK_TLS_CERT")),
        (None, Some(_)) => Err(BadSetting::of(certificate.1, "it is needed beside AEROSTACK_TLS_KEY")),
    }
}

/// Whether programs are run, and what starts them: this very program, also after its file was replaced.
fn read_stdio(reader: &mut Reader<'_>, flags: &Flags) -> Result<Option<Stdio>, BadSetting> {
    let (flag, name) = ("allow-stdio", "AEROSTACK_ALLOW_STDIO");
    let given = flags.allow_stdio.then_some("true");
    if !reader.value((flag, name), given, value::SWITCH, || Ok(false))? {
        return Ok(None);
    }
    if !cfg!(unix) {
        return Err(BadSetting::of(name, "programs are run as servers on Unix only"));
    }
    let itself = std::path::Path::new("/proc/self/exe");
    let launcher = if itself.exists() { Ok(itself.to_owned()) } else { std::env::current_exe() };
    let launcher =
        launcher.map_err(|error| BadSetting::of(name, format!("this program is not found: {error}")))?;
    Ok(Some(Stdio { launcher }))
}

/// The user's data folder, or the system's for root.
fn default_data_dir() -> Result<PathBuf, String> {
    #[cfg(target_os = "linux")]
    if rustix::process::geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/aerostack"));
    }
    let folder = dirs::data_dir().ok_or("it must be set: this user has no home folder")?;
    Ok(folder.join("aerostack"))
}

/// The settings that have no flag, for `--help`.
#[must_use]
pub fn environment_help() -> String {
    let own = [
        (
            "AEROSTACK_MASTER_KEY",
            "32 bytes in hex or base64 [default: master.key in the data folder]".to_owned(),
        ),
        (
            "AEROSTACK_MASTER_KEY_NEW",
            "the key that `key rotate` puts in its place [default: a new one in the data folder]".to_owned(),
        ),
        (
            "AEROSTACK_ALLOWED_ORIGINS",
            "browser origins, comma-separated, beside loopback and the public URL".to_owned(),
        ),
        ("AEROSTACK_UPSTREAM_ALLOW", "private networks anybody's servers may be in: 10.0.0.0/8,…".to_owned()),
        (
            "AEROSTACK_PLANS",
            "changes to the plans: pro.tokens=50,free.workspaces=unlimited,team.rate=600".to_owned(),
        ),
        (
            "AEROSTACK_SMTP_URL",
            "server for mail: smtps://user:password@host, or smtp://… with STARTTLS [default: no mail]"
                .to_owned(),
        ),
        ("AEROSTACK_MAIL_FROM", "sender of mail: Aerostack <noreply@company.com>".to_owned()),
        ("AEROSTACK_SMTP_CA", "PEM file with further roots to trust for the mail server".to_owned()),
        ("AEROSTACK_LOG", "what is logged: error, warn, info, debug or filters [default: info]".to_owned()),
    ];
    let rows: Vec<(&str, String)> = own.into_iter().chain(limits::help()).collect();
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines: Vec<String> = rows.iter().map(|(name, text)| format!("  {name:width$}  {text}")).collect();
    format!("Environment variables without a flag:\n{}", lines.join("\n"))
}

#[cfg(test)]
mod tests;
