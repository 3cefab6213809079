//! `workspace token create|list|revoke|rotate`.
//!
//! The text of a new token goes to standard output once and nowhere else.

use aerostack_core::api::operation::endpoint::{CreateToken, ListTokens, RevokeToken, RotateToken};
use aerostack_core::api::page::{Empty, PAGE_MAX};
use aerostack_core::api::token::{
    CreateTokenRequest, CreatedToken, ListTokensQuery, RevokedToken, RotateTokenRequest, TokenPage, TokenView,
};
use aerostack_core::time::Timestamp;
use aerostack_core::token::{TokenStatus, revoked_line};

use super::details::last_used;
use super::token_reference::TokenReference;
use crate::args::format::Format;
use crate::args::token::{self as arguments, TokenCommand};
use crate::client::{PAGES_MAX, endless_list};
use crate::context::Context;
use crate::failure::Outcome;
use crate::table::Table;

const CSV_FIELDS: [&str; 9] = [
    "id",
    "name",
    "status",
    "for",
    "created_at",
    "last_used_at",
    "expires_at",
    "revoked_at",
    "rate_limit_per_minute",
];
const DAY_SECS: u64 = 86_400;

pub(super) async fn run(context: &mut Context<'_>, command: TokenCommand) -> Outcome {
    match command {
        TokenCommand::Create(arguments) => create(context, arguments).await,
        TokenCommand::List(arguments) => list(context, arguments).await,
        TokenCommand::Revoke(arguments) => revoke(context, arguments).await,
        TokenCommand::Rotate(arguments) => rotate(context, arguments).await,
    }
}

async fn create(context: &mut Context<'_>, arguments: arguments::CreateToken) -> Outcome {
    let slug = context.workspace(arguments.slug).await?;
    let request = CreateTokenRequest {
        name: arguments.name,
        expires_in: arguments.expires_in.map(|life| life.as_secs()),
        person: arguments.person,
        rate_limit_per_minute: arguments.rate_limit,
    };
    let created = context.call::<CreateToken>(&[slug.as_str()], &request).await?;
    print_created(context, &created, arguments.output.format, &format!("Token '{}' created.", created.name))
}

async fn rotate(context: &mut Context<'_>, arguments: arguments::RotateToken) -> Outcome {
    let reference = TokenReference::read(&arguments.choice)?;
    let slug = context.workspace(reference.workspace).await?;
    let request = RotateTokenRequest { overlap: arguments.overlap.map(|overlap| overlap.as_secs()) };
    let created = context.call::<RotateToken>(&[slug.as_str(), &reference.id], &request).await?;
    let old_ends = created.replaces.as_ref().map(|old| old.ends_at);
    let end = match old_ends {
        Some(at) if at > context.now => format!("The old one works until {}.", at.minute()),
        _ => "The old one is refused from now on.".to_owned(),
    };
    print_created(
        context,
        &created,
        arguments.output.format,
        &format!("Token '{}' rotated. {end}", created.name),
    )
}

pub(super) fn print_created(
    context: &mut Context<'_>,
    created: &CreatedToken,
    format: Format,
    done: &str,
) -> Outcome {
    match format {
        Format::Token => return context.output.line(&created.token),
        Format::Json => return context.output.json(created),
        Format::McpJson => return context.output.json(&created.mcp_json),
        Format::Table | Format::Csv => {}
    }
    context.output.done(done);
    context.output.line(&created.token)?;
    context.output.warn("save the token now: it is not shown again");
    context.output.line(&format!("\nGateway URL: {}\n", created.gateway_url))?;
    context.output.json(&created.mcp_json)?;
    context.output.finish()?;
    if let Some(at) = created.expires_at {
        context.output.talk(&format!("It expires at {}.", at.minute()));
    }
    context.output.talk(&created.seats.line());
    Ok(())
}

async fn list(context: &mut Context<'_>, arguments: arguments::ListTokens) -> Outcome {
    let slug = context.workspace(arguments.slug).await?;
    let status = arguments.active.then_some(TokenStatus::Active);
    let page = all_tokens(context, slug.as_str(), status).await?;
    match arguments.output.format {
        Format::Json => return context.output.json(&page),
        Format::Csv => return context.output.csv(&page.items, &CSV_FIELDS),
        Format::Table | Format::Token | Format::McpJson => {}
    }
    let table = table_of(&page.items, context.now);
    context.output.table(&table)?;
    context.output.line(&page.seats.line())
}

/// Every page, put together; the seats are those of the last.
async fn all_tokens(
    context: &mut Context<'_>,
    slug: &str,
    status: Option<TokenStatus>,
) -> Outcome<TokenPage> {
    let mut items = Vec::new();
    let mut query = ListTokensQuery { status, limit: Some(PAGE_MAX), cursor: None };
    for _ in 0..PAGES_MAX {
        let page = context.call::<ListTokens>(&[slug], &query).await?;
        items.extend(page.items);
        match page.next_cursor {
            Some(cursor) => query.cursor = Some(cursor),
            None => {
                return Ok(TokenPage { items, next_cursor: None, seats: page.seats });
            }
        }
    }
    Err(endless_list())
}

fn table_of(tokens: &[TokenView], now: Timestamp) -> Table {
    let mut table = Table::new(&["TOKEN NAME", "CREATED", "LAST USED", "STATUS", "EXPIRES", "ID"]);
    for token in tokens {
        table.row([
            token.name.clone(),
            token.created_at.date(),
            last_used(token.last_used_at, now),
            token.status.word().to_owned(),
            expires(token, now),
            token.id.to_string(),
        ]);
    }
    table
}

/// When a token ends by itself: `in 23h` under a day, then a date. An overlap counts as an end.
fn expires(token: &TokenView, now: Timestamp) -> String {
    let overlap = token.revoked_at.filter(|_| token.status == TokenStatus::Active);
    let end = match (token.expires_at, overlap) {
        (Some(expires), Some(overlap)) => expires.min(overlap),
        (expires, overlap) => match expires.or(overlap) {
            Some(end) => end,
            None => return "never".to_owned(),
        },
    };
    let left = end.since(now);
    match left.as_secs() {
        0 => end.date(),
        1..60 => "in under a minute".to_owned(),
        60..3_600 => format!("in {} min", left.as_secs() / 60),
        3_600..DAY_SECS => format!("in {} h", left.as_secs() / 3_600),
        _ => end.date(),
    }
}

async fn revoke(context: &mut Context<'_>, arguments: arguments::RevokeToken) -> Outcome {
    let reference = TokenReference::read(&arguments.choice)?;
    let slug = context.workspace(reference.workspace).await?;
    let revoked = context.call::<RevokeToken>(&[slug.as_str(), &reference.id], &Empty {}).await?;
    context.output.done(&revoked_sentence(&revoked));
    if arguments.output.format == Format::Json {
        return context.output.json(&revoked);
    }
    Ok(())
}

fn revoked_sentence(revoked: &RevokedToken) -> String {
    if !revoked.already_inactive {
        return revoked_line(&revoked.name);
    }
    let since = revoked.revoked_at.map(|at| format!(" since {}", at.minute())).unwrap_or_default();
    format!("Token '{}' was already {}{since}; nothing was done.", revoked.name, revoked.status.word())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aerostack_core::id::TokenId;

    const NOW: Timestamp = Timestamp::from_millis(1_773_746_100_000);

    fn token(name: &str, expires_in: Option<u64>) -> TokenView {
        TokenView {
            id: TokenId::from_stored("tok_1".to_owned()),
            name: name.to_owned(),
            status: TokenStatus::Active,
            person: None,
            rate_limit_per_minute: None,
            created_at: Timestamp::parse("2026-02-15").unwrap(),
            expires_at: expires_in.map(|secs| NOW.plus(std::time::Duration::from_secs(secs))),
            last_used_at: Some(Timestamp::from_millis(NOW.as_millis() - 300_000)),
            revoked_at: None,
        }
    }

    #[test]
    fn the_list_reads_as_the_pages_show_it() {
        let unused = TokenView { last_used_at: None, ..token("Bob", Some(7_200)) };
        let text = table_of(&[token("CI Pipeline", None), unused], NOW).render(None);
        let expected = "TOKEN NAME    CREATED      LAST USED   STATUS   EXPIRES   ID\n\
                        CI Pipeline   2026-02-15   5 min ago   active   never     tok_1\n\
                        Bob           2026-02-15   never       active   in 2 h    tok_1\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn an_end_is_near_far_past_or_an_overlap() {
        let shown = |secs| expires(&token("x", Some(secs)), NOW);
        assert_eq!(
            [shown(30), shown(120), shown(2 * DAY_SECS), shown(0)],
            ["in under a minute", "in 2 min", "2026-03-19", "2026-03-17"]
        );
        let overlapping = TokenView { revoked_at: token("", Some(600)).expires_at, ..token("x", None) };
        assert_eq!(expires(&overlapping, NOW), "in 10 min");
    }

    #[test]
    fn revoking_says_what_happened() {
        let revoked = RevokedToken {
            id: TokenId::from_stored("tok_1".to_owned()),
            name: "Alice Chen".to_owned(),
            status: TokenStatus::Revoked,
            revoked_at: Some(NOW),
            already_inactive: false,
        };
        assert_eq!(
            revoked_sentence(&revoked),
            "Token revoked. Alice's gateway access is immediately disabled."
        );
        let again = RevokedToken { already_inactive: true, ..revoked };
        assert_eq!(
            revoked_sentence(&again),
            "Token 'Alice Chen' was already revoked since 2026-03-17 11:15 UTC; nothing was done."
        );
    }
}
