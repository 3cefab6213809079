//! Which calls are meant: of which workspace, since when, of whom, to what.

use std::collections::{HashMap, HashSet};

use aerostack_core::account::Email;
use aerostack_core::id::{TokenId, WorkspaceId};
use aerostack_core::time::Timestamp;
use aerostack_core::usage::Period;

use crate::admin::error::ApiError;
use crate::store::usage::calls::{self, NumberedCall};
use crate::store::usage::names::{self, TokenName, ToolName};
use crate::store::{StoreError, Tx};

/// Whose calls may be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::admin) enum Whose {
    /// Everybody's.
    All,
    /// Those with tokens tied to a person; nobody's without a proven address.
    Person(Option<Email>),
    /// Those with one token.
    Token(TokenId),
}

/// What a request asks for, in its own words.
#[derive(Clone, Debug, Default)]
pub(in crate::admin) struct Wanted {
    /// How far back.
    pub(in crate::admin) period: Option<String>,
    /// A token's name or a person's address.
    pub(in crate::admin) user: Option<String>,
    /// A server's slug.
    pub(in crate::admin) server: Option<String>,
    /// A tool's exposed name.
    pub(in crate::admin) tool: Option<String>,
}

/// Which calls are meant.
pub(super) struct Scope {
    /// The workspace's number; `None` if no call of it was ever recorded.
    pub(super) workspace: Option<i64>,
    /// How far back.
    pub(super) period: Period,
    /// Where it begins.
    pub(super) from: Timestamp,
    /// Where it ends.
    pub(super) to: Timestamp,
    /// The first week that is summed up whole.
    pub(super) weeks_from: i64,
    /// Every token, by number.
    pub(super) tokens: HashMap<i64, TokenName>,
    /// Every tool, by number.
    pub(super) tools: HashMap<i64, ToolName>,
    /// The tokens that are meant; `None` is all.
    pub(super) chosen_tokens: Option<HashSet<i64>>,
    /// The tools that are meant; `None` is all.
    pub(super) chosen_tools: Option<HashSet<i64>>,
}

impl Scope {
    /// Finds out which calls are meant.
    pub(super) async fn find(
        tx: &mut Tx,
        workspace: &WorkspaceId,
        whose: &Whose,
        wanted: &Wanted,
        now: Timestamp,
    ) -> Result<Self, ApiError> {
        let period = read_period(wanted.period.as_deref())?;
        let workspace = names::find_workspace(tx, workspace).await?;
        let (tokens, tools) = match workspace {
            Some(workspace) => (names::tokens(tx, workspace).await?, names::tools(tx, workspace).await?),
            None => (Vec::new(), Vec::new()),
        };
        let chosen_tokens = choose_tokens(&tokens, whose, wanted.user.as_deref());
        let chosen_tools = choose_tools(&tools, wanted);
        Ok(Self {
            workspace,
            period,
            from: period.start(now),
            to: now,
            weeks_from: calls::state(tx).await?.weeks_from,
            tokens: tokens.into_iter().map(|token| (token.id, token)).collect(),
            tools: tools.into_iter().map(|tool| (tool.id, tool)).collect(),
            chosen_tokens,
            chosen_tools,
        })
    }

    /// The same calls within another stretch of time.
    pub(super) fn between(&self, from: Timestamp, to: Timestamp) -> Self {
        Self {
            from,
            to,
            tokens: HashMap::new(),
            tools: HashMap::new(),
            chosen_tokens: self.chosen_tokens.clone(),
            chosen_tools: self.chosen_tools.clone(),
            ..*self
        }
    }

    /// Tells whether calls with a token are meant.
    pub(super) fn means_token(&self, token: i64) -> bool {
        self.chosen_tokens.as_ref().is_none_or(|chosen| chosen.contains(&token))
    }

    /// Tells whether calls with a token and of a tool are meant; 0 stands for all of them together.
    pub(super) fn holds(&self, token: i64, tool: i64) -> bool {
        self.means_token(token) && self.chosen_tools.as_ref().is_none_or(|chosen| chosen.contains(&tool))
    }

    /// Tells whether a call is meant.
    pub(super) fn holds_call(&self, call: &NumberedCall) -> bool {
        call.measured.at >= self.from && self.holds(call.token, call.tool)
    }
}

/// Reads how far back a request reaches.
pub(super) fn read_period(text: Option<&str>) -> Result<Period, ApiError> {
    let period = text.map_or(Ok(Period::DEFAULT), str::parse);
    period.map_err(|error: aerostack_core::usage::PeriodError| ApiError::invalid(error.to_string()))
}

fn choose_tokens(tokens: &[TokenName], whose: &Whose, user: Option<&str>) -> Option<HashSet<i64>> {
    let address = user.and_then(|user| Email::parse(user).ok());
    let is_tied = |token: &TokenName, person: &Email| token.person.as_deref() == Some(person.as_str());
    let may_be_seen = |token: &TokenName| match whose {
        Whose::All => true,
        Whose::Person(person) => person.as_ref().is_some_and(|person| is_tied(token, person)),
        Whose::Token(id) => token.token_id == id.as_str(),
    };
    let is_wanted = |token: &TokenName| {
        user.is_none_or(|user| {
            token.name == user || address.as_ref().is_some_and(|address| is_tied(token, address))
        })
    };
    if *whose == Whose::All && user.is_none() {
        return None;
    }
    Some(tokens.iter().filter(|token| may_be_seen(token) && is_wanted(token)).map(|token| token.id).collect())
}

fn choose_tools(tools: &[ToolName], wanted: &Wanted) -> Option<HashSet<i64>> {
    if wanted.server.is_none() && wanted.tool.is_none() {
        return None;
    }
    let fits = |wanted: &Option<String>, name: &str| wanted.as_deref().is_none_or(|wanted| wanted == name);
    let chosen =
        tools.iter().filter(|tool| fits(&wanted.server, &tool.server) && fits(&wanted.tool, &tool.tool));
    Some(chosen.map(|tool| tool.id).collect())
}

/// The workspaces in which a person has recorded calls.
pub(in crate::admin) async fn workspaces_of(
    tx: &mut Tx,
    person: &Email,
) -> Result<Vec<WorkspaceId>, StoreError> {
    names::workspaces_of(tx, person.as_str()).await
}
