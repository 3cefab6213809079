//! One thing shown as lines of `Name:  value`, and small phrases that several commands share.

use aerostack_core::time::Timestamp;

use crate::table::Table;

/// A table of names and values.
pub(super) fn details<const N: usize>(pairs: [(&str, String); N]) -> Table {
    let mut table = Table::plain();
    for (name, value) in pairs {
        table.row([format!("{name}:"), value]);
    }
    table
}

/// `12 tools`, `1 tool`.
pub(super) fn count(number: impl Into<u64>, noun: &str) -> String {
    match number.into() {
        1 => format!("1 {noun}"),
        number => format!("{number} {noun}s"),
    }
}

/// A moment as lists show "last used"; `never` without one.
pub(super) fn last_used(at: Option<Timestamp>, now: Timestamp) -> String {
    at.map_or_else(|| "never".to_owned(), |at| at.relative_to(now))
}

/// `*` for the one that is meant unless another is named.
pub(super) fn mark(is_marked: bool) -> String {
    (if is_marked { "*" } else { "" }).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_aligned_under_one_another() {
        let table = details([("Name", "Engineering".to_owned()), ("Gateway URL", "http://x".to_owned())]);
        assert_eq!(table.render(None), "Name:          Engineering\nGateway URL:   http://x\n");
        assert_eq!((count(1_u32, "tool"), count(0_u32, "tool")), ("1 tool".to_owned(), "0 tools".to_owned()));
    }
}
