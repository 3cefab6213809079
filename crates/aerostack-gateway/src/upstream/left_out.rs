//! What of a server nobody can be offered, for a person to read.

use std::fmt;

use aerostack_core::text::clean_line;

use crate::definition::{Kind, Unfit};

/// Definitions of one reason that are named.
const NAMED_MAX: usize = 3;
/// Most characters of a name.
const NAME_MAX_CHARS: usize = 64;

/// What was left out of a server's lists, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    reasons: Vec<Reason>,
    /// Lists that were cut, and after how many.
    cuts: Vec<(Kind, usize)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Reason {
    kind: Kind,
    unfit: Unfit,
    count: usize,
    /// Of the first ones that have any.
    names: Vec<String>,
}

impl LeftOut {
    /// Adds a definition.
    pub(super) fn add(&mut self, kind: Kind, name: Option<&str>, unfit: Unfit) {
        let is_it = |reason: &Reason| reason.kind == kind && reason.unfit == unfit;
        let place = self.reasons.iter().position(is_it).unwrap_or_else(|| {
            self.reasons.push(Reason { kind, unfit, count: 0, names: Vec::new() });
            self.reasons.len() - 1
        });
        let reason = &mut self.reasons[place];
        reason.count += 1;
        if let Some(name) = name.filter(|_| reason.names.len() < NAMED_MAX) {
            reason.names.push(clean_line(name, NAME_MAX_CHARS));
        }
    }

    /// Notes that a list is longer than what is taken of it.
    pub(super) fn cut(&mut self, kind: Kind, after: usize) {
        self.cuts.push((kind, after));
    }

    /// Adds what was left out of another list.
    pub(super) fn join(&mut self, other: Self) {
        self.reasons.extend(other.reasons);
        self.cuts.extend(other.cuts);
    }

    /// Tells whether everything is offered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.reasons.is_empty() && self.cuts.is_empty()
    }

    /// `3 tools are left out: get, put (no name); 1 (malformed)`; nothing if it is none.
    fn told(&self, kind: Kind) -> Option<String> {
        let reasons = || self.reasons.iter().filter(move |reason| reason.kind == kind);
        let noun = kind.noun();
        let mut told = match reasons().map(|reason| reason.count).sum() {
            0 => return None,
            1 => format!("1 {noun} is left out: "),
            count => format!("{count} {noun}s are left out: "),
        };
        for (place, Reason { unfit, count, names, .. }) in reasons().enumerate() {
            let separator = if place == 0 { "" } else { "; " };
            let nameless = match (count - names.len(), names.is_empty()) {
                (0, _) => String::new(),
                (rest, true) => rest.to_string(),
                (rest, false) => format!(" and {rest} more"),
            };
            told.push_str(&format!("{separator}{}{nameless} ({unfit})", names.join(", ")));
        }
        Some(told)
    }
}

impl fmt::Display for LeftOut {
    /// By kind; then the lists that were cut.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cuts = self.cuts.iter().map(|(kind, after)| {
            let noun = kind.noun();
            format!("{noun}s after the first {after} are left out")
        });
        let told: Vec<String> = Kind::ALL.iter().filter_map(|kind| self.told(*kind)).chain(cuts).collect();
        f.write_str(&told.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_told_by_reason_with_some_names() {
        let mut left_out = LeftOut::default();
        left_out.add(Kind::Tool, Some("get"), Unfit::InputSchema);
        assert_eq!(
            left_out.to_string(),
            r#"1 tool is left out: get (no usable input schema of type "object")"#
        );
        left_out.add(Kind::Tool, None, Unfit::NoName);
        for name in ["b", "c", "d", "e"] {
            left_out.add(Kind::Tool, Some(name), Unfit::InputSchema);
        }
        let told = r#"6 tools are left out: get, b, c and 2 more (no usable input schema of type "object"); 1 (no name)"#;
        assert_eq!(left_out.to_string(), told);
        left_out.add(Kind::Prompt, Some("greet"), Unfit::Arguments);
        left_out.cut(Kind::Resource, 5_000);
        let more = "; 1 prompt is left out: greet (no usable arguments); \
                    resources after the first 5000 are left out";
        assert_eq!(left_out.to_string(), format!("{told}{more}"));
    }
}
