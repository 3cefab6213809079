//! The program as an operating system meets it: its exit codes, its one line on stdout, its signals.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

fn gateway(data_dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aerostack-gateway"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AEROSTACK_"))
    {
        command.env_remove(name);
    }
    command.args(arguments).env("AEROSTACK_DATA_DIR", data_dir).env("AEROSTACK_LISTEN", "127.0.0.1:0");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs to the end; gives exit code, stdout and stderr.
fn run(data_dir: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = gateway(data_dir, arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Starts to serve; gives the line it printed.
fn serve(data_dir: &Path) -> (Child, String) {
    let mut child = gateway(data_dir, &[]).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    (child, line)
}

#[cfg(unix)]
fn terminate(child: &Child) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
}

#[cfg(unix)]
#[test]
fn it_says_where_it_listens_and_drains_on_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, line) = serve(folder.path());
    assert!(line.starts_with("listening on http://127.0.0.1:") && line.ends_with('\n'), "{line}");
    let (code, out, error) = run(folder.path(), &["migrate"]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(error.contains("is using this data folder"), "{error}");
    terminate(&child);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut log = String::new();
    child.stderr.unwrap().read_to_string(&mut log).unwrap();
    let hint = "aerostack-gateway owner create --email you@example.com --username you\"";
    assert!(log.contains(hint), "{log}");
    assert!(log.lines().all(|line| line.starts_with('{')), "{log}");
}

#[test]
fn the_key_of_a_new_operator_stands_alone_on_stdout() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, error) =
        run(folder.path(), &["owner", "create", "--email", "a@co.com", "--username", "acme"]);
    assert_eq!(code, Some(0), "{error}");
    assert!(out.starts_with("ak_") && out.ends_with('\n') && out.lines().count() == 1, "{out}");
    assert!(!error.contains(out.trim()), "{error}");
}

#[test]
fn a_setting_or_line_that_cannot_be_used_exits_with_64() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, named) in [
        (["--public-url", "nowhere"], "--public-url (AEROSTACK_PUBLIC_URL)"),
        (["--tls-cert", "/none"], "AEROSTACK_TLS_KEY"),
        (["--no-such", "flag"], "--no-such"),
    ] {
        let (code, out, error) = run(folder.path(), &arguments);
        assert_eq!((code, out.as_str()), (Some(64), ""));
        assert!(error.contains(named), "{error}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was touched");
    assert_eq!(run(folder.path(), &["--help"]).0, Some(0));
}
