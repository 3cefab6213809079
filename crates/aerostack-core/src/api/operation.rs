//! Every endpoint of the admin API, once: method, path, summary, request and reply.
//!
//! The gateway matches requests with it, the command line fills paths from it, the OpenAPI document
//! is made of it. [`Operation::fill`] and [`Operation::find`] are inverse.

use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use super::account::{
    AccountView, CreateKeyRequest, CreatedKey, EndedSessions, KeyView, SessionView, SignInLinkView,
};
use super::alert::{AlertSet, AlertTested, AlertView, DeletedAlert, SetAlertRequest};
use super::analytics::{
    AnalyticsQuery, CallView, CallsQuery, CallsToday, Csv, NewCalls, NewCallsQuery, OwnUsage, OwnUsageQuery,
    UsageReport, UsageSeries,
};
use super::audit::{AuditQuery, AuditVerification, AuditView};
use super::member::{
    InviteWorkspaceMemberRequest, RemovedWorkspaceMember, WorkspaceInviteSent, WorkspaceMembersView,
};
use super::offboard::{OffboardReport, OffboardRequest};
use super::page::{Empty, Page, PageQuery};
use super::plan::{PlansReply, SetPlanReply, SetPlanRequest};
use super::secret::{DeleteSecretQuery, DeletedSecret, SecretView, SetSecretRequest};
use super::segment;
use super::server::{
    AddServerRequest, DeletedServer, EditServerRequest, InstallRequest, InstallView, InstalledReply,
    ServerView, TestReply, ToolView, Uninstalled, UpdateInstallRequest,
};
use super::skill::{
    InstallSkillRequest, InstalledSkillReply, PublishSkillRequest, PublishedSkill, SearchSkillsQuery,
    SkillVersionView, SkillView, UpdateSkillRequest, UpgradeSkillRequest, UpgradedSkill, YankSkillRequest,
    YankedSkill,
};
use super::team::{
    AcceptRequest, ChangeRoleRequest, ChangedRole, InvitePreview, InviteRequest, InviteSent, InviteView,
    Joined, RemovedInvite, RemovedMember, TeamView,
};
use super::token::{
    CreateTokenRequest, CreatedToken, ListTokensQuery, RevokedToken, RotateTokenRequest, TokenPage, TokenView,
};
use super::workspace::{CreateWorkspaceRequest, DeletedWorkspace, UpdateWorkspaceRequest, WorkspaceView};
use crate::role::Power;

/// What every path of the admin API begins with.
pub const API_ROOT: &str = "/api/v1";
/// The header that names the team a request acts for, by its username; without it the caller's own.
pub const TEAM_HEADER: &str = "x-aerostack-team";

/// The HTTP method of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Reads; the request is the query.
    Get,
    /// Creates or acts; the request is the body.
    Post,
    /// Changes; the request is the body.
    Patch,
    /// Sets; the request is the body.
    Put,
    /// Removes; the request is the query.
    Delete,
}

impl Method {
    /// The word of HTTP.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }

    /// Tells whether it changes nothing.
    #[must_use]
    pub const fn is_read(self) -> bool {
        matches!(self, Self::Get)
    }

    /// Tells whether the request is the query; else it is the body.
    #[must_use]
    pub const fn asks_in_query(self) -> bool {
        matches!(self, Self::Get | Self::Delete)
    }
}

/// Which power an operation needs, and over what. Decided here and asked for nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// None, and nobody has to be signed in: the path itself holds what is proven.
    Nobody,
    /// None: it is about the account that is signed in.
    Nothing,
    /// The power of those who run the installation.
    Installation,
    /// One over the team of [`TEAM_HEADER`].
    Team(Power),
    /// One over the workspace of the path.
    Workspace(Power),
}

/// One operation as a type: what it takes and gives.
pub trait Endpoint {
    /// Which operation.
    const OPERATION: Operation;
    /// Query (GET) or body (else).
    type Request: Serialize + DeserializeOwned + ToSchema + Send;
    /// The body of a success.
    type Reply: Serialize + DeserializeOwned + ToSchema + Send;
}

macro_rules! operations {
    ($($name:ident: $method:ident $path:literal, $needs:expr, $request:ty => $status:literal $reply:ty, $summary:literal;)*) => {
        /// An endpoint of the admin API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Operation {
            $(#[doc = $summary] $name,)*
        }

        impl Operation {
            /// Every operation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its method.
            #[must_use]
            pub const fn method(self) -> Method {
                match self { $(Self::$name => Method::$method,)* }
            }

            /// Its path below [`API_ROOT`], parameters in braces.
            #[must_use]
            pub const fn path(self) -> &'static str {
                match self { $(Self::$name => $path,)* }
            }

            /// What it does, in one sentence.
            #[must_use]
            pub const fn summary(self) -> &'static str {
                match self { $(Self::$name => $summary,)* }
            }

            /// The HTTP status of its success.
            #[must_use]
            pub const fn success_status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// The type of the content of its success.
            #[must_use]
            pub fn content_type(self) -> &'static str {
                if matches!(self, Self::ExportAnalytics | Self::ExportCalls) { "text/csv" } else { "application/json" }
            }

            /// What its caller must be allowed.
            #[must_use]
            pub const fn needs(self) -> Needs {
                match self { $(Self::$name => $needs,)* }
            }

            /// Its name in programs: `CreateToken`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }

        /// One type per operation, for [`Endpoint`].
        pub mod endpoint {
            $(#[doc = $summary]
            #[derive(Clone, Copy, Debug)]
            pub struct $name;)*
        }

        $(impl Endpoint for endpoint::$name {
            const OPERATION: Operation = Operation::$name;
            type Request = $request;
            type Reply = $reply;
        })*

        /// Calls `visit` with every endpoint.
        pub fn for_each_endpoint(visit: &mut impl EndpointVisitor) {
            $(visit.visit::<endpoint::$name>();)*
        }
    };
}

/// Something that looks at every endpoint.
pub trait EndpointVisitor {
    /// Looks at one.
    fn visit<E: Endpoint>(&mut self);
}

operations! {
    ShowAccount: Get "/account", Needs::Nothing, Empty => 200 AccountView, "Shows the account that is signed in.";
    ListKeys: Get "/account/keys", Needs::Nothing, PageQuery => 200 Page<KeyView>, "Lists the account's keys.";
    CreateKey: Post "/account/keys", Needs::Nothing, CreateKeyRequest => 201 CreatedKey, "Creates an account key, shown once.";
    RevokeKey: Post "/account/keys/{id}/revoke", Needs::Nothing, Empty => 200 KeyView, "Revokes an account key at once.";
    ListPlans: Get "/plans", Needs::Nothing, Empty => 200 PlansReply, "Lists the plans and the caller's own.";
    SetPlan: Put "/accounts/{username}/plan", Needs::Installation, SetPlanRequest => 200 SetPlanReply, "Sets an account's plan (operators).";
    ListWorkspaces: Get "/workspaces", Needs::Team(Power::SeeWorkspace), PageQuery => 200 Page<WorkspaceView>, "Lists the caller's workspaces.";
    CreateWorkspace: Post "/workspaces", Needs::Team(Power::ManageWorkspace), CreateWorkspaceRequest => 201 WorkspaceView, "Creates a workspace.";
    ShowWorkspace: Get "/workspaces/{slug}", Needs::Workspace(Power::SeeWorkspace), Empty => 200 WorkspaceView, "Shows a workspace.";
    UpdateWorkspace: Patch "/workspaces/{slug}", Needs::Workspace(Power::ManageWorkspace), UpdateWorkspaceRequest => 200 WorkspaceView, "Changes a workspace.";
    DeleteWorkspace: Delete "/workspaces/{slug}", Needs::Workspace(Power::DeleteWorkspace), Empty => 200 DeletedWorkspace, "Deletes a workspace; its tokens end at once.";
    ListTokens: Get "/workspaces/{slug}/tokens", Needs::Workspace(Power::ManageWorkspace), ListTokensQuery => 200 TokenPage, "Lists a workspace's tokens of every status.";
    CreateToken: Post "/workspaces/{slug}/tokens", Needs::Workspace(Power::ManageWorkspace), CreateTokenRequest => 201 CreatedToken, "Creates a workspace token, shown once.";
    ShowToken: Get "/workspaces/{slug}/tokens/{id}", Needs::Workspace(Power::ManageWorkspace), Empty => 200 TokenView, "Shows one token, without its text.";
    RevokeToken: Post "/workspaces/{slug}/tokens/{id}/revoke", Needs::Workspace(Power::ManageWorkspace), Empty => 200 RevokedToken, "Revokes a token; when this answers, nothing accepts it any more.";
    RotateToken: Post "/workspaces/{slug}/tokens/{id}/rotate", Needs::Workspace(Power::ManageWorkspace), RotateTokenRequest => 201 CreatedToken, "Replaces a token by a new one.";
    ListInstalls: Get "/workspaces/{slug}/servers", Needs::Workspace(Power::SeeWorkspace), PageQuery => 200 Page<InstallView>, "Lists the servers installed into a workspace.";
    InstallServer: Post "/workspaces/{slug}/servers", Needs::Workspace(Power::ManageWorkspace), InstallRequest => 201 InstalledReply, "Installs a server into a workspace.";
    ShowInstall: Get "/workspaces/{slug}/servers/{server}", Needs::Workspace(Power::SeeWorkspace), Empty => 200 InstallView, "Shows one installed server.";
    UpdateInstall: Patch "/workspaces/{slug}/servers/{server}", Needs::Workspace(Power::ManageWorkspace), UpdateInstallRequest => 200 InstallView, "Switches an installed server or one tool on or off.";
    UninstallServer: Delete "/workspaces/{slug}/servers/{server}", Needs::Workspace(Power::ManageWorkspace), Empty => 200 Uninstalled, "Removes a server from a workspace.";
    ListTools: Get "/workspaces/{slug}/tools", Needs::Workspace(Power::SeeWorkspace), PageQuery => 200 Page<ToolView>, "Lists a workspace's tools with their exposed names.";
    ListAudit: Get "/workspaces/{slug}/audit", Needs::Workspace(Power::ManageWorkspace), AuditQuery => 200 Page<AuditView>, "Lists a workspace's audit log, newest first.";
    VerifyAudit: Get "/workspaces/{slug}/audit/verify", Needs::Workspace(Power::ManageWorkspace), Empty => 200 AuditVerification, "Checks the chain of a workspace's audit log.";
    ListCallsToday: Get "/analytics/today", Needs::Team(Power::SeeWorkspace), PageQuery => 200 Page<CallsToday>, "Counts today's calls of each of the caller's workspaces, in their order; members' are their own.";
    ShowAnalytics: Get "/workspaces/{slug}/analytics", Needs::Workspace(Power::SeeWorkspace), AnalyticsQuery => 200 UsageReport, "Reports who called what, how often, how well; members see their own calls.";
    ShowAnalyticsSeries: Get "/workspaces/{slug}/analytics/series", Needs::Workspace(Power::SeeWorkspace), AnalyticsQuery => 200 UsageSeries, "Gives the course of calls by hour or day.";
    ExportAnalytics: Get "/workspaces/{slug}/analytics/csv", Needs::Workspace(Power::SeeWorkspace), AnalyticsQuery => 200 Csv, "Streams figures per token, server and tool as CSV.";
    ListCalls: Get "/workspaces/{slug}/analytics/calls", Needs::Workspace(Power::SeeWorkspace), CallsQuery => 200 Page<CallView>, "Lists single calls, newest first.";
    FollowCalls: Get "/workspaces/{slug}/analytics/calls/new", Needs::Workspace(Power::SeeWorkspace), NewCallsQuery => 200 NewCalls, "Lists the calls that were recorded since a mark, in that order.";
    ExportCalls: Get "/workspaces/{slug}/analytics/calls/csv", Needs::Workspace(Power::SeeWorkspace), AnalyticsQuery => 200 Csv, "Streams single calls as CSV, oldest first.";
    ShowAlert: Get "/workspaces/{slug}/alert", Needs::Workspace(Power::ManageSecrets), Empty => 200 AlertView, "Shows what is told of a workspace's calls, and where.";
    SetAlert: Put "/workspaces/{slug}/alert", Needs::Workspace(Power::ManageSecrets), SetAlertRequest => 200 AlertSet, "Sets what is told of a workspace's calls, and where.";
    DeleteAlert: Delete "/workspaces/{slug}/alert", Needs::Workspace(Power::ManageSecrets), Empty => 200 DeletedAlert, "Deletes an alert; nothing is told any more.";
    TestAlert: Post "/workspaces/{slug}/alert/test", Needs::Workspace(Power::ManageSecrets), Empty => 200 AlertTested, "Sends a message to try whether it arrives.";
    ShowOwnUsage: Get "/me/usage", Needs::Nothing, OwnUsageQuery => 200 OwnUsage, "Reports the caller's own calls; takes a workspace token as well.";
    ListServers: Get "/servers", Needs::Team(Power::ManageWorkspace), PageQuery => 200 Page<ServerView>, "Lists the catalogue of the account.";
    AddServer: Post "/servers", Needs::Team(Power::ManageWorkspace), AddServerRequest => 201 ServerView, "Adds a server to the catalogue.";
    ShowServer: Get "/servers/{server}", Needs::Team(Power::ManageWorkspace), Empty => 200 ServerView, "Shows one server of the catalogue.";
    EditServer: Patch "/servers/{server}", Needs::Team(Power::ManageWorkspace), EditServerRequest => 200 ServerView, "Changes a server of the catalogue.";
    DeleteServer: Delete "/servers/{server}", Needs::Team(Power::ManageWorkspace), Empty => 200 DeletedServer, "Deletes a server from the catalogue; refused while it is installed.";
    ListSecrets: Get "/workspaces/{slug}/secrets", Needs::Workspace(Power::ManageSecrets), PageQuery => 200 Page<SecretView>, "Lists a workspace's secrets: names and dates, never values.";
    SetSecret: Put "/workspaces/{slug}/secrets/{name}", Needs::Workspace(Power::ManageSecrets), SetSecretRequest => 200 SecretView, "Sets a secret of an installed server; the calls that follow use it.";
    DeleteSecret: Delete "/workspaces/{slug}/secrets/{name}", Needs::Workspace(Power::ManageSecrets), DeleteSecretQuery => 200 DeletedSecret, "Deletes a secret; no call uses it any more.";
    TestServer: Post "/servers/{server}/test", Needs::Team(Power::ManageWorkspace), Empty => 200 TestReply, "Connects to a server and lists its tools.";

    ShowTeam: Get "/team", Needs::Team(Power::ManageTeam), Empty => 200 TeamView, "Lists a team: members and who is invited.";
    ListInvites: Get "/team/invites", Needs::Team(Power::ManageTeam), PageQuery => 200 Page<InviteView>, "Lists the invitations that were not accepted.";
    InviteMember: Post "/team/invites", Needs::Team(Power::ManageTeam), InviteRequest => 201 InviteSent, "Invites somebody into the team; a link that waited is replaced.";
    RemoveInvite: Delete "/team/invites/{email}", Needs::Team(Power::ManageTeam), Empty => 200 RemovedInvite, "Removes an invitation; its link is dead.";
    RemoveMember: Delete "/team/{email}", Needs::Team(Power::ManageTeam), Empty => 200 RemovedMember, "Removes somebody from the team; their tokens of its workspaces end at once.";
    ChangeRole: Patch "/team/{email}", Needs::Team(Power::ManageAdmins), ChangeRoleRequest => 200 ChangedRole, "Gives somebody in the team another role; it holds from the next request on.";
    ShowInvite: Get "/invites/{link}", Needs::Nobody, Empty => 200 InvitePreview, "Shows where an invitation's link leads.";
    AcceptInvite: Post "/invites/{link}/accept", Needs::Nobody, AcceptRequest => 200 Joined, "Accepts an invitation: with a username as a new person, or signed in.";
    ListTeamAudit: Get "/audit", Needs::Team(Power::ManageTeam), AuditQuery => 200 Page<AuditView>, "Lists the audit log of what belongs to no workspace, newest first.";
    VerifyTeamAudit: Get "/audit/verify", Needs::Team(Power::ManageTeam), Empty => 200 AuditVerification, "Checks the chain of that audit log.";
    ListSessions: Get "/account/sessions", Needs::Nothing, PageQuery => 200 Page<SessionView>, "Lists the browsers that are signed in.";
    EndSession: Post "/account/sessions/{id}/revoke", Needs::Nothing, Empty => 200 EndedSessions, "Ends a browser's session, or with `all` every one.";
    CreateSignInLink: Post "/account/sign-in-links", Needs::Nothing, Empty => 201 SignInLinkView, "Makes a link that signs a browser in once.";

    Offboard: Post "/team/offboard", Needs::Team(Power::ManageTeam), OffboardRequest => 200 OffboardReport, "Ends everything of a person in the team, or shows what would end.";
    ListWorkspaceMembers: Get "/workspaces/{slug}/members", Needs::Workspace(Power::ManageWorkspace), Empty => 200 WorkspaceMembersView, "Lists a workspace's members and who is invited into it.";
    InviteWorkspaceMember: Post "/workspaces/{slug}/members", Needs::Workspace(Power::ManageWorkspace), InviteWorkspaceMemberRequest => 201 WorkspaceInviteSent, "Invites somebody into a workspace; a link that waited is replaced.";
    RemoveWorkspaceMember: Delete "/workspaces/{slug}/members/{email}", Needs::Workspace(Power::ManageWorkspace), Empty => 200 RemovedWorkspaceMember, "Removes somebody from a workspace; their tokens of it end at once.";
    ListSkills: Get "/skills", Needs::Nothing, PageQuery => 200 Page<SkillView>, "Lists the caller's own skills and those of their teams.";
    PublishSkill: Post "/skills", Needs::Team(Power::ManageSkills), PublishSkillRequest => 201 PublishedSkill, "Publishes a version of a skill.";
    SearchSkills: Get "/skills/search", Needs::Nothing, SearchSkillsQuery => 200 Page<SkillView>, "Looks for skills the caller may use.";
    UpdateSkill: Patch "/skills/{name}", Needs::Team(Power::ManageSkills), UpdateSkillRequest => 200 SkillView, "Changes who may use a skill; where the right ends its tools are gone at once.";
    YankSkillVersion: Patch "/skills/{name}/versions/{version}", Needs::Team(Power::ManageSkills), YankSkillRequest => 200 YankedSkill, "Takes a version of a skill back, or offers it again; who has it keeps it.";
    ShowSkill: Get "/skills/{owner}/{name}", Needs::Nothing, Empty => 200 SkillView, "Shows a skill the caller may use.";
    ListSkillVersions: Get "/skills/{owner}/{name}/versions", Needs::Nothing, PageQuery => 200 Page<SkillVersionView>, "Lists the versions of a skill, newest first.";
    ListInstalledSkills: Get "/workspaces/{slug}/skills", Needs::Workspace(Power::SeeWorkspace), PageQuery => 200 Page<InstallView>, "Lists the skills installed into a workspace.";
    InstallSkill: Post "/workspaces/{slug}/skills", Needs::Workspace(Power::InstallTeamSkills), InstallSkillRequest => 201 InstalledSkillReply, "Installs a skill into a workspace.";
    UninstallSkill: Delete "/workspaces/{slug}/skills/{skill}", Needs::Workspace(Power::ManageWorkspace), Empty => 200 Uninstalled, "Removes a skill from a workspace.";
    UpgradeSkill: Post "/workspaces/{slug}/skills/{skill}/upgrade", Needs::Workspace(Power::ManageWorkspace), UpgradeSkillRequest => 200 UpgradedSkill, "Moves an installed skill to another version.";
}

/// What a method and path come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// An operation and its path parameters in order, decoded.
    Operation(Operation, Vec<String>),
    /// The path exists with these methods only.
    WrongMethod(Vec<Method>),
    /// There is no such path.
    Nothing,
}

impl Operation {
    /// The path with its parameters filled in, each percent-encoded.
    ///
    /// # Panics
    /// When the number of parameters is not the path's: a mistake of the caller's code.
    #[must_use]
    pub fn fill(self, parameters: &[&str]) -> String {
        let mut rest = parameters.iter();
        let mut path = API_ROOT.to_owned();
        for segment in segments(self.path()) {
            path.push('/');
            match parameter_name(segment) {
                Some(_) => path.push_str(&segment::encode(rest.next().expect("one parameter per brace"))),
                None => path.push_str(segment),
            }
        }
        assert!(rest.next().is_none(), "one brace per parameter");
        path
    }

    /// Finds the operation of a method and a path (with [`API_ROOT`], without query).
    #[must_use]
    pub fn find(method: &str, path: &str) -> Found {
        let Some(below) = path.strip_prefix(API_ROOT) else { return Found::Nothing };
        let mut others = Vec::new();
        for &operation in Self::ALL {
            let Some(parameters) = match_path(operation.path(), below) else { continue };
            if operation.method().word() == method {
                return Found::Operation(operation, parameters);
            }
            others.push(operation.method());
        }
        if others.is_empty() { Found::Nothing } else { Found::WrongMethod(others) }
    }

    /// The names of its path parameters, in order.
    pub fn parameters(self) -> impl Iterator<Item = &'static str> {
        segments(self.path()).filter_map(parameter_name)
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').skip(1)
}

fn parameter_name(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

fn match_path(template: &str, path: &str) -> Option<Vec<String>> {
    let mut parameters = Vec::new();
    let mut given = segments(path);
    for segment in segments(template) {
        let text = given.next()?;
        match parameter_name(segment) {
            Some(_) => parameters.push(segment::decode(text).filter(|text| !text.is_empty())?),
            None if segment == text => {}
            None => return None,
        }
    }
    (path.starts_with('/') && given.next().is_none()).then_some(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_known_path_with_another_method_names_the_right_ones() {
        let found = Operation::find("DELETE", "/api/v1/workspaces");
        assert_eq!(found, Found::WrongMethod(vec![Method::Get, Method::Post]));
        for path in [
            "/api/v1",
            "/api/v1/",
            "/api/v1/nothing",
            "/api/v2/account",
            "/api/v1/account/",
            "/api/v1/servers/%zz",
        ] {
            assert_eq!(Operation::find("GET", path), Found::Nothing, "{path}");
        }
    }

    proptest! {
        #[test]
        fn what_is_filled_in_is_found_again(
            index in 0..Operation::ALL.len(),
            texts in proptest::collection::vec("[^\u{0}]{1,20}", 3),
        ) {
            let operation = Operation::ALL[index];
            let parameters: Vec<&str> = operation.parameters().zip(&texts).map(|(_, text)| text.as_str()).collect();
            let found = Operation::find(operation.method().word(), &operation.fill(&parameters));
            let expected: Vec<String> = parameters.iter().map(|&text| text.to_owned()).collect();
            prop_assert_eq!(found, Found::Operation(operation, expected));
        }
    }
}
