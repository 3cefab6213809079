//! Every operation and the function that carries it out.

use aerostack_core::api::operation::{Endpoint, Operation, endpoint};
use http::{Response, StatusCode};

use super::call::Call;
use super::error::ApiError;
use super::input::Input;
use super::{
    account, account_key, audit, install, install_switch, plan, secret, server, server_test, skill,
    skill_install, skill_publish, token, token_end, tool, workspace,
};
use crate::http::body::Body;
use crate::http::respond;

/// Reads what the operation takes, carries it out, writes what it gives.
async fn run<E, H, F>(call: Call, input: Input, handler: H) -> Result<Response<Body>, ApiError>
where
    E: Endpoint,
    H: FnOnce(Call, E::Request) -> F,
    F: Future<Output = Result<E::Reply, ApiError>>,
{
    let reply = handler(call, input.read()?).await?;
    let status = StatusCode::from_u16(E::OPERATION.success_status()).unwrap_or(StatusCode::OK);
    Ok(respond::json(status, &reply))
}

macro_rules! handlers {
    ($($name:ident => $handler:path,)*) => {
        /// Carries out an operation. No wildcard: a new operation does not compile without its handler.
        pub(super) async fn dispatch(
            operation: Operation,
            call: Call,
            input: Input,
        ) -> Result<Response<Body>, ApiError> {
            match operation {
                $(Operation::$name => run::<endpoint::$name, _, _>(call, input, $handler).await,)*
            }
        }
    };
}

handlers! {
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
    ListServers => server::list,
    AddServer => server::add,
    ShowServer => server::show,
    EditServer => server::edit,
    DeleteServer => server::delete,
    TestServer => server_test::test,
    ListSkills => skill::list,
    PublishSkill => skill_publish::publish,
    SearchSkills => skill::search,
    UpdateSkill => skill_publish::update,
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
