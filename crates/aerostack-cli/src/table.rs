//! Tables for people: plain aligned columns, no borders, nothing at the end of a line.

use aerostack_core::text::clean_line;
use comfy_table::presets::NOTHING;
use comfy_table::{ColumnConstraint, Width};

const COLUMN_GAP: u16 = 3;
const MARK_GAP: u16 = 1;
const CELL_MAX_CHARS: usize = 200;

/// Rows of cells under a heading.
#[derive(Debug)]
pub(crate) struct Table {
    heading: Vec<String>,
    rows: Vec<Vec<String>>,
    least_widths: Vec<u16>,
}

impl Table {
    /// An empty table under a heading.
    pub(crate) fn new(heading: &[&str]) -> Self {
        let heading = heading.iter().map(|&word| word.to_owned()).collect();
        Self { heading, rows: Vec::new(), least_widths: Vec::new() }
    }

    /// The same with columns that are so wide at least, for tables that are printed piece by piece.
    pub(crate) fn at_least(mut self, widths: &[u16]) -> Self {
        self.least_widths = widths.to_vec();
        self
    }

    /// A table without a heading, for lines that speak for themselves.
    pub(crate) fn plain() -> Self {
        Self::new(&[])
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into_iter().map(|cell| clean_line(&cell, CELL_MAX_CHARS)).collect());
    }

    fn headings(&self) -> impl Iterator<Item = Option<&str>> {
        self.heading.iter().map(|word| Some(word.as_str())).chain(std::iter::repeat(None))
    }

    /// The text, each line ended.
    pub(crate) fn render(&self) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(NOTHING).force_no_tty();
        if !self.heading.is_empty() {
            table.set_header(&self.heading);
        }
        table.add_rows(&self.rows);
        for (heading, column) in self.headings().zip(table.column_iter_mut()) {
            // A column without a heading holds a mark, which stands close to what it marks.
            let gap = if heading == Some("") { MARK_GAP } else { COLUMN_GAP };
            column.set_padding((0, gap));
        }
        for (&width, column) in self.least_widths.iter().zip(table.column_iter_mut()) {
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width)));
        }
        table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_without_borders_or_trailing_blanks() {
        let mut table = Table::new(&["NAME", "STATUS"]);
        table.row(["CI Pipeline".to_owned(), "active".to_owned()]);
        table.row(["李雷".to_owned(), String::new()]);
        assert_eq!(table.render(), "NAME          STATUS\nCI Pipeline   active\n李雷\n");
    }

    #[test]
    fn pieces_of_a_table_stand_under_one_another() {
        let piece = |name: &str| {
            let mut table = Table::plain().at_least(&[10, 4]);
            table.row([name.to_owned(), "ok".to_owned()]);
            table.render()
        };
        assert_eq!(piece("Alice").find("ok"), piece("Bob").find("ok"));
    }

    #[test]
    fn control_characters_of_strangers_do_not_reach_the_terminal() {
        let mut table = Table::plain();
        table.row(["a\u{1b}[31mb\nc".to_owned(), "x".to_owned()]);
        assert_eq!(table.render(), "a\u{fffd}[31mb\u{fffd}c   x\n");
    }
}
