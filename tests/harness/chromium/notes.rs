//! What happens in a tab that a person would not see, and that should not happen: errors and warnings of the
//! console, reports of the content security policy, requests to anybody else.

use std::sync::Mutex;

use serde_json::Value;

/// What was noted, in order.
pub(super) struct Notes {
    origin: String,
    complaints: Mutex<Vec<String>>,
}

impl Notes {
    /// Nothing yet; only `origin` may be asked.
    pub(super) fn new(origin: &str) -> Self {
        Self { origin: origin.to_owned(), complaints: Mutex::new(Vec::new()) }
    }

    /// Hears of an event.
    pub(super) fn hears(&self, method: &str, params: &Value) {
        if let Some(complaint) = self.complaint(method, params) {
            self.complaints.lock().expect("nobody panics holding it").push(complaint);
        }
    }

    /// Everything noted since the last time.
    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.complaints.lock().expect("nobody panics holding it"))
    }

    fn complaint(&self, method: &str, params: &Value) -> Option<String> {
        match method {
            "Runtime.consoleAPICalled" => {
                let is_bad = matches!(params["type"].as_str(), Some("error" | "warning" | "assert"));
                is_bad.then(|| format!("console: {}", params["args"]))
            }
            "Runtime.exceptionThrown" => Some(format!("exception: {}", params["exceptionDetails"])),
            "Log.entryAdded" => {
                let entry = &params["entry"];
                let is_bad = matches!(entry["level"].as_str(), Some("error" | "warning"));
                is_bad.then(|| {
                    format!("{}: {} ({})", word(&entry["source"]), word(&entry["text"]), word(&entry["url"]))
                })
            }
            "Audits.issueAdded" => {
                let issue = &params["issue"];
                Some(format!("{}: {}", word(&issue["code"]), issue["details"]))
            }
            "Network.requestWillBeSent" => {
                let url = word(&params["request"]["url"]);
                let rest = url.strip_prefix(&self.origin);
                let is_ours = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
                // What the browser draws its own date fields with comes from nowhere.
                (!is_ours && !url.starts_with("data:")).then(|| format!("a request to {url}"))
            }
            _ => None,
        }
    }
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_should_not_happen_is_noted_and_nothing_else() {
        let notes = Notes::new("http://127.0.0.1:1");
        let request = |url: &str| json!({ "request": { "url": url } });
        notes.hears("Network.requestWillBeSent", &request("http://127.0.0.1:1/assets/app.js"));
        notes.hears("Network.requestWillBeSent", &request("data:image/svg+xml;base64,AA=="));
        notes.hears("Runtime.consoleAPICalled", &json!({ "type": "log", "args": [] }));
        notes.hears("Log.entryAdded", &json!({ "entry": { "level": "verbose" } }));
        assert_eq!(notes.take(), Vec::<String>::new());
        notes.hears("Network.requestWillBeSent", &request("http://127.0.0.1:12/"));
        notes.hears("Runtime.consoleAPICalled", &json!({ "type": "error", "args": ["no"] }));
        notes.hears(
            "Audits.issueAdded",
            &json!({ "issue": { "code": "ContentSecurityPolicyIssue", "details": 1 } }),
        );
        let expected =
            ["a request to http://127.0.0.1:12/", "console: [\"no\"]", "ContentSecurityPolicyIssue: 1"];
        assert_eq!(notes.take(), expected);
        assert_eq!(notes.take(), Vec::<String>::new());
    }
}
