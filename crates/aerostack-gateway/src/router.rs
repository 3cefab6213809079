//! Which door a path leads to. Pure.

use crate::dashboard::{Path, path as path_of_page};

/// Which of a workspace's two addresses was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// `/ws/<slug>`
    Streamable,
    /// `/ws/<slug>/sse`
    Sse,
}

/// Whose function definitions were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelApi {
    /// `/ws/<slug>/openai-tools`
    OpenAi,
    /// `/ws/<slug>/gemini-tools`
    Gemini,
}

impl ModelApi {
    /// The last segment of its address.
    #[must_use]
    pub const fn segment(self) -> &'static str {
        match self {
            Self::OpenAi => "openai-tools",
            Self::Gemini => "gemini-tools",
        }
    }
}

/// Where a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route<'a> {
    /// A workspace's address.
    Mcp {
        /// The workspace's slug, as it stands in the path.
        slug: &'a str,
        /// Which of its addresses.
        edge: Edge,
    },
    /// A workspace's tools as function definitions of another model's interface.
    ModelTools {
        /// The workspace's slug, as it stands in the path.
        slug: &'a str,
        /// Whose.
        api: ModelApi,
    },
    /// The admin API.
    Admin,
    /// A page.
    Page(Path<'a>),
    /// Whether the gateway is well, its figures, its description.
    Health,
    /// Nothing.
    Nothing,
}

/// Finds the door of a path.
#[must_use]
pub fn route(path: &str) -> Route<'_> {
    let workspace = path.strip_prefix("/ws/").or_else(|| path.strip_prefix("/api/gateway/ws/"));
    if let Some(rest) = workspace {
        return match rest.split_once('/') {
            None if !rest.is_empty() => Route::Mcp { slug: rest, edge: Edge::Streamable },
            Some((slug, "sse")) if !slug.is_empty() => Route::Mcp { slug, edge: Edge::Sse },
            Some((slug, segment)) if !slug.is_empty() => {
                let api =
                    [ModelApi::OpenAi, ModelApi::Gemini].into_iter().find(|api| api.segment() == segment);
                api.map_or(Route::Nothing, |api| Route::ModelTools { slug, api })
            }
            _ => Route::Nothing,
        };
    }
    match path {
        "/healthz" | "/readyz" | "/metrics" | "/api/openapi.json" => Route::Health,
        _ if path == "/api/v1" || path.starts_with("/api/v1/") => Route::Admin,
        _ => path_of_page(path).map_or(Route::Nothing, Route::Page),
    }
}

/// What programs ask for: they are told as ever that there is nothing, whatever they say they would take.
const OF_PROGRAMS: [&str; 5] = ["/api", "/ws", "/mcp", "/message", "/.well-known"];

/// Tells whether a person at a browser may have meant a path that leads nowhere.
#[must_use]
pub fn may_be_a_persons(path: &str) -> bool {
    !OF_PROGRAMS.iter().any(|beginning| path.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_leads_to_its_door() {
        let mcp = |slug, edge| Route::Mcp { slug, edge };
        let tools = |slug, api| Route::ModelTools { slug, api };
        for (path, expected) in [
            ("/ws/acme/openai-tools", tools("acme", ModelApi::OpenAi)),
            ("/api/gateway/ws/acme/gemini-tools", tools("acme", ModelApi::Gemini)),
            ("/ws//openai-tools", Route::Nothing),
            ("/ws/acme/openai-tools/", Route::Nothing),
            ("/ws/acme", mcp("acme", Edge::Streamable)),
            ("/ws/acme/sse", mcp("acme", Edge::Sse)),
            ("/api/gateway/ws/acme", mcp("acme", Edge::Streamable)),
            ("/api/gateway/ws/acme/sse", mcp("acme", Edge::Sse)),
            ("/ws/", Route::Nothing),
            ("/ws//sse", Route::Nothing),
            ("/ws/acme/", Route::Nothing),
            ("/ws/acme/other", Route::Nothing),
            ("/api/v1/workspaces", Route::Admin),
            ("/api/v10", Route::Nothing),
            ("/healthz", Route::Health),
            ("/", Route::Page(Path::Home)),
            ("/join/jl_1", Route::Page(Path::Join("jl_1"))),
            ("/sign-up", Route::Nothing),
            ("/.well-known/oauth-protected-resource/ws/acme", Route::Nothing),
        ] {
            assert_eq!(route(path), expected, "{path}");
        }
    }

    #[test]
    fn programs_ask_for_no_pages() {
        for path in
            ["/api/v2", "/ws/acme/other", "/mcp", "/messages", "/.well-known/oauth-protected-resource"]
        {
            assert!(!may_be_a_persons(path), "{path}");
        }
        assert!(may_be_a_persons("/sign-up") && may_be_a_persons("/workspaces/"));
    }
}
