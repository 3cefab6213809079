//! nginx as the yardstick that people know: a map of tokens, an access log, connections kept on both
//! sides, one worker.

use std::fmt::Write as _;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::pin::{self, Core};
use crate::process::{self, Running};

/// How long it may take to listen.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Starts it before `upstream` with its files in `folder`, and gives where it listens.
pub(super) fn start(
    program: &Path,
    folder: &Path,
    upstream: &str,
    tokens: &str,
) -> Result<(Running, String)> {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    fs::create_dir(folder)?;
    let mut map = String::new();
    for token in tokens.lines() {
        writeln!(map, "\"Bearer {token}\" 1;")?;
    }
    fs::write(folder.join("tokens.map"), map)?;
    fs::write(folder.join("nginx.conf"), configuration(folder, &address, upstream)?)?;
    let mut command = pin::command(program, Core::Proxy);
    command.arg("-p").arg(folder).arg("-c").arg(folder.join("nginx.conf"));
    command.stderr(fs::File::create(folder.join("stderr.log"))?);
    let running = Running::start(command)?;
    let begun = Instant::now();
    while TcpStream::connect(&address).is_err() {
        let told = || fs::read_to_string(folder.join("stderr.log")).unwrap_or_default();
        ensure!(begun.elapsed() < PATIENCE, "nginx does not listen; it said: {}", told());
        thread::sleep(LOOK_EVERY);
    }
    Ok((running, address))
}

fn configuration(folder: &Path, address: &str, upstream: &str) -> Result<String> {
    let folder = folder.display();
    // A worker of another user could not write where only we may.
    let user = process::output(Command::new("id").arg("-un"))?;
    let user = if user.trim() == "root" { "user root;" } else { "" };
    let places: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("    {kind}_temp_path {folder}/{kind};\n"))
        .concat();
    Ok(format!(
        "daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
{places}    access_log {folder}/access.log combined buffer=64k flush=1s;
    keepalive_requests 1000000000;
    client_body_buffer_size 64k;
    client_max_body_size 16m;
    proxy_max_temp_file_size 0;
    map_hash_bucket_size 128;
    map_hash_max_size 16384;
    map $http_authorization $is_known {{ default 0; include {folder}/tokens.map; }}
    upstream mcp {{ server {upstream}; keepalive 128; keepalive_requests 1000000000; }}
    server {{
        listen {address};
        location / {{
            if ($is_known = 0) {{ return 401; }}
            proxy_pass http://mcp;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_set_header Authorization \"\";
        }}
    }}
}}
"
    ))
}
