//! Ninety days of calls, made up: written as the recorder writes them, without their being made.

use std::collections::HashMap;
use std::time::Duration;

use aerostack_core::account::Email;
use aerostack_core::id::{TokenId, WorkspaceId};
use aerostack_core::time::Timestamp;
use aerostack_core::usage::{Measured, Outcome};
use aerostack_gateway::store::usage::calls::{self, NumberedCall};
use aerostack_gateway::store::usage::{UsageStore, adding_up, names};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Calls of one transaction.
const BATCH_LEN: usize = 4_096;
/// Days that are filled.
pub const DAYS: u32 = 90;

/// How much is made up.
#[derive(Clone, Copy, Debug)]
pub struct History {
    /// Calls over all days.
    pub calls: usize,
    /// Tokens, `Person 0` and so on.
    pub tokens: usize,
    /// Tools of four servers.
    pub tools: usize,
}

impl History {
    /// Writes and adds up everything up to `now`; gives how many calls since `since` each pair of token
    /// and tool made.
    ///
    /// # Panics
    /// When the store does not take it.
    pub async fn write(
        self,
        store: &UsageStore,
        workspace: &WorkspaceId,
        now: Timestamp,
        since: Timestamp,
    ) -> HashMap<(i64, i64), u64> {
        let mut rng = StdRng::seed_from_u64(7);
        let mut tx = store.write().await.expect("the store writes");
        let number = names::number_workspace(&mut tx, workspace).await.expect("a workspace is numbered");
        let (mut tokens, mut tools) = (Vec::new(), Vec::new());
        for token in 0..self.tokens {
            let id = TokenId::new(now, &mut rng);
            let email = Email::parse(&format!("person{token}@example.com")).expect("an address");
            let name = format!("Person {token}");
            let token = names::number_token(&mut tx, number, &id, &name, Some(email.as_str())).await;
            tokens.push(token.expect("a token is numbered"));
        }
        for tool in 0..self.tools {
            let server = format!("server-{}", tool % 4);
            let name = format!("{server}__tool_{tool}");
            tools
                .push(names::number_tool(&mut tx, number, &server, &name).await.expect("a tool is numbered"));
        }
        tx.commit().await.expect("names are kept");

        let span = Duration::from_secs(u64::from(DAYS) * 86_400);
        let begin = now.minus(span);
        let step = span / u32::try_from(self.calls).expect("fewer than 2^32 calls");
        let (mut written, mut met) = (0, HashMap::new());
        while written < self.calls {
            let len = BATCH_LEN.min(self.calls - written);
            let mut batch: Vec<NumberedCall> = (written..written + len)
                .map(|place| {
                    let at = begin.plus(step * u32::try_from(place).expect("fewer than 2^32 calls"));
                    made_up(&mut rng, number, &tokens, &tools, at)
                })
                .collect();
            for call in batch.iter().filter(|call| call.measured.at >= since) {
                *met.entry((call.token, call.tool)).or_insert(0) += 1;
            }
            let mut tx = store.write().await.expect("the store writes");
            calls::append(&mut tx, &mut batch).await.expect("calls are appended");
            tx.commit().await.expect("calls are kept");
            written += len;
            if written % (4 * BATCH_LEN) == 0 || written == self.calls {
                add_up(store).await;
            }
        }
        met
    }
}

async fn add_up(store: &UsageStore) {
    loop {
        let mut tx = store.write().await.expect("the store writes");
        let left = adding_up::step(&mut tx, &[], &[]).await.expect("calls are added up").left;
        tx.commit().await.expect("sums are kept");
        if left == 0 {
            return;
        }
    }
}

fn made_up(rng: &mut StdRng, workspace: i64, tokens: &[i64], tools: &[i64], at: Timestamp) -> NumberedCall {
    let outcome = match rng.random_range(0..100) {
        0..2 => Outcome::ToolError,
        2 => Outcome::UpstreamError,
        _ => Outcome::Ok,
    };
    // Many are quick, few are slow.
    let upstream_us = 2_000 + (1u64 << rng.random_range(8..20)) * rng.random_range(1..8);
    NumberedCall {
        id: 0,
        workspace,
        token: tokens[rng.random_range(0..tokens.len())],
        tool: tools[rng.random_range(0..tools.len())],
        client: 0,
        measured: Measured {
            at,
            outcome,
            total_us: upstream_us + rng.random_range(100..900),
            upstream_us: Some(upstream_us),
            bytes_in: rng.random_range(100..2_000),
            bytes_out: rng.random_range(100..20_000),
        },
    }
}
