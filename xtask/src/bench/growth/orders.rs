//! What it takes to create and to revoke a token of many, beside one of few. Both gateways are asked in
//! turns, over HTTP.

use std::time::Instant;

use anyhow::Result;

use super::super::furnish::WORKSPACE;
use super::super::sample::median;
use super::super::targets::Row;
use super::super::usage::Usage;
use super::part::{Part, grouped};
use super::subject::Subject;

/// Orders of one turn, and turns.
const ORDERS: u32 = 20;
const TURNS: u32 = 10;
const FEW: u32 = 100;
const MANY: u32 = 1_000_000;

/// What one turn took for each order: milliseconds, and milliseconds of processor.
#[derive(Clone, Copy)]
struct Turn([f64; 2]);

/// Measures both.
pub(super) fn measure() -> Result<Vec<Row>> {
    let (few, many) = (Subject::make(Part::Tokens.shape(FEW))?, Subject::make(Part::Tokens.shape(MANY))?);
    let (mut creates, mut revokes) = (Vec::new(), Vec::new());
    for turn in 0..TURNS {
        let (of_few, few_ids) = create(&few, turn)?;
        let (of_many, many_ids) = create(&many, turn)?;
        creates.push((of_many, of_few));
        let of_few = revoke(&few, &few_ids)?;
        revokes.push((revoke(&many, &many_ids)?, of_few));
    }
    Ok(row("create", &creates).into_iter().chain(row("revoke", &revokes)).collect())
}

fn row(order: &str, turns: &[(Turn, Turn)]) -> [Row; 2] {
    let kinds = [("", 0), (", processor's time", 1)];
    kinds.map(|(kind, at)| {
        let ratio = median(turns.iter().map(|(many, few)| many.0[at] / few.0[at]));
        let [many, few] = [
            median(turns.iter().map(|(many, _)| many.0[at])),
            median(turns.iter().map(|(_, few)| few.0[at])),
        ];
        let (of, beside) = (grouped(MANY), grouped(FEW));
        let what =
            format!("`token {order}`{kind}, {of} tokens beside {beside} ({many:.2} ms beside {few:.2} ms)");
        Row::new(&what, ratio, 1.2, " ×", 2)
    })
}

fn create(subject: &Subject, turn: u32) -> Result<(Turn, Vec<String>)> {
    let mut ids = Vec::new();
    let taken = take(subject, || {
        for number in 0..ORDERS {
            ids.push(subject.gateway.make_token(WORKSPACE, &format!("Newcomer {turn} {number}"))?.0);
        }
        Ok(())
    })?;
    Ok((taken, ids))
}

fn revoke(subject: &Subject, ids: &[String]) -> Result<Turn> {
    take(subject, || ids.iter().try_for_each(|id| subject.gateway.revoke(WORKSPACE, id)))
}

fn take(subject: &Subject, orders: impl FnOnce() -> Result<()>) -> Result<Turn> {
    let before = Usage::of(subject.target.process)?;
    let begun = Instant::now();
    orders()?;
    let elapsed = begun.elapsed();
    let spent = Usage::of(subject.target.process)?.since(&before).all;
    Ok(Turn([elapsed, spent].map(|time| time.as_secs_f64() * 1e3 / f64::from(ORDERS))))
}
