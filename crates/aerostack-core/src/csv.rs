//! Rows of CSV (RFC 4180), for whoever opens them in a spreadsheet.

/// Beginnings that a spreadsheet takes for a formula.
const FORMULA_STARTS: [char; 5] = ['=', '+', '-', '@', '\t'];

/// Appends a cell that holds text: quoted where it must be, and with a leading `'` where a spreadsheet
/// would take it for a formula.
pub fn push_text(row: &mut String, text: &str) {
    let disarm = if text.starts_with(FORMULA_STARTS) { "'" } else { "" };
    if text.contains(['"', ',', '\r', '\n']) {
        row.push('"');
        row.push_str(disarm);
        for (place, part) in text.split('"').enumerate() {
            if place > 0 {
                row.push_str("\"\"");
            }
            row.push_str(part);
        }
        row.push('"');
    } else {
        row.push_str(disarm);
        row.push_str(text);
    }
}

/// Ends a row.
pub fn end_row(row: &mut String) {
    row.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_disarmed_and_nothing_else_is_changed() {
        let cell = |text: &str| {
            let mut row = String::new();
            push_text(&mut row, text);
            row
        };
        for (text, expected) in [
            ("Alice Chen", "Alice Chen"),
            ("=HYPERLINK(\"http://x\",\"y\")", "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\""),
            ("a,b", "\"a,b\""),
            ("-1", "'-1"),
            ("\tx", "'\tx"),
            ("שלום 🦀", "שלום 🦀"),
            ("", ""),
            ("a\nb", "\"a\nb\""),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
