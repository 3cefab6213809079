//! A program that runs: requests go in as lines, and what it says is handed to whom it concerns.
//!
//! Three tasks belong to it: one writes, one reads, and one waits for its end. Asked to end, it is no longer
//! written to, and its input is closed; if it does not go, its group is told to, and then made to. However it
//! ends, what it has started ends with it, and those who wait for an answer are told why there is none.

use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::process::ChildStdout;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::super::answer::{Errors, Expect, Questions};
use super::super::aside::{ASIDE_TIMEOUT, Aside};
use super::super::begun::{Begun, Frames};
use super::super::error::UpstreamError;
use super::super::frame::{Cancelling, Framing, Whole};
use super::super::http::silent;
use super::super::message::{self, Message};
use super::super::session::SendError;
use super::super::shared::{Pending, Shared};
use super::super::target::{Caller, Era};
use super::backoff::Backoff;
use super::children::Children;
use super::line::{Line, Lines as LineReader};
use super::said::{self, LastWords, Speaker};
use super::system::{self, Told};
use super::writer::{self, Lines};
use crate::http::sse::Oversize;
use crate::offload;

/// Time to go by itself once its input is closed, and once more after it was told to.
const GRACE: Duration = Duration::from_secs(2);
/// Time to read what a program said before it ended.
const LAST_WORDS_TIMEOUT: Duration = Duration::from_secs(1);

/// A program that runs.
pub(in super::super) struct Child {
    lines: Lines,
    shared: Arc<Shared>,
    aside: Aside,
    ending: CancellationToken,
    over: CancellationToken,
    idle: Duration,
    is_ready: Arc<AtomicBool>,
}

/// Why a program is made to end.
#[derive(Clone, Default)]
pub(super) struct Doom(Arc<Mutex<Option<String>>>);

impl Doom {
    /// Notes the reason; the first one counts.
    pub(super) fn seal(&self, reason: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(reason);
    }

    fn reason(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What a program is begun with.
pub(super) struct Birth {
    pub(super) process: tokio::process::Child,
    pub(super) pid: u32,
    pub(super) place: OwnedSemaphorePermit,
    pub(super) children: Arc<Children>,
    pub(super) speaker: Speaker,
    pub(super) caller: Caller,
    pub(super) backoff: Arc<Mutex<Backoff>>,
    pub(super) aside: Aside,
    /// Time a call may be silent.
    pub(super) idle: Duration,
    pub(super) line_bytes: usize,
}

impl Child {
    /// Begins to speak with a process whose three streams are pipes.
    pub(super) fn begin(mut birth: Birth) -> Option<Self> {
        let (stdin, stdout, stderr) =
            (birth.process.stdin.take()?, birth.process.stdout.take()?, birth.process.stderr.take()?);
        let (ending, over) = (CancellationToken::new(), CancellationToken::new());
        let (shared, doom) = (Shared::open(), Doom::default());
        let lines = writer::begin(stdin, shared.clone(), ending.clone());
        let aside = birth.aside.answering_on(lines.clone());
        let reader = Reader {
            shared: shared.clone(),
            aside: aside.clone(),
            doom: doom.clone(),
            ending: ending.clone(),
            slug: birth.speaker.slug.clone(),
            noise: 0,
        };
        let reading = tokio::spawn(reader.run(LineReader::new(stdout, birth.line_bytes)));
        birth.children.keep(birth.pid, ending.clone(), doom.clone());
        let is_ready = Arc::new(AtomicBool::new(false));
        let last = LastWords::default();
        let slug = birth.speaker.slug.clone();
        let end = End {
            process: birth.process,
            pid: birth.pid,
            slug,
            children: birth.children,
            caller: birth.caller,
            backoff: birth.backoff,
            shared: shared.clone(),
            doom,
            ending: ending.clone(),
            over: over.clone(),
            is_ready: is_ready.clone(),
            since: Instant::now(),
            hearing: tokio::spawn(said::follow(stderr, birth.speaker, last.clone())),
            reading,
            last,
            _place: birth.place,
        };
        tokio::spawn(end.wait());
        Some(Self { lines, shared, aside, ending, over, idle: birth.idle, is_ready })
    }

    /// Whether it can be written to, as far as is known.
    pub(in super::super) fn is_open(&self) -> bool {
        self.shared.is_open() && !self.ending.is_cancelled()
    }

    /// Where it is told what nobody waits for.
    pub(in super::super) fn aside(&self) -> &Aside {
        &self.aside
    }

    /// Waits until nothing more comes from it.
    pub(in super::super) async fn closed(&self) {
        self.shared.closed().await;
    }

    /// Notes that it has said what it speaks: from now on it breaks off if it ends.
    pub(super) fn set_ready(&self) {
        self.is_ready.store(true, Ordering::Release);
    }

    /// Writes a request of the gateway's own and waits for the response; bounded in size, not in time.
    ///
    /// # Errors
    /// When there is none, [`UpstreamError::Unreachable`] if the program has ended.
    pub(super) async fn ask(&self, id: u64, body: Bytes, whole_bytes: usize) -> Result<Bytes, UpstreamError> {
        let gone = || UpstreamError::Unreachable(self.shared.reason());
        let expect = Expect {
            id,
            idle: self.idle,
            whole_bytes,
            oversize: Oversize::Refuse,
            errors: Errors::OfItsId,
            questions: Questions::Refused,
        };
        let pending = self.shared.expect(expect).ok_or_else(gone)?;
        self.lines.request(id, body).await.map_err(|_| gone())?;
        pending.response().await.map_err(|error| if self.shared.is_open() { error } else { gone() })
    }

    /// Writes a message that nothing answers.
    pub(in super::super) async fn tell(&self, body: Bytes) {
        self.lines.tell(body).await;
    }

    /// Writes a request; its answer has begun with that, since nothing else shows it.
    ///
    /// # Errors
    /// [`SendError::SessionGone`] if nothing was written.
    pub(in super::super) async fn send(
        &self,
        era: Era,
        body: Bytes,
        expect: Expect,
    ) -> Result<Begun, SendError> {
        let expect = Expect { idle: self.idle, ..expect };
        let pending = self.shared.expect(expect).ok_or(SendError::SessionGone)?;
        let pending = if era == Era::Modern { self.cancelled_when_dropped(pending) } else { pending };
        match timeout(self.idle, self.lines.request(expect.id, body)).await {
            Ok(Ok(())) => Ok(Begun { framing: Framing::Events, frames: Frames::OnStream(pending) }),
            Ok(Err(writer::Closed)) => Err(SendError::SessionGone),
            Err(_) => Err(SendError::Failed(silent(self.idle))),
        }
    }

    /// Whoever gives up a modern call has cancelled it; over a pipe that takes a word.
    fn cancelled_when_dropped(&self, pending: Pending) -> Pending {
        let lines = self.lines.clone();
        pending.told_when_given_up(Box::new(move |id| lines.tell_now(message::cancelled(id))))
    }

    /// What tells a legacy program that nobody waits for `id` any more.
    pub(in super::super) fn cancelling(&self, era: Era, id: u64) -> Option<Cancelling> {
        if era == Era::Modern {
            return None;
        }
        let lines = self.lines.clone();
        let tell = async move {
            let _ = timeout(ASIDE_TIMEOUT, lines.tell(message::cancelled(id))).await;
        };
        Some(Box::pin(tell))
    }

    /// Ends it and waits until nothing of it is left; bounded in time by its graces.
    pub(in super::super) async fn end(&self) {
        self.ending.cancel();
        self.over.cancelled().await;
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.ending.cancel();
    }
}

/// Reads what a program says.
struct Reader {
    shared: Arc<Shared>,
    aside: Aside,
    doom: Doom,
    ending: CancellationToken,
    slug: String,
    /// Lines that were no messages.
    noise: u64,
}

impl Reader {
    async fn run(mut self, mut lines: LineReader<ChildStdout>) {
        while let Some(line) = lines.next().await {
            self.shared.touch();
            let Line::Whole(line) = line else {
                // Whose answer it was cannot be told, so nobody's can be waited for any longer.
                self.doom.seal("the program wrote a message that is larger than may be read".into());
                self.ending.cancel();
                return;
            };
            let (shared, aside) = (self.shared.clone(), self.aside.clone());
            let is_message = offload::run(line.len(), move || hand_on(&shared, &aside, line)).await;
            if !is_message {
                self.skip();
            }
        }
        if self.noise > 1 {
            tracing::debug!(server = self.slug, lines = self.noise, "lines of a program were no messages");
        }
    }

    fn skip(&mut self) {
        self.noise += 1;
        metrics::counter!("aerostack_stdio_noise_lines_total").increment(1);
        if self.noise == 1 {
            tracing::warn!(
                server = self.slug,
                "a program writes to its standard output what is no message; such lines are skipped"
            );
        }
    }
}

/// Hands a message to whom it concerns; tells whether it was one.
fn hand_on(shared: &Shared, aside: &Aside, line: Bytes) -> bool {
    let Some(whole) = Whole::read(line) else { return false };
    match whole.message() {
        None => return false,
        Some(Message::ListChanged) => aside.list_changed(),
        Some(Message::Updated { params }) => aside.updated(params),
        Some(Message::Request { id, method }) => shared.ask(aside, id, &method, &whole.text),
        Some(message) => shared.dispatch(&whole, &message),
    }
    true
}

/// Waits for the end of a program, and brings it about.
struct End {
    process: tokio::process::Child,
    pid: u32,
    slug: String,
    children: Arc<Children>,
    caller: Caller,
    backoff: Arc<Mutex<Backoff>>,
    shared: Arc<Shared>,
    doom: Doom,
    ending: CancellationToken,
    over: CancellationToken,
    is_ready: Arc<AtomicBool>,
    since: Instant,
    reading: JoinHandle<()>,
    hearing: JoinHandle<()>,
    last: LastWords,
    _place: OwnedSemaphorePermit,
}

impl End {
    async fn wait(mut self) {
        let asked = self.ending.clone();
        let status = tokio::select! {
            status = self.process.wait() => status.ok(),
            () = asked.cancelled() => self.end().await,
        };
        // What it has started does not outlive it.
        system::tell_group(self.pid, Told::Kill);
        let was_asked = self.ending.is_cancelled() && self.doom.reason().is_none();
        self.ending.cancel();
        let heard = async {
            let _ = (&mut self.reading).await;
            let _ = (&mut self.hearing).await;
        };
        if timeout(LAST_WORDS_TIMEOUT, heard).await.is_err() {
            self.reading.abort();
            self.hearing.abort();
        }
        let reason = self.reason(status, was_asked);
        if !was_asked {
            tracing::warn!(
                server = self.slug,
                pid = self.pid,
                reason,
                "a program ended by itself or was made to"
            );
            if self.is_ready.load(Ordering::Acquire) {
                let mut backoff = self.backoff.lock().unwrap_or_else(PoisonError::into_inner);
                backoff.broke_off(self.caller.clone(), self.since.elapsed(), reason.clone());
            }
        }
        self.shared.close_because(reason);
        self.children.let_go(self.pid).await;
        self.over.cancel();
    }

    /// Its input is closed by now, since nobody writes after the word was given.
    async fn end(&mut self) -> Option<ExitStatus> {
        // Whoever still waits is not kept waiting for the graces.
        let reason = self.doom.reason().unwrap_or_else(|| "the program was ended".to_owned());
        self.shared.close_because(reason);
        for told in [Told::Terminate, Told::Kill] {
            if let Ok(status) = timeout(GRACE, self.process.wait()).await {
                return status.ok();
            }
            system::tell_group(self.pid, told);
        }
        timeout(GRACE, self.process.wait()).await.ok()?.ok()
    }

    fn reason(&self, status: Option<ExitStatus>, was_asked: bool) -> String {
        if let Some(reason) = self.doom.reason() {
            return reason;
        }
        if was_asked {
            return "the program was ended".to_owned();
        }
        let status = status.map_or_else(|| "how is not known".to_owned(), |status| status.to_string());
        match self.last.get() {
            Some(last) => format!("the program ended ({status}): {last}"),
            None => format!("the program ended ({status})"),
        }
    }
}
