//! CSV (RFC 4180) for spreadsheets. A cell that one would take for a formula gets a leading `'`.

const FORMULA_STARTS: [char; 5] = ['=', '+', '-', '@', '\t'];

/// Appends a record to a sheet.
pub(super) fn append(sheet: &mut String, cells: &[&str]) {
    for (place, cell) in cells.iter().enumerate() {
        if place > 0 {
            sheet.push(',');
        }
        append_cell(sheet, cell);
    }
    sheet.push_str("\r\n");
}

fn append_cell(sheet: &mut String, cell: &str) {
    let guard = if cell.starts_with(FORMULA_STARTS) { "'" } else { "" };
    if cell.contains([',', '"', '\r', '\n']) {
        sheet.push('"');
        sheet.push_str(guard);
        sheet.push_str(&cell.replace('"', "\"\""));
        sheet.push('"');
    } else {
        sheet.push_str(guard);
        sheet.push_str(cell);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_disarmed() {
        let mut sheet = String::new();
        append(&mut sheet, &["plain", "a,\"b\"", "=1+1", "-1,2", ""]);
        assert_eq!(sheet, "plain,\"a,\"\"b\"\"\",'=1+1,\"'-1,2\",\r\n");
    }
}
