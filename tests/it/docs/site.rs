//! `site/build.py`: the sources of the site are the pages, each once in the table of contents, with links
//! that stay inside or lead to the repository.

use std::{fs, path::Path, process::Command};

use crate::support::{emulator::python, page};

#[test]
fn site_has_each_page_once_and_no_link_out_of_its_folder() {
    let dir = tempfile::tempdir().expect("a folder");
    let status = Command::new(python())
        .arg("-I")
        .arg(page::path("site/build.py"))
        .arg(dir.path())
        .status()
        .expect("Python");
    assert!(status.success(), "{status}");
    let source = dir.path().join("src");
    let summary = fs::read_to_string(source.join("SUMMARY.md")).expect("a table of contents");
    for part in ["# Guides", "# Concepts", "# Reference", "# Internals"] {
        assert!(
            summary.contains(&format!("\n{part}\n")),
            "{part}: {summary}"
        );
    }
    let address = env!("CARGO_PKG_REPOSITORY");
    let mut outside = 0;
    for name in page::docs() {
        let name = name.strip_prefix("docs/").expect("a page");
        assert_eq!(summary.matches(&format!("]({name})")).count(), 1, "{name}");
        let text = fs::read_to_string(source.join(name)).expect("a page");
        let folder = source.join(name).parent().expect("a folder").to_owned();
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            if link.starts_with(address) {
                outside += 1;
            }
            let target = link.split('#').next().unwrap_or_default();
            if link.contains("://") || target.is_empty() || target.contains(' ') {
                continue;
            }
            // Code may look like a link.
            if Path::new(target)
                .extension()
                .is_none_or(|kind| kind != "md")
            {
                continue;
            }
            let target = folder.join(target).canonicalize();
            let target = target.unwrap_or_else(|error| panic!("{name}: {link}: {error}"));
            assert!(
                target.starts_with(source.canonicalize().expect("a folder")),
                "{name}: {link}"
            );
        }
    }
    assert!(
        outside > 3,
        "README, architecture and others are in the repository"
    );
    let book = fs::read_to_string(dir.path().join("book.toml")).expect("settings");
    let book: toml::Table = book.parse().expect("TOML");
    let html = &book["output"]["html"];
    assert_eq!(html["git-repository-url"].as_str(), Some(address));
}
