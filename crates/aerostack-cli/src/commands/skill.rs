//! `skill init|publish|set|search|list|show`: what is published. Installs are in `skill_install.rs`.

use aerostack_core::api::operation::endpoint::{
    ListSkillVersions, ListSkills, PublishSkill, SearchSkills, ShowAccount, ShowSkill, UpdateSkill,
};
use aerostack_core::api::page::{Empty, PAGE_MAX, Page};
use aerostack_core::api::skill::{
    PublishSkillRequest, SearchSkillsQuery, SkillVersionView, SkillView, UpdateSkillRequest,
};
use aerostack_core::manifest::{MANIFEST_FILE, Manifest};
use aerostack_core::skill::Version;
use aerostack_core::slug::Slug;
use serde::Serialize;

use super::details::details;
use super::manifest::{self, NAME_WITHOUT_FOLDER};
use super::{skill_install, skill_yank};
use crate::args::format::{Format, ListOutput};
use crate::args::skill::{self as arguments, SkillCommand};
use crate::client::{PAGES_MAX, endless_list};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::table::Table;

const CSV_FIELDS: [&str; 9] =
    ["owner", "name", "version", "visibility", "backing", "host", "description", "published_at", "yanked"];

pub(super) async fn run(context: &mut Context<'_>, command: SkillCommand) -> Outcome {
    match command {
        SkillCommand::Init(arguments) => init(context, arguments),
        SkillCommand::Publish(arguments) => publish(context, arguments).await,
        SkillCommand::Set(arguments) => set(context, arguments).await,
        SkillCommand::Yank(arguments) => skill_yank::yank(context, arguments).await,
        SkillCommand::Search(arguments) => search(context, arguments).await,
        SkillCommand::List(arguments) if arguments.installed => {
            skill_install::list(context, arguments.output).await
        }
        SkillCommand::List(arguments) => list(context, arguments.output).await,
        SkillCommand::Show(arguments) => show(context, arguments).await,
        SkillCommand::Install(arguments) => skill_install::install(context, arguments).await,
        SkillCommand::Upgrade(arguments) => skill_install::upgrade(context, arguments).await,
        SkillCommand::Uninstall(arguments) => skill_install::uninstall(context, arguments).await,
    }
}

fn init(context: &mut Context<'_>, arguments: arguments::InitSkill) -> Outcome {
    let name = manifest::write_new(&context.folder()?, arguments.name)?;
    context.output.done(&format!("{MANIFEST_FILE} written for '{name}'."));
    context
        .output
        .talk("Describe your tools in it, put your function's address in it, then: aerostack skill publish");
    Ok(())
}

async fn publish(context: &mut Context<'_>, arguments: arguments::PublishSkill) -> Outcome {
    let manifest = manifest::read(&context.folder()?)?;
    let format = arguments.output.format;
    let reply = context.call::<PublishSkill>(&[], &request(manifest, arguments)?).await?;
    let skill = &reply.skill;
    let deed = if reply.already_published { "is published already" } else { "published" };
    let sentence = format!("{} {} {deed} ({}).", skill.reference(), skill.version, skill.visibility.word());
    context.output.done(&sentence);
    context.output.talk(&format!("Install it with: aerostack skill install {}", skill.reference()));
    if format == Format::Json { context.output.json(&reply) } else { Ok(()) }
}

/// The manifest with what the command line says in its place.
fn request(manifest: Manifest, arguments: arguments::PublishSkill) -> Outcome<PublishSkillRequest> {
    let name = match &arguments.name {
        // Names stay taken, so one that nobody chose is not published by oversight.
        None if manifest.name.as_str() == NAME_WITHOUT_FOLDER => {
            return Err(Failure::failed(format!(
                "the skill's name is still the example's, '{}'",
                manifest.name
            ))
            .with_hint(format!("name it in {MANIFEST_FILE}, or with --name")));
        }
        None => manifest.name,
        Some(name) => {
            Slug::from_name(name).map_err(|error| Failure::usage(format!("--name '{name}': {error}")))?
        }
    };
    let (function_url, mcp_url) = match (arguments.function_url, arguments.mcp_url) {
        (None, None) => (manifest.function_url, manifest.mcp_url),
        named => named,
    };
    Ok(PublishSkillRequest {
        name,
        version: arguments.version.unwrap_or(manifest.version),
        description: manifest.description,
        tools: manifest.tools,
        function_url,
        mcp_url,
        visibility: arguments.private.or(arguments.visibility),
    })
}

async fn set(context: &mut Context<'_>, arguments: arguments::SetSkill) -> Outcome {
    let request = UpdateSkillRequest { visibility: arguments.visibility };
    let skill = context.call::<UpdateSkill>(&[arguments.name.as_str()], &request).await?;
    context.output.done(&format!("{} is {} now.", skill.reference(), skill.visibility.word()));
    if arguments.output.format == Format::Json { context.output.json(&skill) } else { Ok(()) }
}

async fn search(context: &mut Context<'_>, arguments: arguments::SearchSkills) -> Outcome {
    let mut query = SearchSkillsQuery { query: arguments.text, limit: Some(PAGE_MAX), cursor: None };
    let mut items = Vec::new();
    for _ in 0..PAGES_MAX {
        let page = context.call::<SearchSkills>(&[], &query).await?;
        items.extend(page.items);
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            let nothing = "No skill that you may use fits.";
            return print(context, Page { items, next_cursor: None }, arguments.output, nothing);
        }
    }
    Err(endless_list())
}

async fn list(context: &mut Context<'_>, output: ListOutput) -> Outcome {
    let page = context.list::<ListSkills, _>(&[]).await?;
    let nothing = "There is no skill yet: aerostack skill init, or aerostack skill search";
    print(context, page, output, nothing)
}

fn print(context: &mut Context<'_>, page: Page<SkillView>, output: ListOutput, nothing: &str) -> Outcome {
    match output.format {
        Format::Json => return context.output.json(&page),
        Format::Csv => return context.output.csv(&page.items, &CSV_FIELDS),
        Format::Table | Format::Token | Format::McpJson => {}
    }
    let mut table = Table::new(&["SKILL", "VERSION", "VISIBILITY", "DESCRIPTION"]);
    for skill in &page.items {
        table.row([
            skill.reference(),
            marked(skill.version, skill.yanked),
            skill.visibility.word().to_owned(),
            skill.description.clone(),
        ]);
    }
    context.output.table(&table)?;
    if page.items.is_empty() {
        context.output.talk(nothing);
    }
    Ok(())
}

/// `1.2.0`, or `1.2.0 (yanked)`.
pub(super) fn marked(version: Version, yanked: bool) -> String {
    format!("{version}{}", if yanked { " (yanked)" } else { "" })
}

/// A skill with its versions, as `--output json` gives it.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    skill: SkillView,
    versions: Vec<SkillVersionView>,
}

async fn show(context: &mut Context<'_>, arguments: arguments::ShowSkill) -> Outcome {
    let owner = match arguments.skill.username {
        Some(username) => username,
        None => context.call::<ShowAccount>(&[], &Empty {}).await?.username,
    };
    let parameters = [owner.as_str(), arguments.skill.name.as_str()];
    let skill = context.call::<ShowSkill>(&parameters, &Empty {}).await?;
    let versions = context.list::<ListSkillVersions, _>(&parameters).await?.items;
    if arguments.output.format == Format::Json {
        return context.output.json(&Shown { skill, versions });
    }
    let names: Vec<String> =
        versions.iter().map(|version| marked(version.version, version.yanked_at.is_some())).collect();
    context.output.table(&details([
        ("Skill", skill.reference()),
        ("Version", marked(skill.version, skill.yanked)),
        ("Visibility", skill.visibility.word().to_owned()),
        ("Description", skill.description.clone()),
        ("Calls go to", format!("{} ({})", skill.host, skill.backing)),
        ("Published", skill.published_at.date()),
        ("Versions", names.join(", ")),
    ]))?;
    if skill.tools.is_empty() {
        return Ok(());
    }
    context.output.line("")?;
    let mut table = Table::new(&["TOOL", "DESCRIPTION"]);
    for tool in &skill.tools {
        table.row([tool.name.clone(), tool.description.clone()]);
    }
    context.output.table(&table)
}
