//! Every operation and the function that carries it out.

use aerostack_core::api::operation::{Endpoint, Operation, endpoint};
use http::{Response, StatusCode};

use super::error::ApiError;
use super::input::Input;
use super::visit::Visit;
use super::{
    account, account_key, alert, analytics, audit, install, install_switch, join, member, offboard,
    own_usage, plan, secret, server, server_test, session, skill, skill_install, skill_publish, skill_yank,
    team, team_invite, team_role, token, token_end, tool, workspace,
};
use crate::http::body::Body;
use crate::http::respond;

/// An operation with the function that carries it out: what both doors, the API's and the pages', stand on.
pub(crate) trait Handled: Endpoint {
    /// Carries it out.
    fn carry_out(
        visit: Visit,
        request: Self::Request,
    ) -> impl Future<Output = Result<Self::Reply, ApiError>> + Send;
}

/// An operation whose answer is written as it comes.
pub(crate) trait Streamed: Endpoint {
    /// Begins the answer.
    fn stream(
        visit: Visit,
        request: Self::Request,
    ) -> impl Future<Output = Result<Response<Body>, ApiError>> + Send;
}

/// Reads what the operation takes, carries it out, writes what it gives.
async fn run<E: Handled>(visit: Visit, input: Input) -> Result<Response<Body>, ApiError> {
    let reply = E::carry_out(visit, input.read()?).await?;
    let status = StatusCode::from_u16(E::OPERATION.success_status()).unwrap_or(StatusCode::OK);
    Ok(respond::json(status, &reply))
}

macro_rules! handlers {
    (
        visitors: { $($open:ident => $open_handler:path,)* }
        streams: { $($streaming:ident => $streamer:path,)* }
        $($name:ident => $handler:path,)*
    ) => {
        /// Carries out an operation. No wildcard: a new operation does not compile without its handler.
        pub(super) async fn dispatch(visit: Visit, input: Input) -> Result<Response<Body>, ApiError> {
            match visit.operation() {
                // Boxed, so that none carries the size of the largest.
                $(Operation::$open => Box::pin(run::<endpoint::$open>(visit, input)).await,)*
                $(Operation::$streaming => Box::pin(endpoint::$streaming::stream(visit, input.read()?)).await,)*
                $(Operation::$name => Box::pin(run::<endpoint::$name>(visit, input)).await,)*
            }
        }

        $(impl Streamed for endpoint::$streaming {
            async fn stream(visit: Visit, request: Self::Request) -> Result<Response<Body>, ApiError> {
                $streamer(visit.signed_in()?, request).await
            }
        })*

        $(impl Handled for endpoint::$open {
            async fn carry_out(visit: Visit, request: Self::Request) -> Result<Self::Reply, ApiError> {
                $open_handler(visit, request).await
            }
        })*

        $(impl Handled for endpoint::$name {
            async fn carry_out(visit: Visit, request: Self::Request) -> Result<Self::Reply, ApiError> {
                $handler(visit.signed_in()?, request).await
            }
        })*
    };
}

handlers! {
    // For whoever comes, signed in or not.
    visitors: {
        ShowInvite => join::show,
        AcceptInvite => join::accept,
    }
    // Answers of their own form, written as they come.
    streams: {
        ExportAnalytics => analytics::export,
        ExportCalls => analytics::export_calls,
    }
    ShowAccount => account::show,
    ListKeys => account_key::list,
    CreateKey => account_key::create,
    RevokeKey => account_key::revoke,
    ListPlans => plan::list,
    SetPlan => plan::set,
    ListWorkspaces => workspace::list,
    CreateWorkspace => workspace::create,
    ShowWorkspace => workspace::show,
    UpdateWorkspace => workspace::update,
    DeleteWorkspace => workspace::delete,
    ListTokens => token::list,
    CreateToken => token::create,
    ShowToken => token::show,
    RevokeToken => token_end::revoke,
    RotateToken => token_end::rotate,
    ListInstalls => install::list,
    InstallServer => install::install,
    ShowInstall => install::show,
    UpdateInstall => install_switch::update,
    UninstallServer => install::uninstall,
    ListTools => tool::list,
    ListAudit => audit::list,
    VerifyAudit => audit::verify,
    ListCallsToday => analytics::today,
    ShowAnalytics => analytics::show,
    ShowAnalyticsSeries => analytics::series,
    ListCalls => analytics::calls,
    FollowCalls => analytics::follow,
    ShowAlert => alert::show,
    SetAlert => alert::set,
    DeleteAlert => alert::delete,
    TestAlert => alert::test,
    ShowOwnUsage => own_usage::show,
    ListServers => server::list,
    AddServer => server::add,
    ShowServer => server::show,
    EditServer => server::edit,
    DeleteServer => server::delete,
    TestServer => server_test::test,

    ShowTeam => team::show,
    ListInvites => team_invite::list,
    InviteMember => team_invite::invite,
    RemoveInvite => team_invite::remove,
    RemoveMember => team::remove,
    ChangeRole => team_role::change,
    ListTeamAudit => audit::list_of_team,
    VerifyTeamAudit => audit::verify_of_team,
    ListSessions => session::list,
    EndSession => session::end,
    CreateSignInLink => session::create_link,

    Offboard => offboard::offboard,
    ListWorkspaceMembers => member::list,
    InviteWorkspaceMember => member::invite,
    RemoveWorkspaceMember => member::remove,
    ListSkills => skill::list,
    PublishSkill => skill_publish::publish,
    SearchSkills => skill::search,
    UpdateSkill => skill_publish::update,
    YankSkillVersion => skill_yank::yank,
    ShowSkill => skill::show,
    ListSkillVersions => skill::versions,
    ListInstalledSkills => skill_install::list,
    InstallSkill => skill_install::install,
    UninstallSkill => skill_install::uninstall,
    UpgradeSkill => skill_install::upgrade,
    ListSecrets => secret::list,
    SetSecret => secret::set,
    DeleteSecret => secret::delete,
}
