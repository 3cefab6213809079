//! A story is told on SQLite and, when a PostgreSQL server is named, once more there.

use std::io::Write;

use aerostack_core::time::Timestamp;
use aerostack_gateway::clock::Clock;
use aerostack_gateway::config::Config;

use crate::engine::{Engine, Place};
use crate::gateway::Gateway;

/// When a manual clock begins: 2026-03-17 11:15 UTC.
pub const BEGINNING: Timestamp = Timestamp::from_millis(1_773_746_100_000);
/// Any value asks for full counts and for figures.
pub const PROVE_VARIABLE: &str = "AEROSTACK_PROVE";

/// Where a story takes place.
#[derive(Debug)]
pub struct World {
    /// Its database and folder.
    pub place: Place,
}

/// Tells a story on every engine there is, one after the other.
pub async fn story(tell: impl AsyncFn(&World)) {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        if let Some(place) = Place::new(engine).await {
            let world = World { place };
            let telling = Telling(engine);
            tell(&world).await;
            drop(telling);
            world.place.clear().await;
        }
    }
}

/// Tells a story that does not depend on the engine, on SQLite only.
///
/// # Panics
/// When no temporary folder can be made.
pub async fn short_story(tell: impl AsyncFn(&World)) {
    let place = Place::new(Engine::Sqlite).await.expect("SQLite is always there");
    tell(&World { place }).await;
}

impl World {
    /// Starts a gateway with the product's defaults and the machine's clock.
    pub async fn gateway(&self) -> Gateway {
        self.gateway_with(|_| {}).await
    }

    /// The same with other settings.
    pub async fn gateway_with(&self, change: impl FnOnce(&mut Config)) -> Gateway {
        let mut config = self.place.config();
        change(&mut config);
        Gateway::start(config, Clock::system()).await
    }

    /// The same with a clock that the story moves, beginning at [`BEGINNING`].
    pub async fn gateway_out_of_time(&self) -> Gateway {
        Gateway::start(self.place.config(), Clock::manual(BEGINNING)).await
    }
}

/// Tells on which engine a story failed.
struct Telling(Engine);

impl Drop for Telling {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tell_figures(&format!("the story failed on {:?}", self.0));
        }
    }
}

/// Whether full counts and figures are asked for.
#[must_use]
pub fn is_proof() -> bool {
    std::env::var_os(PROVE_VARIABLE).is_some()
}

/// The count of a story: scaled down, or in full for a proof.
#[must_use]
pub fn rounds(scaled_down: usize, in_full: usize) -> usize {
    if is_proof() { in_full } else { scaled_down }
}

/// Prints a line for people who read a proof.
pub fn tell_figures(line: &str) {
    // A line that nobody can read is not worth failing for.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Median and worst of some figures, in their order of size.
#[must_use]
pub fn median_and_worst<T: Ord + Copy>(figures: &[T]) -> Option<(T, T)> {
    let mut sorted = figures.to_vec();
    sorted.sort_unstable();
    Some((*sorted.get(sorted.len() / 2)?, *sorted.last()?))
}
