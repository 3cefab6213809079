//! The tools of a server that nobody can be offered, for a person to read.

use std::fmt;

use aerostack_core::text::clean_line;

use crate::tool_definition::Unfit;

/// Tools of one reason that are named.
const NAMED_MAX: usize = 3;
/// Most characters of a name.
const NAME_MAX_CHARS: usize = 64;

/// What was left out of a list, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut(Vec<Reason>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Reason {
    unfit: Unfit,
    count: usize,
    /// Of the first ones that have any.
    names: Vec<String>,
}

impl LeftOut {
    /// Adds a tool.
    pub(super) fn add(&mut self, name: Option<&str>, unfit: Unfit) {
        let place = self.0.iter().position(|reason| reason.unfit == unfit).unwrap_or_else(|| {
            self.0.push(Reason { unfit, count: 0, names: Vec::new() });
            self.0.len() - 1
        });
        let reason = &mut self.0[place];
        reason.count += 1;
        if let Some(name) = name.filter(|_| reason.names.len() < NAMED_MAX) {
            reason.names.push(clean_line(name, NAME_MAX_CHARS));
        }
    }

    /// Tells whether everything is offered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for LeftOut {
    /// `3 tools are left out: get, put (no name); 1 more (malformed)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.iter().map(|reason| reason.count).sum() {
            1 => f.write_str("1 tool is left out: ")?,
            count => write!(f, "{count} tools are left out: ")?,
        }
        for (place, Reason { unfit, count, names }) in self.0.iter().enumerate() {
            let separator = if place == 0 { "" } else { "; " };
            let nameless = match (count - names.len(), names.is_empty()) {
                (0, _) => String::new(),
                (rest, true) => rest.to_string(),
                (rest, false) => format!(" and {rest} more"),
            };
            write!(f, "{separator}{}{nameless} ({unfit})", names.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_told_by_reason_with_some_names() {
        let mut left_out = LeftOut::default();
        left_out.add(Some("get"), Unfit::InputSchema);
        assert_eq!(
            left_out.to_string(),
            r#"1 tool is left out: get (no usable input schema of type "object")"#
        );
        left_out.add(None, Unfit::NoName);
        for name in ["b", "c", "d", "e"] {
            left_out.add(Some(name), Unfit::InputSchema);
        }
        let told = r#"6 tools are left out: get, b, c and 2 more (no usable input schema of type "object"); 1 (no name)"#;
        assert_eq!(left_out.to_string(), told);
    }
}
