//! Idle event streams: what one costs, beside what it costs the least server of them.

use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::super::pin::{self, Core};
use super::super::program;
use super::super::stand::{Place, Target};
use super::super::targets::Row;
use super::super::usage::{self, Usage};
use super::part::{Part, Shape, grouped};
use super::subject::Subject;
use crate::process::Running;

/// Streams that are opened.
const STREAMS: u32 = 10_000;
/// Streams that are opened and closed before, so that what is made once is there.
const FIRST: u32 = 100;
const SETTLES: Duration = Duration::from_secs(3);
const SETTLES_WITHIN: Duration = Duration::from_secs(30);
/// Every stream says two times in it that it is there.
const WATCHED: Duration = Duration::from_secs(30);

/// What comes before a stream.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    Session,
    Nothing,
}

/// What one stream costs.
struct Cost {
    kib: f64,
    /// Of processor, a minute.
    microseconds: f64,
}

/// Opens streams, and holds them while what is given lives.
pub(super) fn hold(target: &Target, streams: u32, before: Before) -> Result<Running> {
    let mut holder = pin::command(&program("aerostack-bench")?, Core::Around);
    holder.args(["streams", "--address", &target.address, "--path", &target.path]);
    holder.args(["--before", if before == Before::Session { "session" } else { "nothing" }]);
    holder.arg("--tokens").arg(&target.tokens).args(["--streams", &streams.to_string()]);
    let mut holder = Running::start(holder)?;
    holder.line_after("open: ")?;
    Ok(holder)
}

/// Measures a gateway's beside bare ones.
pub(super) fn measure() -> Result<Vec<Row>> {
    let shape = Shape { streams: 0, ..Part::Streams.shape(STREAMS) };
    let subject = Subject::make(shape)?;
    let own = cost(&subject.target, Before::Session)?;
    let mut bare = pin::command(&program("aerostack-bench")?, Core::Proxy);
    bare.arg("idle");
    let mut bare = Running::start(bare)?;
    let address = bare.line_after("listening on ")?;
    let target = Target {
        name: "bare",
        place: Place::Upstream,
        address,
        path: "/".to_owned(),
        tokens: subject.target.tokens.clone(),
        process: Some(bare.id()),
    };
    let least = cost(&target, Before::Nothing)?;
    let count = grouped(STREAMS);
    let memory = format!(
        "memory of an idle stream beside a bare one, of {count} ({:.1} KiB beside {:.1} KiB)",
        own.kib, least.kib
    );
    let processor = format!(
        "processor of an idle stream beside a bare one ({:.0} µs a minute beside {:.0} µs)",
        own.microseconds, least.microseconds
    );
    Ok(vec![
        Row::new(&memory, own.kib / least.kib, 1.3, " ×", 2),
        Row::new(&processor, own.microseconds / least.microseconds, 1.3, " ×", 2),
    ])
}

#[expect(clippy::cast_precision_loss, reason = "memory in KiB is far below 2^52")]
fn cost(target: &Target, before: Before) -> Result<Cost> {
    drop(hold(target, FIRST, before)?);
    Usage::at_rest(target.process, SETTLES, SETTLES_WITHIN)?;
    let resident = usage::resident_kib(target.process)?;
    let _held = hold(target, STREAMS, before)?;
    Usage::at_rest(target.process, SETTLES, SETTLES_WITHIN)?;
    let gained = usage::resident_kib(target.process)?.saturating_sub(resident);
    let begun = Usage::of(target.process)?;
    thread::sleep(WATCHED);
    let spent = Usage::of(target.process)?.since(&begun).all.as_secs_f64() * 1e6;
    let streams = f64::from(STREAMS);
    let minutes = WATCHED.as_secs_f64() / 60.0;
    Ok(Cost { kib: gained as f64 / streams, microseconds: spent / minutes / streams })
}
