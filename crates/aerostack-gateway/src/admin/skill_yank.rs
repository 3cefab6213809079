//! Taking a version of a skill back. It is not installed any more, and whoever has it keeps it: a version
//! is what somebody's agents rely on, so only they move away from it.

use aerostack_core::api::skill::{YankSkillRequest, YankedSkill};
use aerostack_core::audit::Action;
use aerostack_core::skill::{SkillVersion, Version};

use super::call::{Call, Deed};
use super::error::ApiError;
use super::skill::version_view;
use super::skill_install::no_version;
use super::skill_publish::{find_own, reference};
use crate::store;

/// Takes a version back, or offers it again. Nothing is published: what is installed does not change.
pub(super) async fn yank(call: Call, request: YankSkillRequest) -> Result<YankedSkill, ApiError> {
    let wanted: Version =
        call.parameter(1).parse().map_err(|error| ApiError::invalid(format!("version: {error}")))?;
    let (mut order, now) = call.order().await?;
    let team = call.lock_team(&mut order.tx).await?;
    let skill = find_own(&call, &mut order.tx, &team).await?;
    let reference = reference(&team, &skill);
    let Some(version) = store::skill_version::find(&mut order.tx, &skill.id, wanted).await? else {
        return Err(no_version(&mut order.tx, &skill.id, &reference, wanted).await?);
    };
    let installed_in = store::skill_version::count_workspaces(&mut order.tx, &version.id).await?;
    if version.yanked_at.is_some() == request.yanked {
        let version = version_view(version);
        return Ok(YankedSkill { skill: reference, version, installed_in, nothing_done: true });
    }
    let version = SkillVersion { yanked_at: request.yanked.then_some(now), ..version };
    store::skill_version::set_yanked(&mut order.tx, &version.id, version.yanked_at).await?;
    let action = if request.yanked { Action::SkillYanked } else { Action::SkillRestored };
    let object = format!("{reference}@{wanted}");
    let detail = format!("installed in {installed_in} workspaces");
    call.audit_account(&mut order.tx, &team.id, now, Deed { action, object: &object, detail }).await?;
    order.commit(Vec::new()).await?;
    let version = version_view(version);
    Ok(YankedSkill { skill: reference, version, installed_in, nothing_done: false })
}
