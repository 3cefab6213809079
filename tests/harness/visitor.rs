//! A caller who lists and calls everything there is, makes up what is asked for, and answers questions.

use aerostack_gateway::tool_header;
use clap::ValueEnum;
use serde_json::{Map, Value, json};

use crate::client::{Caller, META_CAPABILITIES, modern_params, rpc};
use crate::events::Events;

/// Most questions of one call.
const ROUNDS: usize = 8;

/// How a visitor speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum VisitorEra {
    /// In a session of 2025-11-25.
    Legacy,
    /// In 2026-07-28.
    Modern,
}

/// Somebody who tries everything.
pub struct Visitor {
    caller: Caller,
    era: VisitorEra,
    requests: u64,
}

impl Visitor {
    /// Comes in, with a session where there are any.
    pub async fn enters(caller: Caller, era: VisitorEra) -> Self {
        let caller = match era {
            VisitorEra::Legacy => caller.initializes_with("2025-11-25", abilities()).await.0,
            VisitorEra::Modern => caller,
        };
        Self { caller, era, requests: 0 }
    }

    /// Lists everything and tries each thing once: tools with `calls`, or else with what their schemas ask for.
    pub async fn calls_everything(&mut self, calls: &[Value]) {
        let tools = self.lists("tools").await;
        for tool in &tools {
            let own = calls.iter().filter(|call| call["name"] == tool["name"]).map(|call| &call["arguments"]);
            let mut arguments: Vec<Value> = own.cloned().collect();
            if arguments.is_empty() {
                arguments.push(made_up(&tool["inputSchema"], &tools));
            }
            for arguments in arguments {
                let params = json!({ "name": tool["name"], "arguments": arguments });
                self.asks_on("tools/call", params, &mirrored(tool, &arguments)).await;
            }
        }
        for prompt in self.lists("prompts").await {
            let named = prompt["arguments"].as_array().into_iter().flatten();
            let arguments: Map<String, Value> = named
                .filter_map(|argument| Some((argument["name"].as_str()?.to_owned(), json!("x"))))
                .collect();
            let params = json!({ "name": prompt["name"], "arguments": arguments });
            self.asks_on("prompts/get", params, &[]).await;
        }
        for resource in self.lists("resources").await {
            self.asks_on("resources/read", json!({ "uri": resource["uri"] }), &[]).await;
        }
    }

    async fn lists(&mut self, kind: &str) -> Vec<Value> {
        let answer = self.asks(&format!("{kind}/list"), json!({}), &[]).await;
        answer["result"][kind].as_array().cloned().unwrap_or_default()
    }

    /// Asks, and once more as long as the answer is a question.
    async fn asks_on(&mut self, method: &str, params: Value, headers: &[(String, String)]) {
        let mut answer = self.asks(method, params.clone(), headers).await;
        for _ in 0..ROUNDS {
            let result = &answer["result"];
            if result["resultType"] != "input_required" {
                break;
            }
            let mut again = params.clone();
            let questions = result["inputRequests"].as_object().cloned().unwrap_or_default();
            let answers: Map<String, Value> =
                questions.into_iter().map(|(name, question)| (name, answered(&question))).collect();
            again["inputResponses"] = Value::Object(answers);
            if let Some(state) = result.get("requestState") {
                again["requestState"] = state.clone();
            }
            answer = self.asks(method, again, headers).await;
        }
        tell(&format!("{method} {params}: {answer}"));
    }

    async fn asks(&mut self, method: &str, params: Value, headers: &[(String, String)]) -> Value {
        self.requests += 1;
        match self.era {
            VisitorEra::Legacy => self.asks_in_session(&rpc(self.requests, method, &params)).await,
            VisitorEra::Modern => {
                let name = params["name"].as_str().or(params["uri"].as_str()).map(str::to_owned);
                let mut params = modern_params(params);
                params["_meta"][META_CAPABILITIES] = abilities();
                let caller = self.caller.modern(method, name.as_deref());
                let caller = headers.iter().fold(caller, |caller, (name, value)| caller.with(name, value));
                let answer = caller.posts(&rpc(self.requests, method, &params)).await;
                last_message(&answer.text())
            }
        }
    }

    /// Asks, and answers what is asked before the response.
    async fn asks_in_session(&self, request: &str) -> Value {
        let mut events = match Events::open_or_read(self.caller.begins("POST", request).await).await {
            Ok(events) => events,
            Err(text) => return serde_json::from_str(&text).unwrap_or_default(),
        };
        let mut last = Value::Null;
        while let Ok(Some(event)) = events.next().await {
            last = event.json();
            if last["method"].is_string() && !last["id"].is_null() {
                self.caller.responds(&last["id"], answered(&last)).await;
            }
        }
        last
    }
}

/// What it declares that it can be asked for.
fn abilities() -> Value {
    json!({ "elicitation": {}, "sampling": {}, "roots": {} })
}

/// The response of a document or of an event stream, where it is the last message.
fn last_message(text: &str) -> Value {
    let data = text.lines().rev().find_map(|line| line.strip_prefix("data: "));
    serde_json::from_str(data.unwrap_or(text)).unwrap_or_default()
}

/// The headers in which a modern caller repeats arguments.
fn mirrored(tool: &Value, arguments: &Value) -> Vec<(String, String)> {
    let parameters = tool_header::parameters(&tool["inputSchema"].to_string()).unwrap_or_default();
    let header = |parameter: &tool_header::HeaderParameter| {
        let value = tool_header::value_of(parameter, arguments)?;
        Some((parameter.header.clone(), tool_header::encode(&value)))
    };
    parameters.iter().filter_map(header).collect()
}

/// Arguments that a schema allows. One called `schema` is the first tool's own, as the suite wants it back.
fn made_up(schema: &Value, tools: &[Value]) -> Value {
    let properties = schema["properties"].as_object().cloned().unwrap_or_default();
    let value = |(name, property): (String, Value)| {
        let value = match property["type"].as_str() {
            _ if name == "schema" => tools[0]["inputSchema"].clone(),
            _ if property.get("default").is_some() => property["default"].clone(),
            Some("number" | "integer") => json!(5),
            Some("boolean") => json!(true),
            Some("array") => json!([]),
            Some("object") => json!({}),
            _ => json!("text"),
        };
        (name, value)
    };
    Value::Object(properties.into_iter().map(value).collect())
}

/// What the visitor answers to a server's question.
fn answered(question: &Value) -> Value {
    match question["method"].as_str() {
        Some("sampling/createMessage") => json!({
            "role": "assistant", "content": { "type": "text", "text": "hello" },
            "model": "none", "stopReason": "endTurn"
        }),
        Some("roots/list") => json!({ "roots": [] }),
        _ => json!({ "action": "accept", "content": made_up(&question["params"]["requestedSchema"], &[]) }),
    }
}

fn tell(line: &str) {
    crate::story::tell_figures(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_made_up_from_a_schema_with_its_defaults() {
        let schema = json!({ "properties": {
            "a": { "type": "number" }, "b": { "type": "string", "default": "x" }, "schema": { "type": "object" }
        } });
        let tools = [json!({ "inputSchema": { "$defs": {} } })];
        assert_eq!(made_up(&schema, &tools), json!({ "a": 5, "b": "x", "schema": { "$defs": {} } }));
    }

    #[test]
    fn the_last_message_of_a_stream_is_the_response() {
        assert_eq!(last_message("data: {\"a\":1}\n\nid: 2\ndata: {\"b\":2}\n\n"), json!({ "b": 2 }));
        assert_eq!(last_message("{\"c\":3}"), json!({ "c": 3 }));
    }
}
