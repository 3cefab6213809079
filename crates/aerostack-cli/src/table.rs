//! Tables for people: plain aligned columns, no borders, nothing at the end of a line.
//!
//! On a terminal that is too narrow, what people wrote is cut with an ellipsis, so that a row stays a
//! line. Pipes and files get every cell whole.

use aerostack_core::text::clean_line;
use comfy_table::presets::NOTHING;
use comfy_table::{ColumnConstraint, Width};

const COLUMN_GAP: u16 = 3;
const MARK_GAP: u16 = 1;
const CELL_MAX_CHARS: usize = 200;
const ELLIPSIS: &str = "…";
/// Columns of what people and servers wrote.
const PROSE: &[&str] = &[
    "NAME",
    "TOKEN NAME",
    "OWN NAME",
    "TOOL",
    "DESCRIPTION",
    "LAST ERROR",
    "BROWSER",
    "MEMBER",
    "EMAIL",
    "USER",
    "CLIENT",
    "RESULT",
];
/// What is cut, in which order, and the least that is left of it, in characters. The beginning of a
/// token's identifier names it too; everything else is needed whole.
const CUTS: [(&[&str], u16); 3] = [(PROSE, 24), (&["ID"], 18), (PROSE, 10)];

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

    /// The blanks after a column. One without a heading holds a mark, which stands close to what it marks.
    fn gap(&self, index: usize) -> u16 {
        if self.heading.get(index).is_some_and(String::is_empty) { MARK_GAP } else { COLUMN_GAP }
    }

    /// Widths with which a row fits into so many columns, or comes as near as can be. Wide ones give first.
    fn fit(&self, mut widths: Vec<u16>, columns: u16) -> Vec<u16> {
        let last = widths.len().saturating_sub(1);
        // Nothing stands behind the last column.
        let gaps: u32 = (0..last).map(|index| u32::from(self.gap(index))).sum();
        let taken: u32 = widths.iter().copied().map(u32::from).sum();
        let mut excess = (gaps + taken).saturating_sub(u32::from(columns));
        for (headings, floor) in CUTS {
            let is_cut = |index: &usize| {
                self.heading.get(*index).is_some_and(|heading| headings.contains(&heading.as_str()))
            };
            while excess > 0 {
                let widest = (0..widths.len()).filter(is_cut).max_by_key(|index| widths[*index]);
                let is_wide = |index: &usize| {
                    let heading = self.heading[*index].chars().count();
                    usize::from(widths[*index]) > heading.max(usize::from(floor))
                };
                let Some(widest) = widest.filter(is_wide) else { break };
                widths[widest] -= 1;
                excess -= 1;
            }
        }
        widths
    }

    /// The text, each line ended, for a terminal of so many columns; whole without one.
    pub(crate) fn render(&self, columns: Option<u16>) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(NOTHING).force_no_tty();
        if !self.heading.is_empty() {
            table.set_header(&self.heading);
        }
        table.add_rows(&self.rows);
        // A column of nothing takes one place.
        let natural: Vec<u16> = table.column_max_content_widths().iter().map(|&width| width.max(1)).collect();
        let widths = columns.map_or_else(|| natural.clone(), |columns| self.fit(natural.clone(), columns));
        if widths != natural {
            table.set_truncation_indicator(ELLIPSIS);
            table.row_iter_mut().for_each(|row| {
                row.max_height(1);
            });
        }
        for (index, column) in table.column_iter_mut().enumerate() {
            let gap = self.gap(index);
            column.set_padding((0, gap));
            if widths[index] < natural[index] {
                column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(widths[index] + gap)));
            }
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
        assert_eq!(table.render(None), "NAME          STATUS\nCI Pipeline   active\n李雷\n");
    }

    #[test]
    fn pieces_of_a_table_stand_under_one_another() {
        let piece = |name: &str| {
            let mut table = Table::plain().at_least(&[10, 4]);
            table.row([name.to_owned(), "ok".to_owned()]);
            table.render(None)
        };
        assert_eq!(piece("Alice").find("ok"), piece("Bob").find("ok"));
    }

    #[test]
    fn control_characters_of_strangers_do_not_reach_the_terminal() {
        let mut table = Table::plain();
        table.row(["a\u{1b}[31mb\nc".to_owned(), "x".to_owned()]);
        assert_eq!(table.render(None), "a\u{fffd}[31mb\u{fffd}c   x\n");
    }

    #[test]
    fn a_narrow_terminal_cuts_what_people_wrote_and_a_pipe_nothing() {
        let mut table = Table::new(&["TOKEN NAME", "CREATED", "LAST USED", "STATUS", "EXPIRES", "ID"]);
        let row = |name: &str| {
            let cells =
                [name, "2026-11-21", "5 min ago", "active", "never", "tok_01h455vb4pex5vsknk084sn02q"];
            cells.map(str::to_owned)
        };
        table.row(row("Contractor: Jane Doe of Very Long Names Incorporated"));
        table.row(row("CI"));
        let expected = "\
TOKEN NAME        CREATED      LAST USED   STATUS   EXPIRES   ID
Contractor:…      2026-11-21   5 min ago   active   never     tok_01h455vb4pex5…
CI                2026-11-21   5 min ago   active   never     tok_01h455vb4pex5…
";
        assert_eq!(table.render(Some(80)), expected);
        let wide = table.render(Some(100));
        assert!(wide.contains("Contractor: Jane") && wide.lines().all(|line| line.chars().count() <= 100));
        for whole in [table.render(None), table.render(Some(400))] {
            let row = "Contractor: Jane Doe of Very Long Names Incorporated   2026-11-21   5 min ago   active   \
                       never     tok_01h455vb4pex5vsknk084sn02q\n";
            assert!(whole.contains(row), "{whole}");
        }
        // What cannot be cut stays whole, and the terminal wraps it.
        assert!(table.render(Some(10)).lines().all(|line| line.contains("ID") || line.contains("active")));
    }

    #[test]
    fn wide_letters_are_cut_by_the_room_they_take() {
        let mut table = Table::new(&["NAME", "STATUS"]);
        table.row(["李雷韩梅梅李雷韩梅梅李雷韩梅梅".to_owned(), "active".to_owned()]);
        assert_eq!(table.render(Some(20)), "NAME          STATUS\n李雷韩梅梅…   active\n");
    }
}
