//! What a tool or a prompt wants to know of its caller before it answers: asked in requests on the stream by a
//! legacy server, and in results that are none yet by a modern one.

use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use super::message::{META_CAPABILITIES, META_VERSION, Message, RpcError};
use super::notice::Notice;
use super::state::State;

/// What is given for questions of the next round.
static NOTHING: Value = Value::Null;

/// Questions in rounds: those of one are asked together.
#[derive(Clone, Debug)]
pub struct Inquiry(Vec<Vec<Ask>>);

/// One question.
#[derive(Clone, Debug)]
pub struct Ask {
    key: &'static str,
    method: &'static str,
    params: Value,
}

/// What was answered to each question; or the result that asks for it.
pub(super) type Answered = Result<Map<String, Value>, String>;

impl Ask {
    /// A form with these parameters.
    #[must_use]
    pub fn elicitation(key: &'static str, params: Value) -> Self {
        Self { key, method: "elicitation/create", params }
    }

    /// A form with one text.
    #[must_use]
    pub fn form(key: &'static str, message: &str) -> Self {
        let schema = json!({ "type": "object", "properties": { "name": { "type": "string" } } });
        Self::elicitation(key, json!({ "message": message, "requestedSchema": schema }))
    }

    /// An address to visit.
    #[must_use]
    pub fn url(key: &'static str) -> Self {
        let url = "https://example.com/connect?odd=2.50";
        let params = json!({ "mode": "url", "message": "Go there.", "url": url, "elicitationId": key });
        Self::elicitation(key, params)
    }

    /// Something for the caller's model.
    #[must_use]
    pub fn sampling(key: &'static str, text: &str) -> Self {
        let message = json!({ "role": "user", "content": { "type": "text", "text": text } });
        let params = json!({ "messages": [message], "maxTokens": 100 });
        Self { key, method: "sampling/createMessage", params }
    }

    /// The caller's roots.
    #[must_use]
    pub fn roots(key: &'static str) -> Self {
        Self { key, method: "roots/list", params: json!({}) }
    }

    /// Whether it may be asked of a caller who declared this.
    fn is_declared(&self, declared: &Value) -> bool {
        self.method.split('/').next().is_some_and(|capability| declared.get(capability).is_some())
    }
}

impl Inquiry {
    /// These rounds, one after the other.
    #[must_use]
    pub fn new(rounds: impl IntoIterator<Item = Vec<Ask>>) -> Self {
        Self(rounds.into_iter().collect())
    }

    /// Asks whoever sent this request.
    ///
    /// # Errors
    /// When it comes with a state that is none of ours.
    pub(super) async fn ask(
        &self,
        state: &State,
        request: &Message,
        notes: &mpsc::Sender<String>,
    ) -> Result<Answered, RpcError> {
        // In a session everything is legacy: what a modern caller behind a gateway says of itself comes along.
        if request.session.is_some() || request.meta(META_VERSION).is_null() {
            return Ok(Ok(self.ask_on_stream(state, request, notes).await));
        }
        self.ask_in_result(request)
    }

    async fn ask_on_stream(
        &self,
        state: &State,
        request: &Message,
        notes: &mpsc::Sender<String>,
    ) -> Map<String, Value> {
        let session = request.session.as_deref().unwrap_or_default();
        let mut answers = Map::new();
        for round in &self.0 {
            let mut waiting = Vec::new();
            for ask in round {
                waiting.push((ask.key, state.asks(session, ask.key)));
                let question =
                    json!({ "method": ask.method, "params": ask.params, "jsonrpc": "2.0", "id": ask.key });
                let question = question.to_string();
                // Whoever no longer listens is noticed by the transport.
                if state.setup.asks_beside {
                    let _ = state.notices.send(Notice::Asked { session: session.to_owned(), question });
                } else {
                    let _ = notes.send(question).await;
                }
            }
            for (key, answer) in waiting {
                answers.insert(key.to_owned(), answer.await.unwrap_or_default());
            }
        }
        answers
    }

    fn ask_in_result(&self, request: &Message) -> Result<Answered, RpcError> {
        let params = &request.params;
        let tampered = || RpcError::new(-32602, "requestState was tampered with");
        let (mut round, mut answers) = match &params["requestState"] {
            Value::Null => (0, Map::new()),
            Value::String(text) => serde_json::from_str(text).map_err(|_| tampered())?,
            _ => return Err(tampered()),
        };
        let declared = request.meta(META_CAPABILITIES);
        let mut given = &params["inputResponses"];
        while let Some(asks) = self.0.get(round) {
            let asks: Vec<&Ask> = asks.iter().filter(|ask| ask.is_declared(declared)).collect();
            if asks.iter().any(|ask| !given[ask.key].is_object()) {
                let wanted = asks
                    .iter()
                    .map(|ask| (ask.key.to_owned(), json!({ "method": ask.method, "params": ask.params })));
                let wanted: Map<String, Value> = wanted.collect();
                let state = json!([round, answers]).to_string();
                let result =
                    json!({ "resultType": "input_required", "inputRequests": wanted, "requestState": state });
                return Ok(Err(result.to_string()));
            }
            for ask in asks {
                answers.insert(ask.key.to_owned(), given[ask.key].clone());
            }
            given = &NOTHING;
            round += 1;
        }
        Ok(Ok(answers))
    }
}
