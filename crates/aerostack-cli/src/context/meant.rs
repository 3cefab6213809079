//! Which team and workspace a command means, where it does not say.

use aerostack_core::api::operation::{Needs, Operation};
use aerostack_core::api::workspace::WorkspaceView;
use aerostack_core::role::Role;
use aerostack_core::slug::Slug;

use crate::failure::{Failure, Outcome};

/// Tells whether an operation is about what a team has beside its workspaces. A workspace of one's own
/// is made, and all one's workspaces are listed, wherever one works just now.
pub(super) fn follows_the_workspace(operation: Operation) -> bool {
    matches!(operation.needs(), Needs::Team(_)) && !operation.path().starts_with("/workspaces")
}

/// The team to act for while working in a workspace: its owner, where one may manage there.
pub(crate) fn team_of(workspace: &WorkspaceView) -> Option<Slug> {
    (workspace.role == Some(Role::Admin)).then(|| workspace.owner.clone())
}

/// The only one of several workspaces, if it is the only one.
pub(super) fn choose(workspaces: &[WorkspaceView]) -> Outcome<Slug> {
    match workspaces {
        [] => Err(Failure::failed("there is no workspace yet")
            .with_hint("create one with `aerostack workspace create <name>`")),
        [only] => Ok(only.slug.clone()),
        several => {
            let names: Vec<&str> = several.iter().map(|workspace| workspace.slug.as_str()).collect();
            Err(Failure::usage(format!("a workspace must be named, one of: {}", names.join(", ")))
                .with_hint("name it with --workspace, or once for all with `aerostack workspace use <slug>`"))
        }
    }
}
