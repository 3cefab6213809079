//! Tools: what they are listed as and what calling them does.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use super::inquiry::Inquiry;
use super::message::notification;

/// A tool of a scripted server.
#[derive(Clone, Debug)]
pub struct Tool {
    name: String,
    definition: Value,
    behaviour: Behaviour,
    needs: Option<&'static str>,
    inquiry: Option<Inquiry>,
}

#[derive(Clone, Debug)]
enum Behaviour {
    Echo,
    Add,
    Slow,
    Fail,
    Big,
    Held,
    Asks(usize),
    Recall,
    Talks(&'static [&'static str]),
    Says,
    Reconnects,
    Answers(String),
}

impl Tool {
    /// `echo`, `add`, `slow`, `fail` and `big`.
    #[must_use]
    pub fn examples() -> Vec<Self> {
        vec![Self::echo(), Self::add(), Self::slow(), Self::fail(), Self::big()]
    }

    /// `echo`: answers its `text`.
    #[must_use]
    pub fn echo() -> Self {
        let input =
            json!({ "type": "object", "properties": { "text": { "type": "string" } }, "required": ["text"] });
        Self::new("echo", "Answers what it is told.", input, Behaviour::Echo)
    }

    /// `add`: the sum of `a` and `b`, as text and structured.
    #[must_use]
    pub fn add() -> Self {
        let number = json!({ "type": "number" });
        let input =
            json!({ "type": "object", "properties": { "a": number, "b": number }, "required": ["a", "b"] });
        let output = json!({ "type": "object", "properties": { "sum": number }, "required": ["sum"] });
        Self::new("add", "Adds two numbers.", input, Behaviour::Add).with("outputSchema", output)
    }

    /// `slow`: `steps` times `pause_ms` (5 and 50), telling its progress to who asked for it.
    #[must_use]
    pub fn slow() -> Self {
        let count = json!({ "type": "integer" });
        let input = json!({ "type": "object", "properties": { "steps": count, "pause_ms": count } });
        Self::new("slow", "Takes its time and tells how far it is.", input, Behaviour::Slow)
    }

    /// `fail`: a result that is an error, with the `reason` it is given.
    #[must_use]
    pub fn fail() -> Self {
        let input = json!({ "type": "object", "properties": { "reason": { "type": "string" } } });
        Self::new("fail", "Fails.", input, Behaviour::Fail)
    }

    /// `big`: `kib` times 1,024 letters.
    #[must_use]
    pub fn big() -> Self {
        let input = json!({ "type": "object", "properties": { "kib": { "type": "integer" } } });
        Self::new("big", "Answers much.", input, Behaviour::Big)
    }

    /// A tool that answers only once [`super::Upstream::release`] is called.
    #[must_use]
    pub fn held(name: &str) -> Self {
        Self::new(name, "Answers when it is let go.", json!({ "type": "object" }), Behaviour::Held)
    }

    /// A tool that asks its client something in so many bytes, and does not wait for what it says.
    #[must_use]
    pub fn asking(name: &str, bytes: usize) -> Self {
        Self::new(name, "Asks before it answers.", json!({ "type": "object" }), Behaviour::Asks(bytes))
    }

    /// A tool that answers with what it was told when it asked this.
    #[must_use]
    pub fn inquiring(name: &str, inquiry: Inquiry) -> Self {
        Self { inquiry: Some(inquiry), ..Self::answering(name, "{}") }
    }

    /// `recall`: answers the `text` of the call before it in the same session; empty at first.
    #[must_use]
    pub fn recall() -> Self {
        let input = json!({ "type": "object", "properties": { "text": { "type": "string" } } });
        Self::new("recall", "Answers what it was told before.", input, Behaviour::Recall)
    }

    /// `talk`: logs at levels `debug` and `error`, as far as that is wanted, and answers.
    #[must_use]
    pub fn talk() -> Self {
        Self::talking("talk", &["debug", "error"])
    }

    /// A tool that logs once at each of these levels, as far as that is wanted, and answers.
    #[must_use]
    pub fn talking(name: &str, levels: &'static [&'static str]) -> Self {
        Self::new(name, "Logs what it does.", json!({ "type": "object" }), Behaviour::Talks(levels))
    }

    /// A tool that modern callers may call only if they declare a capability.
    #[must_use]
    pub fn needing(name: &str, capability: &'static str) -> Self {
        let tool = Self::answering(name, text_result("it is there"));
        Self { needs: Some(capability), ..tool }
    }

    /// A tool of a legacy server which closes its stream at once and answers when it is asked again.
    #[must_use]
    pub fn reconnecting(name: &str) -> Self {
        Self::new(name, "Wants to be asked again.", json!({ "type": "object" }), Behaviour::Reconnects)
    }

    /// A tool whose result is what [`super::Upstream::will_say`] was told, byte for byte.
    #[must_use]
    pub fn saying(name: &str) -> Self {
        Self::new(name, "Says what it is to say.", json!({ "type": "object" }), Behaviour::Says)
    }

    /// A tool whose result is this JSON text, byte for byte.
    #[must_use]
    pub fn answering(name: &str, result: impl Into<String>) -> Self {
        Self::new(
            name,
            "Answers always the same.",
            json!({ "type": "object" }),
            Behaviour::Answers(result.into()),
        )
    }

    /// The same tool under another name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self.definition["name"] = json!(name);
        self
    }

    /// The same tool with one field of its definition set.
    #[must_use]
    pub fn with(mut self, field: &str, value: Value) -> Self {
        self.definition[field] = value;
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// As it is listed.
    #[must_use]
    pub fn definition(&self) -> &Value {
        &self.definition
    }

    fn new(name: &str, description: &str, input: Value, behaviour: Behaviour) -> Self {
        let definition = json!({ "name": name, "description": description, "inputSchema": input });
        Self { name: name.to_owned(), definition, behaviour, needs: None, inquiry: None }
    }

    /// The capability that its callers must declare.
    pub(super) fn needs(&self) -> Option<&'static str> {
        self.needs
    }

    /// Whether it may say something before it answers.
    pub(super) fn talks(&self) -> bool {
        matches!(self.behaviour, Behaviour::Talks(_)) || self.inquiry.is_some()
    }

    /// What it wants to know before it answers.
    pub(super) fn inquiry(&self) -> Option<&Inquiry> {
        self.inquiry.as_ref()
    }

    /// Whether it answers only when it is asked again.
    pub(super) fn reconnects(&self) -> bool {
        matches!(self.behaviour, Behaviour::Reconnects)
    }

    /// Calls it and gives its result as JSON text.
    pub(super) async fn call(&self, call: Call) -> String {
        let arguments = &call.arguments;
        match &self.behaviour {
            Behaviour::Echo => text_result(arguments["text"].as_str().unwrap_or_default()),
            Behaviour::Add => add(arguments),
            Behaviour::Slow => slow(&call).await,
            Behaviour::Fail => failure(arguments["reason"].as_str().unwrap_or("failed as asked")),
            Behaviour::Big => {
                let kib = arguments["kib"].as_u64().and_then(|kib| usize::try_from(kib).ok()).unwrap_or(64);
                text_result(&"x".repeat(kib * 1_024))
            }
            Behaviour::Held => held(call).await,
            Behaviour::Asks(bytes) => asks(&call, *bytes).await,
            Behaviour::Recall => text_result(call.told_before.as_deref().unwrap_or_default()),
            Behaviour::Talks(levels) => talks(&call, levels).await,
            Behaviour::Says => call.said,
            Behaviour::Reconnects => text_result("it was asked again"),
            Behaviour::Answers(text) => text.clone(),
        }
    }
}

/// One call under way.
pub(super) struct Call {
    /// Its arguments.
    pub(super) arguments: Value,
    /// The text of the call before it in the same session.
    pub(super) told_before: Option<String>,
    /// `_meta.progressToken`; `null` when nobody asked.
    pub(super) progress_token: Value,
    /// What it is to say.
    pub(super) said: String,
    /// The least level of log messages that are wanted.
    pub(super) level: Option<String>,
    /// Where notifications of this call go.
    pub(super) notes: mpsc::Sender<String>,
    /// How often held tools were let go.
    pub(super) released: watch::Receiver<u64>,
}

/// A result with one text.
fn text_result(text: &str) -> String {
    json!({ "content": [{ "type": "text", "text": text }] }).to_string()
}

fn failure(reason: &str) -> String {
    json!({ "content": [{ "type": "text", "text": reason }], "isError": true }).to_string()
}

fn add(arguments: &Value) -> String {
    let whole = arguments["a"].as_i64().zip(arguments["b"].as_i64()).and_then(|(a, b)| a.checked_add(b));
    let broken = || arguments["a"].as_f64().zip(arguments["b"].as_f64()).map(|(a, b)| json!(a + b));
    let Some(sum) = whole.map(Value::from).or_else(broken) else {
        return failure("a and b must be numbers");
    };
    json!({ "content": [{ "type": "text", "text": sum.to_string() }], "structuredContent": { "sum": sum } })
        .to_string()
}

async fn slow(call: &Call) -> String {
    let steps = call.arguments["steps"].as_u64().unwrap_or(5);
    let pause = Duration::from_millis(call.arguments["pause_ms"].as_u64().unwrap_or(50));
    for step in 1..=steps {
        tokio::time::sleep(pause).await;
        if !call.progress_token.is_null() {
            let params = json!({ "progressToken": call.progress_token, "progress": step, "total": steps, "message": format!("step {step} of {steps}") });
            // Whoever no longer listens is noticed by the transport, which drops this call.
            let _ = call.notes.send(notification("notifications/progress", &params)).await;
        }
    }
    text_result(&format!("done after {steps} steps"))
}

async fn talks(call: &Call, levels: &[&str]) -> String {
    for level in levels {
        let wanted = call.level.as_deref().is_some_and(|least| least == "debug" || least == *level);
        if wanted {
            let params = json!({ "level": level, "data": { "odd": 2.5 } });
            let _ = call.notes.send(notification("notifications/message", &params)).await;
        }
    }
    text_result("talked")
}

/// The question is written as the official SDKs write it: its id comes last.
async fn asks(call: &Call, bytes: usize) -> String {
    let params = json!({ "message": "x".repeat(bytes), "requestedSchema": { "type": "object" } });
    let question = json!({ "method": "elicitation/create", "params": params, "jsonrpc": "2.0", "id": 99 });
    let _ = call.notes.send(question.to_string()).await;
    text_result("asked")
}

async fn held(mut call: Call) -> String {
    let before = *call.released.borrow_and_update();
    // A server that goes away lets everything go.
    let _ = call.released.wait_for(|now| *now > before).await;
    text_result("let go")
}
