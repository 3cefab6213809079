//! A table in Markdown whose columns stand below one another, so that it reads well as text, too.

use std::fmt;

/// Rows of cells; the first row is the head.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with this head.
    pub(crate) fn of<T: Into<String>>(head: impl IntoIterator<Item = T>) -> Self {
        Self { rows: vec![head.into_iter().map(Into::into).collect()] }
    }

    /// Adds a row.
    pub(crate) fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows[0].len();
        let cell = |row: &Vec<String>, column: usize| row.get(column).map_or(0, |cell| cell.chars().count());
        let widths: Vec<usize> = (0..columns)
            .map(|column| self.rows.iter().map(|row| cell(row, column)).max().unwrap_or(0).max(3))
            .collect();
        for (index, row) in self.rows.iter().enumerate() {
            let padded = row.iter().zip(&widths).map(|(cell, width)| format!("| {cell:width$} "));
            writeln!(f, "{}|", padded.collect::<String>())?;
            if index == 0 {
                // Marks stand in the middle below the names of their columns.
                let rules = widths.iter().enumerate().map(|(column, width)| match column {
                    0 => format!("|{}", "-".repeat(width + 2)),
                    _ => format!("|:{}:", "-".repeat(*width)),
                });
                writeln!(f, "{}|", rules.collect::<String>())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn columns_stand_below_one_another() {
        let mut table = Table::of(["Client", "tools"]);
        table.row(["one", "✓"]);
        table.row(["another one", "–"]);
        let expected = "| Client      | tools |\n|-------------|:-----:|\n| one         | ✓     |\n| another one | –     |\n";
        assert_eq!(table.to_string(), expected);
    }
}
