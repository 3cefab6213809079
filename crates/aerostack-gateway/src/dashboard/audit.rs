//! `…/audit` of a workspace and `/team/audit`: what was done, by whom; whether the chain holds; and all of
//! it as a sheet.

use aerostack_core::api::audit::{AuditQuery, AuditVerification, AuditView};
use aerostack_core::api::operation::{Operation, endpoint};
use aerostack_core::api::page::{Empty as Nothing, PAGE_MAX, Page};
use aerostack_core::audit::Action;
use aerostack_core::slug::Slug;
use aerostack_core::time::Timestamp;
use askama::Template;
use http::{Response, StatusCode};

use super::form::Form;
use super::frame::{Notice, download, draw};
use super::part::{Choice, Copy, Empty, Field, Moment, Pager};
use super::path::Tab;
use super::problem::{Problem, filled};
use super::sheet;
use super::shell::{Section, Shell, TeamGround, WorkspaceGround};
use super::visitor::{Drawn, Visitor};
use crate::http::body::Body;

/// Most events of one sheet.
const EXPORT_MAX: usize = 10_000;
const COLUMNS: [&str; 6] = ["sequence", "at", "actor", "action", "object", "detail"];

/// Whose log it is.
enum Ground {
    Workspace(WorkspaceGround),
    Team(TeamGround),
}

#[derive(Template)]
#[template(path = "pages/audit.html")]
struct AuditPage<'a> {
    shell: &'a Shell,
    /// Of a workspace's log: which.
    ground: Option<&'a WorkspaceGround>,
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
    let ground = visitor.workspace_ground(slug, Tab::Audit).await?;
    ground.must(visitor, Operation::ListAudit)?;
    Ground::Workspace(ground).show(visitor, below).await
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

    async fn find(&self, visitor: &Visitor, query: AuditQuery) -> Result<Page<AuditView>, Notice> {
        match self {
            Self::Workspace(ground) => {
                let slug = ground.workspace.slug.as_str();
                visitor.look::<endpoint::ListAudit>(None, &[slug], query).await
            }
            Self::Team(ground) => {
                visitor.look::<endpoint::ListTeamAudit>(ground.named.as_ref(), &[], query).await
            }
        }
    }

    fn shell(&self) -> &Shell {
        match self {
            Self::Workspace(ground) => &ground.shell,
            Self::Team(ground) => &ground.shell,
        }
    }

    fn workspace(&self) -> Option<&WorkspaceGround> {
        match self {
            Self::Workspace(ground) => Some(ground),
            Self::Team(_) => None,
        }
    }

    fn href(&self, below: &str) -> String {
        match self {
            Self::Workspace(ground) => ground.href(Tab::Audit, below),
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
                self.find(visitor, AuditQuery { cursor: cursor.map(str::to_owned), ..query }).await?
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
            Self::Team(ground) => ground.named.as_ref().map(Slug::as_str),
            Self::Workspace(_) => None,
        };
        let page = AuditPage {
            shell: self.shell(),
            ground: self.workspace(),
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
        match self.workspace() {
            Some(ground) => empty.command(format!("aerostack workspace audit {}", ground.workspace.slug)),
            None => empty.command("aerostack team audit"),
        }
    }

    async fn verified(&self, visitor: &Visitor) -> Drawn {
        let found = match self {
            Self::Workspace(ground) => {
                let slug = ground.workspace.slug.as_str();
                visitor.look::<endpoint::VerifyAudit>(None, &[slug], Nothing {}).await?
            }
            Self::Team(ground) => {
                visitor.look::<endpoint::VerifyTeamAudit>(ground.named.as_ref(), &[], Nothing {}).await?
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

    /// All events of a filter as a sheet, newest first, as far as one sheet goes.
    async fn export(&self, visitor: &Visitor) -> Drawn {
        let query = read(&visitor.query).map_err(|mut problem| {
            Notice::new(problem.status, "This filter cannot be used", problem.rest().unwrap_or_default())
        })?;
        let mut text = String::new();
        sheet::append(&mut text, &COLUMNS);
        let (mut cursor, mut count) = (None, 0);
        loop {
            let query = AuditQuery { limit: Some(PAGE_MAX), cursor, ..query.clone() };
            let found = self.find(visitor, query).await?;
            count += found.items.len();
            for AuditView { sequence, at, actor, action, object, detail } in found.items {
                let cells = [&sequence.to_string(), &at.to_string(), &actor, action.word(), &object, &detail];
                sheet::append(&mut text, &cells);
            }
            cursor = found.next_cursor;
            if cursor.is_none() || count >= EXPORT_MAX {
                break;
            }
        }
        let name = match self {
            Self::Workspace(ground) => format!("audit-{}.csv", ground.workspace.slug),
            Self::Team(ground) => format!("audit-of-{}.csv", ground.team),
        };
        Ok(csv(&name, text))
    }
}

fn csv(name: &str, text: String) -> Response<Body> {
    download("text/csv; charset=utf-8", name, text)
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
