//! Recipes for package managers, filled for a release and read back: each has the address and the
//! checksum of the archive for its target.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Output,
};

use rnix::{SyntaxKind, SyntaxNode};
use serde_json::Value;

use super::{archive, is_windows, program, releases::sha256, targets, url};
use crate::support::page;

/// What has to be in a recipe for each target: the address and the checksum.
type Archives = BTreeMap<String, (String, String)>;

fn archives() -> Archives {
    let row = |target: String| {
        let name = archive(&target);
        (target, (url(&name), sha256(name.as_bytes())))
    };
    targets().into_iter().map(row).collect()
}

/// `SHA256SUMS` of a release, without some of the targets.
fn sums(without: &str) -> String {
    archives()
        .into_iter()
        .filter(|(target, _)| target != without)
        .map(|(target, (_, sum))| format!("{sum}  {}\n", archive(&target)))
        .collect()
}

fn render(dir: &Path, sums: &str) -> Output {
    let file = dir.join("SHA256SUMS");
    fs::write(&file, sums).expect("written");
    program("render.py")
        .arg("--sums")
        .arg(file)
        .arg("--out")
        .arg(dir.join("out"))
        .output()
        .expect("Python")
}

fn rendered(name: &str) -> String {
    let dir = tempfile::tempdir().expect("a folder");
    let output = render(dir.path(), &sums(""));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let text = fs::read_to_string(dir.path().join("out").join(name)).expect("a recipe");
    assert!(!text.contains("{{"), "{text}");
    text
}

/// The rows of [`archives`] for these targets, with the names that a recipe has for them.
fn expected(names: &[(&str, &str)]) -> Archives {
    let archives = archives();
    names
        .iter()
        .map(|(name, target)| ((*name).to_owned(), archives[*target].clone()))
        .collect()
}

#[test]
fn homebrew_formula_has_the_archive_for_each_system() {
    let formula = rendered("tfbackend.rb");
    let quoted = |line: &str, word: &str| {
        let rest = line.trim().strip_prefix(word)?.strip_prefix(" \"")?;
        Some(rest.strip_suffix('"')?.to_owned())
    };
    let (mut system, mut processor, mut address) = ("", "", String::new());
    let mut found = Archives::new();
    for line in formula.lines() {
        match line.trim() {
            "on_macos do" => system = "macos",
            "on_linux do" => system = "linux",
            "on_arm do" => processor = "arm",
            "on_intel do" => processor = "intel",
            _ => {}
        }
        if let Some(url) = quoted(line, "url") {
            address = url;
        } else if let Some(sum) = quoted(line, "sha256") {
            found.insert(format!("{system} {processor}"), (address.clone(), sum));
        }
    }
    let names = [
        ("macos arm", "aarch64-apple-darwin"),
        ("macos intel", "x86_64-apple-darwin"),
        ("linux arm", "aarch64-unknown-linux-musl"),
        ("linux intel", "x86_64-unknown-linux-musl"),
    ];
    assert_eq!(found, expected(&names));
    let field = |word| formula.lines().find_map(|line| quoted(line, word));
    assert_eq!(field("version").as_deref(), Some(env!("CARGO_PKG_VERSION")));
    assert_eq!(
        field("homepage").as_deref(),
        Some(env!("CARGO_PKG_HOMEPAGE"))
    );
    let description = field("desc").expect("a description");
    assert_eq!(description, env!("CARGO_PKG_DESCRIPTION"));
    // A rule of Homebrew.
    assert!(description.len() <= 80, "{description}");
    // Each block is closed.
    let opened = |line: &&str| {
        let line = line.trim();
        line.ends_with(" do") || line.starts_with("def ") || line.starts_with("class ")
    };
    assert_eq!(
        formula.lines().filter(opened).count(),
        formula.lines().filter(|line| line.trim() == "end").count()
    );
}

/// The packed files that the formula, the flake and the Dockerfile name are in the archive.
#[test]
fn recipes_install_files_that_are_in_the_archive() {
    let pack = page::read("packaging/pack.py");
    for recipe in ["tfbackend.rb", "flake.nix", "Dockerfile"] {
        let text = rendered(recipe);
        let words = text.split(|c: char| c.is_whitespace() || "\",".contains(c));
        let mut named = 0;
        for word in words {
            let file = word
                .strip_prefix("completions/")
                .or_else(|| word.strip_prefix("/tfbackend/LICENSE").map(|_| &word[11..]));
            if let Some(file) = file {
                assert!(pack.contains(&format!("\"{file}\"")), "{recipe}: {file}");
                named += 1;
            }
        }
        assert!(named >= 3, "{recipe}: {text}");
    }
}

#[test]
fn scoop_manifest_has_the_archive_for_windows() {
    let manifest: Value = serde_json::from_str(&rendered("tfbackend.json")).expect("JSON");
    let target = "x86_64-pc-windows-msvc";
    let (address, sum) = archives()[target].clone();
    let at = &manifest["architecture"]["64bit"];
    assert_eq!(at["url"], address);
    assert_eq!(at["hash"], sum);
    let folder = archive(target).replace(".zip", "");
    assert_eq!(at["extract_dir"], folder);
    assert_eq!(manifest["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(manifest["homepage"], env!("CARGO_PKG_HOMEPAGE"));
    assert_eq!(manifest["description"], env!("CARGO_PKG_DESCRIPTION"));
    assert_eq!(
        manifest["license"],
        env!("CARGO_PKG_LICENSE").replace(" OR ", "|")
    );
    assert_eq!(manifest["bin"], "tfbackend.exe");
    // Scoop makes the next one of this itself.
    let next = &manifest["autoupdate"]["architecture"]["64bit"];
    let of_this = |text: &Value| {
        text.as_str()
            .expect("text")
            .replace("$version", env!("CARGO_PKG_VERSION"))
    };
    assert_eq!(of_this(&next["url"]), address);
    assert_eq!(of_this(&next["extract_dir"]), folder);
    assert_eq!(manifest["checkver"]["github"], env!("CARGO_PKG_REPOSITORY"));
    assert_eq!(manifest["autoupdate"]["hash"]["url"], "$baseurl/SHA256SUMS");
}

#[test]
fn dockerfile_takes_checked_archives_and_runs_without_privileges() {
    let text = rendered("Dockerfile").replace("\\\n", " ");
    let instructions: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| line.split_whitespace().collect())
        .collect();
    let (mut stage, mut found) = ("", Archives::new());
    for instruction in &instructions {
        match instruction[..] {
            ["FROM", .., "AS", name] => stage = name,
            ["FROM", image] => stage = image,
            ["ADD", sum, address, "/tfbackend.tar.gz"] => {
                let sum = sum.strip_prefix("--checksum=sha256:").expect("a checksum");
                found.insert(stage.to_owned(), (address.to_owned(), sum.to_owned()));
            }
            ["ADD", ..] => panic!("{instruction:?}"),
            _ => {}
        }
    }
    let names = [
        ("archive-amd64", "x86_64-unknown-linux-musl"),
        ("archive-arm64", "aarch64-unknown-linux-musl"),
    ];
    assert_eq!(found, expected(&names));
    let last = instructions
        .iter()
        .rposition(|instruction| instruction[0] == "FROM")
        .expect("an image");
    let image = &instructions[last..];
    assert!(
        image[0][1].starts_with("gcr.io/distroless/static"),
        "{image:?}"
    );
    // There is no shell in it.
    assert!(!image.iter().any(|instruction| instruction[0] == "RUN"));
    let of = |word| image.iter().filter(move |line| line[0] == word);
    assert_eq!(of("USER").collect::<Vec<_>>(), [&["USER", "65532:65532"]]);
    assert_eq!(
        of("ENTRYPOINT").collect::<Vec<_>>(),
        [&["ENTRYPOINT", "[\"/usr/local/bin/tfbackend\"]"]]
    );
}

/// The entries of a set, or of everything below a node: name and value.
fn entries(nodes: impl Iterator<Item = SyntaxNode>) -> Vec<(String, SyntaxNode)> {
    nodes
        .filter(|node| node.kind() == SyntaxKind::NODE_ATTRPATH_VALUE)
        .map(|entry| {
            let mut parts = entry.children();
            let name = parts.next().expect("a name").text().to_string();
            (name, parts.next().expect("a value"))
        })
        .collect()
}

#[test]
fn nix_flake_has_the_archive_for_each_system() {
    let flake = rendered("flake.nix");
    let parsed = rnix::Root::parse(&flake);
    assert!(parsed.errors().is_empty(), "{:?}", parsed.errors());
    let all = entries(parsed.syntax().descendants());
    let value = |name: &str| {
        let found = all.iter().find(|(path, _)| path == name);
        &found.unwrap_or_else(|| panic!("there is no {name}")).1
    };
    let text = |node: &SyntaxNode| node.text().to_string().replace('"', "");
    let found: Archives = entries(value("archives").children())
        .into_iter()
        .map(|(system, archive)| {
            let fields = BTreeMap::from_iter(entries(archive.children()));
            assert_eq!(fields.keys().collect::<Vec<_>>(), ["sha256", "url"]);
            (system, (text(&fields["url"]), text(&fields["sha256"])))
        })
        .collect();
    let names = [
        ("x86_64-linux", "x86_64-unknown-linux-musl"),
        ("aarch64-linux", "aarch64-unknown-linux-musl"),
        ("x86_64-darwin", "x86_64-apple-darwin"),
        ("aarch64-darwin", "aarch64-apple-darwin"),
    ];
    assert_eq!(found, expected(&names));
    assert_eq!(text(value("version")), env!("CARGO_PKG_VERSION"));
    assert_eq!(text(value("homepage")), env!("CARGO_PKG_HOMEPAGE"));
    assert_eq!(text(value("description")), env!("CARGO_PKG_DESCRIPTION"));
    assert_eq!(text(value("mainProgram")), "tfbackend");
}

#[test]
fn recipes_are_not_filled_without_all_checksums() {
    let used: BTreeSet<String> = fs::read_dir(page::path("packaging/templates"))
        .expect("templates")
        .map(|entry| fs::read_to_string(entry.expect("a file").path()).expect("text"))
        .flat_map(|text| {
            let parts = text.split("{{ sha256 ").skip(1);
            parts
                .map(|part| part.split(' ').next().expect("a target").to_owned())
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(used.len() >= 5, "{used:?}");
    let dir = tempfile::tempdir().expect("a folder");
    for target in used {
        let output = render(dir.path(), &sums(&target));
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{target}: {error}");
        let words = format!("error: there is no checksum of {}\n", archive(&target));
        assert_eq!(error, words);
    }
    for wrong in ["", "text\n", "00  tfbackend\n"] {
        let output = render(dir.path(), wrong);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.ends_with("is not what sha256sum writes\n"), "{error}");
    }
    assert!(!dir.path().join("out").exists(), "nothing was written");
}

/// `cargo binstall` puts the address together from Cargo.toml.
#[test]
fn binstall_finds_the_archive_for_each_target() {
    let manifest: toml::Table = page::read("Cargo.toml").parse().expect("TOML");
    let metadata = manifest["package"]["metadata"]["binstall"]
        .as_table()
        .expect("a table");
    let mut own: BTreeSet<&str> = BTreeSet::new();
    for target in targets() {
        let over = metadata["overrides"].get(&target);
        own.extend(over.map(|_| "windows"));
        let field = |name: &str| {
            let text = over
                .and_then(|over| over.get(name))
                .unwrap_or_else(|| &metadata[name]);
            let end = if is_windows(&target) { ".exe" } else { "" };
            text.as_str()
                .expect("text")
                .replace("{ repo }", env!("CARGO_PKG_REPOSITORY"))
                .replace("{ name }", env!("CARGO_PKG_NAME"))
                .replace("{ version }", env!("CARGO_PKG_VERSION"))
                .replace("{ target }", &target)
                .replace("{ bin }", "tfbackend")
                .replace("{ binary-ext }", end)
        };
        assert_eq!(field("pkg-url"), url(&archive(&target)));
        let format = if is_windows(&target) { "zip" } else { "tgz" };
        assert_eq!(field("pkg-fmt"), format);
        let folder = archive(&target).replace(".tar.gz", "").replace(".zip", "");
        let program = if is_windows(&target) {
            "tfbackend.exe"
        } else {
            "tfbackend"
        };
        assert_eq!(field("bin-dir"), format!("{folder}/{program}"));
    }
    let overrides = metadata["overrides"].as_table().expect("a table");
    assert_eq!(overrides.len(), 1);
    assert!(
        own.contains("windows"),
        "the target of the override is released"
    );
}
