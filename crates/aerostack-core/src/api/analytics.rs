//! Analytics of a workspace: reports, their course over time, single calls.

use serde::{Deserialize, Serialize};

use crate::id::TokenId;
use crate::slug::Slug;
use crate::time::Timestamp;
use crate::usage::{Outcome, Tally};

/// Most rows of one table of a report; the busiest are kept.
pub const TABLE_ROWS_MAX: usize = 1_000;

/// What calls are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The token's name.
    User,
    /// The exposed name of the tool.
    Tool,
    /// The server.
    Server,
    /// Days of UTC.
    Day,
    /// Hours of UTC.
    Hour,
}

impl By {
    /// Every grouping.
    pub const ALL: [Self; 5] = [Self::User, Self::Tool, Self::Server, Self::Day, Self::Hour];

    /// The word shown and sent.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Tool => "tool",
            Self::Server => "server",
            Self::Day => "day",
            Self::Hour => "hour",
        }
    }
}

/// Which calls, and how they are grouped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnalyticsQuery {
    /// How far back: `24h`, `7d`, at most `90d`; `7d` unless given. The start is rounded down to the hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
    /// Only calls with tokens of this name, or tied to this e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Only calls to this server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Only calls of this tool, by its exposed name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// How to group; a report without it has tables by user, by tool and by server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
}

/// Which single calls, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CallsQuery {
    /// How far back: `24h`, `7d`, at most `90d`; `7d` unless given. The start is rounded down to the hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
    /// Only calls with tokens of this name, or tied to this e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Only calls to this server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Only calls of this tool, by its exposed name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// Items of the page, 1 to 1,000; 100 unless given. A page may hold fewer and still have a next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Where the page before ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Which of the calls that were recorded since a mark.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCallsQuery {
    /// The mark of the reply before; without it, the reply has nothing but the mark of now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Only calls with tokens of this name, or tied to this e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Only calls to this server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Only calls of this tool, by its exposed name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
}

/// Which of one's own calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnUsageQuery {
    /// How far back: `24h`, `7d`, at most `90d`; `7d` unless given. The start is rounded down to the hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
}

/// Calls by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Outcomes {
    /// The tool answered.
    pub ok: u64,
    /// The tool answered that it failed.
    pub tool_error: u64,
    /// The server answered with an error, wrongly, or not at all.
    pub upstream_error: u64,
    /// The server was silent for too long.
    pub timeout: u64,
    /// The gateway did not send it.
    pub refused: u64,
    /// The caller took it back or its access ended; no error.
    pub cancelled: u64,
}

/// Any number of calls in figures. Times are milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Figures {
    /// Calls.
    pub calls: u64,
    /// Those that ended in an error.
    pub errors: u64,
    /// Their share, 0 to 1.
    pub error_rate: f64,
    /// Calls by how they ended.
    pub outcomes: Outcomes,
    /// Half of the calls took no longer.
    pub p50_ms: Option<f64>,
    /// 95 of 100 calls took no longer.
    pub p95_ms: Option<f64>,
    /// 99 of 100 calls took no longer.
    pub p99_ms: Option<f64>,
    /// The same of the servers' part alone.
    pub upstream_p50_ms: Option<f64>,
    /// The same of the servers' part alone.
    pub upstream_p95_ms: Option<f64>,
    /// The same of the servers' part alone.
    pub upstream_p99_ms: Option<f64>,
    /// The mean of what the gateway itself took.
    pub own_mean_ms: Option<f64>,
    /// The mean of what servers took.
    pub upstream_mean_ms: Option<f64>,
    /// The size of all requests.
    pub bytes_in: u64,
    /// The size of all answers.
    pub bytes_out: u64,
    /// When the first call arrived.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub first_call: Option<Timestamp>,
    /// When the last call arrived.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_call: Option<Timestamp>,
}

impl From<&Tally> for Figures {
    fn from(tally: &Tally) -> Self {
        let [ok, tool_error, upstream_error, timeout, refused, cancelled] = tally.outcomes;
        let (calls, asked) = (tally.calls(), tally.upstream.count());
        let own_us = tally.total_us.saturating_sub(tally.upstream_us);
        let mean = |sum_us: u64, count: u64| (count > 0).then(|| millis(sum_us / count));
        let total = |percent| tally.total.percentile(percent).map(millis);
        let upstream = |percent| tally.upstream.percentile(percent).map(millis);
        Self {
            calls,
            errors: tally.errors(),
            error_rate: share(tally.errors(), calls),
            outcomes: Outcomes { ok, tool_error, upstream_error, timeout, refused, cancelled },
            p50_ms: total(50),
            p95_ms: total(95),
            p99_ms: total(99),
            upstream_p50_ms: upstream(50),
            upstream_p95_ms: upstream(95),
            upstream_p99_ms: upstream(99),
            own_mean_ms: mean(own_us, calls),
            upstream_mean_ms: mean(tally.upstream_us, asked),
            bytes_in: tally.bytes_in,
            bytes_out: tally.bytes_out,
            first_call: tally.span.map(|(first, _)| first),
            last_call: tally.span.map(|(_, last)| last),
        }
    }
}

/// Microseconds as milliseconds.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "times stay far below 2^53 microseconds")]
pub fn millis(us: u64) -> f64 {
    us as f64 / 1_000.0
}

/// A part of a whole, 0 to 1, to four places.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64 * 10_000.0).round() / 10_000.0 }
}

/// A group of calls. What it is not grouped by is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UsageRow {
    /// When the hour or day begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub bucket: Option<Timestamp>,
    /// The token's name; tokens of one name count together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The address of the person the token is tied to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The server; empty for tools that do not exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The exposed name of the tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// Its figures.
    pub figures: Figures,
}

/// Groups of calls: by time in its order, else the busiest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UsageTable {
    /// What they are grouped by.
    pub by: By,
    /// The groups, at most 1,000.
    pub rows: Vec<UsageRow>,
    /// Groups that were left out.
    pub left_out: u64,
}

/// One hour or day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UsagePoint {
    /// When it begins.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Calls.
    pub calls: u64,
    /// Those that ended in an error.
    pub errors: u64,
    /// Half of the calls took no longer, in milliseconds.
    pub p50_ms: Option<f64>,
    /// 95 of 100 calls took no longer, in milliseconds.
    pub p95_ms: Option<f64>,
    /// 99 of 100 calls took no longer, in milliseconds.
    pub p99_ms: Option<f64>,
}

/// The course over time, without gaps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UsageSeries {
    /// Where it begins.
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// Where it ends.
    #[schema(value_type = String, format = DateTime)]
    pub to: Timestamp,
    /// `hour` or `day`.
    pub by: By,
    /// Every hour or day.
    pub points: Vec<UsagePoint>,
}

/// A report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UsageReport {
    /// The workspace's slug.
    pub workspace: String,
    /// How far back, as it was asked for.
    pub period: String,
    /// Where it begins.
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// Where it ends.
    #[schema(value_type = String, format = DateTime)]
    pub to: Timestamp,
    /// Calls that were made and not recorded; of whom is not known.
    pub not_recorded: u64,
    /// Percentiles are off by at most this share of themselves.
    pub relative_error: f64,
    /// All calls together.
    pub totals: Figures,
    /// The course over time, by hour up to two days and by day beyond.
    pub series: UsageSeries,
    /// Groups of calls.
    pub tables: Vec<UsageTable>,
}

/// The calls of a workspace since midnight, UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CallsToday {
    /// The workspace.
    pub workspace: Slug,
    /// Calls.
    pub calls: u64,
    /// Those that ended in an error.
    pub errors: u64,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CallView {
    /// When it arrived.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The token's name.
    pub user: String,
    /// The address of the person the token is tied to.
    pub email: Option<String>,
    /// The token.
    pub token_id: TokenId,
    /// The server; empty for tools that do not exist.
    pub server: String,
    /// The exposed name of the tool.
    pub tool: String,
    /// What the client calls itself.
    pub client: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    pub total_ms: f64,
    /// How long the server took, if it was asked.
    pub upstream_ms: Option<f64>,
    /// The size of the request.
    pub bytes_in: u64,
    /// The size of the answer.
    pub bytes_out: u64,
}

/// Calls that were recorded since a mark.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NewCalls {
    /// The calls, in the order in which they were recorded.
    pub items: Vec<CallView>,
    /// Where this reply ends; opaque.
    pub mark: String,
    /// Whether more are there already.
    pub has_more: bool,
}

/// One's own calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OwnUsage {
    /// Where it begins.
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// Where it ends.
    #[schema(value_type = String, format = DateTime)]
    pub to: Timestamp,
    /// A report for each workspace with calls of one's own.
    pub workspaces: Vec<UsageReport>,
}

/// Rows of CSV (RFC 4180), streamed; the first names the columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Csv {}

impl utoipa::PartialSchema for Csv {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        let description = "Rows of CSV (RFC 4180), streamed; the first names the columns.";
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .description(Some(description))
            .into()
    }
}

impl utoipa::ToSchema for Csv {}
