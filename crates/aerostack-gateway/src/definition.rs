//! What servers offer, as they define it: tools, prompts, resources, resource templates. What of a
//! definition is read, the forms in which clients are given it, and when they cannot be.
//!
//! Clients refuse a *whole* list over one definition they cannot read. So one that none could read is
//! left out, and an optional field of a wrong kind is left out of its definition. Everything else stays
//! byte for byte.

mod form;
mod item;
mod tool;

pub use form::Form;
pub use item::Item;
pub use tool::Definition;

/// What is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Something to be called.
    Tool,
    /// A prompt, perhaps with arguments.
    Prompt,
    /// Something to be read.
    Resource,
    /// A template for the URIs of things to be read.
    Template,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Tool, Self::Prompt, Self::Resource, Self::Template];

    /// The method that lists them.
    #[must_use]
    pub const fn list_method(self) -> &'static str {
        match self {
            Self::Tool => "tools/list",
            Self::Prompt => "prompts/list",
            Self::Resource => "resources/list",
            Self::Template => "resources/templates/list",
        }
    }

    /// The field of the list's result.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Tool => "tools",
            Self::Prompt => "prompts",
            Self::Resource => "resources",
            Self::Template => "resourceTemplates",
        }
    }

    /// The field of a definition by which it is known, and exposed.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Tool | Self::Prompt => "name",
            Self::Resource => "uri",
            Self::Template => "uriTemplate",
        }
    }

    /// One of them, for people.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Prompt => "prompt",
            Self::Resource => "resource",
            Self::Template => "resource template",
        }
    }
}

/// Why no client can be given a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It is no object, or has a key twice.
    #[error("malformed")]
    Malformed,
    /// It has no name.
    #[error("no name")]
    NoName,
    /// Its URI is missing or cannot be read as one.
    #[error("no usable URI")]
    Uri,
    /// Its arguments are no list of named ones.
    #[error("no usable arguments")]
    Arguments,
    /// A tool's input schema is missing or describes no object.
    #[error("no usable input schema of type \"object\"")]
    InputSchema,
    /// A tool marks arguments as headers where that is not allowed.
    #[error("invalid x-mcp-header annotations")]
    Headers,
}
