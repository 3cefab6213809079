//! Charts over time, drawn on the server as SVG: axes with units, what each hour or day holds when it is
//! pointed at, and the same as a table below.
//!
//! A chart knows hours or days, series of values and their unit, and nothing of what they are about. All
//! that has a colour has a class and no style of its own, which the pages' policy would refuse. What is
//! pointed at are invisible columns, so that a day without a bar has its words too.

use std::fmt::Write;

use aerostack_core::time::Timestamp;
use aerostack_core::usage::Grain;
use askama::Template;
use askama::filters::HtmlSafe;

mod scale;

pub(super) use scale::Unit;
use scale::{Mark, Scale, marks, name, trimmed};

/// The room of a chart and of what is drawn within its axes, in the units of its own.
const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 66.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 28.0;
const INNER_WIDTH: f64 = WIDTH - LEFT - RIGHT;
const INNER_HEIGHT: f64 = HEIGHT - TOP - BOTTOM;
/// How much of its column a bar takes.
const BAR_SHARE: f64 = 0.74;
/// Of what is there at all, something is seen.
const BAR_MIN: f64 = 1.5;
/// How wide a line is drawn that is a single value.
const LONE_WIDTH: f64 = 8.0;
/// What stands where there is no value.
const NO_VALUE: &str = "–";

/// How values are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Bars, the series on top of one another.
    Bars,
    /// A line for each series, broken where there is no value.
    Lines,
}

/// One series of values.
#[derive(Clone, Debug)]
pub(super) struct Series {
    /// What it is called.
    pub(super) name: &'static str,
    /// The class of its colour and stroke.
    pub(super) tone: &'static str,
    /// A value, or none, for each hour or day.
    pub(super) values: Vec<Option<f64>>,
}

/// What is to be drawn.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Its name on the page, used once.
    pub(super) id: &'static str,
    /// What it shows.
    pub(super) title: &'static str,
    /// What can be read off it, for whoever does not see it.
    pub(super) summary: String,
    /// What the values are.
    pub(super) unit: Unit,
    /// How they are drawn.
    pub(super) shape: Shape,
    /// Whether its columns are hours or days.
    pub(super) grain: Grain,
    /// When each of them begins, without gaps.
    pub(super) slots: Vec<Timestamp>,
    /// The values.
    pub(super) series: Vec<Series>,
}

/// A chart as it is shown.
#[derive(Template)]
#[template(path = "parts/chart.html")]
pub(super) struct Chart {
    plan: Plan,
    ticks: Vec<Label>,
    times: Vec<Label>,
    paths: Vec<String>,
    columns: Vec<Column>,
}

/// Words at an axis.
struct Label {
    place: String,
    text: String,
    is_minor: bool,
}

/// An hour or day.
struct Column {
    path: String,
    name: String,
    values: Vec<String>,
}

impl HtmlSafe for Chart {}

impl Chart {
    /// Draws it.
    pub(super) fn draw(plan: Plan) -> Self {
        let scale = Scale::reaching(most(&plan), plan.unit);
        let ticks = scale.ticks().into_iter();
        let ticks =
            ticks.map(|(value, text)| Label { place: short(down(&scale, value)), text, is_minor: false });
        let times = marks(&plan.slots, plan.grain).into_iter();
        let times = times.map(|Mark { slot, text, is_minor }| Label {
            place: short(middle(&plan, slot)),
            text,
            is_minor,
        });
        let paths = match plan.shape {
            Shape::Bars => bars(&plan, &scale),
            Shape::Lines => plan.series.iter().map(|series| line(&plan, &scale, series)).collect(),
        };
        let columns = plan.slots.iter().enumerate().map(|(slot, at)| column(&plan, slot, *at));
        Self { ticks: ticks.collect(), times: times.collect(), paths, columns: columns.collect(), plan }
    }

    fn kind(&self) -> &'static str {
        match self.plan.shape {
            Shape::Bars => "bar",
            Shape::Lines => "line",
        }
    }

    fn column_width(&self) -> String {
        short(share_of(&self.plan, 1.0))
    }

    fn time(&self) -> &'static str {
        match self.plan.grain {
            Grain::Hour => "Hour",
            Grain::Day => "Day",
            Grain::Week => "Week",
        }
    }
}

impl Column {
    /// What is said where it is pointed at.
    fn words(&self, series: &[Series]) -> String {
        if self.values.iter().all(|value| value == NO_VALUE) {
            return format!("{}: nothing", self.name);
        }
        let named = series.iter().zip(&self.values).map(|(series, value)| format!("{} {value}", series.name));
        format!("{}: {}", self.name, named.collect::<Vec<_>>().join(", "))
    }
}

fn most(plan: &Plan) -> f64 {
    let at =
        |slot: usize| plan.series.iter().filter_map(move |series| series.values.get(slot).copied().flatten());
    let slots = 0..plan.slots.len();
    match plan.shape {
        Shape::Bars => slots.map(|slot| at(slot).sum()).fold(0.0, f64::max),
        Shape::Lines => slots.flat_map(at).fold(0.0, f64::max),
    }
}

/// Numbers of an address in the drawing need no more than one place.
fn short(value: f64) -> String {
    trimmed(value, 1)
}

fn down(scale: &Scale, value: f64) -> f64 {
    TOP + INNER_HEIGHT * (1.0 - scale.place(value))
}

#[expect(clippy::cast_precision_loss, reason = "a chart has some hundred columns")]
fn share_of(plan: &Plan, slot: f64) -> f64 {
    INNER_WIDTH * slot / plan.slots.len().max(1) as f64
}

#[expect(clippy::cast_precision_loss, reason = "a chart has some hundred columns")]
fn left(plan: &Plan, slot: usize) -> f64 {
    LEFT + share_of(plan, slot as f64)
}

fn middle(plan: &Plan, slot: usize) -> f64 {
    left(plan, slot) + share_of(plan, 0.5)
}

fn bars(plan: &Plan, scale: &Scale) -> Vec<String> {
    let width = (share_of(plan, 1.0) * BAR_SHARE).max(BAR_MIN);
    let mut floors = vec![TOP + INNER_HEIGHT; plan.slots.len()];
    let of = |series: &Series, floors: &mut Vec<f64>| {
        let mut path = String::new();
        for (slot, floor) in floors.iter_mut().enumerate() {
            let Some(value) = series.values.get(slot).copied().flatten().filter(|value| *value > 0.0) else {
                continue;
            };
            let height = short((INNER_HEIGHT * scale.place(value)).max(BAR_MIN));
            let (left, wide) = (short(middle(plan, slot) - width / 2.0), short(width));
            let _ = write!(path, "M{left} {}v-{height}h{wide}v{height}z", short(*floor));
            *floor -= height.parse().unwrap_or(0.0);
        }
        path
    };
    plan.series.iter().map(|series| of(series, &mut floors)).collect()
}

fn line(plan: &Plan, scale: &Scale, series: &Series) -> String {
    let mut path = String::new();
    let value = |slot: usize| series.values.get(slot).copied().flatten();
    for slot in 0..plan.slots.len() {
        let Some(here) = value(slot) else { continue };
        let begins = slot == 0 || value(slot - 1).is_none();
        let (across, height) = (middle(plan, slot), short(down(scale, here)));
        // A value between two gaps is a dash, since a point of a line's width is not seen.
        let _ = if begins && value(slot + 1).is_none() {
            write!(path, "M{} {height}h{LONE_WIDTH}", short(across - LONE_WIDTH / 2.0))
        } else {
            write!(path, "{}{} {height}", if begins { "M" } else { "L" }, short(across))
        };
    }
    path
}

fn column(plan: &Plan, slot: usize, at: Timestamp) -> Column {
    // A stroke as wide as the column, which is said once for all of them.
    let path = format!("M{} {TOP}v{INNER_HEIGHT}", short(middle(plan, slot)));
    let say = |series: &Series| {
        let value = series.values.get(slot).copied().flatten();
        value.map_or_else(|| NO_VALUE.to_owned(), |value| plan.unit.say(value))
    };
    Column { path, name: name(at, plan.grain), values: plan.series.iter().map(say).collect() }
}

#[cfg(test)]
mod tests;
