//! `account key`.

use aerostack_core::api::account::{CreateKeyRequest, KeyView};
use aerostack_core::api::operation::endpoint::{CreateKey, ListKeys, RevokeKey, ShowAccount};
use aerostack_core::api::page::Empty;
use aerostack_core::suggest;

use super::details::{last_used, mark};
use super::session;
use crate::args::account::{self as arguments, AccountCommand, KeyCommand};
use crate::args::format::{Format, ListOutput};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::table::Table;

const CSV_FIELDS: [&str; 6] = ["id", "name", "created_at", "last_used_at", "revoked_at", "current"];

pub(super) async fn run(context: &mut Context<'_>, command: AccountCommand) -> Outcome {
    match command {
        AccountCommand::Key(KeyCommand::Create(arguments)) => create(context, arguments).await,
        AccountCommand::Key(KeyCommand::List(arguments)) => list(context, arguments).await,
        AccountCommand::Key(KeyCommand::Revoke(arguments)) => revoke(context, arguments).await,
        AccountCommand::Sessions(arguments) => session::run(context, arguments).await,
    }
}

async fn create(context: &mut Context<'_>, arguments: arguments::CreateKey) -> Outcome {
    let created = context.call::<CreateKey>(&[], &CreateKeyRequest { name: arguments.name }).await?;
    match arguments.output.format {
        Format::Json => return context.output.json(&created),
        Format::Token => return context.output.line(&created.key),
        Format::Table | Format::Csv | Format::McpJson => {}
    }
    context.output.done(&format!("Key '{}' created.", created.name));
    context.output.line(&created.key)?;
    context.output.warn("save the key now: it is not shown again");
    Ok(())
}

async fn list(context: &mut Context<'_>, arguments: ListOutput) -> Outcome {
    let page = context.list::<ListKeys, _>(&[]).await?;
    match arguments.format {
        Format::Json => return context.output.json(&page),
        Format::Csv => return context.output.csv(&page.items, &CSV_FIELDS),
        Format::Table | Format::Token | Format::McpJson => {}
    }
    let mut table = Table::new(&["", "NAME", "CREATED", "LAST USED", "STATUS", "ID"]);
    for key in &page.items {
        table.row([
            mark(key.current),
            key.name.clone(),
            key.created_at.date(),
            last_used(key.last_used_at, context.now),
            status(key).to_owned(),
            key.id.to_string(),
        ]);
    }
    context.output.table(&table)
}

async fn revoke(context: &mut Context<'_>, arguments: arguments::RevokeKey) -> Outcome {
    let page = context.list::<ListKeys, _>(&[]).await?;
    let key = find(&page.items, &arguments.key)?;
    if key.revoked_at.is_some() {
        context.output.done(&format!("Key '{}' was revoked before; nothing was done.", key.name));
        return Ok(());
    }
    let is_last = !page.items.iter().any(|other| other.revoked_at.is_none() && other.id != key.id);
    if is_last && !arguments.yes {
        let email = context.call::<ShowAccount>(&[], &Empty {}).await?.email;
        context.output.talk(&format!(
            "'{}' is the last key of {email}. The way back in is a sign-in link, where the gateway sends mail, or a new \
             key made on the gateway's machine: aerostack-gateway owner key --email {email}",
            key.name
        ));
        context.input.confirm(&mut context.output, "Revoke it?")?;
    }
    let revoked = context.call::<RevokeKey>(&[key.id.as_str()], &Empty {}).await?;
    context.output.done(&format!("Key '{}' revoked. It signs nobody in any more.", revoked.name));
    if key.current && !is_last {
        context.output.warn("it was the key of this login: `aerostack login` with another one");
    }
    Ok(())
}

fn status(key: &KeyView) -> &'static str {
    if key.revoked_at.is_some() { "revoked" } else { "active" }
}

/// The key of an identifier, of a unique beginning of one, or the active key of a name.
fn find<'a>(keys: &'a [KeyView], wanted: &str) -> Outcome<&'a KeyView> {
    if let Some(key) = keys.iter().find(|key| key.id.as_str() == wanted) {
        return Ok(key);
    }
    if let Some(key) = keys.iter().find(|key| key.name == wanted && key.revoked_at.is_none()) {
        return Ok(key);
    }
    let is_beginning = wanted.starts_with(aerostack_core::id::KeyId::PREFIX);
    let begin: Vec<&KeyView> =
        keys.iter().filter(|key| is_beginning && key.id.as_str().starts_with(wanted)).collect();
    match begin[..] {
        [key] => Ok(key),
        [] => {
            let names = keys.iter().filter(|key| key.revoked_at.is_none()).map(|key| key.name.as_str());
            let hint = suggest::hint(wanted, names);
            Err(Failure::failed(format!("there is no active key '{wanted}'")).with_hint(
                hint.unwrap_or_else(|| "`aerostack account key list` shows the keys there are".to_owned()),
            ))
        }
        _ => Err(Failure::failed(format!("several keys begin with '{wanted}'"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aerostack_core::id::KeyId;
    use aerostack_core::time::Timestamp;

    fn key(id: &str, name: &str, revoked: bool) -> KeyView {
        KeyView {
            id: KeyId::from_stored(id.to_owned()),
            name: name.to_owned(),
            created_at: Timestamp::default(),
            last_used_at: None,
            revoked_at: revoked.then(Timestamp::default),
            current: false,
        }
    }

    #[test]
    fn a_key_is_found_by_identifier_beginning_or_active_name() {
        let keys = [key("key_aa1", "CI", true), key("key_aa2", "CI", false), key("key_b", "laptop", false)];
        let found = |wanted: &str| {
            find(&keys, wanted).map(|key| key.id.to_string()).map_err(|failure| failure.to_string())
        };
        assert_eq!(found("key_aa1").as_deref(), Ok("key_aa1"));
        assert_eq!(found("CI").as_deref(), Ok("key_aa2"));
        assert_eq!(found("key_b").as_deref(), Ok("key_b"));
        assert_eq!(found("key_a"), Err("several keys begin with 'key_a'".to_owned()));
        assert_eq!(found("laptp"), Err("there is no active key 'laptp'".to_owned()));
        assert_eq!(find(&keys, "laptp").unwrap_err().hint().as_deref(), Some("did you mean 'laptop'?"));
    }
}
