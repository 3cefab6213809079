//! One file of Rust, as far as tidy reads it.

/// Lines of code without comments, and the paths they name.
pub(super) struct Source {
    /// Where it is, from the root of the work tree.
    pub(super) path: String,
    /// The text as it stands.
    pub(super) text: String,
    /// The line at which unit tests begin; nothing after it counts as product.
    tests_from: usize,
}

/// A path that is named somewhere: `crate::app::App`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// Its line, from 1.
    pub(super) line: usize,
    /// The path, from `crate` or a crate's name.
    pub(super) path: String,
}

impl Source {
    pub(super) fn new(path: &str, text: String) -> Self {
        let is_test = path.contains("/tests/") || path.ends_with("/tests.rs") || path.starts_with("tests/");
        let begins = || {
            let lines: Vec<&str> = text.lines().map(str::trim).collect();
            let marks = lines.windows(2).position(|pair| pair[0] == "#[cfg(test)]" && pair[1].ends_with('{'));
            marks.unwrap_or(usize::MAX)
        };
        let tests_from = if is_test { 0 } else { begins() };
        Self { path: path.to_owned(), text, tests_from }
    }

    /// Its lines of code, with their numbers from 1 and whether they belong to tests.
    pub(super) fn code(&self) -> impl Iterator<Item = (usize, &str, bool)> {
        let lines = self.text.lines().enumerate();
        lines.map(|(index, line)| (index + 1, without_comment(line), index >= self.tests_from))
    }

    /// Every path the product's part of it names, `super` and `self` resolved.
    pub(super) fn named(&self) -> Vec<Named> {
        let mut named = Vec::new();
        let mut open: Option<(usize, String)> = None;
        for (number, line, _) in self.code().filter(|(_, _, is_test)| !is_test) {
            let text = line.trim();
            let (line, statement) = match open.take() {
                Some((start, before)) => (start, format!("{before} {text}")),
                None if is_use(text) => (number, text.to_owned()),
                None => {
                    named.extend(inline(text).into_iter().map(|path| Named { line: number, path }));
                    continue;
                }
            };
            if statement.contains(';') {
                let tree = statement[statement.find("use ").unwrap_or_default()..].trim_start_matches("use ");
                let tree = tree.split(';').next().unwrap_or_default();
                named.extend(unfold(tree).into_iter().map(|path| Named { line, path }));
            } else {
                open = Some((line, statement));
            }
        }
        for entry in &mut named {
            entry.path = resolve(&self.path, &entry.path);
        }
        named
    }
}

fn is_use(text: &str) -> bool {
    text.starts_with("use ") || (text.starts_with("pub") && text.contains(" use ") && !text.contains("fn "))
}

fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with("//") {
        return "";
    }
    line.split(" // ").next().unwrap_or_default()
}

/// Unfolds a `use` tree: `a::{b, c::d}` into `a::b` and `a::c::d`.
pub(super) fn unfold(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let path = tree.split(" as ").next().unwrap_or_default().trim();
        return if path.is_empty() { Vec::new() } else { vec![path.to_owned()] };
    };
    let (stem, inside) = (&tree[..open], &tree[open + 1..tree.rfind('}').unwrap_or(tree.len())]);
    let mut branches = vec![String::new()];
    let mut depth = 0_usize;
    for letter in inside.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                branches.push(String::new());
                continue;
            }
            _ => {}
        }
        branches.last_mut().expect("there is one from the start").push(letter);
    }
    branches.iter().flat_map(|branch| unfold(branch)).map(|branch| format!("{stem}{branch}")).collect()
}

/// Paths with `::` in a line of code.
fn inline(line: &str) -> Vec<String> {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    let words = line.split(|letter: char| !is_part(letter));
    words.filter(|word| word.contains("::") && !word.starts_with(':')).map(str::to_owned).collect()
}

/// Makes a path begin at `crate` or a crate: `super::x` in `src/a/b.rs` is `crate::a::x`.
fn resolve(file: &str, path: &str) -> String {
    let below = file.split_once("/src/").map_or(file, |(_, below)| below);
    let below = below.trim_end_matches(".rs").trim_end_matches("/mod");
    let mut module: Vec<&str> = below.split('/').filter(|name| *name != "lib" && *name != "main").collect();
    let mut rest = path;
    let mut is_relative = false;
    loop {
        if let Some(after) = rest.strip_prefix("self::") {
            rest = after;
        } else if let Some(after) = rest.strip_prefix("super::") {
            module.pop();
            rest = after;
        } else {
            break;
        }
        is_relative = true;
    }
    if !is_relative {
        return path.to_owned();
    }
    let stem: String = module.iter().map(|name| format!("{name}::")).collect();
    format!("crate::{stem}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn use_trees_are_unfolded() {
        assert_eq!(
            unfold("crate::{app::App, store::{self, Tx}, http}"),
            ["crate::app::App", "crate::store::self", "crate::store::Tx", "crate::http"]
        );
        assert_eq!(unfold("a::b as c"), ["a::b"]);
    }

    #[test]
    fn named_paths_are_found_in_code_but_not_in_comments_or_tests() {
        let text = "//! crate::a\nuse crate::{\n    b,\n    c::D,\n};\nfn f() { super::e::g(); } // crate::h\n\
                    #[cfg(test)]\nmod tests {\n    use crate::i;\n}\n";
        let source = Source::new("crates/x/src/m/n.rs", text.to_owned());
        let paths: Vec<(usize, String)> =
            source.named().into_iter().map(|named| (named.line, named.path)).collect();
        let expected = [(2, "crate::b"), (2, "crate::c::D"), (6, "crate::m::e::g")];
        assert_eq!(paths, expected.map(|(line, path)| (line, path.to_owned())));
    }
}
