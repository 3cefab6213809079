//! The stages of a call, and which functions belong to them: the one place where functions of the gateway
//! are named. A name that nothing is spent under any more is a failure, so that none is forgotten.

use anyhow::{Result, bail};

use super::chains::{Chain, Thread};

/// Which connection a function works on: names alone do not tell, since hyper reads and writes on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// The connection of the caller.
    Caller,
    /// The connection to the server.
    Server,
    /// None: the runtime itself, for one.
    Neither,
}

/// What is outermost in the task of a caller's connection, and what moves that of a server within it.
const OF_CALLER: &str = "tokio_util::task::task_tracker::TrackedFuture";
const OF_SERVER: &str = "aerostack_gateway::upstream::link::Link";

/// The stages in the order of a call.
const ACCEPT: &str = "accept and parse";
const AROUND: &str = "service and door, around what follows";
const GRANT: &str = "grant";
const QUOTA: &str = "quota";
const MESSAGE: &str = "shallow message";
const ROUTE: &str = "route";
const WRITE: &str = "upstream write";
const ANSWER: &str = "answer";
const RECORD: &str = "record";
const LOG: &str = "log line and figures";
const BETWEEN: &str = "the runtime: tasks, timers, sleep";
const STAGES: [&str; 11] =
    [ACCEPT, AROUND, GRANT, QUOTA, MESSAGE, ROUTE, WRITE, ANSWER, RECORD, LOG, BETWEEN];

/// Which stage a function is of that has this in its name, the first that fits. Asked from the innermost
/// function outwards, so that what serves several stages belongs to the one that called it.
const FUNCTIONS: &[(&str, &str)] = &[
    ("aerostack_gateway::http::origin::", ACCEPT),
    ("aerostack_gateway::mcp::door::admit", GRANT),
    ("aerostack_gateway::grants::", GRANT),
    ("aerostack_core::bearer::", GRANT),
    ("aerostack_gateway::mcp::door::count", QUOTA),
    ("aerostack_core::quota::", QUOTA),
    ("aerostack_gateway::jsonrpc::message::", MESSAGE),
    ("aerostack_gateway::mcp::record::", RECORD),
    ("aerostack_gateway::recorder::", RECORD),
    ("aerostack_gateway::mcp::dispatch::", ROUTE),
    ("aerostack_gateway::mcp::relay::relay", ROUTE),
    ("aerostack_gateway::mcp::in_flight::", ROUTE),
    ("aerostack_gateway::mcp::relay::CallStream", ANSWER),
    ("aerostack_gateway::mcp::underway::Underway", ANSWER),
    ("aerostack_gateway::mcp::streamable::", ANSWER),
    ("aerostack_gateway::upstream::begun::", ANSWER),
    ("aerostack_gateway::upstream::mask::", ANSWER),
    ("aerostack_gateway::upstream::answer::", ANSWER),
    ("aerostack_gateway::mcp::underway::Sending::send", WRITE),
    ("aerostack_gateway::upstream::", WRITE),
    ("tracing_core::", LOG),
    ("aerostack_gateway::service::counts::", LOG),
    ("aerostack_gateway::mcp::door::Door", AROUND),
    ("aerostack_gateway::commands::serve::accept", AROUND),
];

/// The same where the side matters.
const SIDED: &[(Side, &str, &str)] = &[
    (Side::Caller, "hyper::proto::h1::conn::Conn<I,B,T>::write_head", ANSWER),
    (Side::Caller, "hyper::proto::h1::io::Buffered<T,B>::poll_flush", ANSWER),
    (Side::Server, "hyper::proto::h1::io::Buffered<T,B>::poll_read_from_io", ANSWER),
    (Side::Server, "hyper::proto::h1::role::Client as hyper::proto::h1::Http1Transaction>::parse", ANSWER),
];

/// What a stage takes, a call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Share {
    pub(crate) name: &'static str,
    pub(crate) instructions: f64,
    /// Of memory, grown pieces included.
    pub(crate) allocations: f64,
}

impl Share {
    /// All that some threads did.
    pub(super) fn of_all<'a>(
        name: &'static str,
        threads: impl Iterator<Item = &'a Thread>,
        calls: u32,
    ) -> Self {
        let mut share = Self { name, instructions: 0.0, allocations: 0.0 };
        threads.flat_map(|thread| &thread.chains).for_each(|chain| share.add(chain, calls));
        share
    }

    #[expect(clippy::cast_precision_loss, reason = "instructions of some thousand calls are far below 2^52")]
    fn add(&mut self, chain: &Chain, calls: u32) {
        self.instructions += chain.instructions as f64 / f64::from(calls);
        self.allocations += chain.allocations() as f64 / f64::from(calls);
    }
}

/// Shares out among the stages what the threads did that serve connections.
///
/// # Errors
/// When nothing was spent under a name that stands here.
pub(super) fn shares(threads: &[&Thread], calls: u32) -> Result<Vec<Share>> {
    let mut shares = STAGES.map(|name| Share { name, instructions: 0.0, allocations: 0.0 });
    let mut seen = vec![false; FUNCTIONS.len() + SIDED.len()];
    for chain in threads.iter().flat_map(|thread| &thread.chains) {
        let stage = stage_of(&chain.functions, &mut seen);
        let share = shares.iter_mut().find(|share| share.name == stage).expect("every stage has a share");
        share.add(chain, calls);
    }
    let names = FUNCTIONS.iter().map(|(name, _)| name).chain(SIDED.iter().map(|(_, name, _)| name));
    let gone: Vec<&str> = names.zip(&seen).filter(|(_, seen)| !**seen).map(|(name, _)| *name).collect();
    if !gone.is_empty() {
        bail!("no call comes by {}: say in {} what has taken its place", gone.join(", "), file!());
    }
    Ok(shares.to_vec())
}

/// The stage of a function with its callers, innermost first; notes which names are there.
fn stage_of(functions: &[String], seen: &mut [bool]) -> &'static str {
    let is_there = |name: &str| functions.iter().any(|function| function.contains(name));
    let side = match (is_there(OF_SERVER), is_there(OF_CALLER)) {
        (true, _) => Side::Server,
        (false, true) => Side::Caller,
        (false, false) => Side::Neither,
    };
    for function in functions {
        if let Some(at) = FUNCTIONS.iter().position(|(name, _)| function.contains(name)) {
            seen[at] = true;
            return FUNCTIONS[at].1;
        }
        let is_it = |(on, name, _): &(Side, &str, &str)| *on == side && function.contains(name);
        if let Some(at) = SIDED.iter().position(is_it) {
            seen[FUNCTIONS.len() + at] = true;
            return SIDED[at].2;
        }
    }
    match side {
        Side::Caller => ACCEPT,
        Side::Server => WRITE,
        Side::Neither => BETWEEN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_of_the_stage_that_called_it_last() {
        let stage = |functions: &[&str]| {
            let functions: Vec<String> = functions.iter().map(|&name| name.to_owned()).collect();
            stage_of(&functions, &mut vec![false; FUNCTIONS.len() + SIDED.len()])
        };
        let caller = "<tokio_util::task::task_tracker::TrackedFuture<F>>::poll";
        let server = "aerostack_gateway::upstream::link::Link::advance";
        let flush = "hyper::proto::h1::io::Buffered<T,B>::poll_flush";
        assert_eq!(stage(&["memcpy", "hyper::proto::h1::dispatch::Dispatcher", caller, "start"]), ACCEPT);
        assert_eq!(stage(&["memcpy", "aerostack_gateway::mcp::record::CallRecord::sees", caller]), RECORD);
        assert_eq!(
            stage(&[
                "malloc",
                "aerostack_gateway::grants::grant::Grant::may_send",
                "aerostack_gateway::mcp::relay::relay",
                caller
            ]),
            GRANT
        );
        assert_eq!(stage(&[flush, caller]), ANSWER);
        assert_eq!(stage(&[flush, server, caller]), WRITE);
        assert_eq!(stage(&["epoll_wait", "start"]), BETWEEN);
    }

    #[test]
    fn a_name_that_is_gone_is_told() {
        let error = shares(&[], 1).unwrap_err().to_string();
        assert!(error.contains("aerostack_gateway::mcp::door::admit"), "{error}");
    }
}
