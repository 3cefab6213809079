//! Who holds a lease, in one short line of text: the content of the lock file, and the application
//! name of PostgreSQL's session, which has 63 bytes at most. So the host, which may be long, is last.

use std::fmt;
use std::net::SocketAddr;

use aerostack_core::time::Timestamp;

/// First word of the line.
const MARK: &str = "aerostack";
/// PostgreSQL cuts application names after this.
const LINE_MAX_BYTES: usize = 63;
/// Characters of the host's name that are kept.
const HOST_MAX_LEN: usize = 12;

/// What a lease is held for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Serving at this address.
    Serve(SocketAddr),
    /// Bringing the schema up to date.
    Migrate,
    /// Reading a backup in.
    Restore,
    /// Replacing the master key.
    RotateKey,
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serve(address) => write!(f, "{address}"),
            Self::Migrate => f.write_str("migrate"),
            Self::Restore => f.write_str("restore"),
            Self::RotateKey => f.write_str("rotate-key"),
        }
    }
}

/// The process that holds a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    pid: u32,
    since: Timestamp,
    doing: Doing,
    /// Empty if not known.
    host: String,
}

impl Holder {
    /// This process.
    pub(super) fn this_process(doing: Doing, now: Timestamp) -> Self {
        Self { pid: std::process::id(), since: now, doing, host: host_name() }
    }

    /// The same process doing something else.
    pub(super) fn doing(self, doing: Doing) -> Self {
        Self { doing, ..self }
    }

    /// Whether both are the same process, whatever it is doing, as far as their lines tell.
    pub(super) fn is_same_process(&self, other: &Self) -> bool {
        let told = |holder: &Self| {
            let read = Self::parse(&holder.line())?;
            Some((read.pid, read.since, read.host))
        };
        told(self) == told(other)
    }

    /// The line that [`Holder::parse`] reads. Slashes are in none of its words.
    pub(super) fn line(&self) -> String {
        let Self { pid, since, doing, host } = self;
        let mut line = format!("{MARK}/{pid}/{}/{doing}/{host}", since.as_millis() / 1_000);
        line.truncate(LINE_MAX_BYTES);
        line
    }

    /// Reads a line; `None` if no gateway wrote it.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let mut words = line.trim().split('/');
        if words.next() != Some(MARK) {
            return None;
        }
        let pid = words.next()?.parse().ok()?;
        let seconds: i64 = words.next()?.parse().ok()?;
        let doing = match words.next()? {
            "migrate" => Doing::Migrate,
            "restore" => Doing::Restore,
            "rotate-key" => Doing::RotateKey,
            address => Doing::Serve(address.parse().ok()?),
        };
        let host = words.next().unwrap_or_default().to_owned();
        Some(Self { pid, since: Timestamp::from_millis(seconds.checked_mul(1_000)?), doing, host })
    }
}

impl fmt::Display for Holder {
    /// `another gateway (pid 1234, since 2026-03-17 11:15 UTC, on 127.0.0.1:8787)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "another gateway (pid {}", self.pid)?;
        if !self.host.is_empty() && self.host != host_name() {
            write!(f, " of {}", self.host)?;
        }
        write!(f, ", since {}", self.since.minute())?;
        match self.doing {
            Doing::Serve(address) => write!(f, ", on {address})"),
            Doing::Migrate | Doing::Restore | Doing::RotateKey => write!(f, ", busy with {})", self.doing),
        }
    }
}

/// The machine's name without its domain, as far as it is plain ASCII. Of a long one the end is
/// kept: that is what tells the replicas of a cluster apart.
fn host_name() -> String {
    #[cfg(unix)]
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    #[cfg(not(unix))]
    let name = std::env::var("COMPUTERNAME").unwrap_or_default();
    let first: String = name.split('.').next().unwrap_or_default().to_owned();
    let plain: String = first.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    plain[plain.len().saturating_sub(HOST_MAX_LEN)..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_reads_back_as_it_was_written() {
        let now = Timestamp::from_millis(1_773_746_100_000);
        for doing in [
            Doing::Serve("127.0.0.1:8787".parse().unwrap()),
            Doing::Migrate,
            Doing::Restore,
            Doing::RotateKey,
        ] {
            let holder = Holder::this_process(doing, now);
            assert_eq!(Holder::parse(&holder.line()), Some(holder.clone()));
            assert!(holder.line().len() <= LINE_MAX_BYTES && holder.line().is_ascii());
        }
        for foreign in ["", "psql", "aerostack", "aerostack/x/1/migrate/h", "aerostack/1/1/nothing/h"] {
            assert_eq!(Holder::parse(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_holder_is_named_so_that_a_person_can_find_it() {
        let told = |line: &str| Holder::parse(line).unwrap().to_string();
        assert_eq!(
            told("aerostack/1234/1773746100/127.0.0.1:8787/"),
            "another gateway (pid 1234, since 2026-03-17 11:15 UTC, on 127.0.0.1:8787)"
        );
        assert_eq!(
            told("aerostack/7/1773746100/migrate/elsewhere"),
            "another gateway (pid 7 of elsewhere, since 2026-03-17 11:15 UTC, busy with migrate)"
        );
    }
}
