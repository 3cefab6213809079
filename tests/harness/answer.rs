//! An answer as it came: status, headers, body.

use bytes::Bytes;
use serde_json::Value;

/// The beginning of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The status.
    pub status: u16,
    /// The headers in order, names as they were written.
    pub headers: Vec<(String, String)>,
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Status and headers.
    pub head: Head,
    /// The body.
    pub body: Bytes,
}

impl Head {
    /// The value of a header, if it is there.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

impl Answer {
    /// The status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.head.status
    }

    /// The value of a header, if it is there.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("JSON was expected: {self:?}"))
    }

    /// The code of the JSON-RPC error, if the answer is one.
    #[must_use]
    pub fn error_code(&self) -> Option<i64> {
        let message: Value = serde_json::from_slice(&self.body).ok()?;
        message["error"]["code"].as_i64()
    }

    /// The first text of the result of a tool.
    #[must_use]
    pub fn tool_text(&self) -> Option<String> {
        let message: Value = serde_json::from_slice(&self.body).ok()?;
        Some(message["result"]["content"][0]["text"].as_str()?.to_owned())
    }
}
