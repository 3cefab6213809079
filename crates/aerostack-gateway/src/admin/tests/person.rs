//! A gateway's hall and the persons who call its admin API.

use std::sync::Arc;
use std::time::Duration;

use aerostack_core::account::{Account, AccountKind, issue_key};
use aerostack_core::api::error::{ErrorBody, ErrorCode, ErrorReply};
use aerostack_core::api::operation::{Endpoint, TEAM_HEADER, endpoint};
use aerostack_core::api::token::{CreateTokenRequest, CreatedToken};
use aerostack_core::api::workspace::{CreateWorkspaceRequest, WorkspaceView};
use aerostack_core::id::RequestId;
use aerostack_core::plan::Plan;
use aerostack_core::slug::Slug;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};

use crate::admin::handle;
use crate::app::{App, RequestContext};
use crate::clock::Clock;
use crate::config::Config;
use crate::http::body::Body;
use crate::store::testing::on_both_engines;
use crate::store::testing::sample::{self, NOW};
use crate::store::{self, Store};
use crate::vault::Vault;

/// A gateway's hall on one engine, and the clock that stands still in it.
#[derive(Clone)]
pub(super) struct Hall {
    pub(super) app: Arc<App>,
    pub(super) clock: Clock,
    _folder: Arc<tempfile::TempDir>,
}

/// Runs a story in a hall on every engine.
pub(super) async fn in_a_hall<F, Fut>(story: F)
where
    F: Fn(Hall) -> Fut,
    Fut: Future<Output = ()>,
{
    on_both_engines(|store| async {
        let hall = Hall::open(store).await;
        story(hall.clone()).await;
        hall.app.finish(Duration::from_secs(5)).await;
    })
    .await;
}

impl Hall {
    async fn open(store: Store) -> Self {
        let clock = Clock::manual(NOW);
        let folder = tempfile::tempdir().unwrap();
        let config = Config::local(folder.path().to_owned());
        let app = App::start(config, store, Vault::new(&[7; 32]), clock.clone()).await.unwrap();
        Self { app, clock, _folder: Arc::new(folder) }
    }

    /// Somebody with an account on the Pro plan.
    pub(super) async fn person(&self, username: &str) -> Person {
        self.joins(sample::account(username, AccountKind::Person)).await
    }

    /// Somebody who runs the installation.
    pub(super) async fn operator(&self, username: &str) -> Person {
        self.joins(sample::account(username, AccountKind::Operator)).await
    }

    async fn joins(&self, account: Account) -> Person {
        let issued = issue_key(account.id.clone(), "first", NOW, &mut rand::rng()).unwrap();
        let mut tx = self.app.store.write().await.unwrap();
        store::account::insert(&mut tx, &account).await.unwrap();
        store::account::insert_key(&mut tx, &issued.key).await.unwrap();
        tx.commit().await.unwrap();
        Person { app: Arc::clone(&self.app), account, key: issued.raw.expose().to_owned(), team: None }
    }

    /// Somebody whose account was made over the API, with the key they were shown.
    pub(super) async fn holding(&self, username: &Slug, key: &str) -> Person {
        let mut tx = self.app.store.read().await.unwrap();
        let account = store::account::find_by_username(&mut tx, username).await.unwrap().unwrap();
        Person { app: Arc::clone(&self.app), account, key: key.to_owned(), team: None }
    }

    /// Calls an operation without being signed in.
    pub(super) async fn anybody_calls<E: Endpoint>(
        &self,
        parameters: &[&str],
        request: &E::Request,
    ) -> Result<E::Reply, ErrorBody> {
        answer_of::<E>(send(&self.app, request_of::<E>(parameters, request)).await).await
    }
}

/// An operation as a request that nobody signed.
fn request_of<E: Endpoint>(parameters: &[&str], request: &E::Request) -> Request<Full<Bytes>> {
    let path = E::OPERATION.fill(parameters);
    let (uri, body) = if E::OPERATION.method().asks_in_query() {
        (format!("{path}?{}", serde_urlencoded::to_string(request).unwrap()), Vec::new())
    } else {
        (path, serde_json::to_vec(request).unwrap())
    };
    Request::builder()
        .method(E::OPERATION.method().word())
        .uri(uri)
        .header("content-type", "application/json")
        .body(Full::from(body))
        .unwrap()
}

async fn answer_of<E: Endpoint>(response: Response<Body>) -> Result<E::Reply, ErrorBody> {
    assert_eq!(response.headers()["cache-control"], "no-store");
    if !response.status().is_success() {
        return Err(error_of(response).await);
    }
    assert_eq!(response.status().as_u16(), E::OPERATION.success_status());
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    Ok(serde_json::from_slice(&bytes).unwrap())
}

/// Somebody who calls the admin API.
#[derive(Clone)]
pub(super) struct Person {
    pub(super) app: Arc<App>,
    pub(super) account: Account,
    pub(super) key: String,
    /// The team they name to act for.
    pub(super) team: Option<String>,
}

/// Sends a request as it is.
pub(super) async fn send(app: &Arc<App>, request: Request<Full<Bytes>>) -> Response<Body> {
    let context = RequestContext { id: RequestId::new(NOW, &mut rand::rng()), received_at: app.clock.now() };
    handle(app, &context, request).await
}

/// The error of an answer that is none of success.
pub(super) async fn error_of(response: Response<Body>) -> ErrorBody {
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let reply: ErrorReply = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(reply.error.code.status(), status);
    reply.error
}

impl Person {
    /// Calls an operation.
    pub(super) async fn calls<E: Endpoint>(
        &self,
        parameters: &[&str],
        request: &E::Request,
    ) -> Result<E::Reply, ErrorBody> {
        let mut request = request_of::<E>(parameters, request);
        let headers = request.headers_mut();
        headers.insert("authorization", format!("Bearer {}", self.key).parse().unwrap());
        if let Some(team) = &self.team {
            headers.insert(TEAM_HEADER, team.parse().unwrap());
        }
        answer_of::<E>(send(&self.app, request).await).await
    }

    /// The same person, who acts for a team from now on.
    pub(super) fn acting_for(&self, team: &str) -> Self {
        Self { team: Some(team.to_owned()), ..self.clone() }
    }

    /// The code, message and hint of a refusal.
    pub(super) async fn is_refused<E: Endpoint>(
        &self,
        parameters: &[&str],
        request: &E::Request,
    ) -> (ErrorCode, String, Option<String>) {
        match self.calls::<E>(parameters, request).await {
            Ok(_) => panic!("{} was not refused", E::OPERATION.name()),
            Err(error) => (error.code, error.message, error.hint),
        }
    }

    pub(super) async fn creates_workspace(&self, name: &str) -> WorkspaceView {
        let request = CreateWorkspaceRequest { name: name.to_owned(), slug: None, description: None };
        self.calls::<endpoint::CreateWorkspace>(&[], &request).await.unwrap()
    }

    pub(super) async fn creates_token(&self, workspace: &str, name: &str) -> Result<CreatedToken, ErrorBody> {
        self.calls::<endpoint::CreateToken>(&[workspace], &token_named(name)).await
    }

    pub(super) async fn has_plan(&self, plan: Plan) {
        let mut tx = self.app.store.write().await.unwrap();
        store::account::set_plan(&mut tx, &self.account.id, plan).await.unwrap();
        tx.commit().await.unwrap();
    }
}

/// A request for a token of a name and nothing else.
pub(super) fn token_named(name: &str) -> CreateTokenRequest {
    CreateTokenRequest { name: name.to_owned(), expires_in: None, person: None, rate_limit_per_minute: None }
}
