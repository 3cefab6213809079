//! Which page a path names. Pure.
//!
//! A page's own addresses below it (`/workspaces/engineering/tokens/new`) are the page's business: here
//! they are `below`, which the page reads with [`parts`].

use aerostack_core::api::segment;

/// A page. The texts are what strangers typed: they may be links, and are never logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path<'a> {
    /// `/`
    Home,
    /// `/new-workspace`
    NewWorkspace,
    /// `/workspaces/{slug}` and below.
    Workspace {
        /// Which workspace.
        slug: &'a str,
        /// Which of its pages.
        tab: Tab,
        /// What follows, without a slash at its beginning.
        below: &'a str,
    },
    /// `/catalog` and below.
    Catalog(&'a str),
    /// `/skills` and below.
    Skills(&'a str),
    /// `/team` and below.
    Team(&'a str),
    /// `/account` and below.
    Account(&'a str),
    /// `/join/{link}`
    Join(&'a str),
    /// `/sign-in`
    SignIn,
    /// `/sign-in/{link}`
    SignInLink(&'a str),
    /// `/sign-out`
    SignOut,
    /// `/assets/style.css`
    Style,
    /// `/assets/app.js`
    Script,
    /// `/assets/icon.svg`
    Icon,
}

/// A page of a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    /// `/workspaces/{slug}`
    Overview,
    /// `…/tokens`
    Tokens,
    /// `…/servers`
    Servers,
    /// `…/members`
    Members,
    /// `…/secrets`
    Secrets,
    /// `…/analytics`
    Analytics,
    /// `…/audit`
    Audit,
}

impl Tab {
    /// Every page, in the order in which they are shown.
    pub(super) const ALL: [Self; 7] = [
        Self::Overview,
        Self::Tokens,
        Self::Servers,
        Self::Members,
        Self::Secrets,
        Self::Analytics,
        Self::Audit,
    ];

    /// Its segment; empty for the overview, which has none.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Overview => "",
            Self::Tokens => "tokens",
            Self::Servers => "servers",
            Self::Members => "members",
            Self::Secrets => "secrets",
            Self::Analytics => "analytics",
            Self::Audit => "audit",
        }
    }
}

/// Finds the page of a path.
#[must_use]
pub fn path(text: &str) -> Option<Path<'_>> {
    let (first, rest) = match text.strip_prefix('/')?.split_once('/') {
        Some((first, rest)) => (first, Some(rest).filter(|rest| !rest.is_empty())?),
        None => (text.strip_prefix('/')?, ""),
    };
    let link = !rest.contains('/') && !rest.is_empty();
    match (first, rest) {
        ("", "") => Some(Path::Home),
        ("new-workspace", "") => Some(Path::NewWorkspace),
        ("workspaces", below) => workspace(below),
        ("catalog", below) => Some(Path::Catalog(below)),
        ("skills", below) => Some(Path::Skills(below)),
        ("team", below) => Some(Path::Team(below)),
        ("account", below) => Some(Path::Account(below)),
        ("join", text) if link => Some(Path::Join(text)),
        ("sign-in", "") => Some(Path::SignIn),
        ("sign-in", text) if link => Some(Path::SignInLink(text)),
        ("sign-out", "") => Some(Path::SignOut),
        ("assets", "style.css") => Some(Path::Style),
        ("assets", "app.js") => Some(Path::Script),
        ("assets", "icon.svg") => Some(Path::Icon),
        _ => None,
    }
}

fn workspace(text: &str) -> Option<Path<'_>> {
    let (slug, rest) = text.split_once('/').unwrap_or((text, ""));
    let (word, below) = rest.split_once('/').unwrap_or((rest, ""));
    let tab = Tab::ALL.into_iter().find(|tab| *tab != Tab::Overview && tab.word() == word);
    let (tab, below) = tab.map_or((Tab::Overview, rest), |tab| (tab, below));
    (!slug.is_empty()).then_some(Path::Workspace { slug, tab, below })
}

/// The segments below a page, decoded; what is no text is a segment that nothing has.
#[must_use]
pub(super) fn parts(below: &str) -> Vec<String> {
    let segments = below.split('/').filter(|_| !below.is_empty());
    segments.map(|text| segment::decode(text).unwrap_or_default()).collect()
}

impl Path<'_> {
    /// The path as it may be logged.
    #[must_use]
    pub fn template(self) -> String {
        let of =
            |page: &str, below: &str| format!("{page}{}", if below.is_empty() { "" } else { "/{below}" });
        match self {
            Self::Home => "/".to_owned(),
            Self::NewWorkspace => "/new-workspace".to_owned(),
            Self::Workspace { tab: Tab::Overview, below, .. } => of("/workspaces/{slug}", below),
            Self::Workspace { tab, below, .. } => of(&format!("/workspaces/{{slug}}/{}", tab.word()), below),
            Self::Catalog(below) => of("/catalog", below),
            Self::Skills(below) => of("/skills", below),
            Self::Team(below) => of("/team", below),
            Self::Account(below) => of("/account", below),
            Self::Join(_) => "/join/{link}".to_owned(),
            Self::SignIn => "/sign-in".to_owned(),
            Self::SignInLink(_) => "/sign-in/{link}".to_owned(),
            Self::SignOut => "/sign-out".to_owned(),
            Self::Style => "/assets/style.css".to_owned(),
            Self::Script => "/assets/app.js".to_owned(),
            Self::Icon => "/assets/icon.svg".to_owned(),
        }
    }

    /// The methods it takes, as they are answered to another.
    pub(super) const fn methods(self) -> &'static str {
        match self {
            Self::Home | Self::Style | Self::Script | Self::Icon => "GET, HEAD",
            Self::SignOut => "POST",
            _ => "GET, HEAD, POST",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_has_its_path_and_nothing_else_has_one() {
        let of = |tab, below| Some(Path::Workspace { slug: "acme", tab, below });
        for (text, expected) in [
            ("/", Some(Path::Home)),
            ("/new-workspace", Some(Path::NewWorkspace)),
            ("/workspaces/acme", of(Tab::Overview, "")),
            ("/workspaces/acme/settings", of(Tab::Overview, "settings")),
            ("/workspaces/acme/tokens", of(Tab::Tokens, "")),
            ("/workspaces/acme/tokens/tok_1/revoke", of(Tab::Tokens, "tok_1/revoke")),
            ("/workspaces/acme/audit/verify", of(Tab::Audit, "verify")),
            ("/catalog", Some(Path::Catalog(""))),
            ("/skills/acme/deploy", Some(Path::Skills("acme/deploy"))),
            ("/team/invite", Some(Path::Team("invite"))),
            ("/account", Some(Path::Account(""))),
            ("/join/jl_1", Some(Path::Join("jl_1"))),
            ("/sign-in", Some(Path::SignIn)),
            ("/sign-in/sl_1", Some(Path::SignInLink("sl_1"))),
            ("/sign-out", Some(Path::SignOut)),
            ("/assets/app.js", Some(Path::Script)),
            ("/assets/icon.svg", Some(Path::Icon)),
            ("/workspaces", None),
            ("/workspaces/", None),
            ("/workspaces//tokens", None),
            ("/catalog/", None),
            ("/new-workspace/x", None),
            ("/join/", None),
            ("/join", None),
            ("/join/a/b", None),
            ("/sign-in/", None),
            ("/assets/../x", None),
            ("//", None),
            ("", None),
        ] {
            assert_eq!(path(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_logged_of_a_path_holds_nothing_a_stranger_typed() {
        let logged = |text: &str| path(text).map(Path::template);
        let template = "/workspaces/{slug}/tokens/{below}".to_owned();
        assert_eq!(logged("/workspaces/mwt_1/tokens/mwt_1/revoke"), Some(template));
        assert_eq!(logged("/workspaces/mwt_1/mwt_2"), Some("/workspaces/{slug}/{below}".to_owned()));
        assert_eq!(logged("/team/ak_1"), Some("/team/{below}".to_owned()));
    }

    #[test]
    fn segments_are_decoded_one_by_one() {
        assert_eq!(parts("a%2Fb/%C3%A9/%zz"), ["a/b", "é", ""]);
        assert_eq!(parts(""), Vec::<String>::new());
    }
}
