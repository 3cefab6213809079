//! `skill install|upgrade|uninstall`, and `skill list --installed`.

use aerostack_core::api::operation::endpoint::{
    InstallSkill, ListInstalledSkills, ShowSkill, UninstallSkill, UpgradeSkill,
};
use aerostack_core::api::page::Empty;
use aerostack_core::api::server::InstallView;
use aerostack_core::api::skill::{InstallSkillRequest, UpgradeSkillRequest};
use aerostack_core::skill::{SkillReference, Visibility};

use super::details::count;
use super::skill::marked;
use super::skill_yank::warn_of_yanked;
use crate::args::format::{Format, ListOutput};
use crate::args::skill as arguments;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::table::Table;

const INSTALL_FIELDS: [&str; 10] = [
    "slug",
    "server",
    "version",
    "status",
    "tools",
    "disabled_tools",
    "last_error",
    "listed_at",
    "created_at",
    "yanked",
];

pub(super) async fn install(context: &mut Context<'_>, arguments: arguments::InstallSkill) -> Outcome {
    let request = InstallSkillRequest { skill: arguments.skill, alias: arguments.alias };
    let slug = match context.workspace(None).await {
        Ok(slug) => slug,
        Err(failure) => return Err(refusal_of(context, &request.skill).await.unwrap_or(failure)),
    };
    let spinner = context.output.spinner(&format!("Installing {} into '{slug}'", request.skill));
    let reply = context.call::<InstallSkill>(&[slug.as_str()], &request).await;
    drop(spinner);
    let reply = reply?;
    let install = &reply.install;
    if reply.already_installed {
        context.output.done(&format!("'{}' is installed in '{slug}' already.", install.slug));
    } else {
        context.output.done(match reply.visibility {
            Visibility::Team => "Installed (team membership verified)",
            Visibility::Public | Visibility::Private => "Installed",
        });
        context.output.talk(&format!(
            "{} as '{}' in '{slug}': {}.",
            at_version(install),
            install.slug,
            count(install.tools, "tool")
        ));
    }
    if let Some(warning) = &reply.warning {
        context.output.warn(warning);
    }
    if arguments.output.format == Format::Json { context.output.json(&reply) } else { Ok(()) }
}

/// Why the skill could not be installed anywhere: that is told before which workspace is missing.
async fn refusal_of(context: &mut Context<'_>, reference: &str) -> Option<Failure> {
    let SkillReference { username, name, .. } = reference.parse().ok()?;
    let shown = context.call::<ShowSkill>(&[username?.as_str(), name.as_str()], &Empty {}).await;
    shown.err().filter(|failure| failure.code().is_some())
}

pub(super) async fn upgrade(context: &mut Context<'_>, arguments: arguments::UpgradeSkill) -> Outcome {
    let slug = context.workspace(None).await?;
    let request = UpgradeSkillRequest { version: arguments.version };
    let parameters = [slug.as_str(), arguments.skill.as_str()];
    let spinner = context.output.spinner(&format!("Upgrading {} in '{slug}'", arguments.skill));
    let reply = context.call::<UpgradeSkill>(&parameters, &request).await;
    drop(spinner);
    let reply = reply?;
    let install = &reply.install;
    context.output.done(&if install.version == Some(reply.before) {
        format!("'{}' is at {} already.", install.slug, reply.before)
    } else {
        let now = install.version.map(|version| version.to_string()).unwrap_or_default();
        format!("'{}' moved from {} to {now} in '{slug}'.", install.slug, reply.before)
    });
    if let Some(warning) = &reply.warning {
        context.output.warn(warning);
    }
    if arguments.output.format == Format::Json { context.output.json(&reply) } else { Ok(()) }
}

pub(super) async fn uninstall(context: &mut Context<'_>, arguments: arguments::UninstallSkill) -> Outcome {
    let slug = context.workspace(None).await?;
    let removed =
        context.call::<UninstallSkill>(&[slug.as_str(), arguments.skill.as_str()], &Empty {}).await?;
    context.output.done(&format!("'{}' removed from '{slug}'.", removed.slug));
    Ok(())
}

pub(super) async fn list(context: &mut Context<'_>, output: ListOutput) -> Outcome {
    let slug = context.workspace(None).await?;
    let page = context.list::<ListInstalledSkills, _>(&[slug.as_str()]).await?;
    match output.format {
        Format::Json => return context.output.json(&page),
        Format::Csv => return context.output.csv(&page.items, &INSTALL_FIELDS),
        Format::Table | Format::Token | Format::McpJson => {}
    }
    let mut table = Table::new(&["NAME", "SKILL", "STATUS", "TOOLS", "LAST ERROR"]);
    for install in &page.items {
        table.row([
            install.slug.to_string(),
            at_version(install),
            install.status.word().to_owned(),
            install.tools.to_string(),
            install.last_error.clone().unwrap_or_default(),
        ]);
    }
    context.output.table(&table)?;
    warn_of_yanked(context, &page.items);
    if page.items.is_empty() {
        context.output.talk(&format!("'{slug}' has no skill yet: aerostack skill install <reference>"));
    }
    Ok(())
}

/// `@acme/deploy-skill 1.2.0`.
fn at_version(install: &InstallView) -> String {
    match install.version {
        Some(version) => format!("{} {}", install.server, marked(version, install.yanked)),
        None => install.server.clone(),
    }
}
