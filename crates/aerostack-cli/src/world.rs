//! What the command line sees of the machine: environment, streams, terminals, folder and clock.
//!
//! Nothing else in this crate asks the process for any of these, so a test gives its own.

use std::collections::BTreeMap;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use aerostack_core::time::Timestamp;

/// Names the folder for the files of `login`, in place of the platform's own.
pub(crate) const CONFIG_DIR_VARIABLE: &str = "AEROSTACK_CONFIG_DIR";
/// Any value switches colours off.
pub(crate) const NO_COLOUR_VARIABLE: &str = "NO_COLOR";
const VARIABLE_PREFIX: &str = "AEROSTACK_";

/// Which streams are terminals.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terminals {
    /// Whether questions can be asked.
    pub stdin: bool,
    /// Whether a person reads the data.
    pub stdout: bool,
    /// Whether a person reads the talk.
    pub stderr: bool,
    /// How wide a line of the terminal is, in columns; `None` if that is not known.
    pub columns: Option<u16>,
}

/// Shows a question and reads the answer without echo.
pub type SecretReader = dyn FnMut(&str) -> io::Result<String> + Send;

/// Asks the desktop to open an address; tells whether there is a desktop that was asked.
pub type UrlOpener = dyn FnMut(&str) -> bool + Send;

/// The surroundings of one run.
pub struct World {
    /// Variables that begin with `AEROSTACK_`, and `NO_COLOR`.
    pub environment: BTreeMap<String, String>,
    /// Where keys come from when `-` is given.
    pub stdin: Box<dyn BufRead + Send>,
    /// Data.
    pub stdout: Box<dyn Write + Send>,
    /// Talk and errors.
    pub stderr: Box<dyn Write + Send>,
    /// Which of the three are terminals.
    pub terminals: Terminals,
    /// Where `login` keeps its files; `None` if the platform names no folder.
    pub config_dir: Option<PathBuf>,
    /// The folder the command is run in; `None` if it is gone.
    pub folder: Option<PathBuf>,
    /// The clock.
    pub now: Box<dyn Fn() -> Timestamp + Send>,
    /// Shows a question and reads the answer without echo.
    pub read_secret: Box<SecretReader>,
    /// Opens an address in a browser, where there is one.
    pub open_url: Box<UrlOpener>,
}

impl World {
    /// The process's own surroundings.
    #[must_use]
    pub fn real() -> Self {
        let environment: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with(VARIABLE_PREFIX) || name == NO_COLOUR_VARIABLE)
            .collect();
        let own_dir = environment.get(CONFIG_DIR_VARIABLE).filter(|dir| !dir.is_empty()).map(PathBuf::from);
        Self {
            config_dir: own_dir.or_else(|| dirs::config_dir().map(|dir| dir.join("aerostack"))),
            environment,
            folder: std::env::current_dir().ok(),
            stdin: Box::new(io::BufReader::new(io::stdin())),
            stdout: Box::new(io::BufWriter::new(io::stdout())),
            stderr: Box::new(io::stderr()),
            terminals: Terminals {
                stdin: io::stdin().is_terminal(),
                stdout: io::stdout().is_terminal(),
                stderr: io::stderr().is_terminal(),
                columns: terminal_columns(),
            },
            now: Box::new(system_now),
            read_secret: Box::new(|question| rpassword::prompt_password(question)),
            open_url: Box::new(open_on_desktop),
        }
    }

    /// Surroundings without terminals, whose streams are kept in memory: world, data, talk.
    #[must_use]
    pub fn captured(config_dir: PathBuf, now: Timestamp) -> (Self, Captured, Captured) {
        let (stdout, stderr) = (Captured::default(), Captured::default());
        let world = Self {
            environment: BTreeMap::new(),
            stdin: Box::new(io::empty()),
            stdout: Box::new(stdout.clone()),
            stderr: Box::new(stderr.clone()),
            terminals: Terminals::default(),
            config_dir: Some(config_dir),
            folder: None,
            now: Box::new(move || now),
            read_secret: Box::new(|_| Err(io::ErrorKind::Unsupported.into())),
            open_url: Box::new(|_| false),
        };
        (world, stdout, stderr)
    }
}

/// Of standard output's terminal, or of standard error's.
fn terminal_columns() -> Option<u16> {
    comfy_table::Table::new().width().or_else(|| comfy_table::Table::new().use_stderr().width())
}

#[expect(clippy::disallowed_methods, reason = "the one place where the command line reads the clock")]
fn system_now() -> Timestamp {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::default().plus(since_epoch)
}

/// Over SSH the desktop, if there is one, is not where the person is.
fn open_on_desktop(url: &str) -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if is_set("SSH_CONNECTION") || !io::stderr().is_terminal() {
        return false;
    }
    let program = match std::env::consts::OS {
        "macos" => "open",
        _ if is_set("DISPLAY") || is_set("WAYLAND_DISPLAY") => "xdg-open",
        _ => return false,
    };
    let mut command = Command::new(program);
    command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().is_ok()
}

/// A stream that is kept in memory; its clones share what was written.
#[derive(Clone, Debug, Default)]
pub struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    /// Takes what was written since the last time, as text.
    #[must_use]
    pub fn take(&self) -> String {
        let bytes = std::mem::take(&mut *self.bytes());
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn bytes(&self) -> std::sync::MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
