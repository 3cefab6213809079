//! Reports: each question is answered by the coarsest sums that can, and sums that answer several are
//! walked over once.

use std::collections::HashMap;

use aerostack_core::api::analytics::{
    By, Figures, TABLE_ROWS_MAX, UsagePoint, UsageReport, UsageRow, UsageSeries, UsageTable,
};
use aerostack_core::histogram::RELATIVE_ERROR;
use aerostack_core::time::Timestamp;
use aerostack_core::usage::{Grain, Tally};

use super::scope::Scope;
use super::sums::{self, Tail, kind_for};
use crate::store::usage::names::TokenName;
use crate::store::usage::tallies::{Cell, Kind};
use crate::store::{StoreError, Tx};

/// What a group is known by: the beginning of an hour or day, or a number of a token or tool.
type Key = i64;

/// One question under way.
struct Question {
    by: By,
    groups: HashMap<Key, Tally>,
}

impl Question {
    fn new(by: By) -> Self {
        Self { by, groups: HashMap::new() }
    }

    fn kind(&self, scope: &Scope) -> Kind {
        let tells_tokens = scope.chosen_tokens.is_some() || self.by == By::User;
        let tells_tools = scope.chosen_tools.is_some() || matches!(self.by, By::Tool | By::Server);
        kind_for(tells_tokens, tells_tools)
    }

    fn coarsest(&self) -> Grain {
        match self.by {
            By::Hour => Grain::Hour,
            By::Day => Grain::Day,
            By::User | By::Tool | By::Server => Grain::Week,
        }
    }

    fn take(&mut self, keys: &Keys, at: Timestamp, cell: &Cell) {
        let key = match self.by {
            By::User => keys.users.get(&cell.token).copied(),
            By::Tool => Some(cell.tool),
            By::Server => keys.servers.get(&cell.tool).copied(),
            By::Day => Some(Grain::Day.start(Grain::Day.bucket(at)).as_millis()),
            By::Hour => Some(at.as_millis()),
        };
        if let Some(key) = key {
            self.groups.entry(key).or_default().merge(&cell.tally);
        }
    }
}

/// Tokens of one name and tools of one server are one group, known by the smallest number in it.
struct Keys {
    users: HashMap<i64, Key>,
    servers: HashMap<i64, Key>,
}

impl Keys {
    fn of(scope: &Scope) -> Self {
        let users = scope.tokens.values().map(|token| (token.id, token.name.as_str()));
        let servers = scope.tools.values().map(|tool| (tool.id, tool.server.as_str()));
        Self { users: group(users), servers: group(servers) }
    }
}

fn group<'a>(named: impl Iterator<Item = (i64, &'a str)> + Clone) -> HashMap<i64, Key> {
    let mut first: HashMap<&str, i64> = HashMap::new();
    for (number, name) in named.clone() {
        let smallest = first.entry(name).or_insert(number);
        *smallest = number.min(*smallest);
    }
    named.map(|(number, name)| (number, first[name])).collect()
}

/// Answers all questions.
async fn ask(tx: &mut Tx, scope: &Scope, tail: &Tail, questions: &mut [Question]) -> Result<(), StoreError> {
    let keys = Keys::of(scope);
    let walks: Vec<(Kind, Grain)> =
        questions.iter().map(|question| (question.kind(scope), question.coarsest())).collect();
    let mut done: Vec<(Kind, Grain)> = Vec::new();
    for &(kind, coarsest) in &walks {
        if done.contains(&(kind, coarsest)) {
            continue;
        }
        done.push((kind, coarsest));
        let mut visit = |at: Timestamp, cell: &Cell| {
            let asking = questions.iter_mut().zip(&walks).filter(|(_, walk)| **walk == (kind, coarsest));
            asking.for_each(|(question, _)| question.take(&keys, at, cell));
        };
        sums::walk(tx, scope, tail, kind, coarsest, &mut visit).await?;
    }
    Ok(())
}

/// Makes a report; `unwritten` are calls that were dropped and are in no sum yet.
pub(super) async fn report(
    tx: &mut Tx,
    scope: &Scope,
    workspace: String,
    by: Option<By>,
    unwritten: u64,
) -> Result<UsageReport, StoreError> {
    let tail = Tail::read(tx, scope).await?;
    let tables = by.map_or_else(|| vec![By::User, By::Tool, By::Server], |by| vec![by]);
    let course = course_of(scope);
    let mut questions: Vec<Question> = std::iter::once(course).chain(tables).map(Question::new).collect();
    ask(tx, scope, &tail, &mut questions).await?;
    let dropped = dropped(tx, scope).await?;
    let mut answered = questions.into_iter();
    let course = answered.next().expect("the course is the first question").groups;
    let mut totals = Tally::default();
    course.values().for_each(|tally| totals.merge(tally));
    Ok(UsageReport {
        workspace,
        period: scope.period.to_string(),
        from: scope.from,
        to: scope.to,
        not_recorded: dropped.saturating_add(unwritten),
        relative_error: RELATIVE_ERROR,
        totals: Figures::from(&totals),
        series: series_of(scope, course_of(scope), &course),
        tables: answered.map(|question| table(scope, question)).collect(),
    })
}

/// The course over time alone.
pub(super) async fn series(tx: &mut Tx, scope: &Scope, by: Option<By>) -> Result<UsageSeries, StoreError> {
    let tail = Tail::read(tx, scope).await?;
    let by = by.filter(|by| matches!(by, By::Day | By::Hour)).unwrap_or_else(|| course_of(scope));
    let mut questions = [Question::new(by)];
    ask(tx, scope, &tail, &mut questions).await?;
    let [question] = questions;
    Ok(series_of(scope, by, &question.groups))
}

fn course_of(scope: &Scope) -> By {
    if scope.period.grain() == Grain::Hour { By::Hour } else { By::Day }
}

fn grain_of(by: By) -> Grain {
    if by == By::Hour { Grain::Hour } else { Grain::Day }
}

/// What was dropped is known of the whole workspace only.
async fn dropped(tx: &mut Tx, scope: &Scope) -> Result<u64, StoreError> {
    let (mut dropped, nothing) = (0u64, Tail::empty());
    let mut visit = |_: Timestamp, cell: &Cell| dropped = dropped.saturating_add(cell.tally.dropped);
    sums::walk(tx, scope, &nothing, Kind::Whole, Grain::Day, &mut visit).await?;
    Ok(dropped)
}

fn series_of(scope: &Scope, by: By, groups: &HashMap<Key, Tally>) -> UsageSeries {
    let grain = grain_of(by);
    let buckets = grain.bucket(scope.from)..=grain.bucket(scope.to);
    let point = |bucket: i64| {
        let at = grain.start(bucket);
        let figures = groups.get(&at.as_millis()).map(Figures::from).unwrap_or_default();
        let Figures { calls, errors, p50_ms, p95_ms, p99_ms, .. } = figures;
        UsagePoint { at, calls, errors, p50_ms, p95_ms, p99_ms }
    };
    UsageSeries { from: scope.from, to: scope.to, by, points: buckets.map(point).collect() }
}

fn table(scope: &Scope, question: Question) -> UsageTable {
    let by = question.by;
    let named = |(key, tally): (Key, Tally)| {
        let row = UsageRow { figures: Figures::from(&tally), ..UsageRow::default() };
        match by {
            By::User => scope.tokens.get(&key).map(|token| UsageRow {
                user: Some(token.name.clone()),
                email: email_of(scope, &token.name),
                ..row
            }),
            By::Tool => scope.tools.get(&key).map(|tool| UsageRow {
                server: Some(tool.server.clone()),
                tool: Some(tool.tool.clone()),
                ..row
            }),
            By::Server => {
                scope.tools.get(&key).map(|tool| UsageRow { server: Some(tool.server.clone()), ..row })
            }
            By::Day | By::Hour => Some(UsageRow { bucket: Some(Timestamp::from_millis(key)), ..row }),
        }
    };
    let mut rows: Vec<UsageRow> =
        question.groups.into_iter().filter(|(_, tally)| tally.calls() > 0).filter_map(named).collect();
    rows.sort_by(|a, b| order(by, a, b));
    let left_out = rows.len().saturating_sub(limit(by)) as u64;
    rows.truncate(limit(by));
    UsageTable { by, rows, left_out }
}

/// Hours of 90 days are more than a table of names has, and bounded by themselves.
const fn limit(by: By) -> usize {
    if matches!(by, By::Day | By::Hour) { usize::MAX } else { TABLE_ROWS_MAX }
}

fn order(by: By, a: &UsageRow, b: &UsageRow) -> std::cmp::Ordering {
    match by {
        By::Day | By::Hour => a.bucket.cmp(&b.bucket),
        _ => {
            let name = |row: &UsageRow| (row.user.clone(), row.server.clone(), row.tool.clone());
            b.figures.calls.cmp(&a.figures.calls).then_with(|| name(a).cmp(&name(b)))
        }
    }
}

/// The tie of a name: that of its newest token that has one, among those that are meant.
fn email_of(scope: &Scope, name: &str) -> Option<String> {
    let is_meant = |token: &TokenName| scope.means_token(token.id) && token.name == name;
    let tied = scope.tokens.values().filter(|token| is_meant(token) && token.person.is_some());
    tied.max_by_key(|token| token.id).and_then(|token| token.person.clone())
}
