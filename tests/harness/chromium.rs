//! A real browser: Chromium without a window, in a profile of its own that goes with it.
//!
//! It is driven over the pipe of its DevTools protocol: no port is opened, no driver stands between, and a
//! browser whose test has died reads the end of its pipe and ends. It can reach nothing but this machine.

mod find;
mod keys;
mod notes;
mod pipe;
mod tab;

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use self::pipe::Pipe;
pub use self::tab::{Look, Tab, Theme};

/// What the browser is called on different systems.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/// The protocol is spoken on descriptors 3 and 4. The shell puts them there, out of those that every
/// program is started with.
const PLUMBING: &str = "exec \"$0\" \"$@\" 3<&0 4>&1 0</dev/null 1>/dev/null 2>&1";

const ARGUMENTS: [&str; 15] = [
    "--headless=new",
    "--remote-debugging-pipe",
    // Only our own pages are opened, and containers and root have no sandbox to give.
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-extensions",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-breakpad",
    "--password-store=basic",
    "--lang=en-US",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

/// A running browser. Dropped, it ends with all it has started.
pub struct Chromium {
    child: Child,
    pipe: Pipe,
    _profile: TempDir,
}

impl Chromium {
    /// Starts one.
    ///
    /// # Panics
    /// When there is none, or it does not answer.
    pub async fn starts() -> Self {
        let program = find().expect("Chromium is installed");
        let profile = TempDir::new().expect("a profile of its own");
        let mut command = Command::new("sh");
        command.args(["-c", PLUMBING]).arg(program).args(ARGUMENTS);
        command.arg(format!("--user-data-dir={}", profile.path().join("profile").display()));
        command.env("HOME", profile.path()).process_group(0);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("there is a shell");
        let ends = child.stdin.take().zip(child.stdout.take()).expect("both are piped");
        let pipe = Pipe::over(ends.0, ends.1);
        let chromium = Self { child, pipe, _profile: profile };
        chromium.does("Browser.getVersion", json!({})).await;
        chromium
    }

    /// Opens a tab of somebody who shares nothing with other tabs: no cookies, no storage.
    ///
    /// `origin` is all it may ask, such as `http://127.0.0.1:8787`.
    ///
    /// # Panics
    /// When the browser refuses it.
    pub async fn tab(&self, origin: &str) -> Tab {
        let context = self.does("Target.createBrowserContext", json!({})).await;
        let context = &context["browserContextId"];
        let clipboard = json!({
            "origin": origin,
            "browserContextId": context,
            "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"],
        });
        self.does("Browser.grantPermissions", clipboard).await;
        let blank = json!({ "url": "about:blank", "browserContextId": context });
        let target = self.does("Target.createTarget", blank).await;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = self.does("Target.attachToTarget", attach).await;
        let session = attached["sessionId"].as_str().expect("a session has a name");
        Tab::new(self.pipe.clone(), session, origin).await
    }

    async fn does(&self, method: &str, parameters: Value) -> Value {
        self.pipe.asks(None, method, parameters).await.unwrap_or_else(|error| panic!("{method}: {error}"))
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // The shell's own `kill`: the program of that name is not everywhere.
        let group = format!("kill -s KILL -- -{} 2>/dev/null", self.child.id());
        let _ = Command::new("sh").args(["-c", &group]).status();
        let _ = self.child.wait();
    }
}

fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    NAMES.iter().find_map(|name| folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file()))
}
