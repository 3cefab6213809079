//! Misbehaviour, as data: what goes wrong, for which method, how often.

use std::time::Duration;

/// What goes wrong with one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is ever answered; the connection stays open.
    NeverAnswers,
    /// The answer comes after a while.
    Delays(Duration),
    /// Head and half of the body arrive, then nothing more.
    StallsMidBody,
    /// The connection is closed without an answer.
    Drops,
    /// The connection is closed after half of the body.
    DropsMidBody,
    /// This status with a small JSON body; 401 and 429 with the headers they have in the wild.
    Status(u16),
    /// An error with these words.
    Says(String),
    /// 307 to somewhere else.
    Redirects(String),
    /// A body that says it is JSON and is not.
    MalformedJson,
    /// A web page with status 200.
    WebPage,
    /// The right answer to another id.
    WrongId,
    /// An event stream with the answer twice.
    DuplicateEvent,
    /// An event stream that ends without the answer.
    EndsWithoutAnswer,
    /// A JSON-RPC error with this code, with status 200.
    Error(i64),
    /// The refusal of a server that takes our headers for wrong.
    HeaderMismatch,
    /// A right answer whose text has so many bytes.
    Huge(usize),
    /// A body that never ends.
    Endless,
}

/// A fault and when it strikes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    fault: Fault,
    method: Option<String>,
    left: Option<u32>,
}

impl Fault {
    /// Strikes at requests of one JSON-RPC method only, until it is cleared.
    #[must_use]
    pub fn on(self, method: impl Into<String>) -> Rule {
        Rule { fault: self, method: Some(method.into()), left: None }
    }

    /// Strikes at the next `count` requests of any kind.
    #[must_use]
    pub fn times(self, count: u32) -> Rule {
        Rule::from(self).times(count)
    }
}

impl Rule {
    /// Strikes `count` times and never again.
    #[must_use]
    pub fn times(self, count: u32) -> Self {
        Self { left: Some(count), ..self }
    }

    fn fits(&self, method: Option<&str>) -> bool {
        self.left != Some(0) && self.method.as_deref().is_none_or(|wanted| method == Some(wanted))
    }
}

impl From<Fault> for Rule {
    fn from(fault: Fault) -> Self {
        Self { fault, method: None, left: None }
    }
}

/// Takes the fault that strikes at a request: of the first rule that fits.
pub(super) fn strike(rules: &mut [Rule], method: Option<&str>) -> Option<Fault> {
    let rule = rules.iter_mut().find(|rule| rule.fits(method))?;
    if let Some(left) = &mut rule.left {
        *left -= 1;
    }
    Some(rule.fault.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_strikes_as_often_as_it_says_and_only_where_it_fits() {
        let mut rules = [Fault::Drops.on("tools/call").times(2)];
        assert_eq!(strike(&mut rules, Some("tools/list")), None);
        assert_eq!(strike(&mut rules, None), None);
        assert_eq!(strike(&mut rules, Some("tools/call")), Some(Fault::Drops));
        assert_eq!(strike(&mut rules, Some("tools/call")), Some(Fault::Drops));
        assert_eq!(strike(&mut rules, Some("tools/call")), None);
    }
}
