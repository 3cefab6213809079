//! The limits as settings: one row each, with its variable, kind and range. A limit without a row
//! does not compile.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::reader::{BadSetting, Kind, Reader};
use super::value::{format_duration, format_size, parse_duration, parse_size};
use crate::config::Limits;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);
const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
const GIB: usize = 1 << 30;

const SPAN: RangeInclusive<Duration> = SECOND..=DAY;
const SIZE: RangeInclusive<usize> = KIB..=GIB;
/// Memory that a large installation can spare.
const HELD: RangeInclusive<usize> = MIB..=GIB.saturating_mul(1_024);
const COUNT: RangeInclusive<usize> = 1..=1_000_000;
const COUNT_32: RangeInclusive<u32> = 1..=1_000_000;

/// A quantity that a limit can be: read from text, shown to people.
trait Quantity: PartialOrd + Copy {
    fn shown(self, unit: Unit) -> String;
    fn parse(text: &str, unit: Unit) -> Option<Self>;
}

/// What a whole number counts.
#[derive(Clone, Copy)]
enum Unit {
    Seconds,
    Bytes,
    Pieces,
}

impl Quantity for Duration {
    fn shown(self, _: Unit) -> String {
        format_duration(self)
    }

    fn parse(text: &str, _: Unit) -> Option<Self> {
        parse_duration(text)
    }
}

impl Quantity for u32 {
    fn shown(self, _: Unit) -> String {
        self.to_string()
    }

    fn parse(text: &str, _: Unit) -> Option<Self> {
        text.parse().ok()
    }
}

impl Quantity for usize {
    fn shown(self, unit: Unit) -> String {
        if matches!(unit, Unit::Bytes) { format_size(self) } else { self.to_string() }
    }

    fn parse(text: &str, unit: Unit) -> Option<Self> {
        if matches!(unit, Unit::Bytes) { parse_size(text) } else { text.parse().ok() }
    }
}

fn within<T: Quantity>(text: &str, unit: Unit, range: &RangeInclusive<T>) -> Result<T, String> {
    let fitting = T::parse(text.trim(), unit).filter(|value| range.contains(value));
    fitting.ok_or_else(|| {
        let kind = match unit {
            Unit::Seconds => "a span such as 30s or 5m",
            Unit::Bytes => "a size such as 64KiB or 16MiB",
            Unit::Pieces => "a whole number",
        };
        let (least, most) = (range.start().shown(unit), range.end().shown(unit));
        format!("'{text}' does not fit; expected {kind}, from {least} to {most}")
    })
}

macro_rules! limits {
    ($($variable:literal $field:ident $unit:ident $range:expr, $what:literal;)*) => {
        /// Reads every limit.
        pub(super) fn read(reader: &mut Reader<'_>) -> Result<Limits, BadSetting> {
            let default = Limits::default();
            Ok(Limits {
                $($field: reader.variable(
                    $variable,
                    Kind {
                        parse: |text| within(text, Unit::$unit, &$range),
                        show: |value| value.shown(Unit::$unit),
                    },
                    || Ok(default.$field),
                )?,)*
            })
        }

        /// Every limit with its default, for `--help`.
        pub(super) fn help() -> Vec<(&'static str, String)> {
            let default = Limits::default();
            vec![$(($variable, format!("{} [default: {}]", $what, default.$field.shown(Unit::$unit))),)*]
        }
    };
}

limits! {
    "AEROSTACK_RATE_LIMIT_PER_MINUTE" rate_limit_per_minute Pieces COUNT_32, "requests of a token in any 60 seconds";
    "AEROSTACK_LIMIT_BODY" body_limit_bytes Bytes SIZE, "largest request body";
    "AEROSTACK_LIMIT_HEADERS" header_limit_bytes Bytes KIB..=1_024 * KIB, "largest total of request headers";
    "AEROSTACK_LIMIT_HEADER_TIMEOUT" header_timeout Seconds SPAN, "time for request headers to arrive";
    "AEROSTACK_LIMIT_BODY_TIMEOUT" body_timeout Seconds SPAN, "time for a request body to arrive";
    "AEROSTACK_LIMIT_IDLE_TIMEOUT" idle_timeout Seconds SPAN, "time a connection is kept between requests";
    "AEROSTACK_LIMIT_WRITE_TIMEOUT" write_timeout Seconds SPAN, "time for a peer to take what is written";
    "AEROSTACK_LIMIT_CONNECTIONS" connections Pieces COUNT, "open connections of the gateway";
    "AEROSTACK_LIMIT_STREAMS_PER_TOKEN" streams_per_token Pieces COUNT_32, "open streams of a token";
    "AEROSTACK_LIMIT_WHOLE_ANSWER" whole_answer_bytes Bytes SIZE, "answers up to this are checked whole";
    "AEROSTACK_LIMIT_ANSWER" answer_limit_bytes Bytes SIZE, "largest answer to a call";
    "AEROSTACK_LIMIT_EVENT" event_limit_bytes Bytes SIZE, "largest event of an upstream's stream";
    "AEROSTACK_LIMIT_HELD" held_bytes Bytes HELD, "bodies and gathered answers in memory, all together";
    "AEROSTACK_LIMIT_HELD_PER_TOKEN" held_per_token_bytes Bytes HELD, "the same, of one token";
    "AEROSTACK_LIMIT_CALL_IDLE_TIMEOUT" call_idle_timeout Seconds SPAN, "time without a byte after which a call ends";
    "AEROSTACK_LIMIT_ABANDONED_CALL_TIMEOUT" abandoned_call_timeout Seconds SPAN, "time a call goes on after its caller hung up";
    "AEROSTACK_LIMIT_REPLAY_TIMEOUT" replay_timeout Seconds SPAN, "time for which an event stream can be resumed";
    "AEROSTACK_LIMIT_CALL_STREAM" call_stream_for Seconds SPAN, "time after which callers ask for a call's stream again";
    "AEROSTACK_LIMIT_QUESTION_TIMEOUT" question_timeout Seconds SPAN, "time a server's question waits for its answer";
    "AEROSTACK_LIMIT_PARKED_CALLS" parked_calls Pieces COUNT, "calls that wait for answers of modern callers";
    "AEROSTACK_LIMIT_PARKED_CALLS_PER_TOKEN" parked_calls_per_token Pieces COUNT, "the same, of one token";
    "AEROSTACK_LIMIT_LIST_TIMEOUT" list_timeout Seconds SPAN, "time for listing an upstream's tools";
    "AEROSTACK_LIMIT_LIST_REFRESH_EVERY" list_refresh_every Seconds SPAN, "time between refreshes of a tool list";
    "AEROSTACK_LIMIT_LIST_REFRESHES_AT_ONCE" list_refreshes_at_once Pieces COUNT, "tool lists refreshed at the same time";
    "AEROSTACK_LIMIT_TOOLS_PER_INSTALL" tools_per_install Pieces COUNT, "tools of one installed server, and as many prompts, resources and templates";
    "AEROSTACK_LIMIT_TOOL_LIST" tool_list_bytes Bytes SIZE, "total size of one server's tool definitions, and of each other kind";
    "AEROSTACK_LIMIT_CALLS_PER_INSTALL" calls_per_install Pieces COUNT, "calls in flight to one installed server";
    "AEROSTACK_LIMIT_SESSIONS_PER_INSTALL" sessions_per_install Pieces COUNT, "upstream sessions of one installed server";
    "AEROSTACK_LIMIT_SESSION_IDLE_TIMEOUT" session_idle_timeout Seconds SPAN, "time after which an unused upstream session ends";
    "AEROSTACK_LIMIT_STDIO_CHILDREN" stdio_children Pieces COUNT, "programs run as servers at the same time";
    "AEROSTACK_LIMIT_STDIO_CHILDREN_PER_INSTALL" stdio_children_per_install Pieces COUNT, "the same, of one installed server";
    "AEROSTACK_LIMIT_STDIO_MEMORY" stdio_memory_bytes Bytes HELD, "resident memory of one program and all it started";
    "AEROSTACK_LIMIT_STDIO_OPEN_FILES" stdio_open_files Pieces 16..=1_000_000, "files that one of them may have open";
    "AEROSTACK_LIMIT_STDIO_START_TIMEOUT" stdio_start_timeout Seconds SPAN, "time for a program to start and answer";
    "AEROSTACK_LIMIT_STDIO_IDLE_TIMEOUT" stdio_idle_timeout Seconds SPAN, "time after which an unused program is ended";
    "AEROSTACK_LIMIT_STDIO_LINE" stdio_line_bytes Bytes SIZE, "longest message of a program";
    "AEROSTACK_LIMIT_DRAIN_TIMEOUT" drain_timeout Seconds Duration::ZERO..=DAY, "time calls get to finish after SIGTERM";
    "AEROSTACK_LIMIT_KEEP_ALIVE_EVERY" keep_alive_every Seconds SPAN, "time between comment lines on idle streams";
    "AEROSTACK_LIMIT_BATCH" batch_len Pieces 1..=1_000, "requests of one batch";
    "AEROSTACK_LIMIT_JSON_DEPTH" json_depth Pieces 8..=512, "levels of nesting of a request's JSON";
    "AEROSTACK_LIMIT_DATABASE_TIMEOUT" database_timeout Seconds SPAN, "time to wait for the database";
    "AEROSTACK_LIMIT_MAIL_TIMEOUT" mail_timeout Seconds SECOND..=60 * SECOND, "time for a mail server to take a mail";
    "AEROSTACK_LIMIT_MAILS_AT_ONCE" mails_at_once Pieces 1..=1_000, "mails handed over at the same time";
    "AEROSTACK_LIMIT_LAST_USED_EVERY" last_used_every Seconds SPAN, "time between writes of when tokens were used";
    "AEROSTACK_LIMIT_ALERTS_EVERY" alerts_every Seconds SPAN, "time between looks at the calls of workspaces with alerts";
    "AEROSTACK_LIMIT_WEBHOOK_TIMEOUT" webhook_timeout Seconds SECOND..=60 * SECOND, "time for the receiver of an alert to answer";
    "AEROSTACK_LIMIT_WEBHOOKS_AT_ONCE" webhooks_at_once Pieces 1..=1_000, "messages of alerts posted at the same time";
    "AEROSTACK_LIMIT_CALLS_WAITING" calls_waiting Pieces COUNT, "calls that may wait to be recorded";
    "AEROSTACK_LIMIT_FREE_SPACE" free_space_bytes Bytes KIB..=64 * GIB, "free disk space below which calls are not recorded";
}
