//! `workspace secret set|list|delete`. A value goes out once, and nothing brings it back.

use aerostack_core::api::operation::endpoint::{DeleteSecret, ListSecrets, SetSecret};
use aerostack_core::api::secret::{DeleteSecretQuery, SecretState, SecretView, SetSecretRequest};
use aerostack_core::secret::{SecretName, SecretValue};
use aerostack_core::slug::Slug;

use crate::args::format::Format;
use crate::args::secret::{self as arguments, SecretCommand};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::table::Table;

const CSV_FIELDS: [&str; 6] = ["name", "server", "state", "sent_as", "created_at", "updated_at"];
/// What stands for a value on standard input.
const STDIN: &str = "-";

pub(super) async fn run(context: &mut Context<'_>, command: SecretCommand) -> Outcome {
    match command {
        SecretCommand::Set(arguments) => set(context, arguments).await,
        SecretCommand::List(arguments) => list(context, arguments).await,
        SecretCommand::Delete(arguments) => delete(context, arguments).await,
    }
}

/// The words of `set`, told apart.
#[derive(Debug, PartialEq, Eq)]
struct Words {
    workspace: Option<Slug>,
    key: String,
    value: Option<String>,
}

/// `KEY`, `WORKSPACE KEY`, `KEY -`, `WORKSPACE KEY VALUE`. What cannot be a workspace is none.
fn read(words: Vec<String>) -> Outcome<Words> {
    let mut words = words.into_iter();
    let (first, second, third) = (words.next().unwrap_or_default(), words.next(), words.next());
    Ok(match (Slug::parse(&first), second, third) {
        (_, None, _) => Words { workspace: None, key: first, value: None },
        (Ok(_), Some(second), None) if second == STDIN => {
            Words { workspace: None, key: first, value: Some(second) }
        }
        (Ok(workspace), Some(key), value) => Words { workspace: Some(workspace), key, value },
        (Err(_), Some(value), None) => Words { workspace: None, key: first, value: Some(value) },
        (Err(error), Some(_), Some(_)) => {
            return Err(Failure::usage(format!("the first word names no workspace: {error}")));
        }
    })
}

async fn set(context: &mut Context<'_>, arguments: arguments::SetSecret) -> Outcome {
    let words = read(arguments.words)?;
    let name = name(&words.key)?;
    if let Some(value) = words.value.as_deref().filter(|value| *value != STDIN) {
        context.output.hide(value);
        context.output.warn(
            "the value stood on the command line, where other users and the shell's history can see it; \
             leave it out to be asked, or pipe it with -",
        );
    }
    let slug = context.workspace(words.workspace).await?;
    let value = value(context, &name, words.value)?;
    let request = SetSecretRequest { value, server: arguments.server };
    let secret = context.call::<SetSecret>(&[slug.as_str(), name.as_str()], &request).await?;
    let typed = match words.key.as_str() == name.as_str() {
        true => String::new(),
        false => format!(" ('{}' as typed)", words.key),
    };
    context.output.done(&format!("Secret {name}{typed} of '{}' set in '{slug}'.", secret.server));
    match &secret.sent_as {
        Some(header) => context.output.talk(&format!("The next call sends it as `{header}`.")),
        None => context.output.warn(&not_taken(&secret)),
    }
    if arguments.output.format == Format::Json { context.output.json(&secret) } else { Ok(()) }
}

fn name(text: &str) -> Outcome<SecretName> {
    SecretName::normalise(text).map_err(|error| Failure::usage(error.to_string()))
}

fn value(context: &mut Context<'_>, name: &SecretName, given: Option<String>) -> Outcome<SecretValue> {
    let what = format!("the value of {name}");
    let text = match given {
        Some(text) if text != STDIN => text,
        Some(_) => context.input.whole(&what)?,
        None if context.input.is_terminal() => context.input.secret(&what)?,
        None => {
            return Err(Failure::usage("there is no value, and nobody to ask for one")
                .with_hint(format!("pipe it to: aerostack workspace secret set <workspace> {name} -")));
        }
    };
    context.output.hide(&text);
    SecretValue::new(text).map_err(|error| Failure::usage(error.to_string()))
}

fn not_taken(secret: &SecretView) -> String {
    let SecretView { name, server, .. } = secret;
    format!(
        "{name} is not sent to '{server}' yet: let the server behind it take the secret with aerostack mcp edit \
         <server> --auth bearer:{name}, or --auth headers"
    )
}

async fn list(context: &mut Context<'_>, arguments: arguments::ListSecrets) -> Outcome {
    let slug = context.workspace(arguments.slug).await?;
    let page = context.list::<ListSecrets, _>(&[slug.as_str()]).await?;
    match arguments.output.format {
        Format::Json => return context.output.json(&page),
        Format::Csv => return context.output.csv(&page.items, &CSV_FIELDS),
        Format::Table | Format::Token | Format::McpJson => {}
    }
    let mut table = Table::new(&["SECRET", "SERVER", "CREATED", "LAST SET"]);
    for secret in &page.items {
        table.row([
            secret.name.to_string(),
            secret.server.to_string(),
            secret.created_at.date(),
            secret.updated_at.date(),
        ]);
    }
    context.output.table(&table)?;
    if page.items.is_empty() {
        context
            .output
            .talk(&format!("'{slug}' has no secret yet: aerostack workspace secret set {slug} <key>"));
    }
    for secret in &page.items {
        let SecretView { name, server, .. } = secret;
        match secret.state {
            SecretState::Used => {}
            SecretState::Unused => context.output.talk(&not_taken(secret)),
            SecretState::Moved => context.output.warn(&format!(
                "'{server}' has another address than when {name} was set, and is not sent it: set it again"
            )),
            SecretState::Locked => context.output.warn(&format!(
                "{name} of '{server}' cannot be opened: the gateway's master key is missing or another one"
            )),
        }
    }
    Ok(())
}

async fn delete(context: &mut Context<'_>, arguments: arguments::DeleteSecret) -> Outcome {
    let mut words = arguments.words.into_iter();
    let (first, second) = (words.next().unwrap_or_default(), words.next());
    let (workspace, key) = match second {
        None => (None, first),
        Some(key) => {
            let named = Slug::parse(&first);
            let named =
                named.map_err(|error| Failure::usage(format!("'{first}' names no workspace: {error}")))?;
            (Some(named), key)
        }
    };
    let name = name(&key)?;
    let slug = context.workspace(workspace).await?;
    let query = DeleteSecretQuery { server: arguments.server };
    let deleted = context.call::<DeleteSecret>(&[slug.as_str(), name.as_str()], &query).await?;
    context.output.done(&format!(
        "Secret {} of '{}' deleted from '{slug}'. No call uses it any more.",
        deleted.name, deleted.server
    ));
    if arguments.output.format == Format::Json { context.output.json(&deleted) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_apart_by_number_and_by_what_can_be_a_workspace() {
        let read = |line: &str| read(line.split(' ').map(str::to_owned).collect());
        let words = |workspace: Option<&str>, key: &str, value: Option<&str>| Words {
            workspace: workspace.map(|slug| Slug::parse(slug).unwrap()),
            key: key.to_owned(),
            value: value.map(str::to_owned),
        };
        assert_eq!(read("KEY").unwrap(), words(None, "KEY", None));
        assert_eq!(read("eng key").unwrap(), words(Some("eng"), "key", None));
        assert_eq!(read("key -").unwrap(), words(None, "key", Some("-")));
        assert_eq!(read("KEY value").unwrap(), words(None, "KEY", Some("value")));
        assert_eq!(read("eng KEY -").unwrap(), words(Some("eng"), "KEY", Some("-")));
        assert_eq!(read("eng KEY value").unwrap(), words(Some("eng"), "KEY", Some("value")));
        assert!(read("ENG KEY value").is_err());
    }
}
