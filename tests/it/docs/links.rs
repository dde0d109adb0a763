//! Links between the pages lead somewhere, and every page can be reached from the README.

use std::{
    collections::BTreeSet,
    fs,
    path::{Component, Path, PathBuf},
};

use crate::support::page;

/// The links of a page to files of this package, from the root of it.
fn links(name: &str) -> Vec<(PathBuf, Option<String>)> {
    let text = page::read(name);
    let folder = Path::new(name).parent().expect("a file");
    let mut code = false;
    let mut found = vec![];
    for line in text.lines() {
        code ^= line.starts_with("```");
        if code {
            continue;
        }
        for link in line
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            if !link.contains("://") {
                let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| {
                    (path, Some(anchor.to_owned()))
                });
                let path = if path.is_empty() {
                    PathBuf::from(name)
                } else {
                    plain(&folder.join(path))
                };
                found.push((path, anchor));
            }
        }
    }
    found
}

fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

fn anchors(page: &str) -> BTreeSet<String> {
    let heading = |line: &str| {
        line.starts_with('#')
            .then(|| line.trim_start_matches('#').trim().to_lowercase())
    };
    let anchor = |heading: String| {
        heading
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
            .collect::<String>()
            .replace(' ', "-")
    };
    page.lines().filter_map(heading).map(anchor).collect()
}

#[test]
fn every_link_leads_somewhere_and_every_page_is_linked() {
    let mut pages = vec![
        "README.md".to_owned(),
        "ARCHITECTURE.md".into(),
        "CONTRIBUTING.md".into(),
        "CHANGELOG.md".into(),
    ];
    let docs = fs::read_dir(page::path("docs"))
        .expect("docs")
        .map(|entry| entry.expect("a page").file_name());
    let docs = docs.map(|name| format!("docs/{}", name.to_str().expect("a name")));
    pages.extend(docs.filter(|name| name.ends_with(".md")));
    for name in &pages {
        for (path, anchor) in links(name) {
            assert!(
                page::path(path.to_str().expect("a path")).exists(),
                "{name}: there is no {}",
                path.display()
            );
            if let Some(anchor) = anchor {
                let text = page::read(path.to_str().expect("a path"));
                assert!(
                    anchors(&text).contains(&anchor),
                    "{name}: {} has no heading {anchor}: {:?}",
                    path.display(),
                    anchors(&text)
                );
            }
        }
    }
    let linked: BTreeSet<PathBuf> = links("README.md")
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    let missing: Vec<&String> = pages
        .iter()
        .filter(|page| *page != "README.md" && !linked.contains(Path::new(page)))
        .collect();
    assert!(missing.is_empty(), "README.md does not link to {missing:?}");
}
