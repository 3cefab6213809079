//! What callgrind writes down of a thread, with a cost for each chain of callers.
//!
//! With `--separate-callers` a function's name has its callers' behind it, `inner'outer'outermost`, so
//! that a cost tells all it was spent for. The format is that of callgrind's manual: `fn=(id) name`
//! begins the costs of a function, `cfn=(id) name` and `calls=n …` are a call from it, whose line of
//! cost is not its own.

use std::collections::HashMap;

use anyhow::{Context, Result};

/// What only the threads that serve connections run: each has a runtime for itself. Others hand tasks to it.
const OF_EDGES: &str = "tokio::runtime::scheduler::current_thread::Context::";

/// One thread's costs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Thread {
    pub(super) chains: Vec<Chain>,
}

/// What was spent in one function for one chain of callers.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Chain {
    /// The function and its callers, innermost first.
    pub(super) functions: Vec<String>,
    pub(super) instructions: u64,
    /// How often it was called.
    calls: u64,
}

impl Thread {
    /// Whether it serves connections.
    pub(super) fn is_edge(&self) -> bool {
        self.chains.iter().any(|chain| chain.functions.iter().any(|name| name.starts_with(OF_EDGES)))
    }

    /// Reads what was written of a thread.
    ///
    /// # Errors
    /// When it is not what callgrind writes.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let (mut chains, mut places) = (Vec::new(), HashMap::new());
        let (mut spends, mut called, mut is_of_call) = (None, None, false);
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("fn=") {
                spends = Some(place(&mut chains, &mut places, name)?);
            } else if let Some(name) = line.strip_prefix("cfn=") {
                called = Some(place(&mut chains, &mut places, name)?);
            } else if let Some(calls) = line.strip_prefix("calls=") {
                let calls = calls.split(' ').next().and_then(|calls| calls.parse::<u64>().ok());
                let called: usize = called.context("what is called is named")?;
                chains[called].calls += calls.context("calls are counted")?;
                is_of_call = true;
            } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
                // What a call costs is told once more, where it was spent.
                if !std::mem::take(&mut is_of_call) {
                    let cost = line.split(' ').nth(1).and_then(|cost| cost.parse::<u64>().ok());
                    let spends: usize = spends.context("what spends is named")?;
                    chains[spends].instructions += cost.context("a cost is a number")?;
                }
            }
        }
        Ok(Self { chains })
    }
}

/// Where the chain of a name is kept: `(7) inner'outer` at its first time, `(7)` from then on.
fn place<'a>(chains: &mut Vec<Chain>, places: &mut HashMap<&'a str, usize>, name: &'a str) -> Result<usize> {
    let (id, name) = name.split_once(')').context("a name has a number")?;
    if let Some(known) = places.get(id) {
        return Ok(*known);
    }
    let functions = name.trim_start().split('\'').map(str::to_owned).collect();
    chains.push(Chain { functions, ..Chain::default() });
    places.insert(id, chains.len() - 1);
    Ok(chains.len() - 1)
}

impl Chain {
    /// How often memory is asked for by this chain; what the allocator asks of itself does not count.
    pub(super) fn allocations(&self) -> u64 {
        let is_its_own = |name: &String| name.trim_start_matches('_').starts_with("mi_");
        let asks = |name: &String| name.starts_with("mi_") && name.contains("alloc");
        let asks = self.functions.first().is_some_and(asks) && !self.functions.get(1).is_some_and(is_its_own);
        if asks { self.calls } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
version: 1
positions: line
events: Ir
summary: 140

ob=(1) /program
fl=(1) ???
fn=(1) a::outer'start
0 100
cfn=(2) mi_malloc_aligned'a::outer'start
calls=3 0
0 40
0 10

fn=(2)
0 20
cfn=(3) mi_malloc'mi_malloc_aligned'a::outer'start
calls=3 0
0 10

fn=(3)
+1 10
";

    #[test]
    fn what_is_spent_is_told_by_chain_and_once() {
        let thread = Thread::parse(TEXT).unwrap();
        let told: Vec<_> = thread
            .chains
            .iter()
            .map(|chain| (chain.functions.join(" < "), chain.instructions, chain.allocations()))
            .collect();
        let expected = [
            ("a::outer < start".to_owned(), 110, 0),
            ("mi_malloc_aligned < a::outer < start".to_owned(), 20, 3),
            ("mi_malloc < mi_malloc_aligned < a::outer < start".to_owned(), 10, 0),
        ];
        assert_eq!(told, expected);
        assert!(!thread.is_edge());
    }

    #[test]
    fn whoever_hands_a_task_to_an_edge_is_none() {
        let is_edge = |name: &str| {
            let text = format!("fn=(1) tokio::runtime::scheduler::current_thread::{name}'start\n0 1\n");
            Thread::parse(&text).unwrap().is_edge()
        };
        assert!(is_edge("Context::run_task") && !is_edge("Handle::spawn"));
    }

    #[test]
    fn what_callgrind_does_not_write_is_refused() {
        for text in ["0 100\n", "fn=name\n", "fn=(1) a\n0 many\n", "fn=(1) a\ncalls=1 0\n"] {
            assert!(Thread::parse(text).is_err(), "{text}");
        }
    }
}
