//! Everything by keyboard, and one always sees where one is.

use aerostack_tests::chromium::Tab;
use aerostack_tests::story::story;
use serde_json::json;

use super::desk::Desk;

/// More than any page has to stop at.
const STOPS_MAX: usize = 60;

/// What the thing says that has the focus, and whether that can be seen.
const FOCUS: &str = "(() => {
  const element = document.activeElement;
  const label = element.labels?.[0] ?? element;
  const ring = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  return {
    says: label.textContent.replace(/\\s+/g, ' ').trim().slice(0, 80),
    ringed: element.matches(':focus-visible') && ring.outlineStyle !== 'none' && parseFloat(ring.outlineWidth) >= 2,
    shown: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
  };
})()";

/// Goes on with Tab until something begins with these words.
async fn goes_to(tab: &Tab, words: &str) {
    let mut passed = Vec::new();
    for _ in 0..STOPS_MAX {
        tab.strikes("Tab").await;
        let focus = tab.tells(FOCUS).await;
        let says = focus["says"].as_str().unwrap_or_default().to_owned();
        assert_eq!(
            (&focus["ringed"], &focus["shown"]),
            (&json!(true), &json!(true)),
            "the focus is not seen: {says:?}"
        );
        if says.starts_with(words) {
            return;
        }
        passed.push(says);
    }
    panic!("{words:?} is not reached by Tab, but {passed:?}");
}

#[tokio::test]
#[ignore = "needs what `cargo xtask test` installs"]
async fn signing_in_and_making_a_token_take_no_mouse() {
    story(async |world| {
        let desk = Desk::set(world).await;
        let tab = desk.stranger().await;
        tab.opens("/sign-in").await;
        goes_to(&tab, "Account key").await;
        tab.types(&desk.owner.key).await;
        tab.strikes("Enter").await;
        tab.reads("New workspace").await;
        goes_to(&tab, "Engineering").await;
        tab.strikes("Enter").await;
        tab.reads("Gateway URL").await;
        // The first stop of a page leads past everything that all pages have.
        tab.strikes("Tab").await;
        assert_eq!(tab.tells(FOCUS).await["says"], "Skip to the page");
        goes_to(&tab, "Tokens").await;
        tab.strikes("Enter").await;
        tab.reads("No tokens yet").await;

        let opens = async || {
            goes_to(&tab, "New token").await;
            tab.strikes("Enter").await;
            tab.waits_until("the dialog asks for a name", "document.activeElement.name === 'name'").await;
        };
        opens().await;
        tab.strikes("Escape").await;
        let is_back =
            "!document.querySelector('dialog') && document.activeElement.textContent === 'New token'";
        tab.waits_until("the dialog is closed, and one is where one was", is_back).await;
        tab.strikes("Shift+Tab").await;
        opens().await;
        assert_eq!(tab.tells(FOCUS).await["ringed"], true);
        tab.types("Alice Chen").await;
        goes_to(&tab, "Expires").await;
        tab.strikes("ArrowDown").await;
        goes_to(&tab, "Create token").await;
        tab.strikes("Enter").await;
        tab.reads("Save it now").await;
        goes_to(&tab, "Copy token").await;
        tab.strikes("Enter").await;
        tab.reads("Copied").await;
        goes_to(&tab, "I have saved it").await;
        tab.strikes("Enter").await;
        tab.reads("1 of 100 tokens used").await;
        assert_eq!(tab.complaints(), [""; 0]);
    })
    .await;
}
