//! A person with an account, who administers over the admin API or at the command line.

use std::io;
use std::net::SocketAddr;

use aerostack_core::api::audit::AuditVerification;
use aerostack_core::api::error::{ErrorBody, ErrorReply};
use aerostack_core::api::operation::{Endpoint, endpoint};
use aerostack_core::api::page::Empty;
use aerostack_core::api::token::{
    CreateTokenRequest, CreatedToken, ListTokensQuery, RevokedToken, RotateTokenRequest, TokenPage, TokenView,
};
use aerostack_core::api::workspace::{CreateWorkspaceRequest, WorkspaceView};
use aerostack_core::plan::Plan;
use aerostack_gateway::clock::Clock;
use serde_json::{Map, Value};

use crate::answer::Answer;
use crate::client::Caller;
use crate::wire::try_ask;

/// What the gateway said to an administrative request.
pub type Said<T> = Result<T, Box<ErrorBody>>;

/// A person. What they do concerns the workspace they made or moved to last.
#[derive(Clone, Debug)]
pub struct Person {
    /// Where the gateway listens.
    pub address: SocketAddr,
    /// Their namespace.
    pub username: String,
    /// Their account key.
    pub key: String,
    /// The workspace they work in.
    pub workspace: String,
    /// The gateway's time.
    pub clock: Clock,
}

impl Person {
    /// A person who is known to a gateway.
    #[must_use]
    pub fn new(address: SocketAddr, username: &str, key: &str, clock: Clock) -> Self {
        let (username, key) = (username.to_owned(), key.to_owned());
        Self { address, username, key, workspace: "engineering".to_owned(), clock }
    }

    /// The same person at a gateway that listens elsewhere, as after a restart.
    #[must_use]
    pub fn at(&self, address: SocketAddr) -> Self {
        Self { address, ..self.clone() }
    }

    /// The same person in another workspace.
    #[must_use]
    pub fn within(&self, workspace: &str) -> Self {
        Self { workspace: workspace.to_owned(), ..self.clone() }
    }

    /// Sends a request to the admin API.
    ///
    /// # Errors
    /// What the gateway says no with.
    ///
    /// # Panics
    /// When the answer is no answer of the admin API.
    pub async fn asks<E: Endpoint>(&self, parameters: &[&str], request: &E::Request) -> Said<E::Reply> {
        read::<E>(&self.sends::<E>(parameters, request).await)
    }

    /// The same, with the answer as it came.
    ///
    /// # Panics
    /// When none comes.
    pub async fn sends<E: Endpoint>(&self, parameters: &[&str], request: &E::Request) -> Answer {
        self.tries::<E>(parameters, request).await.expect("the request is answered")
    }

    /// The same, where the answer may not come.
    ///
    /// # Errors
    /// When the connection ends first.
    pub async fn tries<E: Endpoint>(&self, parameters: &[&str], request: &E::Request) -> io::Result<Answer> {
        let method = E::OPERATION.method();
        let value = serde_json::to_value(request).expect("requests are plain data");
        let mut target = E::OPERATION.fill(parameters);
        let mut body = Vec::new();
        match (method.asks_in_query(), &value) {
            (true, Value::Object(fields)) => target.push_str(&query(fields)),
            (true, _) => {}
            (false, value) => body = value.to_string().into_bytes(),
        }
        let bearer = format!("Bearer {}", self.key);
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        try_ask(self.address, method.word(), &target, &headers, &body).await
    }

    /// Makes a workspace and works in it from now on.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn creates_workspace(&mut self, name: &str) -> WorkspaceView {
        let request = CreateWorkspaceRequest { name: name.to_owned(), slug: None, description: None };
        let made = self.asks::<endpoint::CreateWorkspace>(&[], &request).await.expect("a workspace is made");
        self.workspace = made.slug.to_string();
        made
    }

    /// Creates a token, for whoever will call with it.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn creates_token(&self, name: &str) -> Caller {
        let made = self.orders_token(&token_named(name)).await.expect("a token is created");
        self.caller(&made)
    }

    /// Asks for a token.
    ///
    /// # Errors
    /// What the gateway says no with.
    pub async fn orders_token(&self, request: &CreateTokenRequest) -> Said<CreatedToken> {
        self.asks::<endpoint::CreateToken>(&[&self.workspace], request).await
    }

    /// Asks for a token of a gateway that may be gone before it answers.
    ///
    /// # Errors
    /// When the connection ends first.
    pub async fn tries_to_order_token(&self, request: &CreateTokenRequest) -> io::Result<Said<CreatedToken>> {
        let answer = self.tries::<endpoint::CreateToken>(&[&self.workspace], request).await?;
        Ok(read::<endpoint::CreateToken>(&answer))
    }

    /// Asks for a token that there is no way to get.
    ///
    /// # Panics
    /// When it is created.
    pub async fn is_refused(&self, request: &CreateTokenRequest) -> Box<ErrorBody> {
        self.orders_token(request).await.err().expect("the token is refused")
    }

    /// Whoever was given this token.
    #[must_use]
    pub fn caller(&self, made: &CreatedToken) -> Caller {
        Caller {
            address: self.address,
            path: format!("/ws/{}", self.workspace),
            token: made.token.clone(),
            id: made.id.to_string(),
            headers: Vec::new(),
        }
    }

    /// Revokes a token: `name:Alice Chen`, an id, the beginning of one, or `sha256:…`.
    ///
    /// # Errors
    /// What the gateway says no with.
    pub async fn revokes(&self, reference: &str) -> Said<RevokedToken> {
        self.asks::<endpoint::RevokeToken>(&[&self.workspace, reference], &Empty {}).await
    }

    /// Replaces a token.
    ///
    /// # Errors
    /// What the gateway says no with.
    pub async fn rotates(&self, reference: &str, overlap: Option<u64>) -> Said<CreatedToken> {
        let request = RotateTokenRequest { overlap };
        self.asks::<endpoint::RotateToken>(&[&self.workspace, reference], &request).await
    }

    /// All tokens of the workspace.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn tokens(&self) -> TokenPage {
        let mut query = ListTokensQuery { limit: Some(1_000), ..ListTokensQuery::default() };
        let mut items = Vec::new();
        loop {
            let page = self.asks::<endpoint::ListTokens>(&[&self.workspace], &query).await;
            let page = page.expect("tokens are listed");
            items.extend(page.items);
            query.cursor = page.next_cursor;
            if query.cursor.is_none() {
                return TokenPage { items, next_cursor: None, seats: page.seats };
            }
        }
    }

    /// One token of the workspace.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn token(&self, id: &str) -> TokenView {
        self.asks::<endpoint::ShowToken>(&[&self.workspace, id], &Empty {}).await.expect("the token is shown")
    }

    /// Checks the chain of the workspace's audit log.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn verifies_audit(&self) -> AuditVerification {
        self.asks::<endpoint::VerifyAudit>(&[&self.workspace], &Empty {}).await.expect("the log is checked")
    }

    /// Sets somebody's plan.
    ///
    /// # Errors
    /// What the gateway says no with.
    pub async fn sets_plan(&self, username: &str, plan: Plan) -> Said<()> {
        let request = aerostack_core::api::plan::SetPlanRequest { plan };
        self.asks::<endpoint::SetPlan>(&[username], &request).await.map(drop)
    }

    /// Deletes the workspace.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn deletes_workspace(&self) {
        let done = self.asks::<endpoint::DeleteWorkspace>(&[&self.workspace], &Empty {}).await;
        done.expect("the workspace is deleted");
    }
}

/// What an answer of the admin API says.
fn read<E: Endpoint>(answer: &Answer) -> Said<E::Reply> {
    if answer.status() == E::OPERATION.success_status() {
        return Ok(serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("{answer:?}")));
    }
    let refused: ErrorReply = serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("{answer:?}"));
    assert_eq!(refused.error.code.status(), answer.status());
    Err(Box::new(refused.error))
}

/// The plainest order of a token.
#[must_use]
pub fn token_named(name: &str) -> CreateTokenRequest {
    CreateTokenRequest { name: name.to_owned(), expires_in: None, person: None, rate_limit_per_minute: None }
}

fn query(fields: &Map<String, Value>) -> String {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        match value {
            Value::Null => {}
            Value::String(text) => drop(pairs.append_pair(name, text)),
            other => drop(pairs.append_pair(name, &other.to_string())),
        }
    }
    match pairs.finish() {
        pairs if pairs.is_empty() => pairs,
        pairs => format!("?{pairs}"),
    }
}
