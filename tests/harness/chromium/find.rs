//! How a person finds things on a page, as expressions that the page is asked: by what a link, a button or a
//! label says. Where a dialog is open, nothing behind it is found.

use serde_json::json;

const SCENE: &str = "
  const root = document.querySelector('dialog[open]') ?? document;
  const words = (element) => element.textContent.replace(/\\s+/g, ' ').trim();
  const seen = (element) => element.checkVisibility({ visibilityProperty: true });
";

/// Where one is, and the beginning of what can be read there.
pub(super) const PAGE: &str = "`${location.pathname}: ${document.body.innerText.slice(0, 600)}`";

/// Something to press that says exactly this.
pub(super) fn pressable(said: &str) -> String {
    found("a[href], button, summary", &format!("words(element) === {}", json!(said)))
}

/// The field whose label begins with this.
pub(super) fn field(label: &str) -> String {
    let label = json!(label);
    let found = found("label", &format!("words(element).startsWith({label})"));
    format!("({found})?.control")
}

/// The only element of a kind that passes a test; nothing, where there are none or several.
fn found(selector: &str, test: &str) -> String {
    format!(
        "(() => {{ {SCENE}
          const all = [...root.querySelectorAll({})].filter((element) => seen(element) && {test});
          return all.length === 1 ? all[0] : null; }})()",
        json!(selector)
    )
}

/// Whether something on the page can be read.
pub(super) fn readable(text: &str) -> String {
    format!("document.body?.innerText.replace(/\\s+/g, ' ').includes({})", json!(text))
}

/// The middle of an element that has come to rest in view; nothing, where it is not there.
pub(super) fn middle(element: &str) -> String {
    format!(
        "(() => {{ const element = {element}; if (!element || document.readyState !== 'complete') return null;
          element.scrollIntoView({{ block: 'center', behavior: 'instant' }});
          const box = element.getBoundingClientRect();
          return {{ x: box.x + box.width / 2, y: box.y + box.height / 2 }}; }})()"
    )
}
