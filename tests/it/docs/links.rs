//! Links between the pages lead somewhere, and every page can be reached from `docs/index.md`.

use std::{
    collections::BTreeSet,
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

const BESIDE: [&str; 4] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
];

#[test]
fn links_of_pages_lead_somewhere() {
    let pages = BESIDE.map(str::to_owned).into_iter().chain(page::docs());
    let mut links_found = 0;
    for name in pages {
        for (path, anchor) in links(&name) {
            links_found += 1;
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
    assert!(links_found > 200, "{links_found}");
}

/// The site takes its table of contents from this page.
#[test]
fn index_lists_each_page_once_by_its_title() {
    let index = page::read("docs/index.md");
    let listed: Vec<(String, &str)> = index
        .lines()
        .filter_map(|line| {
            let (title, rest) = line.strip_prefix("- [")?.split_once("](")?;
            Some((format!("docs/{}", rest.split_once(')')?.0), title))
        })
        .collect();
    let mut paths: Vec<&str> = listed.iter().map(|(path, _)| path.as_str()).collect();
    paths.push("docs/index.md");
    paths.sort_unstable();
    assert_eq!(paths, page::docs());
    for (path, title) in &listed {
        let text = page::read(path);
        let heading = text.lines().find_map(|line| line.strip_prefix("# "));
        assert_eq!(heading, Some(*title), "{path}");
    }
}

#[test]
fn readme_links_to_the_index_and_the_pages_beside_it() {
    let linked: BTreeSet<PathBuf> = links("README.md")
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    for page in ["docs/index.md"].iter().chain(&BESIDE[1..]) {
        assert!(linked.contains(Path::new(page)), "{page}");
    }
}
