//! What the program tells the outside: log lines on stderr, figures for `/metrics`, and the few words
//! of a command. The only room that prints.

mod json;
mod lines;

use std::io::{self, IsTerminal, Write};
use std::panic::PanicHookInfo;
use std::sync::OnceLock;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Upper bounds of the duration histograms, in seconds. Buckets of several gateways can be added up;
/// the exporter's own medians could not.
const DURATION_BUCKETS: [f64; 10] = [0.001, 0.002, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0];
/// What is logged unless set.
pub const DEFAULT_LOG: &str = "info";

/// Begins to log on stderr: for people on a terminal, else one JSON object a line; times are UTC.
///
/// `text` says what, and is read by [`filter`]. A second call changes nothing.
///
/// # Errors
/// What is wrong with the filter, in words.
pub fn start(text: &str) -> Result<(), String> {
    let filtered = tracing_subscriber::registry().with(filter(text)?);
    // An error means that somebody logs already, which only tests do.
    let _ = if io::stderr().is_terminal() {
        let lines = tracing_subscriber::fmt::layer().with_writer(lines::ToLog);
        filtered.with(lines.with_target(false)).try_init()
    } else {
        filtered.with(json::JsonLines::to(lines::add)).try_init()
    };
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// Reads what is to be logged: a level, and levels of parts of the program, such as `info,sqlx=debug`.
///
/// # Errors
/// What is none, in words.
pub fn filter(text: &str) -> Result<Targets, String> {
    let mut parts = text.split(',').map(str::trim).filter(|part| !part.is_empty()).peekable();
    parts.peek().ok_or_else(|| "it is empty".to_owned())?;
    parts.try_fold(Targets::new(), |all, part| {
        add_filter(all, part)
            .ok_or_else(|| format!("'{part}' is no level or filter, such as info, debug or info,sqlx=debug"))
    })
}

fn add_filter(all: Targets, part: &str) -> Option<Targets> {
    let level = |word: &str| Some(word.trim()).filter(|word| !word.is_empty())?.parse::<LevelFilter>().ok();
    match part.split_once('=') {
        None => Some(all.with_default(level(part)?)),
        Some((name, word)) => {
            let is_of_name =
                |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'-' | b'.');
            let name = Some(name.trim()).filter(|name| !name.is_empty() && name.bytes().all(is_of_name))?;
            Some(all.with_target(name, level(word)?))
        }
    }
}

/// Logs where a panic was, and its message only if that was written in the source: one that was put
/// together at run time may hold anything.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map_or_else(String::new, ToString::to_string);
    let message = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("");
    let thread = std::thread::current().name().unwrap_or("").to_owned();
    tracing::error!(%place, message, thread, "a task panicked");
    // It may be the last thing that the program does.
    flush();
}

/// The figures of this process. The first call begins to count.
///
/// # Panics
/// When another recorder was installed before: nothing else in the program does that.
pub fn figures() -> &'static PrometheusHandle {
    static FIGURES: OnceLock<PrometheusHandle> = OnceLock::new();
    FIGURES.get_or_init(|| {
        let builder = PrometheusBuilder::new().set_buckets(&DURATION_BUCKETS);
        let builder = builder.expect("the list of buckets is not empty");
        let handle = builder.install_recorder().expect("no other recorder is installed");
        metrics::describe_counter!(
            "aerostack_connections_refused_total",
            "Connections closed because the gateway's connection limit was reached"
        );
        metrics::describe_counter!("aerostack_requests_total", "Requests by door and how they ended");
        metrics::describe_histogram!(
            "aerostack_request_duration_seconds",
            metrics::Unit::Seconds,
            "From the request's headers to the answer's, by door"
        );
        metrics::describe_counter!(
            "aerostack_questions_total",
            "Questions of servers that were put to callers, and in which way"
        );
        metrics::describe_gauge!("aerostack_tokens", "Workspace tokens that are accepted now");
        metrics::describe_gauge!("aerostack_workspaces", "Workspaces that are open now");
        metrics::describe_gauge!(
            "aerostack_held_bytes",
            metrics::Unit::Bytes,
            "Bytes of bodies and gathered answers in memory"
        );
        metrics::describe_counter!("aerostack_uses_dropped_total", "Notes of last use that were not written");
        metrics::describe_gauge!("aerostack_build_info", "Always 1; the label tells the version");
        metrics::gauge!("aerostack_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        handle
    })
}

/// Writes the lines that wait to be written; for the end of the program.
pub fn flush() {
    lines::flush();
}

/// Says something to the person at the terminal: talk, not data.
pub fn say(text: &str) {
    flush();
    // Somebody who closed stderr does not want to hear it.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Prints a result, alone on its lines of stdout, and makes sure that it is out.
///
/// # Errors
/// When nobody can read it any more.
pub fn result(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_levels_and_nothing_else() {
        let read = filter("info, sqlx=debug,").unwrap();
        assert!(read.would_enable("aerostack_gateway", &tracing::Level::INFO));
        assert!(!read.would_enable("aerostack_gateway", &tracing::Level::DEBUG));
        assert!(read.would_enable("sqlx::query", &tracing::Level::DEBUG));
        for text in [
            "",
            ",",
            "verbose",
            "info,=",
            "info,=debug",
            "sqlx=",
            "sqlx=loud",
            "[span]=debug",
            "info;sqlx=debug",
        ] {
            assert!(filter(text).is_err(), "{text}");
        }
    }

    #[test]
    fn figures_are_counted_from_the_first_call() {
        figures();
        metrics::counter!("aerostack_test_total").increment(2);
        let text = figures().render();
        assert!(text.contains("aerostack_test_total 2"), "{text}");
        assert!(text.contains("aerostack_build_info{version="), "{text}");
    }
}
