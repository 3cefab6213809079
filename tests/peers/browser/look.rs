//! How every page looks, light and dark, on a phone and on a desk: pictures for people, and what can be
//! checked without them.
//!
//! The pictures are kept as `target/screenshots/<page>-<theme>-<width>.png`.

use std::path::PathBuf;

use aerostack_core::plan::Plan;
use aerostack_tests::chromium::{Look, Tab, Theme};
use aerostack_tests::story::short_story;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::axe::Axe;
use super::desk::Desk;
use super::pages::{EMPTY, INSIDE, OUTSIDE, Page, WORKSPACE};

/// Makes a page wrong in the ways that are looked for; what a request to somebody else is, `notes` tests.
const WRONG: &str = "(() => {
  const picture = new Image(2000, 20);
  picture.onerror = () => { window.refused = true; };
  picture.src = 'http://127.0.0.1:9/picture.png';
  picture.style.display = 'block';
  document.body.append(picture);
  console.warn('wrong');
})()";

const THEMES: [Theme; 2] = [Theme::Light, Theme::Dark];
/// A small phone, and a desk.
const WIDTHS: [u32; 2] = [360, 1_440];

// Two stories, for two cores. What the database is cannot be seen: `dashboard_role` opens every page on both.
#[tokio::test]
#[ignore = "needs what `cargo xtask test` installs"]
async fn every_page_of_a_workspace_is_for_everybody_in_every_look() {
    short_story(async |world| {
        let desk = Desk::set(world).await;
        let filled = desk.filled().await;
        let mut gallery = Gallery::open();
        gallery.looks_at(&desk.tab_of(&desk.owner).await, WORKSPACE, &filled).await;
        gallery.closes();
    })
    .await;
}

#[tokio::test]
#[ignore = "needs what `cargo xtask test` installs"]
async fn every_other_page_is_for_everybody_in_every_look() {
    short_story(async |world| {
        let desk = Desk::set(world).await;
        let filled = desk.filled().await;
        let mut gallery = Gallery::open();
        gallery.looks_at(&desk.stranger().await, OUTSIDE, &filled).await;
        gallery.looks_at(&desk.tab_of(&desk.owner).await, INSIDE, &filled).await;
        let nobody = desk.gateway.somebody("globex", Plan::Pro).await;
        gallery.looks_at(&desk.tab_of(&nobody).await, EMPTY, &[]).await;
        gallery.closes();
    })
    .await;
}

#[tokio::test]
#[ignore = "needs what `cargo xtask test` installs"]
async fn a_page_that_is_wrong_is_noticed() {
    short_story(async |world| {
        let desk = Desk::set(world).await;
        let tab = desk.stranger().await;
        tab.opens("/sign-in").await;
        tab.tells(WRONG).await;
        tab.waits_until("the picture is refused", "window.refused === true").await;
        let mut gallery = Gallery::open();
        gallery.axe.enters(&tab).await;
        let look = Look { theme: Theme::Light, width: 360 };
        tab.looks(look).await;
        gallery.checks(&tab, "wrong", look).await;
        gallery.notes("wrong", tab.complaints());
        let noticed = gallery.problems.join("\n");
        for problem in [
            "wrong: scrolls sideways: it is 2000 wide",
            "wrong: image-alt: ",
            "wrong: console: ",
            "wrong: ContentSecurityPolicyIssue: ",
        ] {
            assert!(noticed.contains(problem), "{problem}: {noticed}");
        }
    })
    .await;
}

/// Pages, one after the other, and what is wrong with them.
struct Gallery {
    axe: Axe,
    folder: PathBuf,
    problems: Vec<String>,
}

impl Gallery {
    fn open() -> Self {
        let own = std::env::current_exe().unwrap();
        let folder = own.ancestors().nth(3).unwrap().join("screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        Self { axe: Axe::read(), folder, problems: Vec::new() }
    }

    async fn looks_at(&mut self, tab: &Tab, pages: &[Page], filled: &[(&str, String)]) {
        for page in pages {
            let place =
                filled.iter().fold(page.place.to_owned(), |place, (name, text)| place.replace(name, text));
            page.is_shown_in(tab, &place).await;
            self.axe.enters(tab).await;
            for theme in THEMES {
                for width in WIDTHS {
                    self.looks(tab, page, Look { theme, width }).await;
                }
            }
            self.notes(page.name, page.surprises(tab.complaints()));
        }
    }

    async fn looks(&mut self, tab: &Tab, page: &Page, look: Look) {
        tab.looks(look).await;
        let name = format!("{}-{}-{}", page.name, look.theme.word(), look.width);
        let picture = STANDARD.decode(tab.picture().await).unwrap();
        std::fs::write(self.folder.join(&name).with_extension("png"), picture).unwrap();
        self.checks(tab, &name, look).await;
    }

    /// What can be checked of a page as it looks now.
    async fn checks(&mut self, tab: &Tab, name: &str, look: Look) {
        let wide = tab.tells("document.documentElement.scrollWidth").await;
        if wide.as_u64() > Some(u64::from(look.width)) {
            self.notes(name, vec![format!("scrolls sideways: it is {wide} wide")]);
        }
        let found = self.axe.finds(tab).await;
        self.notes(name, found);
    }

    fn notes(&mut self, name: &str, problems: Vec<String>) {
        self.problems.extend(problems.into_iter().map(|problem| format!("{name}: {problem}")));
    }

    fn closes(self) {
        assert!(self.problems.is_empty(), "{}", self.problems.join("\n"));
    }
}
