//! A tab, and what a person does in it: opens addresses, reads, presses, types. What leads to another page is
//! waited for by what that page says.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::notes::Notes;
use super::pipe::Pipe;
use super::{find, keys};
use crate::wire::PATIENCE;

/// Between two looks whether something has come.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How much is seen at once on a desk, in CSS pixels.
const HEIGHT: u32 = 900;
/// Up to here a screen is held in a hand.
const HAND_MAX_WIDTH: u32 = 600;

/// What the reader's system prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// Its word in media queries.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// How pages are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// In which colours.
    pub theme: Theme,
    /// How wide, in CSS pixels.
    pub width: u32,
}

/// A tab with cookies of its own.
pub struct Tab {
    pipe: Pipe,
    session: String,
    origin: String,
    notes: Arc<Notes>,
}

impl Tab {
    pub(super) async fn new(pipe: Pipe, session: &str, origin: &str) -> Self {
        let notes = Arc::new(Notes::new(origin));
        pipe.listens(session, notes.clone());
        let tab = Self { pipe, session: session.to_owned(), origin: origin.to_owned(), notes };
        for domain in ["Page", "Runtime", "Log", "Network", "Audits"] {
            tab.does(&format!("{domain}.enable"), json!({})).await;
        }
        tab.does("Emulation.setFocusEmulationEnabled", json!({ "enabled": true })).await;
        tab.looks(Look { theme: Theme::Light, width: 1_440 }).await;
        tab
    }

    /// Prefers these colours and this width from now on, and nothing that moves.
    pub async fn looks(&self, look: Look) {
        let size = json!({
            "width": look.width, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": look.width <= HAND_MAX_WIDTH
        });
        self.does("Emulation.setDeviceMetricsOverride", size).await;
        let features = json!({ "features": [
            { "name": "prefers-color-scheme", "value": look.theme.word() },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ] });
        self.does("Emulation.setEmulatedMedia", features).await;
    }

    /// Runs no scripts of pages from now on.
    pub async fn runs_no_scripts(&self) {
        self.does("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
    }

    /// Opens a path, or an address, and waits until all of it is there.
    ///
    /// # Panics
    /// When it cannot be reached.
    pub async fn opens(&self, place: &str) {
        let url = if place.starts_with('/') { format!("{}{place}", self.origin) } else { place.to_owned() };
        let opened = self.does("Page.navigate", json!({ "url": url })).await;
        assert_eq!(opened["errorText"], Value::Null, "{url}");
        self.waits_until(place, "document.readyState === 'complete'").await;
    }

    /// Opens a path again and again until something can be read there.
    pub async fn opens_until(&self, path: &str, text: &str) {
        self.patiently(&format!("{path} says {text:?}"), async || {
            self.opens(path).await;
            self.tries(&find::readable(text)).await == Ok(json!(true))
        })
        .await;
    }

    /// Presses a link, a button or a fold that says exactly this, as soon as it is there.
    pub async fn presses(&self, said: &str) {
        let middle = find::middle(&find::pressable(said));
        let mut place = Value::Null;
        self.patiently(&format!("one thing to press says {said:?}"), async || {
            place = self.tries(&middle).await.unwrap_or_default();
            !place.is_null()
        })
        .await;
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            let event =
                json!({ "type": kind, "x": place["x"], "y": place["y"], "button": "left", "clickCount": 1 });
            self.does("Input.dispatchMouseEvent", event).await;
        }
    }

    /// Types into the field with this label, as soon as it is there.
    pub async fn fills(&self, label: &str, text: &str) {
        let focus =
            format!("(() => {{ const field = {}; field?.focus(); return !!field; }})()", find::field(label));
        self.waits_until(&format!("a field {label:?}"), &focus).await;
        self.types(text).await;
    }

    /// Types where one is.
    pub async fn types(&self, text: &str) {
        self.does("Input.insertText", json!({ "text": text })).await;
    }

    /// Strikes a key: `Tab`, `Enter`, `Escape`, `ArrowDown`, `Shift+Tab`.
    pub async fn strikes(&self, key: &str) {
        for event in keys::press(key) {
            self.does("Input.dispatchKeyEvent", event).await;
        }
    }

    /// Waits until something can be read on the page.
    pub async fn reads(&self, text: &str) {
        self.waits_until(&format!("the page says {text:?}"), &find::readable(text)).await;
    }

    /// Waits until an expression holds, on whatever page it is then.
    pub async fn waits_until(&self, what: &str, expression: &str) {
        self.patiently(what, async || self.tries(expression).await == Ok(json!(true))).await;
    }

    /// Looks again and again until something holds; in vain, the page is told.
    async fn patiently(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        let wait = async {
            while !holds().await {
                looks.tick().await;
            }
        };
        if tokio::time::timeout(PATIENCE, wait).await.is_err() {
            let page = self.tries(find::PAGE).await;
            panic!("waited in vain until {what}; complaints {:?}, page {page:?}", self.complaints());
        }
    }

    /// What an expression comes to; promises are waited for.
    ///
    /// # Panics
    /// When it fails.
    pub async fn tells(&self, expression: &str) -> Value {
        self.tries(expression).await.unwrap_or_else(|error| panic!("{expression:.200}: {error}"))
    }

    async fn tries(&self, expression: &str) -> Result<Value, String> {
        let question = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true });
        let mut answer = self.pipe.asks(Some(&self.session), "Runtime.evaluate", question).await?;
        match &answer["exceptionDetails"] {
            Value::Null => Ok(answer["result"]["value"].take()),
            thrown => Err(thrown.to_string()),
        }
    }

    /// The whole page as a picture, PNG in Base64.
    ///
    /// # Panics
    /// When none is taken.
    pub async fn picture(&self) -> String {
        let whole = json!({ "format": "png", "captureBeyondViewport": true, "optimizeForSpeed": true });
        let taken = self.does("Page.captureScreenshot", whole).await;
        taken["data"].as_str().expect("a picture is text").to_owned()
    }

    /// What has happened in this tab since the last time that should not.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        self.notes.take()
    }

    async fn does(&self, method: &str, parameters: Value) -> Value {
        let done = self.pipe.asks(Some(&self.session), method, parameters).await;
        done.unwrap_or_else(|error| panic!("{method}: {error}"))
    }
}
