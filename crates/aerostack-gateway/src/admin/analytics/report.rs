//! Reports: each question is answered by the coarsest sums that can, and sums that answer several are
//! walked over once.

use std::collections::{HashMap, HashSet};

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

type Groups = HashMap<Key, Tally>;

/// What one walk over sums gathers, for one question or several.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Gathering {
    kind: Kind,
    coarsest: Grain,
    told_apart: Apart,
}

/// What sums are gathered under.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Apart {
    Tokens,
    Tools,
    Days,
    Hours,
}

impl Gathering {
    fn of(scope: &Scope, by: By) -> Self {
        let (told_apart, coarsest) = match by {
            By::User => (Apart::Tokens, Grain::Week),
            By::Tool | By::Server => (Apart::Tools, Grain::Week),
            By::Day => (Apart::Days, Grain::Day),
            By::Hour => (Apart::Hours, Grain::Hour),
        };
        let tells_tokens = scope.chosen_tokens.is_some() || told_apart == Apart::Tokens;
        let tells_tools = scope.chosen_tools.is_some() || told_apart == Apart::Tools;
        Self { kind: kind_for(tells_tokens, tells_tools), coarsest, told_apart }
    }

    const fn walk(self) -> (Kind, Grain) {
        (self.kind, self.coarsest)
    }

    fn key(self, at: Timestamp, cell: &Cell) -> Key {
        match self.told_apart {
            Apart::Tokens => cell.token,
            Apart::Tools => cell.tool,
            Apart::Days => Grain::Day.start(Grain::Day.bucket(at)).as_millis(),
            Apart::Hours => at.as_millis(),
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

    /// Puts together what is one group.
    fn fold(&self, by: By, gathered: &Groups) -> Groups {
        let keys = match by {
            By::User => &self.users,
            By::Server => &self.servers,
            By::Tool | By::Day | By::Hour => return gathered.clone(),
        };
        let mut groups = Groups::new();
        for (number, tally) in gathered {
            if let Some(&key) = keys.get(number) {
                groups.entry(key).or_default().merge(tally);
            }
        }
        groups
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

/// Answers questions, each by its groups.
async fn ask(tx: &mut Tx, scope: &Scope, tail: &Tail, questions: &[By]) -> Result<Vec<Groups>, StoreError> {
    let mut gathered: HashMap<Gathering, Groups> =
        questions.iter().map(|&by| (Gathering::of(scope, by), Groups::new())).collect();
    let walks: HashSet<(Kind, Grain)> = gathered.keys().map(|gathering| gathering.walk()).collect();
    for walk in walks {
        let mut visit = |at: Timestamp, cell: &Cell| {
            for (gathering, groups) in gathered.iter_mut().filter(|(gathering, _)| gathering.walk() == walk) {
                groups.entry(gathering.key(at, cell)).or_default().merge(&cell.tally);
            }
        };
        sums::walk(tx, scope, tail, walk.0, walk.1, &mut visit).await?;
    }
    let keys = Keys::of(scope);
    let answer = |&by: &By| keys.fold(by, &gathered[&Gathering::of(scope, by)]);
    Ok(questions.iter().map(answer).collect())
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
    let questions: Vec<By> = std::iter::once(course_of(scope)).chain(tables).collect();
    let mut answered = questions.iter().copied().zip(ask(tx, scope, &tail, &questions).await?);
    let dropped = dropped(tx, scope).await?;
    let (course_by, course) = answered.next().expect("the course is the first question");
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
        series: series_of(scope, course_by, &course),
        tables: answered.map(|(by, groups)| table(scope, by, groups)).collect(),
    })
}

/// The course over time alone.
pub(super) async fn series(tx: &mut Tx, scope: &Scope, by: Option<By>) -> Result<UsageSeries, StoreError> {
    let tail = Tail::read(tx, scope).await?;
    let by = by.filter(|by| matches!(by, By::Day | By::Hour)).unwrap_or_else(|| course_of(scope));
    let answered = ask(tx, scope, &tail, &[by]).await?;
    Ok(series_of(scope, by, &answered.into_iter().flatten().collect()))
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

fn series_of(scope: &Scope, by: By, groups: &Groups) -> UsageSeries {
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

fn table(scope: &Scope, by: By, groups: Groups) -> UsageTable {
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
        groups.into_iter().filter(|(_, tally)| tally.calls() > 0).filter_map(named).collect();
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
