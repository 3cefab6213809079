//! Keys, as the protocol wants them.

use serde_json::{Value, json};

/// The two events of a key that is pressed once: `Tab`, `Enter`, `Escape`, `ArrowDown`, with `Shift+` before it.
///
/// # Panics
/// When the key is none of them.
pub(super) fn press(key: &str) -> [Value; 2] {
    let (modifiers, key) = key.strip_prefix("Shift+").map_or((0, key), |key| (8, key));
    let (code, text) = match key {
        "Tab" => (9, None),
        "Enter" => (13, Some("\r")),
        "Escape" => (27, None),
        "ArrowDown" => (40, None),
        other => panic!("no such key: {other}"),
    };
    ["rawKeyDown", "keyUp"].map(|kind| {
        let mut event = json!({
            "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": modifiers
        });
        if let (Some(text), "rawKeyDown") = (text, kind) {
            // A key that writes something is announced as one that does.
            event["type"] = json!("keyDown");
            event["text"] = json!(text);
        }
        event
    })
}
