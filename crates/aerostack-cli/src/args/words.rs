//! Values of a closed list, so that help and completions can name them.

use std::fmt::Display;
use std::str::FromStr;

use aerostack_core::api::analytics::By;
use aerostack_core::audit::Action;
use aerostack_core::plan::Plan;
use aerostack_core::skill::Visibility;
use clap::builder::{PossibleValuesParser, TypedValueParser};

fn one_of<T>(words: impl IntoIterator<Item = &'static str>) -> impl TypedValueParser<Value = T>
where
    T: FromStr + Clone + Send + Sync + 'static,
    T::Err: Display,
{
    PossibleValuesParser::new(words)
        .map(|word| word.parse::<T>().unwrap_or_else(|error| panic!("'{word}' was offered: {error}")))
}

/// `free`, `pro`, `team` or `enterprise`.
pub(crate) fn plan() -> impl TypedValueParser<Value = Plan> {
    one_of(Plan::ALL.map(Plan::word))
}

/// `always`, `never` or `on-collision`.
pub(crate) fn tool_prefix() -> impl TypedValueParser<Value = aerostack_core::workspace::ToolPrefix> {
    use aerostack_core::workspace::ToolPrefix;
    one_of([ToolPrefix::Always, ToolPrefix::Never, ToolPrefix::OnCollision].map(ToolPrefix::word))
}

/// `per-caller` or `shared`.
pub(crate) fn session() -> impl TypedValueParser<Value = aerostack_core::server::SessionMode> {
    use aerostack_core::server::SessionMode;
    one_of([SessionMode::PerCaller, SessionMode::Shared].map(SessionMode::word))
}

/// `public`, `team` or `private`.
pub(crate) fn visibility() -> impl TypedValueParser<Value = Visibility> {
    one_of([Visibility::Public, Visibility::Team, Visibility::Private].map(Visibility::word))
}

/// `team` or `private`.
pub(crate) fn private_to() -> impl TypedValueParser<Value = Visibility> {
    one_of([Visibility::Team, Visibility::Private].map(Visibility::word))
}

/// `user`, `tool`, `server`, `day` or `hour`.
pub(crate) fn by() -> impl TypedValueParser<Value = By> {
    PossibleValuesParser::new(By::ALL.map(By::word)).map(|word| {
        let known = By::ALL.into_iter().find(|by| by.word() == word);
        known.expect("only words of groupings are let through")
    })
}

/// A word of the audit log's vocabulary.
pub(crate) fn action() -> impl TypedValueParser<Value = Action> {
    one_of(Action::ALL.iter().map(|action| action.word()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts<T: Clone + Send + Sync + 'static>(parser: impl TypedValueParser<Value = T>) {
        let words: Vec<String> =
            parser.possible_values().unwrap().map(|value| value.get_name().to_owned()).collect();
        let command = clap::Command::new("test");
        for word in words {
            assert!(parser.parse_ref(&command, None, std::ffi::OsStr::new(&word)).is_ok(), "{word}");
        }
    }

    #[test]
    fn every_offered_word_is_understood() {
        accepts(plan());
        accepts(tool_prefix());
        accepts(session());
        accepts(visibility());
        accepts(private_to());
        accepts(action());
        accepts(by());
    }
}
