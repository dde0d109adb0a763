//! A release is what Cargo.toml and CHANGELOG.md say, and every address is derived from one.

use std::{fs, process::Command};

use super::program;
use crate::support::page;

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn project(args: &[&str]) -> (Option<i32>, String) {
    let output = program("project.py").args(args).output().expect("Python");
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.code(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

#[test]
fn release_tag_is_the_version() {
    assert_eq!(
        project(&["check-tag", &format!("v{VERSION}")]),
        (Some(0), String::new())
    );
    for tag in [VERSION, "v9.9.9", "v", "main", &format!("v{VERSION}-rc.1")] {
        let (code, said) = project(&["check-tag", tag]);
        assert_eq!(code, Some(1), "{tag}: {said}");
        let words = format!(
            "error: the tag {tag} is not the version of Cargo.toml (expected: v{VERSION})\n"
        );
        assert_eq!(said, words);
    }
}

#[test]
fn changelog_has_a_dated_section_for_the_version_below_unreleased() {
    let changelog = page::read("CHANGELOG.md");
    let sections: Vec<&str> = changelog
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .collect();
    let [first, released, ..] = sections[..] else {
        panic!("{sections:?}")
    };
    assert_eq!(first, "Unreleased");
    let (version, date) = released.split_once(" - ").expect("a date");
    assert_eq!(version, VERSION);
    let date: jiff::civil::Date = date.parse().expect("a day");
    assert!(date.year() >= 2026, "{date}");
    let (code, notes) = project(&["notes"]);
    assert_eq!(code, Some(0), "{notes}");
    assert!(
        notes.starts_with("### Added\n") && notes.lines().count() > 100,
        "{notes}"
    );
    assert!(!notes.contains("\n## "), "it is one section");
}

/// Cargo.toml has the address of the repository; what cannot derive it is compared.
#[test]
fn addresses_of_the_project_are_those_of_cargo_toml() {
    let repository = env!("CARGO_PKG_REPOSITORY");
    assert_eq!(env!("CARGO_PKG_HOMEPAGE"), repository);
    let host = "https://github.com/";
    let owner = repository.strip_prefix(host).expect("on GitHub");
    assert!(page::read("install.sh").contains(&format!("\nrepository={repository}\n")));
    let output = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("git");
    let names = String::from_utf8(output.stdout).expect("names");
    let mut seen = 0;
    for name in names.split_terminator('\0') {
        let Ok(text) = fs::read_to_string(page::path(name)) else {
            continue;
        };
        for (at, _) in text.match_indices("github.com/tfbackend") {
            let rest = &text[at + "github.com/".len()..];
            let ends = rest.strip_prefix(owner).is_some_and(|rest| {
                !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-')
            });
            assert!(ends || name.starts_with("tests/"), "{name}: {rest:.60}");
            seen += 1;
        }
    }
    assert!(seen >= 5, "{seen}");
}

/// Names of files and versions in it are those of this version, and its links lead somewhere.
#[test]
fn security_page_verifies_files_of_this_version() {
    let page = page::read("SECURITY.md");
    let names = page.split('`').flat_map(|code| code.split_whitespace());
    let mut files = 0;
    for name in names.filter(|word| word.starts_with("tfbackend-")) {
        let end = name
            .strip_prefix(&format!("tfbackend-{VERSION}-"))
            .unwrap_or_else(|| panic!("{name} is of another version"));
        let target = end
            .trim_end_matches(".tar.gz")
            .trim_end_matches(".cdx.json");
        assert!(super::targets().iter().any(|one| one == target), "{name}");
        files += 1;
    }
    assert!(files >= 2, "{page}");
    for link in page.split("](").skip(1) {
        let link = link.split(')').next().expect("a link");
        assert!(page::path(link).is_file(), "{link}");
    }
    let repository = env!("CARGO_PKG_REPOSITORY");
    assert!(page.contains(&format!("<{repository}/security/advisories/new>")));
}

/// `cargo install` needs neither the recipes nor the tests.
#[test]
fn package_for_cargo_has_what_is_built_and_no_more() {
    let output = Command::new(env!("CARGO"))
        .args(["package", "--list", "--allow-dirty", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let listed = String::from_utf8(output.stdout).expect("names");
    for name in [
        "Cargo.lock",
        "src/main.rs",
        "LICENSE-MIT",
        "templates/backend.conf",
    ] {
        assert!(
            listed.lines().any(|line| line == name),
            "there is no {name}"
        );
    }
    for folder in [".ci/", ".github/", "packaging/", "tests/", "benches/"] {
        assert!(
            !listed.lines().any(|line| line.starts_with(folder)),
            "{folder}"
        );
    }
}
