//! One size of a series.

use anyhow::Result;
use serde_json::{Value, json};

use super::super::load::{KIB, Load, What};
use super::super::sample::{Sample, median};
use super::super::{Options, measured};
use super::part::{Part, told};
use super::subject::Subject;

/// Connections that call; of answers that are large, as many as the promise names.
const CONNECTIONS: u32 = 16;
const AT_ONCE: u32 = 64;

/// What one size came to: medians of the rounds, and of memory the most.
pub(super) struct Point {
    pub(super) part: Part,
    pub(super) size: u32,
    /// Of processor, a call.
    pub(super) cpu_us: f64,
    /// The same beside the series' base.
    pub(super) ratio: f64,
    /// p50 and p99.
    pub(super) latencies_us: [f64; 2],
    /// From its start to the first call that was answered, and resident memory when idle; a series that
    /// does not make the gateway larger has none.
    pub(super) alone: Option<Alone>,
    /// Most that was resident during the load beyond what was before.
    pub(super) gained_kib: u64,
    pub(super) errors: u64,
}

/// What it takes without calls.
#[derive(Clone, Copy)]
pub(super) struct Alone {
    pub(super) start_ms: f64,
    pub(super) idle_kib: u64,
}

/// Every size of a series.
pub(super) fn measure(part: Part, options: &Options) -> Result<Vec<Point>> {
    let base = Subject::make(part.shape(part.base()))?;
    let mut points = Vec::new();
    for &size in part.sizes() {
        let point = if part == Part::Payload {
            Point { alone: None, ..beside(part, size, [&base, &base], options)? }
        } else if size == part.base() {
            beside(part, size, [&base, &base], options)?
        } else {
            let own = Subject::make(part.shape(size))?;
            beside(part, size, [&own, &base], options)?
        };
        eprintln!("{}: {}", part.title(), point.line());
        points.push(point);
    }
    Ok(points)
}

/// Calls one subject and the base in turns.
fn beside(part: Part, size: u32, [own, base]: [&Subject; 2], options: &Options) -> Result<Point> {
    let load = |size: u32| match part {
        Part::Payload => Load::new(What::Big(usize::try_from(size).expect("32 bits fit")), AT_ONCE, None),
        _ => Load::new(What::Echo(KIB), CONNECTIONS, None),
    };
    let (mut of_own, mut ratios) = (Vec::new(), Vec::new());
    for round in 1..=options.rounds {
        let sample = measured(round, &own.target, &load(size), options.seconds)?;
        if size == part.base() {
            ratios.push(1.0);
        } else {
            let beside = measured(round, &base.target, &load(part.base()), options.seconds)?;
            ratios.push(sample.cpu_us / beside.cpu_us);
        }
        eprintln!("{} {}, round {round}: {}", told(part, size), part.title(), sample.line());
        of_own.push(sample);
    }
    let figure = |figure: &dyn Fn(&Sample) -> f64| median(of_own.iter().map(figure));
    // Beyond what was resident when nobody had called yet: what large answers leave behind is not taken
    // for what was there before.
    let idle_kib = |sample: &Sample| match part {
        Part::Payload => own.idle_kib,
        _ => sample.memory_kib[0],
    };
    let gained_kib = of_own.iter().map(|sample| sample.memory_kib[1].saturating_sub(idle_kib(sample)));
    Ok(Point {
        part,
        size,
        cpu_us: figure(&|sample| sample.cpu_us),
        ratio: median(ratios.into_iter()),
        latencies_us: [figure(&|sample| sample.latencies_us[0]), figure(&|sample| sample.latencies_us[2])],
        alone: Some(Alone { start_ms: own.start_ms, idle_kib: own.idle_kib }),
        gained_kib: gained_kib.max().unwrap_or_default(),
        errors: of_own.iter().map(|sample| sample.errors).sum(),
    })
}

impl Point {
    fn line(&self) -> String {
        let Self { part, size, cpu_us, ratio, .. } = self;
        format!("{}: {cpu_us:.1} µs of processor, {ratio:.2} times the base", told(*part, *size))
    }

    /// All of it, for keeping.
    pub(super) fn as_json(&self) -> Value {
        json!({
            "series": self.part.title(), "size": self.size, "cpu_us": self.cpu_us, "ratio": self.ratio,
            "p50_us": self.latencies_us[0], "p99_us": self.latencies_us[1],
            "start_ms": self.alone.map(|alone| alone.start_ms),
            "idle_kib": self.alone.map(|alone| alone.idle_kib),
            "gained_kib": self.gained_kib, "errors": self.errors,
        })
    }
}
