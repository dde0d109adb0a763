//! What the program is built from: one registry, by checksum, no other TLS, licences that go with ours. `deny.toml` says the
//! same to `cargo deny`, which also asks for advisories.

use std::{collections::BTreeSet, process::Command};

use serde_json::Value;
use toml::Table;

use crate::support::page;

fn toml(name: &str) -> Table {
    page::read(name).parse().unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn texts(table: &Table, path: &[&str]) -> BTreeSet<String> {
    let (last, parents) = path.split_last().expect("a path");
    let table = parents.iter().fold(table, |table, name| table[*name].as_table().expect(name));
    let text = |value: &toml::Value| value.get("crate").unwrap_or(value).as_str().expect("text").to_owned();
    table[*last].as_array().expect(last).iter().map(text).collect()
}

#[test]
fn threat_23_every_crate_comes_from_the_one_registry_by_its_checksum() {
    let lock = toml("Cargo.lock");
    let packages = lock["package"].as_array().expect("packages");
    let registries = texts(&toml("deny.toml"), &["sources", "allow-registry"]);
    assert!(registries.len() == 1 && packages.len() > 100);
    for package in packages {
        let name = package["name"].as_str().expect("a name");
        let field = |field| package.get(field).and_then(toml::Value::as_str);
        match field("source") {
            None => assert_eq!(name, "tfbackend", "nothing but the program itself is built from a folder"),
            Some(source) => {
                assert!(source.strip_prefix("registry+").is_some_and(|source| registries.contains(source)), "{name}: {source}");
                assert!(field("checksum").is_some_and(|sum| sum.len() == 64), "{name} has no checksum");
            }
        }
    }
    let manifest = page::read("Cargo.toml");
    for word in ["[patch", "[replace", "git =", "path = \"../"] {
        assert!(!manifest.contains(word), "{word}");
    }
}

#[test]
fn no_other_tls_and_no_crate_that_is_banned() {
    let banned = texts(&toml("deny.toml"), &["bans", "deny"]);
    assert!(["openssl", "openssl-sys", "native-tls"].iter().all(|name| banned.contains(*name)), "{banned:?}");
    let lock = toml("Cargo.lock");
    for package in lock["package"].as_array().expect("packages") {
        let name = package["name"].as_str().expect("a name");
        assert!(!banned.contains(name), "{name} is banned");
    }
}

#[test]
fn every_licence_is_one_that_is_allowed() {
    let allowed = texts(&toml("deny.toml"), &["licenses", "allow"]);
    // Of what is built here: no more than that needs to be on this machine.
    let version = Command::new("rustc").arg("-vV").output().expect("rustc").stdout;
    let version = String::from_utf8(version).expect("text");
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("a platform");
    let mut metadata = Command::new(env!("CARGO"));
    metadata.args(["metadata", "--locked", "--offline", "--format-version", "1", "--filter-platform", host]);
    let output = metadata.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for package in metadata["packages"].as_array().expect("packages") {
        let licence = package["license"].as_str().unwrap_or_else(|| panic!("{} has no licence", package["name"]));
        assert!(goes(licence, &allowed), "{}: {licence}", package["name"]);
    }
}

/// Whether what is allowed is enough for an SPDX expression. `AND` binds more than `OR`, and `/` is an old `OR`.
fn goes(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ").replace(" WITH ", "+WITH+");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let (goes, rest) = any_of(&tokens, allowed);
    assert!(rest.is_empty(), "{expression}");
    goes
}

fn any_of<'t>(tokens: &'t [&'t str], allowed: &BTreeSet<String>) -> (bool, &'t [&'t str]) {
    let (mut goes, mut rest) = all_of(tokens, allowed);
    while let ["OR", more @ ..] = rest {
        let (also, left) = all_of(more, allowed);
        (goes, rest) = (goes | also, left);
    }
    (goes, rest)
}

fn all_of<'t>(tokens: &'t [&'t str], allowed: &BTreeSet<String>) -> (bool, &'t [&'t str]) {
    let (mut goes, mut rest) = one(tokens, allowed);
    while let ["AND", more @ ..] = rest {
        let (also, left) = one(more, allowed);
        (goes, rest) = (goes & also, left);
    }
    (goes, rest)
}

fn one<'t>(tokens: &'t [&'t str], allowed: &BTreeSet<String>) -> (bool, &'t [&'t str]) {
    match tokens {
        ["(", inner @ ..] => match any_of(inner, allowed) {
            (goes, [")", rest @ ..]) => (goes, rest),
            (_, rest) => panic!("{rest:?}"),
        },
        [name, rest @ ..] => {
            let name = name.replace("+WITH+", " WITH ");
            (allowed.contains(&name), rest)
        }
        [] => panic!("an expression ends too early"),
    }
}

#[test]
fn an_expression_is_read_as_it_is_meant() {
    let allowed: BTreeSet<String> = ["MIT", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned).into();
    for (expression, enough) in [
        ("MIT", true),
        ("MIT/GPL-3.0", true),
        ("GPL-3.0 OR Apache-2.0 WITH LLVM-exception", true),
        ("MIT AND GPL-3.0", false),
        ("GPL-3.0 OR MIT AND GPL-3.0", false),
        ("(GPL-3.0 OR MIT) AND MIT", true),
        ("Apache-2.0", false),
    ] {
        assert_eq!(goes(expression, &allowed), enough, "{expression}");
    }
}

#[test]
fn every_python_package_is_pinned_by_its_hashes() {
    for name in ["tests/requirements.txt", "src/sandbox/requirements.txt"] {
        let text = page::read(name).replace("\\\n", " ");
        let packages: Vec<&str> = text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_alphanumeric())).collect();
        assert!(packages.len() > 5 && text.contains("--only-binary :all:"), "{name}");
        for package in packages {
            assert!(package.contains("==") && package.contains("--hash=sha256:"), "{name}: {package}");
        }
    }
}
