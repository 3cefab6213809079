//! The addresses under which a workspace exposes its servers' resources.
//!
//! A resource keeps its server's URI. Where an earlier install offers the same one, it is exposed as
//! `aerostack+<slug>:<uri>`, which says whose it is and is taken apart again without a table. A URI that
//! begins like that by itself, as those of another gateway do, is always prefixed, so that taking off
//! one prefix gives back what the server wrote.

use std::collections::HashSet;

/// What a prefixed URI begins with, before the slug.
pub const SCHEME: &str = "aerostack+";

/// One server's URIs, or URI templates: its slug in the workspace and what it lists, in its order.
#[derive(Clone, Copy, Debug)]
pub struct Shelf<'a> {
    /// The install's slug.
    pub slug: &'a str,
    /// The upstream's own URIs.
    pub uris: &'a [&'a str],
}

/// Gives every URI the one it is exposed as.
///
/// *Shape*: one list per shelf, one entry per URI, in the same order; no URI appears twice. `None` is one
/// that its server lists a second time. Shelves stand in install order, so a later install never moves
/// an earlier one's resources.
#[must_use]
pub fn expose(shelves: &[Shelf<'_>]) -> Vec<Vec<Option<String>>> {
    let mut taken: HashSet<&str> = HashSet::new();
    let mut all = Vec::with_capacity(shelves.len());
    for shelf in shelves {
        let mut own: HashSet<&str> = HashSet::new();
        let mut exposed = Vec::with_capacity(shelf.uris.len());
        for &uri in shelf.uris {
            let keeps = !taken.contains(uri) && !uri.starts_with(SCHEME);
            let name = || if keeps { uri.to_owned() } else { prefixed(shelf.slug, uri) };
            exposed.push(own.insert(uri).then(name));
        }
        // Later, so that its own repetitions are not taken for another's.
        taken.extend(own);
        all.push(exposed);
    }
    all
}

/// The URI that leads to `uri` of the install `slug`, whatever others offer.
#[must_use]
pub fn prefixed(slug: &str, uri: &str) -> String {
    format!("{SCHEME}{slug}:{uri}")
}

/// Takes a prefixed URI apart: the slug, and the server's own URI. `None` of any other.
#[must_use]
pub fn split(uri: &str) -> Option<(&str, &str)> {
    uri.strip_prefix(SCHEME)?.split_once(':')
}

/// Tells whether a notice about `uri` concerns who subscribed to `subscribed`: the same, or below it.
#[must_use]
pub fn concerns(uri: &str, subscribed: &str) -> bool {
    match uri.strip_prefix(subscribed) {
        None => false,
        Some(rest) => rest.is_empty() || subscribed.ends_with('/') || rest.starts_with(['/', '#', '?']),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shelves<'a>(list: &'a [(&'a str, &'a [&'a str])]) -> Vec<Shelf<'a>> {
        list.iter().map(|(slug, uris)| Shelf { slug, uris }).collect()
    }

    #[test]
    fn the_first_keeps_its_uri_and_later_ones_say_whose_they_are() {
        let exposed =
            expose(&shelves(&[("a1", &["file:///x", "file:///y"]), ("b1", &["file:///x", "db:z"])]));
        let own = |uri: &str| Some(uri.to_owned());
        assert_eq!(
            exposed,
            [vec![own("file:///x"), own("file:///y")], vec![own("aerostack+b1:file:///x"), own("db:z")]]
        );
    }

    #[test]
    fn what_a_server_lists_twice_is_exposed_once() {
        let exposed = expose(&shelves(&[("a1", &["a:1", "a:1"])]));
        assert_eq!(exposed, [[Some("a:1".to_owned()), None]]);
    }

    #[test]
    fn a_uri_of_another_gateway_is_prefixed_once_more() {
        let exposed = expose(&shelves(&[("gw", &["aerostack+b1:file:///x"])]));
        assert_eq!(exposed, [[Some("aerostack+gw:aerostack+b1:file:///x".to_owned())]]);
        assert_eq!(split("aerostack+gw:aerostack+b1:file:///x"), Some(("gw", "aerostack+b1:file:///x")));
        assert_eq!(split("file:///x"), None);
    }

    #[test]
    fn a_notice_concerns_the_resource_and_what_is_below_it() {
        for (uri, subscribed, expected) in [
            ("a:/x", "a:/x", true),
            ("a:/x/y", "a:/x", true),
            ("a:/x/y", "a:/x/", true),
            ("a:/x?y", "a:/x", true),
            ("a:/xy", "a:/x", false),
            ("a:/", "a:/x", false),
        ] {
            assert_eq!(concerns(uri, subscribed), expected, "{uri} {subscribed}");
        }
    }

    proptest! {
        #[test]
        fn exposed_uris_are_unique_and_lead_back(
            uris in proptest::collection::vec(proptest::collection::vec("(aerostack\\+[ab]{2}:){0,2}[a-c]:[xy]?", 0..6), 1..4),
        ) {
            let borrowed: Vec<Vec<&str>> = uris.iter().map(|u| u.iter().map(String::as_str).collect()).collect();
            let slugs = ["aa", "bb", "cc"];
            let shelves: Vec<Shelf<'_>> =
                borrowed.iter().zip(slugs).map(|(uris, slug)| Shelf { slug, uris }).collect();
            let exposed = expose(&shelves);
            let all: Vec<&String> = exposed.iter().flatten().flatten().collect();
            let distinct: HashSet<&&String> = all.iter().collect();
            prop_assert_eq!(distinct.len(), all.len());
            for (shelf, exposed) in shelves.iter().zip(&exposed) {
                for (uri, exposed) in shelf.uris.iter().zip(exposed) {
                    let Some(exposed) = exposed else { continue };
                    match split(exposed) {
                        Some((slug, own)) => prop_assert_eq!((slug, own), (shelf.slug, *uri)),
                        None => prop_assert_eq!(exposed, uri),
                    }
                }
            }
        }

        #[test]
        fn splitting_undoes_prefixing(uri in ".{0,40}") {
            let prefixed = prefixed("a-b", &uri);
            prop_assert_eq!(split(&prefixed), Some(("a-b", uri.as_str())));
        }
    }
}
