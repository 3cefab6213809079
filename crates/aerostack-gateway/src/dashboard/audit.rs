//! `…/audit` of a workspace and `/team/audit`: what was done, by whom; whether the chain holds; and all of
//! it as a sheet. The log of a deleted workspace stays where it was.

use std::sync::Arc;

use aerostack_core::api::audit::{AuditQuery, AuditVerification, AuditView};
use aerostack_core::api::operation::{Operation, endpoint};
use aerostack_core::api::page::{Empty as Nothing, Page};
use aerostack_core::audit::Action;
use aerostack_core::slug::Slug;
use aerostack_core::time::Timestamp;
use askama::Template;
use http::StatusCode;

use super::audit_export::{Log, Of};
use super::form::Form;
use super::frame::{Notice, download, draw};
use super::part::{Choice, Copy, Empty, Field, Moment, Pager};
use super::path::Tab;
use super::problem::{Problem, filled};
use super::shell::{Section, Shell, TeamGround, WorkspaceGround, path_in};
use super::visitor::{Drawn, Visitor};

/// Whose log it is.
enum Ground {
    Workspace(WorkspaceGround),
    /// Of a workspace that is deleted.
    Gone(TeamGround, Slug),
    Team(TeamGround),
}

#[derive(Template)]
#[template(path = "pages/audit.html")]
struct AuditPage<'a> {
    shell: &'a Shell,
    /// Of a workspace's log: which.
    ground: Option<&'a WorkspaceGround>,
    /// Which, of one that is deleted.
    gone: Option<&'a Slug>,
    own: String,
    team: Option<&'a str>,
    since: Field,
    until: Field,
    actor: Field,
    action: Choice,
    rows: Vec<Row>,
    empty: Empty,
    pager: Pager,
    verify: String,
    export: String,
}

struct Row {
    event: AuditView,
    at: Moment,
}

#[derive(Template)]
#[template(path = "pages/audit_verified.html")]
struct VerifiedPage<'a> {
    shell: &'a Shell,
    ground: Option<&'a WorkspaceGround>,
    found: &'a AuditVerification,
    head: Copy,
    back: String,
}

/// Shows a workspace's log.
pub(super) async fn show(visitor: &Visitor, slug: &str, below: &[&str]) -> Drawn {
    let ground = match visitor.workspace_ground(slug, Tab::Audit).await {
        Ok(ground) => {
            ground.must(visitor, Operation::ListAudit)?;
            Ground::Workspace(ground)
        }
        Err(notice) if notice.status == StatusCode::NOT_FOUND => gone(visitor, slug, notice).await?,
        Err(notice) => return Err(notice),
    };
    ground.show(visitor, below).await
}

/// The ground of a deleted workspace's log, which the operation still shows to whom it showed it before.
async fn gone(visitor: &Visitor, slug: &str, notice: Notice) -> Result<Ground, Notice> {
    let Ok(slug) = Slug::parse(slug) else { return Err(notice) };
    let query = AuditQuery { limit: Some(1), ..AuditQuery::default() };
    visitor.look::<endpoint::ListAudit>(None, &[slug.as_str()], query).await?;
    Ok(Ground::Gone(visitor.team_ground(Section::Workspaces).await?, slug))
}

/// Shows a team's log of what belongs to no workspace.
pub(super) async fn show_of_team(visitor: &Visitor, below: &[&str]) -> Drawn {
    let ground = visitor.team_ground(Section::Team).await?;
    ground.must(visitor, Operation::ListTeamAudit)?;
    Ground::Team(ground).show(visitor, below).await
}

impl Ground {
    async fn show(&self, visitor: &Visitor, below: &[&str]) -> Drawn {
        match below {
            [] => self.list(visitor).await,
            ["verify"] => self.verified(visitor).await,
            ["export"] => self.export(visitor).await,
            _ => Err(Notice::nothing_here()),
        }
    }

    fn log(&self, visitor: &Visitor) -> Result<Log, Notice> {
        let of = match self {
            Self::Workspace(ground) => Of::Workspace(ground.workspace.slug.clone()),
            Self::Gone(_, slug) => Of::Workspace(slug.clone()),
            Self::Team(ground) => Of::Team(ground.named.clone()),
        };
        let caller = visitor.caller().map_err(|error| visitor.notice(error))?.clone();
        Ok(Log { app: Arc::clone(&visitor.app), caller, of })
    }

    fn shell(&self) -> &Shell {
        match self {
            Self::Workspace(ground) => &ground.shell,
            Self::Gone(ground, _) | Self::Team(ground) => &ground.shell,
        }
    }

    fn workspace(&self) -> Option<&WorkspaceGround> {
        match self {
            Self::Workspace(ground) => Some(ground),
            Self::Gone(..) | Self::Team(_) => None,
        }
    }

    fn gone(&self) -> Option<&Slug> {
        match self {
            Self::Gone(_, slug) => Some(slug),
            Self::Workspace(_) | Self::Team(_) => None,
        }
    }

    fn href(&self, below: &str) -> String {
        match self {
            Self::Workspace(ground) => ground.href(Tab::Audit, below),
            Self::Gone(ground, slug) => ground.href(&path_in(slug, Tab::Audit, below)),
            Self::Team(ground) if below.is_empty() => ground.href("/team/audit"),
            Self::Team(ground) => ground.href(&format!("/team/audit/{below}")),
        }
    }

    async fn list(&self, visitor: &Visitor) -> Drawn {
        let typed = &visitor.query;
        let (query, mut problem) = match read(typed) {
            Ok(query) => (query, Problem::none()),
            Err(problem) => (AuditQuery { limit: Some(1), ..AuditQuery::default() }, problem),
        };
        let cursor = filled(typed, "cursor");
        let found = match problem.status {
            StatusCode::OK => {
                let query = AuditQuery { cursor: cursor.map(str::to_owned), ..query };
                let found = self.log(visitor)?.page(query).await;
                found.map_err(|error| visitor.notice(error))?
            }
            _ => Page { items: Vec::new(), next_cursor: None },
        };
        let (own, filter) = (self.href(""), filter_of(typed));
        let actions =
            [("", "Every action")].into_iter().chain(Action::ALL.iter().map(|of| (of.word(), of.word())));
        let with_filter = |address: &str| match filter.as_str() {
            "" => address.to_owned(),
            filter => format!("{address}{}{filter}", if address.contains('?') { '&' } else { '?' }),
        };
        let team = match self {
            Self::Gone(ground, _) | Self::Team(ground) => ground.named.as_ref().map(Slug::as_str),
            Self::Workspace(_) => None,
        };
        let page = AuditPage {
            shell: self.shell(),
            ground: self.workspace(),
            gone: self.gone(),
            team,
            since: Field::text("since", "From")
                .kind("date")
                .value(typed.field("since"))
                .problem(problem.take("since")),
            until: Field::text("until", "Before")
                .kind("date")
                .value(typed.field("until"))
                .problem(problem.take("until")),
            actor: Field::text("actor", "Who").value(typed.field("actor")).placeholder("admin@co.com"),
            action: Choice::of("action", "Action", actions, typed.field("action"))
                .problem(problem.take("action")),
            rows: found.items.into_iter().map(|event| Row { at: Moment::exact(event.at), event }).collect(),
            empty: self.nothing(),
            pager: Pager::of(&with_filter(&own), cursor.unwrap_or_default(), found.next_cursor.as_deref()),
            verify: self.href("verify"),
            export: with_filter(&self.href("export")),
            own,
        };
        Ok(draw(problem.status, &page))
    }

    fn nothing(&self) -> Empty {
        let empty = Empty::new("No such events", "Nothing that was done fits this filter.");
        match self {
            Self::Workspace(ground) => {
                empty.command(format!("aerostack workspace audit {}", ground.workspace.slug))
            }
            Self::Gone(_, slug) => empty.command(format!("aerostack workspace audit {slug}")),
            Self::Team(_) => empty.command("aerostack team audit"),
        }
    }

    async fn verified(&self, visitor: &Visitor) -> Drawn {
        let found = match self.log(visitor)?.of {
            Of::Workspace(slug) => {
                visitor.look::<endpoint::VerifyAudit>(None, &[slug.as_str()], Nothing {}).await?
            }
            Of::Team(team) => {
                visitor.look::<endpoint::VerifyTeamAudit>(team.as_ref(), &[], Nothing {}).await?
            }
        };
        let page = VerifiedPage {
            shell: self.shell(),
            ground: self.workspace(),
            head: Copy::of("head", "head", &found.head),
            found: &found,
            back: self.href(""),
        };
        Ok(draw(StatusCode::OK, &page))
    }

    /// All events of a filter as a sheet.
    async fn export(&self, visitor: &Visitor) -> Drawn {
        let query = read(&visitor.query).map_err(|mut problem| {
            Notice::new(problem.status, "This filter cannot be used", problem.rest().unwrap_or_default())
        })?;
        let name = match self {
            Self::Workspace(ground) => format!("audit-{}.csv", ground.workspace.slug),
            Self::Gone(_, slug) => format!("audit-{slug}.csv"),
            Self::Team(ground) => format!("audit-of-{}.csv", ground.team),
        };
        let sheet = self.log(visitor)?.sheet(query).await.map_err(|error| visitor.notice(error))?;
        Ok(download(sheet, &name))
    }
}

fn read(typed: &Form) -> Result<AuditQuery, Problem> {
    let moment = |name: &'static str| match filled(typed, name) {
        None => Ok(None),
        Some(text) => {
            Timestamp::parse(text).map(Some).ok_or_else(|| Problem::with(name, "expected a date: 2026-03-17"))
        }
    };
    let action = filled(typed, "action");
    let known = action.map(|word| Action::ALL.iter().copied().find(|of| of.word() == word));
    Ok(AuditQuery {
        since: moment("since")?,
        until: moment("until")?,
        actor: filled(typed, "actor").map(str::to_owned),
        action: known
            .map(|of| of.ok_or_else(|| Problem::with("action", "there is no such action")))
            .transpose()?,
        limit: None,
        cursor: None,
    })
}

/// The filter as it stands in an address.
fn filter_of(typed: &Form) -> String {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    for name in ["since", "until", "actor", "action"] {
        if let Some(text) = filled(typed, name) {
            pairs.append_pair(name, text);
        }
    }
    pairs.finish()
}
