//! The table: clients down, checks across.

use std::fmt;

use crate::client::Check;

/// What all clients came to.
pub(crate) struct Table {
    rows: Vec<(&'static str, Vec<Check>)>,
}

impl Table {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self { rows: Vec::new() }
    }

    /// Adds a client.
    pub(crate) fn add(&mut self, client: &'static str, checks: Vec<Check>) {
        self.rows.push((client, checks));
    }

    /// Whether every client made every check.
    pub(crate) fn holds(&self) -> bool {
        let names = self.names();
        self.rows.iter().all(|(_, checks)| {
            let passed = |name: &&str| checks.iter().any(|(check, result)| check == name && result.is_ok());
            checks.iter().all(|(_, result)| result.is_ok()) && names.iter().all(passed)
        })
    }

    /// Why what failed has failed.
    pub(crate) fn reasons(&self) -> String {
        let of_client = |(client, checks): &(&str, Vec<Check>)| -> Vec<String> {
            let told = checks.iter().filter_map(|(check, result)| Some((check, result.as_ref().err()?)));
            told.map(|(check, why)| format!("{client}, {check}: {why}")).collect()
        };
        self.rows.iter().flat_map(of_client).collect::<Vec<_>>().join("\n")
    }

    /// Every check that some client made, in order.
    fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for (check, _) in self.rows.iter().flat_map(|(_, checks)| checks) {
            if !names.contains(&check.as_str()) {
                names.push(check);
            }
        }
        names
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.names();
        let width = names.iter().map(|name| name.chars().count()).max().unwrap_or_default();
        for (index, (client, _)) in self.rows.iter().enumerate() {
            writeln!(f, "{} {client}", index + 1)?;
        }
        write!(f, "\n{:width$}", "")?;
        (1..=self.rows.len()).try_for_each(|number| write!(f, "  {number}"))?;
        writeln!(f)?;
        for name in names {
            write!(f, "{name:width$}")?;
            for (_, checks) in &self.rows {
                let mark = match checks.iter().find(|(check, _)| check == name) {
                    Some((_, Ok(()))) => '✓',
                    Some((_, Err(_))) => '✗',
                    None => '–',
                };
                write!(f, "  {mark}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
