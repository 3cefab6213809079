//! The command line of `aerostack-gateway`. Flags are kept as text here; [`crate::settings`] puts
//! them together with the environment, so that both are checked and named alike.

use std::path::PathBuf;

use aerostack_core::account::Email;
use aerostack_core::plan::Plan;
use aerostack_core::slug::Slug;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

/// One URL per workspace in front of all its MCP servers.
#[derive(Debug, Parser)]
#[command(name = "aerostack-gateway", version, max_term_width = 100)]
pub struct Args {
    /// What to do; without it, `serve`.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Settings.
    #[command(flatten)]
    pub flags: Flags,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Accept connections until SIGTERM; what happens without a command.
    Serve,
    /// Operator accounts, which run this installation.
    #[command(subcommand)]
    Owner(Owner),
    /// Show the effective settings and say whether `serve` would start.
    Check,
    /// The master key, under which secrets are sealed.
    #[command(subcommand)]
    Key(KeyOrder),
    /// Bring the database's schema up to date; `serve` does this as well.
    Migrate,
    /// Write a consistent copy of the database into a new file, also beside a running gateway.
    Backup {
        /// The file to make.
        file: PathBuf,
    },
    /// Read a backup into an empty database of either engine.
    Restore {
        /// A file that `backup` made.
        file: PathBuf,
    },
}

/// What can be done with operator accounts. Both work beside a running gateway.
#[derive(Debug, Subcommand)]
pub enum Owner {
    /// Make an operator account; prints its key, which is shown only now.
    Create {
        /// Its e-mail address.
        #[arg(long)]
        email: Email,
        /// Its username, which is also its namespace.
        #[arg(long)]
        username: Slug,
        /// Its plan: free, pro, team or enterprise.
        #[arg(long, default_value_t = Plan::Team)]
        plan: Plan,
    },
    /// Make a new key for somebody who lost theirs, operator or not; prints it.
    Key {
        /// The e-mail address of their account.
        #[arg(long)]
        email: Email,
    },
}

/// What can be done with the master key. No gateway may be serving.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum KeyOrder {
    /// Replace it by another, and seal everything anew under that.
    ///
    /// The new key is made in the data folder, unless AEROSTACK_MASTER_KEY_NEW or standard input gives
    /// one. It may be killed and run again at any moment.
    Rotate {
        /// Read the new key from standard input, for those who keep it elsewhere.
        #[arg(long)]
        new_key_from_stdin: bool,
        /// The present key is lost for good: forget every secret, and go on with a new key.
        #[arg(long)]
        lost: bool,
    },
}

/// Settings that have a flag. Each has an environment variable too, which the flag overrides.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Flags {
    /// Where to accept connections; port 0 takes any free one [env: AEROSTACK_LISTEN] [default: 127.0.0.1:8787].
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Folder of the SQLite database, the master key and the lock [env: AEROSTACK_DATA_DIR]
    /// [default: /var/lib/aerostack for root, else aerostack in the user's data folder].
    #[arg(long, global = true, value_name = "FOLDER")]
    pub data_dir: Option<String>,
    /// `sqlite:<path>` or `postgres://…` [env: AEROSTACK_DATABASE_URL] [default: SQLite in the data folder].
    /// A password is better kept in the variable: other users can see flags.
    #[arg(long, global = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// What editors and browsers are told to use [env: AEROSTACK_PUBLIC_URL] [default: the listening address].
    #[arg(long, global = true, value_name = "URL")]
    pub public_url: Option<String>,
    /// PEM file with a certificate chain, for TLS without a proxy [env: AEROSTACK_TLS_CERT].
    #[arg(long, global = true, value_name = "FILE")]
    pub tls_cert: Option<String>,
    /// PEM file with its private key [env: AEROSTACK_TLS_KEY].
    #[arg(long, global = true, value_name = "FILE")]
    pub tls_key: Option<String>,
    /// Let operators add servers that are programs, which the gateway then runs as the user it runs as
    /// itself [env: AEROSTACK_ALLOW_STDIO].
    #[arg(long, global = true)]
    pub allow_stdio: bool,
}

impl Args {
    /// Reads a command line; `--help` also lists the settings that are environment variables only.
    ///
    /// # Errors
    /// clap's, which also stands for `--help` and `--version`.
    pub fn read<I, T>(arguments: I) -> Result<Self, clap::Error>
    where
        I: IntoIterator<Item = T>,
        T: Into<std::ffi::OsString> + Clone,
    {
        let command = Self::command().after_long_help(crate::settings::environment_help());
        Self::from_arg_matches(&command.try_get_matches_from(arguments)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Args, clap::Error> {
        Args::read(line.split(' '))
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn serve_needs_no_word_and_flags_stand_anywhere() {
        let args = read("aerostack-gateway --listen 127.0.0.1:0").unwrap();
        assert!(args.command.is_none());
        assert_eq!(args.flags.listen.as_deref(), Some("127.0.0.1:0"));
        let args =
            read("aerostack-gateway owner create --email a@b.c --username acme --data-dir /d").unwrap();
        let Some(Command::Owner(Owner::Create { plan, username, .. })) = args.command else { panic!() };
        assert_eq!((plan, username.as_str()), (Plan::Team, "acme"));
        assert_eq!(args.flags.data_dir.as_deref(), Some("/d"));
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in ["owner create --email nobody --username acme", "backup", "serve --port 1", "owner"] {
            assert!(read(&format!("aerostack-gateway {bad}")).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_long_help_names_every_variable() {
        let help = read("aerostack-gateway --help").unwrap_err().to_string();
        for name in ["AEROSTACK_LISTEN", "AEROSTACK_PLANS", "AEROSTACK_LIMIT_BODY", "AEROSTACK_MASTER_KEY"] {
            assert!(help.contains(name), "{name}");
        }
    }
}
