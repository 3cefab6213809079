//! The program as an operating system meets it: its exit codes, its one line on stdout, its signals.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

#[cfg(unix)]
use rustix::process::Signal;

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
fn serve(data_dir: &Path, arguments: &[&str]) -> (Child, String) {
    let mut child = gateway(data_dir, arguments).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    (child, line)
}

/// Connects to where the line says that it listens.
fn connect(line: &str) -> TcpStream {
    TcpStream::connect(line.trim_end().rsplit('/').next().unwrap()).unwrap()
}

#[cfg(unix)]
fn signal(child: &Child, signal: Signal) {
    rustix::process::kill_process(rustix::process::Pid::from_child(child), signal).unwrap();
}

/// Reads the log until a line has these words; gives the line.
fn until_logged(log: &mut impl BufRead, words: &str) -> String {
    let mut line = String::new();
    while !line.contains(words) {
        line.clear();
        assert_ne!(log.read_line(&mut line).unwrap(), 0, "nothing was logged of: {words}");
    }
    line
}

#[cfg(unix)]
#[test]
fn it_says_where_it_listens_and_drains_on_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, line) = serve(folder.path(), &[]);
    assert!(line.starts_with("listening on http://127.0.0.1:") && line.ends_with('\n'), "{line}");
    let (code, out, error) = run(folder.path(), &["migrate"]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(error.contains("is using this data folder"), "{error}");
    signal(&child, Signal::TERM);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut log = String::new();
    child.stderr.unwrap().read_to_string(&mut log).unwrap();
    let hint = "aerostack-gateway owner create --email you@example.com --username you\"";
    assert!(log.contains(hint), "{log}");
    assert!(log.lines().all(|line| line.starts_with('{')), "{log}");
}

#[cfg(unix)]
#[test]
fn a_second_sigterm_ends_it_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (_, key, _) = run(folder.path(), &["owner", "create", "--email", "a@co.com", "--username", "acme"]);
    let (mut child, line) = serve(folder.path(), &[]);
    let mut log = BufReader::new(child.stderr.take().unwrap());
    // A request under way: the gateway asks for a body that never comes.
    let mut stream = connect(&line);
    let head = format!(
        "POST /api/v1/workspaces HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
         Content-Length: 2\r\nExpect: 100-continue\r\n\r\n",
        key.trim_end()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = BufReader::new(&stream);
    until_logged(&mut answer, "HTTP/1.1 100 Continue");
    signal(&child, Signal::TERM);
    until_logged(&mut log, "draining; a second signal ends at once");
    signal(&child, Signal::TERM);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    until_logged(&mut log, "ended at once");
}

/// Makes a certificate for `localhost` and its key; gives the certificate.
#[cfg(unix)]
fn make_tls_files(folder: &Path) -> Vec<u8> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    made.cert.der().to_vec()
}

/// Whether it presents this certificate to a new connection, and serves it.
#[cfg(unix)]
fn presents(line: &str, certificate: &[u8]) -> bool {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.to_vec().into()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let client = client.unwrap().with_root_certificates(roots).with_no_client_auth();
    let client = rustls::ClientConnection::new(client.into(), "localhost".try_into().unwrap()).unwrap();
    let mut stream = rustls::StreamOwned::new(client, connect(line));
    let asked = stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    asked.is_ok() && stream.read_to_string(&mut answer).is_ok() && answer.starts_with("HTTP/1.1 200")
}

#[cfg(unix)]
#[test]
fn a_renewed_certificate_is_taken_at_sighup_and_a_bad_one_is_not() {
    let (folder, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = make_tls_files(files.path());
    let path = |name: &str| files.path().join(name).to_str().unwrap().to_owned();
    let flags = ["--tls-cert", &path("cert.pem"), "--tls-key", &path("key.pem")];
    let (mut child, line) = serve(folder.path(), &flags);
    assert!(line.starts_with("listening on https://127.0.0.1:"), "{line}");
    let mut log = BufReader::new(child.stderr.take().unwrap());
    assert!(presents(&line, &first));
    let second = make_tls_files(files.path());
    assert!(presents(&line, &first) && !presents(&line, &second));
    signal(&child, Signal::HUP);
    until_logged(&mut log, "certificate and private key were read again");
    assert!(presents(&line, &second) && !presents(&line, &first));
    std::fs::write(path("key.pem"), "no key").unwrap();
    signal(&child, Signal::HUP);
    let told = until_logged(&mut log, "those before stay in use");
    assert!(told.contains("\"level\":\"ERROR\"") && told.contains("key.pem"), "{told}");
    assert!(presents(&line, &second));
    signal(&child, Signal::TERM);
    assert_eq!(child.wait().unwrap().code(), Some(0));
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
