//! Log lines for programs: one JSON object a line, in the form that tracing-subscriber gives it.
//!
//! There is a line for every request. So it is written straight into a buffer that the thread keeps, and of its
//! time only the fraction of a second is new.

use std::cell::Cell;
use std::fmt::{self, Debug, Write as _};
use std::io::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aerostack_core::time::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Most that a thread keeps for its next line.
const KEPT_MAX_BYTES: usize = 16 * 1_024;
/// `2026-03-17T11:15:00.`
const SECOND_LEN: usize = 20;

thread_local! {
    /// Taken while a line is written: whatever logs meanwhile has one of its own.
    static LINE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    /// The second of the last line, since 1970, and its text.
    static SECOND: Cell<(u64, [u8; SECOND_LEN])> = const { Cell::new((u64::MAX, [0; SECOND_LEN])) };
}

/// Hands each event to `take` as one line.
pub(super) struct JsonLines {
    take: fn(&[u8]),
}

impl JsonLines {
    pub(super) const fn to(take: fn(&[u8])) -> Self {
        Self { take }
    }
}

impl<S: Subscriber> Layer<S> for JsonLines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = LINE.try_with(Cell::take).unwrap_or_default();
        line.clear();
        write(&mut line, event, machine_time());
        (self.take)(&line);
        if line.capacity() <= KEPT_MAX_BYTES {
            // A thread that ends keeps nothing.
            let _ = LINE.try_with(|kept| kept.set(line));
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "log lines tell the machine's time, whatever the gateway goes by"
)]
fn machine_time() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn write(line: &mut Vec<u8>, event: &Event<'_>, since_1970: Duration) {
    line.extend_from_slice(br#"{"timestamp":""#);
    line.extend_from_slice(&second(since_1970.as_secs()));
    let micros = u64::from(since_1970.subsec_micros());
    line.extend([100_000, 10_000, 1_000, 100, 10, 1].map(|unit| digit(micros / unit)));
    line.extend_from_slice(br#"Z","level":""#);
    line.extend_from_slice(event.metadata().level().as_str().as_bytes());
    line.push(b'"');
    let mut fields = Fields { line, target: None };
    event.record(&mut fields);
    let target = fields.target.take();
    line.extend_from_slice(br#","target":"#);
    string(line, target.as_deref().unwrap_or_else(|| event.metadata().target()));
    line.extend_from_slice(b"}\n");
}

const fn digit(number: u64) -> u8 {
    b'0' + (number % 10) as u8
}

/// A second's text; what lies beyond the year 9999 stays at the end of it.
fn second(since_1970_s: u64) -> [u8; SECOND_LEN] {
    let known = SECOND.try_with(Cell::get).ok().filter(|(second, _)| *second == since_1970_s);
    if let Some((_, text)) = known {
        return text;
    }
    let millis = i64::try_from(since_1970_s).unwrap_or(i64::MAX).saturating_mul(1_000);
    let whole = Timestamp::from_millis(millis).to_string();
    let text = whole.as_bytes().first_chunk().copied().expect("a moment has a date, a time and a fraction");
    let _ = SECOND.try_with(|kept| kept.set((since_1970_s, text)));
    text
}

/// Writes an event's fields, each behind a comma.
struct Fields<'a> {
    line: &'a mut Vec<u8>,
    /// What a line of the `log` crate names as its target.
    target: Option<String>,
}

impl Fields<'_> {
    fn name(&mut self, field: &Field) {
        // Names are words of the program: nothing in them needs to be escaped.
        self.line.extend_from_slice(b",\"");
        self.line.extend_from_slice(field.name().as_bytes());
        self.line.extend_from_slice(b"\":");
    }

    fn whole(&mut self, field: &Field, is_negative: bool, mut value: u64) {
        const MOST_DIGITS: usize = 20;
        self.name(field);
        if is_negative {
            self.line.push(b'-');
        }
        let (mut digits, mut first) = ([b'0'; MOST_DIGITS], MOST_DIGITS);
        while first == MOST_DIGITS || value > 0 {
            first -= 1;
            digits[first] = digit(value);
            value /= 10;
        }
        self.line.extend_from_slice(&digits[first..]);
    }
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.name(field);
        self.line.push(b'"');
        // What cannot be told is told as far as it can.
        let _ = write!(Escaped(self.line), "{value:?}");
        self.line.push(b'"');
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "log.target" {
            self.target = Some(value.to_owned());
        }
        self.name(field);
        string(self.line, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.whole(field, false, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.whole(field, value < 0, value.unsigned_abs());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.name(field);
        self.line.extend_from_slice(if value { b"true" } else { b"false" });
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.name(field);
        let _ = serde_json::to_writer(&mut *self.line, &value);
    }
}

fn string(line: &mut Vec<u8>, text: &str) {
    line.push(b'"');
    escape(line, text);
    line.push(b'"');
}

/// Text as it stands within a JSON string.
struct Escaped<'a>(&'a mut Vec<u8>);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escape(self.0, text);
        Ok(())
    }
}

/// Whether one of eight bytes cannot stand in a JSON string as it is: eight at a time, since nearly all can.
const fn has_special(eight: [u8; 8]) -> bool {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGHEST: u64 = ONES << 7;
    let bytes = u64::from_le_bytes(eight);
    // A byte's highest bit is set where it is less than `n`; above one that is, perhaps where it is not.
    let (quote, backslash) = (bytes ^ (ONES * b'"' as u64), bytes ^ (ONES * b'\\' as u64));
    let less = bytes.wrapping_sub(ONES * 0x20) & !bytes;
    let quotes = quote.wrapping_sub(ONES) & !quote;
    let backslashes = backslash.wrapping_sub(ONES) & !backslash;
    (less | quotes | backslashes) & HIGHEST != 0
}

fn special(text: &[u8]) -> Option<usize> {
    let (eights, _) = text.as_chunks::<8>();
    let plain = eights.iter().take_while(|&&eight| !has_special(eight)).count();
    // The last eight cover what is left over, and some of it twice.
    if plain == eights.len() && text.last_chunk().is_some_and(|&eight| !has_special(eight)) {
        return None;
    }
    let is_special = |byte: &u8| matches!(byte, 0..0x20 | b'"' | b'\\');
    text[8 * plain..].iter().position(is_special).map(|place| 8 * plain + place)
}

fn escape(line: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    while let Some(place) = special(rest) {
        line.extend_from_slice(&rest[..place]);
        match rest[place] {
            b'\n' => line.extend_from_slice(br"\n"),
            b'\r' => line.extend_from_slice(br"\r"),
            b'\t' => line.extend_from_slice(br"\t"),
            0x08 => line.extend_from_slice(br"\b"),
            0x0c => line.extend_from_slice(br"\f"),
            byte @ (b'"' | b'\\') => line.extend([b'\\', byte]),
            byte => {
                let _ = write!(line, "\\u{byte:04x}");
            }
        }
        rest = &rest[place + 1..];
    }
    line.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cell::RefCell;
    use std::io;
    use tracing_subscriber::fmt::MakeWriter;
    use tracing_subscriber::layer::SubscriberExt;

    thread_local! {
        static TAKEN: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }

    fn take(line: &[u8]) {
        TAKEN.with_borrow_mut(|taken| taken.extend_from_slice(line));
    }

    struct Taker;

    impl io::Write for Taker {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            take(line);
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Taker {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            Self
        }
    }

    /// What was logged, with the times apart.
    fn logged(subscriber: impl Subscriber + Send + Sync + 'static, log: impl Fn()) -> Vec<String> {
        tracing::subscriber::with_default(subscriber, log);
        let text = String::from_utf8(TAKEN.take()).unwrap();
        let without_time = |line: &str| {
            let (before, rest) = line.split_at(r#"{"timestamp":""#.len());
            let (time, rest) = rest.split_at("2026-03-17T11:15:00.123456Z".len());
            assert!(time.ends_with('Z') && Timestamp::parse(time).is_some(), "{line}");
            format!("{before}{rest}")
        };
        text.lines().map(without_time).collect()
    }

    struct Strange;

    impl Debug for Strange {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("Strange").field("text", &"a \"b\"\n\u{1b}[0m").finish()
        }
    }

    #[test]
    fn lines_read_as_those_of_tracing_subscriber() {
        let log = || {
            tracing::info!(request = %"req_1", method = "POST", path = "/ws/acme".to_owned(), status = 200u16, duration_us = 7u64, "request");
            tracing::warn!(quote = "\"\\\u{8}\u{c}\n\r\t\u{0}\u{1f}\u{7f}é→", "line\nbreak {}", 1);
            tracing::error!(
                ?Strange,
                minus = -3i64,
                ratio = 1.5f64,
                whole = 2.0f64,
                no = f64::NAN,
                yes = true
            );
            tracing::error!(
                large = u128::MAX,
                small = i128::MIN,
                none = Option::<u8>::None,
                some = Some("x")
            );
            tracing::debug!(target: "another::target", "quoted \" target");
            let error: &(dyn std::error::Error + 'static) = &fmt::Error;
            tracing::trace!(error, raw.name = 1, "dotted");
            // As lines of the `log` crate come.
            tracing::info!(log.target = "rustls::conn", log.line = 5, message = %"hello");
        };
        let theirs = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(Taker);
        let theirs = theirs.json().flatten_event(true).with_current_span(false).with_span_list(false);
        let theirs = logged(theirs.finish(), log);
        let ours = logged(tracing_subscriber::registry().with(JsonLines::to(take)), log);
        assert_eq!(ours.len(), 7);
        let (from_log, ours) = ours.split_last().unwrap();
        assert_eq!(ours, &theirs[..6]);
        assert!(from_log.ends_with(r#","target":"rustls::conn"}"#), "{from_log}");
    }

    proptest! {
        #[test]
        fn strings_read_as_those_of_serde_json(text in prop_oneof![".*", "[\\x00-\\x7f]*", "[ -~]{0,40}", "[é→\"]*"]) {
            let mut line = Vec::new();
            string(&mut line, &text);
            prop_assert_eq!(line, serde_json::to_vec(&text).unwrap());
        }
    }

    #[test]
    fn a_line_begins_with_its_time() {
        let time = |micros: u64| {
            let mut line = second(micros / 1_000_000).to_vec();
            line.extend(b"..");
            String::from_utf8(line).unwrap()
        };
        assert_eq!(time(1_773_746_100_000_001), "2026-03-17T11:15:00...");
        assert_eq!(time(1_773_746_101_000_001), "2026-03-17T11:15:01...");
        assert_eq!(time(0), "1970-01-01T00:00:00...");
        assert_eq!(second(u64::MAX).len(), SECOND_LEN);
    }
}
