//! `ARCHITECTURE.md`: the map has every room, and each invariant names tests that exist.

use std::{collections::BTreeSet, fs, path::Path};

use crate::support::page;

/// Names of test functions, of those that proptest makes, and of those that are run in parts.
pub(super) fn tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for folder in ["src", "tests"] {
        collect(&page::path(folder), &mut found);
    }
    found
}

fn collect(path: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(path).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source");
            let marks =
                ["#[test]", "#[tokio::test", "in_parts! {"].map(|mark| text.match_indices(mark));
            for (at, attribute) in marks.into_iter().flatten() {
                let name = text[at + attribute.len()..]
                    .split_once("fn ")
                    .expect("a function")
                    .1;
                found.insert(
                    name.chars()
                        .take_while(|c| c.is_alphanumeric() || *c == '_')
                        .collect(),
                );
            }
        }
    }
}

#[test]
fn the_map_has_every_room() {
    let map = page::read("ARCHITECTURE.md");
    let named: BTreeSet<&str> = map.split('`').skip(1).step_by(2).collect();
    for entry in fs::read_dir(page::path("src")).expect("src") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name")
            .to_owned();
        let folder = if path.is_dir() {
            format!("{name}/")
        } else {
            name
        };
        assert!(
            named.contains(folder.as_str()),
            "{folder} is not on the map"
        );
    }
    for entry in fs::read_dir(page::path("src/backend/aws")).expect("src/backend/aws") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_stem()
            .and_then(|name| name.to_str())
            .expect("a name");
        assert!(
            named.contains(format!("aws/{name}").as_str()),
            "aws/{name} is not on the map"
        );
    }
}

/// A row of the table: the invariant, and the tests that keep it.
#[test]
fn every_invariant_is_kept_by_tests_that_exist() {
    let map = page::read("ARCHITECTURE.md");
    let table = map
        .split("\n## ")
        .find(|section| section.starts_with("Invariants"))
        .expect("a section");
    let rows: Vec<&str> = table
        .lines()
        .filter(|line| {
            line.starts_with("| ") && line.as_bytes().get(2).is_some_and(u8::is_ascii_digit)
        })
        .collect();
    let numbers: Vec<&str> = rows
        .iter()
        .map(|row| row[2..].split('.').next().expect("a number"))
        .collect();
    let counted: Vec<String> = (1..=rows.len()).map(|number| number.to_string()).collect();
    assert!(
        rows.len() >= 13 && numbers == counted,
        "numbered in their order: {numbers:?}"
    );
    let tests = tests();
    for row in rows {
        let kept_by = row
            .trim_end_matches(" |")
            .rsplit(" | ")
            .next()
            .expect("a cell");
        let names: Vec<&str> = kept_by.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "{row}");
        for name in names {
            assert!(tests.contains(name), "there is no test {name}, in {row}");
        }
    }
}
