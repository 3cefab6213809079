//! The names under which a workspace exposes its tools.
//!
//! Models' interfaces take `[A-Za-z0-9_-]`, at most 64 characters. A tool is exposed as
//! `<slug>__<tool>`; other characters are replaced, over-long names cut with a hash, and collisions
//! numbered in install order. An exposed name is looked up in a map and never taken apart again.

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};

use crate::workspace::ToolPrefix;

/// Most characters of an exposed name.
pub const EXPOSED_MAX_LEN: usize = 64;
/// What stands between slug and tool.
pub const SEPARATOR: &str = "__";
const HASH_LEN: usize = 8;

/// One server's tools: its slug in the workspace and the upstream's own names, in the upstream's order.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// The install's slug.
    pub slug: &'a str,
    /// The upstream's own tool names.
    pub tools: &'a [&'a str],
}

/// Gives every tool its exposed name.
///
/// *Shape*: one list per offer, one name per tool, in the same order; no name appears twice. Offers
/// stand in install order, so a later install never renames the tools of an earlier one, except
/// that in mode *on-collision* it makes equal names prefixed.
#[must_use]
pub fn expose(mode: ToolPrefix, offers: &[Offer<'_>]) -> Vec<Vec<String>> {
    let shared = match mode {
        ToolPrefix::OnCollision => shared_names(offers),
        ToolPrefix::Always | ToolPrefix::Never => HashSet::new(),
    };
    let mut taken: HashSet<String> = HashSet::new();
    let mut name_offer = |offer: &Offer<'_>| -> Vec<String> {
        offer
            .tools
            .iter()
            .map(|tool| {
                let prefixed = match mode {
                    ToolPrefix::Always => true,
                    ToolPrefix::Never => false,
                    ToolPrefix::OnCollision => shared.contains(*tool),
                };
                let full =
                    if prefixed { format!("{}{SEPARATOR}{tool}", offer.slug) } else { (*tool).to_owned() };
                let name = unique(fit(&full, EXPOSED_MAX_LEN), &taken);
                taken.insert(name.clone());
                name
            })
            .collect()
    };
    offers.iter().map(&mut name_offer).collect()
}

/// Names that more than one offer has.
fn shared_names<'a>(offers: &[Offer<'a>]) -> HashSet<&'a str> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for offer in offers {
        let own: HashSet<&str> = offer.tools.iter().copied().collect();
        for tool in own {
            *seen.entry(tool).or_default() += 1;
        }
    }
    seen.into_iter().filter(|(_, count)| *count > 1).map(|(tool, _)| tool).collect()
}

/// Replaces what models' interfaces refuse, and cuts what is too long with a hash of the whole.
fn fit(full: &str, max_len: usize) -> String {
    let replaced: String = full
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' })
        .collect();
    if replaced.is_empty() {
        return "_".to_owned();
    }
    if replaced.len() <= max_len {
        return replaced;
    }
    let hash = Sha256::digest(full.as_bytes());
    let hash: String = hash.iter().take(HASH_LEN / 2).map(|byte| format!("{byte:02x}")).collect();
    format!("{}_{hash}", &replaced[..max_len - HASH_LEN - 1])
}

fn unique(name: String, taken: &HashSet<String>) -> String {
    if !taken.contains(&name) {
        return name;
    }
    (2u32..)
        .map(|number| {
            let suffix = format!("_{number}");
            let stem = &name[..name.len().min(EXPOSED_MAX_LEN - suffix.len())];
            format!("{stem}{suffix}")
        })
        .find(|candidate| !taken.contains(candidate))
        .expect("a set of finitely many names leaves a number free")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn offers<'a>(list: &'a [(&'a str, &'a [&'a str])]) -> Vec<Offer<'a>> {
        list.iter().map(|(slug, tools)| Offer { slug, tools }).collect()
    }

    #[test]
    fn tools_carry_their_servers_slug_and_odd_characters_are_replaced() {
        let named = expose(ToolPrefix::Always, &offers(&[("github", &["search", "repo/get.file"])]));
        assert_eq!(named, [["github__search", "github__repo_get_file"]]);
    }

    #[test]
    fn collisions_are_numbered_in_install_order() {
        let named = expose(ToolPrefix::Always, &offers(&[("a1", &["x.y", "x/y", "x_y"])]));
        assert_eq!(named, [["a1__x_y", "a1__x_y_2", "a1__x_y_3"]]);
        let named = expose(ToolPrefix::Never, &offers(&[("a1", &["run"]), ("b1", &["run"])]));
        assert_eq!(named, [["run"], ["run_2"]]);
    }

    #[test]
    fn on_collision_prefixes_only_what_two_servers_share() {
        let named = expose(ToolPrefix::OnCollision, &offers(&[("a1", &["run", "stop"]), ("b1", &["run"])]));
        assert_eq!(named, [vec!["a1__run", "stop"], vec!["b1__run"]]);
    }

    #[test]
    fn long_names_are_cut_with_a_hash_that_keeps_them_apart() {
        let (first, second) = ("x".repeat(80), format!("{}y", "x".repeat(79)));
        let named = expose(ToolPrefix::Always, &offers(&[("srv", &[&first, &second])]));
        assert_eq!(named[0][0].len(), EXPOSED_MAX_LEN);
        assert_ne!(named[0][0], named[0][1]);
    }

    proptest! {
        #[test]
        fn exposed_names_are_unique_and_fit_models_interfaces(
            tools in proptest::collection::vec(proptest::collection::vec(".{0,90}", 0..6), 1..4),
            mode in prop_oneof![Just(ToolPrefix::Always), Just(ToolPrefix::Never), Just(ToolPrefix::OnCollision)],
        ) {
            let borrowed: Vec<Vec<&str>> = tools.iter().map(|t| t.iter().map(String::as_str).collect()).collect();
            let slugs = ["aa", "bb", "cc"];
            let offers: Vec<Offer<'_>> =
                borrowed.iter().zip(slugs).map(|(tools, slug)| Offer { slug, tools }).collect();
            let named = expose(mode, &offers);
            let all: Vec<&String> = named.iter().flatten().collect();
            let distinct: HashSet<&&String> = all.iter().collect();
            prop_assert_eq!(distinct.len(), all.len());
            for name in all {
                prop_assert!(!name.is_empty() && name.len() <= EXPOSED_MAX_LEN);
                prop_assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'));
            }
        }
    }
}
