//! Puts what was measured into the documentation.

use std::fs;

use anyhow::{Context, Result};

use crate::paths;

const PAGE: &str = "docs/performance.md";
const CHART: &str = "docs/performance-growth.svg";
/// The chart as the page shows it.
const PICTURE: &str = "![How cost, start and memory grow](performance-growth.svg)";
/// Between these lines the page is written by this program.
const BEGIN: &str = "<!-- growth: written by `cargo xtask bench --growth --write` -->\n";
const END: &str = "<!-- growth: end -->\n";

/// Replaces the page's part about growth, and the chart.
pub(super) fn write(text: &str, chart: &str) -> Result<()> {
    let page = paths::root().join(PAGE);
    let old = fs::read_to_string(&page).with_context(|| format!("cannot read {PAGE}"))?;
    let new = replaced(&old, text).with_context(|| format!("{PAGE} has no place for growth"))?;
    fs::write(page, new)?;
    fs::write(paths::root().join(CHART), chart)?;
    Ok(())
}

/// The page with another text between the two lines.
fn replaced(page: &str, text: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{}\n\n{PICTURE}\n\n{END}{after}", text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_lines_is_replaced() {
        let page = format!("before\n{BEGIN}old\n{END}after\n");
        let expected = format!("before\n{BEGIN}\nnew\n\n{PICTURE}\n\n{END}after\n");
        assert_eq!(replaced(&page, "new\n").unwrap(), expected);
        assert_eq!(replaced("nothing", "new"), None);
    }

    #[test]
    fn the_page_has_a_place_for_it() {
        let page = fs::read_to_string(paths::root().join(PAGE)).unwrap();
        assert!(replaced(&page, "").is_some());
    }
}
