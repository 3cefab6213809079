//! What stands around every page behind the door: the team one looks at, where one can go from here, and
//! what the form before had to say.
//!
//! A page's team is in its address (`?team=acme`) or is its workspace's owner; nothing is remembered between
//! pages. Where a role does not carry an operation's power, the way to its page is not shown. That is
//! courtesy: the operation itself is what refuses.

use aerostack_core::account::AccountKind;
use aerostack_core::api::operation::{Needs, Operation, endpoint};
use aerostack_core::api::page::Empty;
use aerostack_core::api::workspace::WorkspaceView;
use aerostack_core::member::TeamRole;
use aerostack_core::role::{Role, Standing};
use aerostack_core::slug::Slug;
use http::StatusCode;

use super::frame::{Frame, Notice};
use super::path::Tab;
use super::visitor::Visitor;
use crate::admin::{ApiError, forbidden};
use crate::store;

/// A part of the dashboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    /// `/` and everything of one workspace.
    Workspaces,
    /// `/catalog`
    Catalog,
    /// `/skills`
    Skills,
    /// `/team`
    Team,
    /// `/account`
    Account,
}

impl Section {
    const ALL: &[Self] = &[Self::Workspaces, Self::Catalog, Self::Skills, Self::Team, Self::Account];

    const fn title(self) -> &'static str {
        match self {
            Self::Workspaces => "Workspaces",
            Self::Catalog => "Catalogue",
            Self::Skills => "Skills",
            Self::Team => "Team",
            Self::Account => "Account",
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Workspaces => "/",
            Self::Catalog => "/catalog",
            Self::Skills => "/skills",
            Self::Team => "/team",
            Self::Account => "/account",
        }
    }

    /// What one has to be allowed to see it.
    const fn operation(self) -> Operation {
        match self {
            Self::Workspaces => Operation::ListWorkspaces,
            Self::Catalog => Operation::ListServers,
            Self::Skills => Operation::ListSkills,
            Self::Team => Operation::ShowTeam,
            Self::Account => Operation::ShowAccount,
        }
    }

    /// Whether it shows something else for another team.
    const fn is_of_a_team(self) -> bool {
        matches!(self, Self::Workspaces | Self::Catalog | Self::Team)
    }
}

/// The pages of a workspace in the order of their tabs, and what one has to be allowed to see each.
const TABS: &[(Tab, &str, Operation)] = &[
    (Tab::Overview, "Overview", Operation::ShowWorkspace),
    (Tab::Tokens, "Tokens", Operation::ListTokens),
    (Tab::Servers, "Servers", Operation::ListInstalls),
    (Tab::Members, "Members", Operation::ListWorkspaceMembers),
    (Tab::Secrets, "Secrets", Operation::ListSecrets),
    (Tab::Analytics, "Analytics", Operation::ShowAnalytics),
    (Tab::Audit, "Audit", Operation::ListAudit),
];

/// A way to another page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// What it is called.
    pub(super) title: String,
    /// Where it leads.
    pub(super) href: String,
    /// Whether one is there.
    pub(super) is_current: bool,
}

/// What stands around a page.
pub(super) struct Shell {
    /// What stands around that.
    pub(super) frame: Frame,
    /// Who is signed in.
    pub(super) email: String,
    /// Whose things are shown.
    pub(super) team: String,
    /// Whose could be shown instead; empty where there is nothing to choose.
    pub(super) teams: Vec<Link>,
    /// The parts of the dashboard.
    pub(super) sections: Vec<Link>,
    /// What the form before had to say.
    pub(super) flash: Option<String>,
}

/// A page that concerns a team or the visitor themselves.
pub(super) struct TeamGround {
    /// What stands around it.
    pub(super) shell: Shell,
    /// The team its address names.
    pub(super) named: Option<Slug>,
    /// That team, or the visitor's own.
    pub(super) team: Slug,
    /// What the visitor is to it.
    pub(super) standing: Standing,
}

/// A page of a workspace.
pub(super) struct WorkspaceGround {
    /// What stands around it.
    pub(super) shell: Shell,
    /// The workspace.
    pub(super) workspace: WorkspaceView,
    /// Its pages.
    pub(super) tabs: Vec<Link>,
    /// What the visitor is to its owner.
    pub(super) standing: Standing,
}

/// Whether somebody of this standing may carry out an operation.
pub(super) fn may(standing: Standing, operation: Operation) -> bool {
    match operation.needs() {
        Needs::Nobody | Needs::Nothing => true,
        Needs::Installation => standing.is_operator,
        Needs::Team(power) | Needs::Workspace(power) => standing.permits(power),
    }
}

impl TeamGround {
    /// Whether the visitor may carry out an operation here.
    pub(super) fn may(&self, operation: Operation) -> bool {
        may(self.standing, operation)
    }

    /// Refuses to ask for what the operation would refuse, in the same words.
    pub(super) fn must(&self, visitor: &Visitor, operation: Operation) -> Result<(), Notice> {
        if self.may(operation) { Ok(()) } else { Err(visitor.notice(forbidden())) }
    }

    /// The address of a page for the same team.
    pub(super) fn href(&self, path: &str) -> String {
        self.shell.frame.base.clone() + &with_team(path, self.named.as_ref())
    }
}

impl WorkspaceGround {
    /// Whether the visitor may carry out an operation here.
    pub(super) fn may(&self, operation: Operation) -> bool {
        may(self.standing, operation)
    }

    /// Refuses to ask for what the operation would refuse, in the same words.
    pub(super) fn must(&self, visitor: &Visitor, operation: Operation) -> Result<(), Notice> {
        if self.may(operation) { Ok(()) } else { Err(visitor.notice(forbidden())) }
    }

    /// The address of one of its pages, or of something below it.
    pub(super) fn href(&self, tab: Tab, below: &str) -> String {
        self.shell.frame.base.clone() + &path_in(&self.workspace.slug, tab, below)
    }
}

/// The path of a workspace's page, or of something below it.
pub(super) fn path_in(slug: &Slug, tab: Tab, below: &str) -> String {
    let mut path = format!("/workspaces/{slug}");
    for part in [tab.word(), below].into_iter().filter(|part| !part.is_empty()) {
        path.push('/');
        path.push_str(part);
    }
    path
}

/// A path with the team it is to be shown for.
pub(super) fn with_team(path: &str, team: Option<&Slug>) -> String {
    team.map_or_else(|| path.to_owned(), |team| format!("{path}?team={team}"))
}

impl Visitor {
    /// The ground of a page that concerns the team of its address, or the visitor.
    ///
    /// # Errors
    /// The page of a refusal; a team that one has no part in does not exist.
    pub(super) async fn team_ground(&self, here: Section) -> Result<TeamGround, Notice> {
        let text = self.query.field("team").trim_start_matches('@');
        let named = match text {
            "" => None,
            text => Some(Slug::parse(text).map_err(|_| no_team(text))?),
        };
        let teams = self.teams().await?;
        let own = self.account()?.username.clone();
        let team = named.clone().unwrap_or_else(|| own.clone());
        let standing = self.standing(&teams, &team)?.ok_or_else(|| no_team(text))?;
        let shell = self.shell(here, &teams, named.as_ref(), standing)?;
        Ok(TeamGround { shell, named, team, standing })
    }

    /// The ground of a workspace's page.
    ///
    /// # Errors
    /// The page of a refusal; a workspace that one has no part in does not exist.
    pub(super) async fn workspace_ground(&self, slug: &str, here: Tab) -> Result<WorkspaceGround, Notice> {
        let workspace = self.look::<endpoint::ShowWorkspace>(None, &[slug], Empty {}).await?;
        let is_operator = self.account()?.kind == AccountKind::Operator;
        let standing = Standing { is_operator, role: workspace.role };
        let teams = self.teams().await?;
        let named =
            (!teams.is_empty() || workspace.owner != self.account()?.username).then_some(&workspace.owner);
        let shell = self.shell(Section::Workspaces, &teams, named, standing)?;
        let shown = TABS.iter().filter(|(_, _, operation)| may(standing, *operation));
        let tabs = shown.map(|&(tab, title, _)| Link {
            title: title.to_owned(),
            href: shell.frame.base.clone() + &path_in(&workspace.slug, tab, ""),
            is_current: tab == here,
        });
        let tabs = tabs.collect();
        Ok(WorkspaceGround { shell, workspace, tabs, standing })
    }

    /// What the visitor is to a team; `None` is a stranger.
    ///
    /// # Errors
    /// The page of a failure.
    pub(super) async fn standing_in(&self, team: &Slug) -> Result<Option<Standing>, Notice> {
        self.standing(&self.teams().await?, team)
    }

    /// The account that is signed in.
    ///
    /// # Errors
    /// When nobody is: `dispatch` sends strangers away before.
    pub(super) fn account(&self) -> Result<&aerostack_core::account::Account, Notice> {
        let signed_in = self.signed_in.as_ref().map(|signed_in| &signed_in.caller.account);
        signed_in.ok_or_else(|| self.notice(ApiError::internal("a page was shown to nobody".to_owned())))
    }

    /// The teams the visitor is a member of, with their role.
    async fn teams(&self) -> Result<Vec<(Slug, TeamRole)>, Notice> {
        let id = &self.account()?.id;
        let found = async {
            let mut tx = self.app.store.read().await?;
            store::member::teams_of(&mut tx, id).await
        };
        let found = found.await.map_err(|error| self.notice(error))?;
        Ok(found.into_iter().map(|(team, role)| (team.username, role)).collect())
    }

    fn standing(&self, teams: &[(Slug, TeamRole)], team: &Slug) -> Result<Option<Standing>, Notice> {
        let account = self.account()?;
        let is_operator = account.kind == AccountKind::Operator;
        let role = match account.username == *team {
            true => Some(Role::Owner),
            false => teams.iter().find(|(name, _)| name == team).map(|(_, role)| Role::from(*role)),
        };
        Ok((is_operator || role.is_some()).then_some(Standing { is_operator, role }))
    }

    fn shell(
        &self,
        here: Section,
        teams: &[(Slug, TeamRole)],
        named: Option<&Slug>,
        standing: Standing,
    ) -> Result<Shell, Notice> {
        let (account, frame) = (self.account()?, self.frame());
        let base = &frame.base;
        let sections = Section::ALL.iter().copied().filter(|section| may(standing, section.operation()));
        let sections = sections.map(|section| Link {
            title: section.title().to_owned(),
            href: base.clone() + &with_team(section.path(), named.filter(|_| section.is_of_a_team())),
            is_current: section == here,
        });
        let sections = sections.collect();
        let page = if here.is_of_a_team() { here.path() } else { "/" };
        let choice = |title: String, team: Option<&Slug>| Link {
            title,
            href: base.clone() + &with_team(page, team),
            is_current: team == named,
        };
        let names = teams.iter().map(|(team, _)| choice(format!("@{team}"), Some(team)));
        let own = choice(format!("@{} (you)", account.username), Some(&account.username));
        let all = (page == "/").then(|| choice("All teams".to_owned(), None));
        let teams = match teams.is_empty() {
            true => Vec::new(),
            false => all.into_iter().chain([own]).chain(names).collect(),
        };
        let team = match named {
            None if !teams.is_empty() && page == "/" => "All teams".to_owned(),
            team => format!("@{}", team.unwrap_or(&account.username)),
        };
        Ok(Shell { email: account.email.to_string(), team, teams, sections, flash: self.flash(), frame })
    }
}

fn no_team(name: &str) -> Notice {
    let name = aerostack_core::text::clean_line(name, aerostack_core::text::NAME_MAX_CHARS);
    Notice::new(StatusCode::NOT_FOUND, format!("There is no team '@{name}'"), "")
}
