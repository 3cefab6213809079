//! What a client declares that a server may ask it for, as bits: they travel in a session id.
//!
//! Source: MCP 2025-11-25 and 2026-07-28, "Capabilities". What cannot be read is not declared.

use serde_json::{Value, json};

/// What a client can be asked for during a request of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ClientCapabilities(u8);

/// Each capability, in the order of its bit.
const SAMPLING: u8 = 1;
const SAMPLING_TOOLS: u8 = 1 << 1;
const SAMPLING_CONTEXT: u8 = 1 << 2;
const FORMS: u8 = 1 << 3;
const URLS: u8 = 1 << 4;
const ROOTS: u8 = 1 << 5;
const ROOTS_CHANGE: u8 = 1 << 6;
const ALL: u8 = (1 << 7) - 1;

/// What a question of a server asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It may be asked.
    Met,
    /// The client has no such method.
    NoSuchMethod,
    /// It has, but not in this way.
    NotInThisWay,
}

impl ClientCapabilities {
    /// Reads `capabilities` of `initialize`, or `clientCapabilities` of `_meta`.
    #[must_use]
    pub fn read(declared: &Value) -> Self {
        let has = |value: &Value, key: &str| value.get(key).is_some_and(|value| !value.is_null());
        let object = |key: &str| declared.get(key).filter(|value| value.is_object());
        let mut bits = 0;
        let mut add = |bit: u8, is_declared: bool| bits |= if is_declared { bit } else { 0 };
        if let Some(sampling) = object("sampling") {
            add(SAMPLING, true);
            add(SAMPLING_TOOLS, has(sampling, "tools"));
            add(SAMPLING_CONTEXT, has(sampling, "context"));
        }
        if let Some(elicitation) = object("elicitation") {
            // Before there were modes, there were forms.
            add(FORMS, has(elicitation, "form") || !has(elicitation, "url"));
            add(URLS, has(elicitation, "url"));
        }
        if let Some(roots) = object("roots") {
            add(ROOTS, true);
            add(ROOTS_CHANGE, roots.get("listChanged") == Some(&Value::Bool(true)));
        }
        Self(bits)
    }

    /// The bits, at most seven.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Reads bits; unknown ones are not declared.
    #[must_use]
    pub const fn of_bits(bits: u8) -> Self {
        Self(bits & ALL)
    }

    /// Whether it can be asked for anything.
    #[must_use]
    pub const fn any(self) -> bool {
        self.0 != 0
    }

    /// Whether it tells when its roots change.
    #[must_use]
    pub const fn tells_of_roots(self) -> bool {
        self.has(ROOTS_CHANGE)
    }

    const fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }

    /// Whether a server may ask this of the client.
    #[must_use]
    pub fn need(self, method: &str, params: &Value) -> Need {
        let in_this_way = |is_declared: bool| if is_declared { Need::Met } else { Need::NotInThisWay };
        match method {
            "sampling/createMessage" if self.has(SAMPLING) => {
                in_this_way(self.has(SAMPLING_TOOLS) || params.get("tools").is_none_or(Value::is_null))
            }
            "elicitation/create" if self.has(FORMS | URLS) => {
                let is_url = params.get("mode").and_then(Value::as_str) == Some("url");
                in_this_way(self.has(if is_url { URLS } else { FORMS }))
            }
            "roots/list" if self.has(ROOTS) => Need::Met,
            _ => Need::NoSuchMethod,
        }
    }

    /// The same as it is declared to a server.
    #[must_use]
    pub fn declared(self) -> Value {
        let mut declared = json!({});
        let mut sub = |name: &str, parts: &[(&str, u8)], of: u8| {
            if self.has(of) {
                let present = parts.iter().filter(|(_, bit)| self.has(*bit));
                declared[name] = present.map(|(key, _)| ((*key).to_owned(), json!({}))).collect();
            }
        };
        sub("sampling", &[("tools", SAMPLING_TOOLS), ("context", SAMPLING_CONTEXT)], SAMPLING);
        // Forms alone are declared as before there were modes: every server understands that.
        let modes = [("form", FORMS), ("url", URLS)];
        sub("elicitation", if self.has(URLS) { &modes } else { &[] }, FORMS | URLS);
        sub("roots", &[], ROOTS);
        if self.tells_of_roots() {
            declared["roots"] = json!({ "listChanged": true });
        }
        declared
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_declared_again_and_nothing_else() {
        for declared in [
            json!({}),
            json!({ "sampling": {} }),
            json!({ "sampling": { "tools": {}, "context": {} } }),
            json!({ "elicitation": {} }),
            json!({ "elicitation": { "url": {} } }),
            json!({ "elicitation": { "form": {}, "url": {} } }),
            json!({ "roots": {} }),
            json!({ "roots": { "listChanged": true }, "sampling": {}, "elicitation": {} }),
        ] {
            let read = ClientCapabilities::read(&declared);
            assert_eq!(read.declared(), declared);
            assert_eq!(ClientCapabilities::of_bits(read.bits()), read);
            assert_eq!(read.any(), declared != json!({}));
        }
        let odd = json!({ "sampling": true, "elicitation": null, "roots": [], "experimental": { "x": {} } });
        assert_eq!(ClientCapabilities::read(&odd), ClientCapabilities::default());
        let form = ClientCapabilities::read(&json!({ "elicitation": { "form": {} } }));
        assert_eq!(form.declared(), json!({ "elicitation": {} }), "forms alone, as ever");
        assert_eq!(ClientCapabilities::of_bits(u8::MAX).bits(), ALL);
    }

    #[test]
    fn a_client_is_asked_only_for_what_it_declared_and_in_the_way_it_did() {
        let need = |declared: Value, method: &str, params: Value| {
            ClientCapabilities::read(&declared).need(method, &params)
        };
        let (forms, urls) = (json!({ "elicitation": {} }), json!({ "elicitation": { "url": {} } }));
        let url = || json!({ "mode": "url" });
        assert_eq!(need(forms.clone(), "elicitation/create", json!({})), Need::Met);
        assert_eq!(need(forms.clone(), "elicitation/create", json!({ "mode": "form" })), Need::Met);
        assert_eq!(need(forms.clone(), "elicitation/create", url()), Need::NotInThisWay);
        assert_eq!(need(urls.clone(), "elicitation/create", url()), Need::Met);
        assert_eq!(need(urls, "elicitation/create", json!({})), Need::NotInThisWay);
        assert_eq!(need(forms.clone(), "sampling/createMessage", json!({})), Need::NoSuchMethod);
        assert_eq!(need(forms, "roots/list", Value::Null), Need::NoSuchMethod);
        let sampling = || json!({ "sampling": {} });
        assert_eq!(need(sampling(), "sampling/createMessage", json!({})), Need::Met);
        let tools = json!({ "tools": [] });
        assert_eq!(need(sampling(), "sampling/createMessage", tools.clone()), Need::NotInThisWay);
        let with_tools = json!({ "sampling": { "tools": {} } });
        assert_eq!(need(with_tools, "sampling/createMessage", tools), Need::Met);
        assert_eq!(need(json!({ "roots": {} }), "roots/list", Value::Null), Need::Met);
        assert_eq!(need(json!({ "roots": {} }), "tools/list", Value::Null), Need::NoSuchMethod);
    }
}
