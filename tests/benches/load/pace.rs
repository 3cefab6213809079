//! When a connection sends.
//!
//! Open loop: a thread of its own keeps the moments, because the runtime's timers are a millisecond
//! coarse. A request whose moment came while its connection was still waiting for an answer counts
//! from that moment, so that a slow answer is charged to all that waited behind it. One whose
//! connection was free counts from its sending: that this program woke late is not the server's doing.

use std::time::{Duration, Instant};

use tokio::sync::mpsc::{self, Receiver, Sender};

/// Moments that wait for one connection, at most: a second at sixty thousand calls a second.
const WAITING: usize = 65_536;

/// One connection's pace.
pub(super) enum Pace {
    /// As soon as the answer to the last has come.
    Closed,
    /// At moments that are handed over when they come.
    Open { moments: Receiver<Instant>, free_since: Instant },
}

impl Pace {
    /// The paces of all connections, which take turns where there is a rate.
    pub(super) fn of(connections: usize, rate: Option<f64>, from: Instant, until: Instant) -> Vec<Self> {
        let Some(rate) = rate else {
            return std::iter::repeat_with(|| Self::Closed).take(connections).collect();
        };
        let (senders, paces): (Vec<_>, Vec<_>) = (0..connections)
            .map(|_| {
                let (sender, moments) = mpsc::channel(WAITING);
                (sender, Self::Open { moments, free_since: from })
            })
            .unzip();
        std::thread::spawn(move || keep_time(&senders, rate, from, until));
        paces
    }

    /// Waits until the next request is to be sent, and tells from when it counts; `None` when time is up.
    pub(super) async fn next(&mut self, until: Instant) -> Option<Instant> {
        match self {
            Self::Closed => Some(Instant::now()).filter(|now| *now < until),
            Self::Open { moments, free_since } => {
                *free_since = Instant::now();
                let moment = moments.recv().await?;
                let counts_from = if moment < *free_since { moment } else { Instant::now() };
                Some(counts_from)
            }
        }
    }
}

fn keep_time(senders: &[Sender<Instant>], rate: f64, from: Instant, until: Instant) {
    let between = Duration::from_secs_f64(1.0 / rate);
    let mut moment = from;
    for sender in senders.iter().cycle() {
        if moment >= until {
            return;
        }
        if let Some(early) = moment.checked_duration_since(Instant::now()) {
            std::thread::sleep(early);
        }
        // Closed after an error, which is counted; or full of what has waited for longer than a run.
        let _ = sender.try_send(moment);
        moment += between;
    }
}
