//! `/skills`: one's own skills and those of one's teams, or a search of all one may use. One of them is in
//! `skill_page`.

use aerostack_core::api::operation::endpoint;
use aerostack_core::api::page::PageQuery;
use aerostack_core::api::segment;
use aerostack_core::api::skill::{SearchSkillsQuery, SkillView};
use aerostack_core::skill::Visibility;
use askama::Template;
use http::StatusCode;

use super::form::Form;
use super::frame::{Notice, draw};
use super::part::{Badge, Empty, Moment, Pager};
use super::problem::filled;
use super::shell::{Link, Section, Shell};
use super::visitor::{Drawn, Visitor};
use super::{skill_install, skill_page};

#[derive(Template)]
#[template(path = "pages/skills.html")]
struct SkillsPage<'a> {
    shell: &'a Shell,
    own: String,
    /// What is looked for.
    text: String,
    scopes: [Link; 2],
    rows: Vec<Row>,
    empty: Empty,
    pager: Pager,
}

struct Row {
    href: String,
    reference: String,
    visibility: Badge,
    published: Moment,
    tools: Option<usize>,
    skill: SkillView,
}

/// Shows them, or one of the pages below.
pub(super) async fn show(visitor: &Visitor, below: &[&str]) -> Drawn {
    match below {
        [] => list(visitor).await,
        [owner, name] => skill_page::show(visitor, owner, name).await,
        [owner, name, "install"] => skill_install::ask(visitor, owner, name).await,
        [owner, name, "visibility"] => skill_page::ask_visibility(visitor, owner, name).await,
        _ => Err(Notice::nothing_here()),
    }
}

/// Does what one of the forms says.
pub(super) async fn does(visitor: &Visitor, below: &[&str], form: &Form) -> Drawn {
    match below {
        [owner, name, "install"] => skill_install::install(visitor, owner, name, form).await,
        [owner, name, "visibility"] => skill_page::set_visibility(visitor, owner, name, form).await,
        _ => Err(Notice::nothing_here()),
    }
}

async fn list(visitor: &Visitor) -> Drawn {
    let ground = visitor.team_ground(Section::Skills).await?;
    let text = visitor.query.field("q");
    let is_search = !text.is_empty() || visitor.query.field("in") == "all";
    let cursor = filled(&visitor.query, "cursor").map(str::to_owned);
    let found = if is_search {
        let query = SearchSkillsQuery { query: Some(text.to_owned()), cursor, limit: None };
        visitor.look::<endpoint::SearchSkills>(None, &[], query).await?
    } else {
        let query = PageQuery { cursor, limit: None };
        visitor.look::<endpoint::ListSkills>(None, &[], query).await?
    };
    let (base, now) = (&ground.shell.frame.base, visitor.app.clock.now());
    let own = format!("{base}/skills");
    let all = format!("{own}?in=all");
    let scope = |title: &str, href: &str, is_current| Link {
        title: title.to_owned(),
        href: href.to_owned(),
        is_current,
    };
    let rows = found.items.into_iter().map(|skill| Row {
        href: format!("{own}/{}/{}", skill.owner, skill.name),
        reference: skill.reference(),
        visibility: badge(skill.visibility),
        published: Moment::past(skill.published_at, now),
        tools: Some(skill.tools.len()).filter(|_| skill.backing == "function"),
        skill,
    });
    let address = if is_search { format!("{all}&q={}", segment::encode(text)) } else { own.clone() };
    let page = SkillsPage {
        shell: &ground.shell,
        text: text.to_owned(),
        scopes: [scope("Yours and your teams'", &own, !is_search), scope("All you may use", &all, is_search)],
        rows: rows.collect(),
        empty: nothing(is_search),
        pager: Pager::of(&address, visitor.query.field("cursor"), found.next_cursor.as_deref()),
        own,
    };
    Ok(draw(StatusCode::OK, &page))
}

fn nothing(is_search: bool) -> Empty {
    if is_search {
        return Empty::new("Nothing found", "No skill that you may use has this in its name or description.");
    }
    let text = "A skill is a package of tools, published as @user/name and installed like a server. Make one at the \
                command line:";
    Empty::new("No skills yet", text).command("aerostack skill init\naerostack skill publish --private team")
}

/// Who may use a skill.
pub(super) fn badge(visibility: Visibility) -> Badge {
    match visibility {
        Visibility::Public => Badge::good(visibility.word()),
        Visibility::Team | Visibility::Private => Badge::plain(visibility.word()),
    }
}
