//! Migrations come in pairs.

use std::collections::BTreeMap;
use std::path::Path;

fn migrations(engine: &str) -> BTreeMap<String, String> {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/aerostack-gateway/migrations").join(engine);
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let read = entries.map(|entry| {
        (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap())
    });
    read.collect()
}

/// `CREATE TABLE` and `CREATE INDEX` with their names.
fn made(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| line.starts_with("CREATE "));
    let names = lines.map(|line| {
        line.split([' ', '(']).filter(|word| !word.is_empty()).take(3).collect::<Vec<_>>().join(" ")
    });
    names.collect()
}

#[test]
fn every_migration_has_its_pair_and_makes_the_same() {
    let (sqlite, postgres) = (migrations("sqlite"), migrations("postgres"));
    assert!(!sqlite.is_empty());
    assert_eq!(sqlite.keys().collect::<Vec<_>>(), postgres.keys().collect::<Vec<_>>());
    for (name, text) in &sqlite {
        assert_eq!(made(text), made(&postgres[name]), "{name}");
    }
}

#[test]
fn the_store_of_calls_has_the_same_tables_on_both_engines() {
    let (sqlite, postgres) = (migrations("usage/sqlite"), migrations("usage/postgres"));
    assert!(!sqlite.is_empty());
    assert_eq!(sqlite.keys().collect::<Vec<_>>(), postgres.keys().collect::<Vec<_>>());
    // Indexes differ: a partitioned table has no order of its own.
    let tables = |text: &str| -> Vec<String> {
        made(text).into_iter().filter(|made| made.starts_with("CREATE TABLE")).collect()
    };
    for (name, text) in &sqlite {
        assert_eq!(tables(text), tables(&postgres[name]), "{name}");
    }
}
