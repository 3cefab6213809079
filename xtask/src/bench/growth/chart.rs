//! The series as small multiples: a row for each, in it the cost of a call, the time of a start and the
//! memory. Sizes run along a logarithmic axis; every point has its value beside it.

use std::fmt::Write as _;

use super::super::sample::mib;
use super::part::{Part, told};
use super::point::Point;

/// One small chart, and the space around its curve, in pixels.
const WIDTH: f64 = 280.0;
const HEIGHT: f64 = 150.0;
const SIDE: f64 = 34.0;
const ABOVE: f64 = 46.0;
const BELOW: f64 = 26.0;
/// Where the largest value is so many times the smallest, heights are logarithmic too.
const WIDE: f64 = 30.0;
/// Of a logarithmic height, what stands below the smallest value.
const FLOOR: f64 = 0.15;

const STYLE: &str = "text { font: 11px system-ui, sans-serif; fill: #24292f; }
.title { font-weight: 600; font-size: 12px; }
.quiet { fill: #57606a; }
.axis { stroke: #8c959f; stroke-width: 1; }
.curve { stroke: #0969da; stroke-width: 2; fill: none; }
.point { fill: #0969da; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; }
.quiet { fill: #9198a1; }
.axis { stroke: #6e7681; }
.curve { stroke: #58a6ff; }
.point { fill: #58a6ff; }
}";

/// What is shown of a point.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Processor,
    Start,
    Memory,
}

/// One small chart.
struct Panel {
    title: String,
    /// Size, its label, and value.
    values: Vec<(u32, String, f64)>,
}

/// All of it.
pub(super) fn svg(points: &[Point]) -> String {
    let mut rows: Vec<Vec<Panel>> = Vec::new();
    for part in Part::ALL {
        let panels = [Kind::Processor, Kind::Start, Kind::Memory].map(|kind| panel(points, part, kind));
        let panels: Vec<Panel> = panels.into_iter().flatten().collect();
        if !panels.is_empty() {
            rows.push(panels);
        }
    }
    let height = HEIGHT * f64::from(u32::try_from(rows.len()).expect("a few"));
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         aria-label=\"Growth: the table on this page has the same figures\">\n<style>\n{STYLE}\n</style>\n",
        width = 3.0 * WIDTH
    );
    let mut top = 0.0;
    for panels in rows {
        let mut left = 0.0;
        for panel in panels {
            let _ = writeln!(text, "<g transform=\"translate({left} {top})\">\n{}</g>", panel.drawn());
            left += WIDTH;
        }
        top += HEIGHT;
    }
    text + "</svg>\n"
}

fn panel(points: &[Point], part: Part, kind: Kind) -> Option<Panel> {
    let is_gained = part == Part::Payload;
    let own = points.iter().filter(|point| point.part == part);
    let values = own.filter_map(|point| {
        let value = match kind {
            Kind::Processor => Some(point.cpu_us),
            Kind::Start => point.alone.map(|alone| alone.start_ms),
            Kind::Memory if is_gained => Some(mib(point.gained_kib)),
            Kind::Memory => point.alone.map(|alone| mib(alone.idle_kib)),
        };
        Some((point.size, short(&told(part, point.size)), value?))
    });
    let values: Vec<_> = values.collect();
    let what = match kind {
        Kind::Processor => "CPU µs a call",
        Kind::Start => "start, ms",
        Kind::Memory if is_gained => "memory gained, MiB",
        Kind::Memory => "idle memory, MiB",
    };
    let title = format!("{}: {what}", part.short());
    (!values.is_empty()).then_some(Panel { title, values })
}

impl Panel {
    fn drawn(&self) -> String {
        let (bottom, right) = (HEIGHT - BELOW, WIDTH - SIDE);
        let across = Scale::of(self.values.iter().map(|(size, ..)| f64::from((*size).max(1))), Shape::Log);
        let is_wide = self.wide();
        let shape = if is_wide { Shape::Log } else { Shape::FromZero };
        let up = Scale::of(self.values.iter().map(|(.., value)| *value), shape);
        let floor = if is_wide { FLOOR } else { 0.0 };
        let note = if is_wide { ", log scale" } else { "" };
        let mut text = format!("<text class=\"title\" x=\"{SIDE}\" y=\"18\">{}{note}</text>\n", self.title);
        let _ = writeln!(
            text,
            "<line class=\"axis\" x1=\"{SIDE}\" y1=\"{bottom}\" x2=\"{right}\" y2=\"{bottom}\"/>"
        );
        let (mut curve, mut marks) = (String::new(), String::new());
        for (size, label, value) in &self.values {
            let x = SIDE + across.at(f64::from((*size).max(1))) * (right - SIDE);
            let y = bottom - (floor + up.at(*value) * (1.0 - floor)) * (bottom - ABOVE);
            let _ = write!(curve, "{x:.1},{y:.1} ");
            let _ = writeln!(
                marks,
                "<circle class=\"point\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>\n\
                 <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\n\
                 <text class=\"quiet\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>",
                y - 8.0,
                figure(*value),
                bottom + 16.0,
            );
        }
        let _ = writeln!(text, "<polyline class=\"curve\" points=\"{}\"/>", curve.trim_end());
        text + &marks
    }

    fn wide(&self) -> bool {
        let values = || self.values.iter().map(|(.., value)| *value);
        let (least, most) = (values().fold(f64::MAX, f64::min), values().fold(0.0, f64::max));
        least > 0.0 && most / least > WIDE
    }
}

/// How values become places from 0 to 1.
struct Scale {
    shape: Shape,
    least: f64,
    most: f64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Log,
    FromZero,
}

impl Scale {
    fn of(values: impl Iterator<Item = f64> + Clone, shape: Shape) -> Self {
        let least = if shape == Shape::Log { values.clone().fold(f64::MAX, f64::min) } else { 0.0 };
        Self { shape, least, most: values.fold(0.0, f64::max) }
    }

    fn at(&self, value: f64) -> f64 {
        let (along, all) = match self.shape {
            Shape::Log => ((value / self.least).log10(), (self.most / self.least).log10()),
            Shape::FromZero => (value, self.most),
        };
        if all > 0.0 { along / all } else { 0.0 }
    }
}

/// Three digits, no more.
fn figure(value: f64) -> String {
    match value {
        small if small < 10.0 => format!("{small:.2}"),
        middling if middling < 100.0 => format!("{middling:.1}"),
        large => format!("{large:.0}"),
    }
}

/// A label for below the axis.
fn short(size: &str) -> String {
    size.replace(",000,000", "M").replace(",000", "k")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(values: &[(u32, f64)]) -> Panel {
        let values = values.iter().map(|(size, value)| (*size, size.to_string(), *value)).collect();
        Panel { title: "tokens: start, ms".to_owned(), values }
    }

    #[test]
    fn sizes_are_logarithmic_and_heights_begin_at_zero() {
        let drawn = panel(&[(1, 50.0), (10, 25.0), (100, 100.0)]).drawn();
        assert!(drawn.contains("points=\"34.0,85.0 140.0,104.5 246.0,46.0\""), "{drawn}");
        assert!(!drawn.contains("logarithmic"));
    }

    #[test]
    fn heights_far_apart_are_logarithmic_and_say_so() {
        let drawn = panel(&[(0, 20.0), (1_000, 20_000.0)]).drawn();
        assert!(drawn.contains("points=\"34.0,112.3 246.0,46.0\""), "{drawn}");
        assert!(drawn.contains("tokens: start, ms, log scale"));
        assert!(drawn.contains(">20000</text>") && drawn.contains(">20.0</text>"), "{drawn}");
    }

    #[test]
    fn labels_are_short() {
        let labels: Vec<String> = ["1", "10,000", "1,000,000", "64 KiB"].map(short).into();
        assert_eq!(labels, ["1", "10k", "1M", "64 KiB"]);
    }
}
