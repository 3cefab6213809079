//! Which page a path names. Pure.

/// A page. The texts are what strangers typed: they may be links, and are never logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path<'a> {
    /// `/`
    Home,
    /// `/join/{link}`
    Join(&'a str),
    /// `/sign-in`
    SignIn,
    /// `/sign-in/{link}`
    SignInLink(&'a str),
    /// `/sign-out`
    SignOut,
    /// `/assets/style.css`
    StyleSheet,
}

/// Finds the page of a path.
#[must_use]
pub fn path(text: &str) -> Option<Path<'_>> {
    let end = |rest: &'_ str| !rest.is_empty() && !rest.contains('/');
    match text {
        "/" => Some(Path::Home),
        "/sign-in" => Some(Path::SignIn),
        "/sign-out" => Some(Path::SignOut),
        "/assets/style.css" => Some(Path::StyleSheet),
        _ => text
            .strip_prefix("/join/")
            .filter(|rest| end(rest))
            .map(Path::Join)
            .or_else(|| text.strip_prefix("/sign-in/").filter(|rest| end(rest)).map(Path::SignInLink)),
    }
}

impl Path<'_> {
    /// The path as it may be logged.
    #[must_use]
    pub const fn template(self) -> &'static str {
        match self {
            Self::Home => "/",
            Self::Join(_) => "/join/{link}",
            Self::SignIn => "/sign-in",
            Self::SignInLink(_) => "/sign-in/{link}",
            Self::SignOut => "/sign-out",
            Self::StyleSheet => "/assets/style.css",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_has_its_path_and_nothing_else_has_one() {
        for (text, expected) in [
            ("/", Some(Path::Home)),
            ("/join/jl_1", Some(Path::Join("jl_1"))),
            ("/sign-in", Some(Path::SignIn)),
            ("/sign-in/sl_1", Some(Path::SignInLink("sl_1"))),
            ("/sign-out", Some(Path::SignOut)),
            ("/join/", None),
            ("/join/a/b", None),
            ("/sign-in/", None),
            ("/assets/../x", None),
            ("", None),
        ] {
            assert_eq!(path(text), expected, "{text}");
        }
    }
}
