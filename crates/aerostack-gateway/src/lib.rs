//! The gateway: one URL per workspace in front of all its MCP servers.
//!
//! The rooms stand on floors, and each imports only from floors below its own; `docs/architecture.md`
//! draws them. A request is read in the order it happens: `http::server` → `service` → `router` →
//! a door (`mcp` or `admin`) → `app` → `store`, `upstream`.

pub mod admin;
pub mod alerts;
pub mod app;
pub mod args;
pub mod clock;
pub mod commands;
pub mod config;
pub mod dashboard;
pub mod definition;
pub mod grants;
pub mod health;
pub mod http;
pub mod jsonrpc;
pub mod limiter;
pub mod lists;
pub mod mail;
pub mod mcp;
pub mod offer_set;
pub mod offload;
pub mod recorder;
pub mod router;
pub mod service;
pub mod settings;
pub mod snapshot;
pub mod store;
pub mod telemetry;
pub mod tool_header;
pub mod upstream;
pub mod vault;
