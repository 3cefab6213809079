//! Walking over the sums of a scope: hours up to the first midnight, days up to the first whole week, weeks from
//! there, and the calls beyond the watermark, which are in no sum yet.

use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;

use aerostack_core::time::Timestamp;
use aerostack_core::usage::{Grain, Tally};

use super::scope::Scope;
use crate::store::usage::adding_up::{STEP_CALLS, key_of};
use crate::store::usage::calls;
use crate::store::usage::tallies::{self, Bounds, Cell, Kind};
use crate::store::{StoreError, Tx};

/// Hours, days or weeks that are read at once; where tokens and tools are told apart, one.
const BUCKETS_AT_ONCE: i64 = 32;

/// Hours, days or weeks from one up to, and without, another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Hours, days or weeks.
    pub(super) grain: Grain,
    /// The first.
    pub(super) from: i64,
    /// The one after the last.
    pub(super) until: i64,
}

/// How a stretch of time, which begins with an hour and ends now, is put together of sums no finer than
/// needed: the last of each grain has begun and is read as it stands.
pub(super) fn spans(from: Timestamp, to: Timestamp, weeks_from: i64, coarsest: Grain) -> Vec<Span> {
    let coarser = |grain, at: Timestamp| {
        let begun: i64 = Grain::bucket(grain, at);
        if grain.start(begun) == at { begun } else { begun + 1 }
    };
    let ends = |grain: Grain| grain.bucket(to) + 1;
    let mut spans = Vec::with_capacity(3);
    let mut begin = from;
    for (grain, next) in [(Grain::Hour, Grain::Day), (Grain::Day, Grain::Week)] {
        if grain == coarsest {
            break;
        }
        let mut first = coarser(next, begin);
        if next == Grain::Week {
            first = first.max(weeks_from);
        }
        let until = grain.bucket(next.start(first)).min(ends(grain));
        spans.push(Span { grain, from: grain.bucket(begin), until });
        begin = next.start(first);
    }
    spans.push(Span { grain: coarsest, from: coarsest.bucket(begin), until: ends(coarsest) });
    spans.retain(|span| span.from < span.until);
    spans
}

/// Calls that are in no sum yet, added up by hour, token and tool.
pub(super) struct Tail(HashMap<(i64, i64, i64), Tally>);

impl Tail {
    /// None.
    pub(super) fn empty() -> Self {
        Self(HashMap::new())
    }

    /// Reads them. They must be read in the transaction that reads the sums.
    pub(super) async fn read(tx: &mut Tx, scope: &Scope) -> Result<Self, StoreError> {
        let state = calls::state(tx).await?;
        let (mut after, mut sums) = (state.added_up_to, HashMap::new());
        while after < state.last_id {
            let up_to = state.last_id.min(after + STEP_CALLS);
            for call in calls::by_number(tx, after, up_to).await? {
                if Some(call.workspace) == scope.workspace && scope.holds_call(&call) {
                    let key = (Grain::Hour.bucket(call.measured.at), call.token, call.tool);
                    sums.entry(key).or_insert_with(Tally::default).add(&call.measured);
                }
            }
            after = up_to;
        }
        Ok(Self(sums))
    }

    /// Every hour's part with token and tool, as cells of hours.
    pub(super) fn cells(&self) -> impl Iterator<Item = (i64, i64, i64, &Tally)> {
        self.0.iter().map(|(&(hour, token, tool), tally)| (hour, token, tool, tally))
    }
}

/// Which sums answer a question at the least cost.
pub(super) const fn kind_for(tells_tokens: bool, tells_tools: bool) -> Kind {
    match (tells_tokens, tells_tools) {
        (false, false) => Kind::Whole,
        (true, false) => Kind::Token,
        (false, true) => Kind::Tool,
        (true, true) => Kind::TokenAndTool,
    }
}

/// Shows `visit` every sum of a scope: when its hour, day or week begins, and the cell.
pub(super) async fn walk(
    tx: &mut Tx,
    scope: &Scope,
    tail: &Tail,
    kind: Kind,
    coarsest: Grain,
    visit: &mut (dyn FnMut(Timestamp, &Cell) + Send),
) -> Result<(), StoreError> {
    let Some(workspace) = scope.workspace else { return Ok(()) };
    // Where nothing is meant, nothing is read: what is not summed up yet was chosen the same way.
    let Some(bounds) = bounds_of(scope, kind) else { return Ok(()) };
    let is_narrow = bounds.tokens.0 == bounds.tokens.1 || bounds.tools.0 == bounds.tools.1;
    let step = if kind == Kind::TokenAndTool && !is_narrow { 1 } else { BUCKETS_AT_ONCE };
    for Span { grain, from, until } in spans(scope.from, scope.to, scope.weeks_from, coarsest) {
        let mut first = from;
        while first < until {
            let next = until.min(first + step);
            let shelf = (grain, kind);
            for cell in tallies::range_within(tx, workspace, shelf, (first, next), bounds).await? {
                if is_meant(scope, kind, &cell) {
                    visit(grain.start(cell.bucket), &cell);
                }
            }
            first = next;
        }
    }
    visit_tail(tail, kind, visit);
    Ok(())
}

/// The same of the sums of some tokens and of each tool, by number.
pub(super) async fn walk_tokens(
    tx: &mut Tx,
    scope: &Scope,
    tail: &Tail,
    tokens: RangeInclusive<i64>,
    visit: &mut (dyn FnMut(Timestamp, &Cell) + Send),
) -> Result<(), StoreError> {
    let Some(workspace) = scope.workspace else { return Ok(()) };
    let kind = Kind::TokenAndTool;
    let bounds = Bounds { tokens: tokens.into_inner(), ..Bounds::OPEN };
    for Span { grain, from, until } in spans(scope.from, scope.to, scope.weeks_from, Grain::Week) {
        for bucket in from..until {
            let shelf = (grain, kind);
            for cell in tallies::range_within(tx, workspace, shelf, (bucket, bucket + 1), bounds).await? {
                if is_meant(scope, kind, &cell) {
                    visit(grain.start(cell.bucket), &cell);
                }
            }
        }
    }
    visit_tail(tail, kind, visit);
    Ok(())
}

fn visit_tail(tail: &Tail, kind: Kind, visit: &mut (dyn FnMut(Timestamp, &Cell) + Send)) {
    for (hour, token, tool, tally) in tail.cells() {
        let (token, tool) = key_of(kind, token, tool);
        let cell = Cell { bucket: hour, token, tool, tally: tally.clone() };
        visit(Grain::Hour.start(hour), &cell);
    }
}

/// Between which numbers all that is meant lies; `None` if nothing is.
fn bounds_of(scope: &Scope, kind: Kind) -> Option<Bounds> {
    let of = |chosen: &Option<HashSet<i64>>, open: (i64, i64)| match chosen {
        None => Some(open),
        Some(chosen) => chosen.iter().min().copied().zip(chosen.iter().max().copied()),
    };
    let Bounds { mut tokens, mut tools } = Bounds::OPEN;
    if matches!(kind, Kind::Token | Kind::TokenAndTool) {
        tokens = of(&scope.chosen_tokens, tokens)?;
    }
    if matches!(kind, Kind::Tool | Kind::TokenAndTool) {
        tools = of(&scope.chosen_tools, tools)?;
    }
    Some(Bounds { tokens, tools })
}

/// What a kind does not tell apart is not chosen among either; see [`kind_for`].
pub(super) fn is_meant(scope: &Scope, kind: Kind, cell: &Cell) -> bool {
    match kind {
        Kind::Whole => true,
        Kind::Token => scope.means_token(cell.token),
        Kind::Tool => scope.chosen_tools.as_ref().is_none_or(|chosen| chosen.contains(&cell.tool)),
        Kind::TokenAndTool => scope.holds(cell.token, cell.tool),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_stretch_is_hours_to_the_first_midnight_days_to_the_first_whole_week_and_weeks() {
        let shown = |from: &str, to: &str, coarsest| -> Vec<String> {
            let first_week = Grain::Week.bucket(moment("2026-03-05T00:00:00Z"));
            let spans = spans(moment(from), moment(to), first_week, coarsest);
            let show = |span: Span| {
                let (from, until) = (span.grain.start(span.from), span.grain.start(span.until));
                format!("{:?} {} {}", span.grain, from.minute(), until.minute())
            };
            spans.into_iter().map(show).collect()
        };
        assert_eq!(
            shown("2026-03-10T11:00:00Z", "2026-03-17T11:15:00Z", Grain::Day),
            [
                "Hour 2026-03-10 11:00 UTC 2026-03-11 00:00 UTC",
                "Day 2026-03-11 00:00 UTC 2026-03-18 00:00 UTC"
            ]
        );
        assert_eq!(
            shown("2026-03-17T09:00:00Z", "2026-03-17T11:15:00Z", Grain::Day),
            ["Hour 2026-03-17 09:00 UTC 2026-03-17 12:00 UTC"]
        );
        assert_eq!(
            shown("2026-03-16T00:00:00Z", "2026-03-17T11:15:00Z", Grain::Day),
            ["Day 2026-03-16 00:00 UTC 2026-03-18 00:00 UTC"]
        );
        assert_eq!(
            shown("2026-03-16T11:00:00Z", "2026-03-17T11:15:00Z", Grain::Hour),
            ["Hour 2026-03-16 11:00 UTC 2026-03-17 12:00 UTC"]
        );
        assert_eq!(
            shown("2026-03-10T11:00:00Z", "2026-03-23T11:15:00Z", Grain::Week),
            [
                "Hour 2026-03-10 11:00 UTC 2026-03-11 00:00 UTC",
                "Day 2026-03-11 00:00 UTC 2026-03-12 00:00 UTC",
                "Week 2026-03-12 00:00 UTC 2026-03-26 00:00 UTC"
            ]
        );
        assert_eq!(
            shown("2026-03-16T11:00:00Z", "2026-03-17T11:15:00Z", Grain::Week),
            shown("2026-03-16T11:00:00Z", "2026-03-17T11:15:00Z", Grain::Day),
        );
        // What is older than sums by week is read by day.
        assert_eq!(
            shown("2026-02-26T00:00:00Z", "2026-03-04T11:15:00Z", Grain::Week),
            ["Day 2026-02-26 00:00 UTC 2026-03-05 00:00 UTC"]
        );
        assert_eq!(
            shown("2026-02-26T00:00:00Z", "2026-03-13T11:15:00Z", Grain::Week),
            [
                "Day 2026-02-26 00:00 UTC 2026-03-05 00:00 UTC",
                "Week 2026-03-05 00:00 UTC 2026-03-19 00:00 UTC"
            ]
        );
    }
}
