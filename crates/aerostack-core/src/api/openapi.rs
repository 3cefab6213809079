//! The OpenAPI 3.1 document, made of the operations and their types.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::error::{ErrorCode, ErrorReply};
use super::operation::{
    API_ROOT, Endpoint, EndpointVisitor, Method, Needs, Operation, TEAM_HEADER, for_each_endpoint,
};

/// The whole document.
#[must_use]
pub fn document(version: &str) -> Value {
    let mut collector = Collector::default();
    collector.add_schema::<ErrorReply>();
    for_each_endpoint(&mut collector);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Aerostack admin API",
            "version": version,
            "description": "Workspaces, tokens, servers and audit of a self-hosted Aerostack gateway. \
                            Errors carry a code of a closed list; lists are paged by cursor.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" }
        },
        "servers": [{ "url": API_ROOT }],
        "security": [{ "account_key": [] }, { "api_key_header": [] }],
        "paths": collector.paths,
        "components": {
            "schemas": collector.schemas,
            "responses": errors(),
            "parameters": { "Team": team_parameter() },
            "securitySchemes": {
                "account_key": { "type": "http", "scheme": "bearer", "bearerFormat": "ak_…" },
                "api_key_header": { "type": "apiKey", "in": "header", "name": "X-API-Key" },
                "workspace_token": { "type": "http", "scheme": "bearer", "bearerFormat": "mwt_…" }
            }
        }
    })
}

#[derive(Default)]
struct Collector {
    paths: Map<String, Value>,
    schemas: Map<String, Value>,
}

impl Collector {
    fn add_schema<T: ToSchema>(&mut self) -> Value {
        let mut found: Vec<(String, RefOr<Schema>)> = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut found);
        for (name, schema) in found {
            self.schemas.entry(name).or_insert_with(|| as_json(&schema));
        }
        json!({ "$ref": format!("#/components/schemas/{}", T::name()) })
    }
}

fn as_json(schema: &RefOr<Schema>) -> Value {
    serde_json::to_value(schema).expect("a schema is plain data")
}

/// The fields of a query as parameters.
fn query_parameters<T: PartialSchema>() -> Vec<Value> {
    let schema = as_json(&T::schema());
    let properties = schema["properties"].as_object().cloned().unwrap_or_default();
    let parameter = |(name, mut schema): (String, Value)| {
        let description = schema.as_object_mut().and_then(|fields| fields.remove("description"));
        json!({ "name": name, "in": "query", "required": false, "description": description, "schema": schema })
    };
    properties.into_iter().map(parameter).collect()
}

/// The header that says whose workspaces and catalogue are meant.
fn team_parameter() -> Value {
    json!({
        "name": TEAM_HEADER,
        "in": "header",
        "required": false,
        "description": "Username of the team to act for; without it the caller's own account. With a \
                        workspace in the path it must be that workspace's owner.",
        "schema": { "type": "string" }
    })
}

/// The refusals, by what [`error_name`] calls them: any operation may give any of them.
fn errors() -> Map<String, Value> {
    let body = json!({ "application/json": { "schema": { "$ref": "#/components/schemas/ErrorReply" } } });
    let words = |status: u16| {
        let codes = ErrorCode::ALL.iter().filter(|code| code.status() == status);
        codes.map(|code| code.word()).collect::<Vec<_>>().join(", ")
    };
    let response =
        |status: u16| (error_name(status), json!({ "description": words(status), "content": body }));
    error_statuses().into_iter().map(response).collect()
}

fn error_statuses() -> BTreeSet<u16> {
    ErrorCode::ALL.iter().map(|code| code.status()).collect()
}

fn error_name(status: u16) -> String {
    format!("Error{status}")
}

/// The refusals as every operation names them.
fn error_responses() -> Map<String, Value> {
    let reference = |status: u16| json!({ "$ref": format!("#/components/responses/{}", error_name(status)) });
    error_statuses().into_iter().map(|status| (status.to_string(), reference(status))).collect()
}

impl EndpointVisitor for Collector {
    fn visit<E: Endpoint>(&mut self) {
        let operation = E::OPERATION;
        let reply = self.add_schema::<E::Reply>();
        let mut parameters: Vec<Value> = operation
            .parameters()
            .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
            .collect();
        let mut entry = Map::new();
        entry.insert("operationId".to_owned(), json!(operation.name()));
        entry.insert("summary".to_owned(), json!(operation.summary()));
        match operation.method() {
            Method::Get | Method::Delete => parameters.extend(query_parameters::<E::Request>()),
            Method::Post | Method::Patch | Method::Put => {
                let request = self.add_schema::<E::Request>();
                let required = as_json(&E::Request::schema())["required"].is_array();
                let content = json!({ "application/json": { "schema": request } });
                entry.insert("requestBody".to_owned(), json!({ "required": required, "content": content }));
            }
        }
        if matches!(operation.needs(), Needs::Team(_) | Needs::Workspace(_)) {
            parameters.push(json!({ "$ref": "#/components/parameters/Team" }));
        }
        if operation == Operation::ShowOwnUsage {
            let security =
                json!([{ "account_key": [] }, { "api_key_header": [] }, { "workspace_token": [] }]);
            entry.insert("security".to_owned(), security);
        }
        entry.insert("parameters".to_owned(), json!(parameters));
        let mut responses = error_responses();
        responses.insert(
            operation.success_status().to_string(),
            json!({ "description": "Done.", "content": { operation.content_type(): { "schema": reply } } }),
        );
        entry.insert("responses".to_owned(), Value::Object(responses));
        let path = self.paths.entry(operation.path().to_owned()).or_insert_with(|| json!({}));
        path[operation.method().word().to_lowercase()] = Value::Object(entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_described_and_every_reference_resolves() {
        let document = document("0.0.0");
        for operation in Operation::ALL {
            let method = operation.method().word().to_lowercase();
            assert_eq!(document["paths"][operation.path()][method]["operationId"], operation.name());
        }
        let text = document.to_string();
        for reference in text.split("\"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some_and(Value::is_object), "{pointer}");
        }
    }
}
