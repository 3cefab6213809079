//! `skill yank`, and how whoever has a yanked version is told.

use aerostack_core::api::operation::Operation;
use aerostack_core::api::operation::endpoint::YankSkillVersion;
use aerostack_core::api::server::InstallView;
use aerostack_core::api::skill::{YankSkillRequest, YankedSkill};

use super::details::count;
use crate::args::format::Format;
use crate::args::skill as arguments;
use crate::context::Context;
use crate::failure::{Failure, Outcome};

pub(super) async fn yank(context: &mut Context<'_>, arguments: arguments::YankSkill) -> Outcome {
    let reference = arguments.skill;
    let Some(version) = reference.version else {
        let name = &reference.name;
        return Err(Failure::usage(format!("which version of '{name}' is not said"))
            .with_hint(format!("name it: aerostack skill yank {name}@1.2.0")));
    };
    let team = match reference.username {
        Some(username) => Some(username),
        None => context.team_for(Operation::YankSkillVersion).await?,
    };
    let parameters = [reference.name.as_str(), &version.to_string()];
    let request = YankSkillRequest { yanked: !arguments.undo };
    let reply = context.client()?.call::<YankSkillVersion>(&parameters, team.as_ref(), &request).await?;
    context.output.done(&sentence(&reply));
    if arguments.output.format == Format::Json { context.output.json(&reply) } else { Ok(()) }
}

fn sentence(reply: &YankedSkill) -> String {
    let name = format!("{} {}", reply.skill, reply.version.version);
    match (reply.version.yanked_at, reply.nothing_done) {
        (Some(at), true) => format!("{name} was yanked already on {}; nothing was done.", at.date()),
        (None, true) => format!("{name} is not yanked; nothing was done."),
        (None, false) => format!("{name} is offered again."),
        (Some(_), false) => {
            let kept = match reply.installed_in {
                0 => String::new(),
                places => format!(" It stays where it is installed: {}.", count(places, "workspace")),
            };
            format!("{name} yanked: it cannot be installed any more.{kept}")
        }
    }
}

/// Tells that installs are at versions that were taken back.
pub(super) fn warn_of_yanked(context: &mut Context<'_>, installs: &[InstallView]) {
    for install in installs.iter().filter(|install| install.yanked) {
        let version = install.version.map(|version| format!(" {version}")).unwrap_or_default();
        let (name, reference) = (&install.slug, &install.server);
        context.output.warn(&format!(
            "'{name}' is {reference}{version}, which was yanked: move on with `aerostack skill upgrade {name}`"
        ));
    }
}
