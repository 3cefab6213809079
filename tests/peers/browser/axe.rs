//! axe-core: what it finds on a page that not everybody can use.

use aerostack_tests::chromium::Tab;
use serde_json::Value;

use crate::program::cache;

/// What is checked: WCAG 2.1 to level AA, and what is good practice beside it.
const RUN: &str =
    "axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'], resultTypes: ['violations'],
    preload: false, iframes: false }).then((found) =>
  found.violations.map((found) => `${found.id}: ${found.help}: ` + found.nodes.map((node) =>
    `${node.target} (${node.any.concat(node.all, node.none).map((check) => check.message).join('; ')})`).join(', ')))";

/// The checker.
pub(super) struct Axe(String);

impl Axe {
    /// Reads it from where it was installed.
    pub(super) fn read() -> Self {
        let file = cache().join("node_modules/axe-core/axe.min.js");
        Self(std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display())))
    }

    /// Brings it into the page that a tab shows, over the browser's own protocol: the page's policy would not
    /// load it.
    pub(super) async fn enters(&self, tab: &Tab) {
        tab.tells(&format!("{};true", self.0)).await;
    }

    /// Everything it finds on a page that it has entered, as that looks now.
    pub(super) async fn finds(&self, tab: &Tab) -> Vec<String> {
        let found = tab.tells(RUN).await;
        let found = found.as_array().expect("a list");
        found.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }
}
