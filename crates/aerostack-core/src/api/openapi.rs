//! The OpenAPI 3.1 document, made of the operations and their types.

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

fn error_responses() -> Map<String, Value> {
    let mut by_status: std::collections::BTreeMap<u16, Vec<&str>> = std::collections::BTreeMap::new();
    for code in ErrorCode::ALL {
        by_status.entry(code.status()).or_default().push(code.word());
    }
    let body = json!({ "application/json": { "schema": { "$ref": "#/components/schemas/ErrorReply" } } });
    by_status
        .into_iter()
        .map(|(status, words)| {
            (status.to_string(), json!({ "description": words.join(", "), "content": body }))
        })
        .collect()
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
            parameters.push(team_parameter());
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
        for reference in text.split("#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(document["components"]["schemas"][name].is_object(), "{name}");
        }
    }
}
