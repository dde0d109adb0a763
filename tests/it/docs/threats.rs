//! `docs/internals/threats.md`: every threat is named, and is shown by tests that exist.

use super::architecture::tests;
use crate::support::page;

/// As many as the threat model has.
const THREATS: usize = 28;

#[test]
fn every_threat_is_shown_by_tests_that_exist() {
    let page = page::read("docs/internals/threats.md");
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| {
            line.strip_prefix("| ")
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        })
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    let numbers: Vec<&str> = rows.iter().map(|row| row[0]).collect();
    assert_eq!(
        numbers,
        (1..=THREATS)
            .map(|number| number.to_string())
            .collect::<Vec<_>>()
    );
    let tests = tests();
    for row in &rows {
        let [_, threat, done, shown] = row[..] else {
            panic!("{row:?}")
        };
        assert!(!threat.is_empty() && !done.is_empty(), "{row:?}");
        let shown: Vec<&str> = shown.split('`').skip(1).step_by(2).collect();
        let its = format!("threat_{:0>2}_", row[0]);
        assert!(
            shown.first().is_some_and(|name| name.starts_with(&its)),
            "no test is named after {row:?}"
        );
        for name in shown {
            assert!(tests.contains(name), "there is no test {name}, in {row:?}");
        }
    }
    let beside = page
        .rsplit("\n\n")
        .next()
        .expect("an end")
        .replace('\n', " ");
    let named = beside
        .split("(`")
        .skip(1)
        .flat_map(|part| part.split(')').next().expect("an end").split(", "));
    for name in named.map(|name| name.trim_matches('`')) {
        assert!(tests.contains(name), "there is no test {name}");
    }
}
