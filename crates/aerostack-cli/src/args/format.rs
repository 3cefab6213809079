//! `--output`: the forms data can take, and which of them a command offers.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

/// The option's name and identifier.
pub(crate) const FORMAT_ID: &str = "output";

/// A form of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// The API's reply.
    Json,
    /// For spreadsheets.
    Csv,
    /// The credential alone.
    Token,
    /// A block for an editor's configuration.
    McpJson,
}

impl Format {
    /// Every form.
    pub(crate) const ALL: &'static [Self] = &[Self::Table, Self::Json, Self::Csv, Self::Token, Self::McpJson];

    /// The word on the command line.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Token => "token",
            Self::McpJson => "mcp-json",
        }
    }
}

/// Reads one of the offered forms.
pub(crate) fn offered(formats: &'static [Format]) -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(formats.iter().map(|format| format.word())).map(|word| {
        let known = Format::ALL.iter().copied().find(|format| format.word() == word);
        known.expect("only words of forms are let through")
    })
}

macro_rules! offers {
    ($($(#[$doc:meta])* $name:ident: $($format:ident)*;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Args)]
        pub(crate) struct $name {
            /// Form of the data
            #[arg(
                id = FORMAT_ID,
                long = FORMAT_ID,
                visible_alias = "format",
                value_name = "FORMAT",
                default_value = "table",
                value_parser = offered(&[$(Format::$format),*]),
            )]
            pub(crate) format: Format,
        }
    )*};
}

offers! {
    /// What shows one thing.
    ItemOutput: Table Json;
    /// What lists things.
    ListOutput: Table Json Csv;
    /// What makes an account key.
    KeyOutput: Table Json Token;
    /// What makes a workspace token.
    TokenOutput: Table Json Token McpJson;
}
