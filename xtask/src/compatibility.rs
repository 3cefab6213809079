//! What other people's clients came to, in the documentation: `docs/compatibility.md`, and the referees' table in
//! `docs/protocol.md`. The texts are made by `tests/peers`, which leaves them in a folder.

use std::path::Path;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::paths;

/// Names the folder to the tests.
pub(crate) const VARIABLE: &str = "AEROSTACK_PEERS_REPORTS";

/// Where the generated part of a document begins and ends.
const BEGIN: &str = "<!-- referees: written by `cargo xtask peers` -->\n";
const END: &str = "<!-- end of referees -->\n";

/// What happens to documents that say something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Documents {
    /// They are written.
    Written,
    /// They are refused.
    Checked,
}

/// The folder of texts.
pub(crate) struct Reports {
    folder: TempDir,
}

impl Reports {
    /// Makes an empty one.
    pub(crate) fn empty() -> Result<Self> {
        Ok(Self { folder: tempfile::Builder::new().prefix("aerostack-peers-").tempdir()? })
    }

    /// Where it is.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Puts the texts into the documentation, or refuses if they are not there already.
    ///
    /// # Errors
    /// When a text is missing, or a document says something else and is only checked.
    pub(crate) fn settle(&self, documents: Documents) -> Result<()> {
        let report = |name: &str| {
            std::fs::read_to_string(self.folder().join(name))
                .with_context(|| format!("clients left no {name}"))
        };
        settle("docs/compatibility.md", documents, |_| report("compatibility.md"))?;
        settle("docs/protocol.md", documents, |before| between(before, &report("referees.md")?))
    }
}

fn settle(name: &str, documents: Documents, make: impl FnOnce(&str) -> Result<String>) -> Result<()> {
    let path = paths::root().join(name);
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    let now = make(&before)?;
    match documents {
        _ if now == before => Ok(()),
        Documents::Written => std::fs::write(path, now).context(name.to_owned()),
        Documents::Checked => bail!("{name} is not what clients come to: run `cargo xtask peers`"),
    }
}

/// The document with another text between the marks.
fn between(document: &str, text: &str) -> Result<String> {
    let parts = document.split_once(BEGIN).and_then(|(head, rest)| Some((head, rest.split_once(END)?.1)));
    let (head, tail) = parts.context("docs/protocol.md lacks the marks of the referees' table")?;
    Ok(format!("{head}{BEGIN}\n{text}\n{END}{tail}"))
}

#[cfg(test)]
mod tests {
    use super::{BEGIN, END, between};

    #[test]
    fn what_stands_between_the_marks_is_replaced_and_nothing_else() {
        let document = format!("before\n{BEGIN}\nold\n\n{END}after\n");
        let expected = format!("before\n{BEGIN}\nnew\n\n{END}after\n");
        let once = between(&document, "new\n").unwrap();
        assert_eq!(once, expected);
        assert_eq!(between(&once, "new\n").unwrap(), expected);
        assert!(between("no marks", "new").is_err());
    }
}
