//! Files: their names, heads and lengths, and what must not stand in them.

use super::Finding;
use super::source::Source;

/// Lines of a file, at most.
const LINES: usize = 400;
/// What stands at the top beside dot-files, and nothing else.
const TOP: [&str; 8] =
    ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "README.md", "crates", "xtask", "docs", "tests"];
/// Names that say nothing.
const EMPTY_NAMES: [&str; 6] = ["types", "util", "utils", "common", "helper", "helpers"];
/// Who may print: the command line's one way out, the log, and what is not the product.
const PRINTERS: [&str; 4] =
    ["crates/aerostack-cli/src/output", "crates/aerostack-gateway/src/telemetry", "xtask/", "tests/"];
const PRINTS: [&str; 5] = ["println!", "eprintln!", "print!", "eprint!", "dbg!"];
const UNFINISHED: [&str; 2] = ["todo!", "unimplemented!"];
/// Folders of migrations: of the database, and of the store of calls.
const MIGRATIONS: [[&str; 2]; 2] = [
    ["crates/aerostack-gateway/migrations/sqlite/", "crates/aerostack-gateway/migrations/postgres/"],
    [
        "crates/aerostack-gateway/migrations/usage/sqlite/",
        "crates/aerostack-gateway/migrations/usage/postgres/",
    ],
];

/// Checks the list at the top and every file's name.
pub(super) fn check_names(paths: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let tops: Vec<&str> = paths.iter().filter_map(|path| path.split('/').next()).collect();
    for missing in TOP.iter().filter(|name| !tops.contains(name)) {
        findings.push(Finding::new(missing, 1, "is missing at the top"));
    }
    for path in paths {
        let top = path.split('/').next().unwrap_or_default();
        if !top.starts_with('.') && !TOP.contains(&top) {
            findings.push(Finding::new(path, 1, "does not belong at the top"));
        }
        let empty = path.split('/').find(|part| EMPTY_NAMES.contains(&part.trim_end_matches(".rs")));
        if let (Some(name), true) = (empty, path.ends_with(".rs")) {
            findings.push(Finding::new(path, 1, format!("`{name}` says nothing about what is in it")));
        }
    }
    findings
}

/// Checks that both engines have the same migrations.
pub(super) fn check_migrations(paths: &[String]) -> Vec<Finding> {
    let names =
        |folder: &str| -> Vec<&str> { paths.iter().filter_map(|path| path.strip_prefix(folder)).collect() };
    let alone = |ours: &[&str], theirs: &[&str], folder: &str| -> Vec<Finding> {
        let lonely = ours.iter().filter(|name| !theirs.contains(name));
        lonely
            .map(|name| {
                Finding::new(&format!("{folder}{name}"), 1, "has no counterpart for the other engine")
            })
            .collect()
    };
    let pair = |folders: [&str; 2]| {
        let [sqlite, postgres] = folders.map(names);
        [alone(&sqlite, &postgres, folders[0]), alone(&postgres, &sqlite, folders[1])].concat()
    };
    MIGRATIONS.into_iter().flat_map(pair).collect()
}

/// Checks one file of Rust.
pub(super) fn check_source(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |line: usize, reason: String| findings.push(Finding::new(&source.path, line, reason));
    if !source.text.starts_with("//!") {
        find(1, "a file opens with `//!`: what it is and why it is so".to_owned());
    }
    let length = source.text.lines().count();
    if length > LINES {
        find(length, format!("{length} lines; {LINES} is the wall"));
    }
    // A build script talks to Cargo by printing.
    let is_build_script = source.path.ends_with("/build.rs");
    let may_print = is_build_script || PRINTERS.iter().any(|printer| source.path.starts_with(printer));
    for (number, line, is_test) in source.code() {
        if let Some(name) = PRINTS.iter().find(|name| calls(line, name)).filter(|_| !may_print) {
            find(number, format!("`{name}` outside output, telemetry, xtask and tests"));
        }
        if let Some(name) = UNFINISHED.iter().find(|name| calls(line, name)) {
            find(number, format!("`{name}` is not done"));
        }
        // An indented import stands inside a function.
        let is_glob = (line.starts_with("use ") || line.starts_with("pub")) && line.contains("::*");
        if is_glob && !is_test {
            find(number, "a glob import hides where names come from".to_owned());
        }
    }
    findings
}

/// Whether a line calls a macro, rather than one whose name ends alike or a text that names it.
fn calls(line: &str, name: &str) -> bool {
    let mut starts = line.match_indices(name).map(|(start, _)| &line[..start]);
    let is_own_word =
        |before: &str| !before.ends_with(|letter: char| letter.is_alphanumeric() || letter == '_');
    starts.any(|before| is_own_word(before) && before.matches('"').count().is_multiple_of(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<Finding> {
        check_source(&Source::new(path, text.to_owned()))
    }

    #[test]
    fn heads_lengths_prints_and_globs_are_found() {
        let product = "crates/aerostack-gateway/src/app.rs";
        assert_eq!(found(product, "//! Head.\nuse crate::store;\n"), []);
        assert_eq!(found(product, "use crate::store;\n").len(), 1);
        assert_eq!(found(product, &format!("//! Head.\n{}", "\n".repeat(400))).len(), 1);
        assert_eq!(found(product, "//! Head.\nfn f() { println!(); }\n").len(), 1);
        assert_eq!(found("xtask/src/main.rs", "//! Head.\nfn f() { println!(); }\n"), []);
        assert_eq!(found(product, "//! Head.\nfn f() { todo!() }\n").len(), 1);
        assert_eq!(found(product, "//! Head.\nuse crate::store::*;\n").len(), 1);
        assert_eq!(found(product, "//! Head.\nfn f() {\n    use Kind::*;\n}\n"), []);
        assert_eq!(found(product, "//! Head.\n#[cfg(test)]\nmod tests {\n    use super::*;\n}\n"), []);
    }

    #[test]
    fn names_and_migrations_are_checked() {
        let tops = || TOP.map(str::to_owned).to_vec();
        assert_eq!(check_names(&tops()), []);
        assert_eq!(check_names(&[tops(), vec!["notes.txt".to_owned()]].concat()).len(), 1);
        assert_eq!(check_names(&[tops(), vec!["crates/x/src/util.rs".to_owned()]].concat()).len(), 1);
        assert_eq!(check_names(&tops()[1..]).len(), 1);
        for folders in MIGRATIONS {
            let pair = folders.map(|folder| format!("{folder}0001_start.sql"));
            assert_eq!(check_migrations(&pair), []);
            assert_eq!(check_migrations(&pair[..1]).len(), 1);
        }
    }
}
