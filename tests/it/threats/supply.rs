//! What the program is built from: one registry, by checksum, no other TLS, licences that go with
//! ours. `deny.toml` says the same to `cargo deny`; `.ci/audit.py` asks for advisories, and the
//! provider that tests run comes from where nobody else writes.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use toml::Table;

use crate::support::{emulator, page};

fn toml(name: &str) -> Table {
    page::read(name)
        .parse()
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn texts(table: &Table, path: &[&str]) -> BTreeSet<String> {
    let (last, parents) = path.split_last().expect("a path");
    let table = parents
        .iter()
        .fold(table, |table, name| table[*name].as_table().expect(name));
    let text = |value: &toml::Value| {
        value
            .get("crate")
            .unwrap_or(value)
            .as_str()
            .expect("text")
            .to_owned()
    };
    table[*last]
        .as_array()
        .expect(last)
        .iter()
        .map(text)
        .collect()
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
            None => assert_eq!(
                name, "tfbackend",
                "nothing but the program itself is built from a folder"
            ),
            Some(source) => {
                assert!(
                    source
                        .strip_prefix("registry+")
                        .is_some_and(|source| registries.contains(source)),
                    "{name}: {source}"
                );
                assert!(
                    field("checksum").is_some_and(|sum| sum.len() == 64),
                    "{name} has no checksum"
                );
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
    assert!(
        ["openssl", "openssl-sys", "native-tls"]
            .iter()
            .all(|name| banned.contains(*name)),
        "{banned:?}"
    );
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
    let version = Command::new("rustc")
        .arg("-vV")
        .output()
        .expect("rustc")
        .stdout;
    let version = String::from_utf8(version).expect("text");
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .expect("a platform");
    let mut metadata = Command::new(env!("CARGO"));
    metadata.args([
        "metadata",
        "--locked",
        "--offline",
        "--format-version",
        "1",
        "--filter-platform",
        host,
    ]);
    let output = metadata
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for package in metadata["packages"].as_array().expect("packages") {
        let licence = package["license"]
            .as_str()
            .unwrap_or_else(|| panic!("{} has no licence", package["name"]));
        assert!(goes(licence, &allowed), "{}: {licence}", package["name"]);
    }
}

/// Whether what is allowed is enough for an SPDX expression. `AND` binds more than `OR`, and `/` is
/// an old `OR`.
fn goes(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace(" WITH ", "+WITH+");
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
    let allowed: BTreeSet<String> = ["MIT", "Apache-2.0 WITH LLVM-exception"]
        .map(str::to_owned)
        .into();
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
        let packages: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with(|c: char| c.is_ascii_alphanumeric()))
            .collect();
        assert!(
            packages.len() > 5 && text.contains("--only-binary :all:"),
            "{name}"
        );
        for package in packages {
            assert!(
                package.contains("==") && package.contains("--hash=sha256:"),
                "{name}: {package}"
            );
        }
    }
}

fn audit(args: &[&str]) -> Output {
    Command::new(emulator::python())
        .arg("-I")
        .arg(page::path(".ci/audit.py"))
        .args(args)
        .output()
        .expect("the tests' Python")
}

/// Databases in the form of the real ones, with an advisory of each form of requirement.
fn databases(dir: &Path) -> (PathBuf, PathBuf) {
    let (rust, python) = (dir.join("rust"), dir.join("python"));
    let advisories = [
        (
            "rustls",
            "RUSTSEC-2024-0336",
            "patched = [\">= 0.23.5\", \"^0.22.4\"]",
        ),
        (
            "hyper",
            "RUSTSEC-2022-0022",
            "patched = [\">= 0.14.12\"]\nunaffected = [\"< 0.14.0\"]",
        ),
        ("proc-macro-error", "RUSTSEC-2024-0370", "patched = []"),
    ];
    for (name, id, versions) in advisories {
        let folder = rust.join("crates").join(name);
        fs::create_dir_all(&folder).expect("made");
        let text = format!(
            "```toml\n[advisory]\nid = \"{id}\"\npackage = \"{name}\"\ndate = \
             \"2024-05-01\"\n\n[versions]\n{versions}\n```\n\n# About {name}\n"
        );
        fs::write(folder.join(format!("{id}.md")), text).expect("written");
    }
    let folder = python.join("vulns/urllib3");
    fs::create_dir_all(&folder).expect("made");
    let text = "id: PYSEC-2023-212\nmodified: \"2023-10-20T00:00:00Z\"\ndetails: About \
                urllib3\naffected:\n- ranges:\n  - type: ECOSYSTEM\n    events:\n    - \
                introduced: \"0\"\n    - fixed: 1.26.18\n    - introduced: 2.0.0\n    - fixed: \
                2.0.7\n";
    fs::write(folder.join("PYSEC-2023-212.yaml"), text).expect("written");
    (rust, python)
}

#[test]
fn an_advisory_about_what_is_built_is_found() {
    let dir = tempfile::tempdir().expect("a folder");
    let (rust, python) = databases(dir.path());
    let (lock, list) = (
        dir.path().join("Cargo.lock"),
        dir.path().join("requirements.txt"),
    );
    let package = |name: &str, version: &str| {
        format!(
            "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n\n"
        )
    };
    let judged = |crates: &[(&str, &str)], packages: &str| {
        let lines: Vec<String> = crates
            .iter()
            .map(|(name, version)| package(name, version))
            .collect();
        fs::write(&lock, lines.concat()).expect("written");
        fs::write(&list, packages).expect("written");
        let path = |path: &Path| path.display().to_string();
        let (lock, list, rust, python) = (path(&lock), path(&list), path(&rust), path(&python));
        let output = audit(&[
            "--lock", &lock, "--list", &list, "--rust", &rust, "--python", &python,
        ]);
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    };
    let clean = [
        ("rustls", "0.23.5"),
        ("rustls", "0.22.5"),
        ("hyper", "0.13.9"),
        ("hyper", "1.0.0"),
    ];
    let (code, said) = judged(&clean, "urllib3==2.0.7 \\\n    --hash=sha256:00\n");
    assert_eq!(code, Some(0), "{said}");
    for database in [
        "4 crates against https://github.com/rustsec/advisory-db of 2024-05-01",
        "1 Python packages against https://github.com/pypa/",
    ] {
        assert!(said.contains(database), "{said}");
    }
    // The last that each fixes, the first before it, and what is not maintained.
    let affected = [
        ("rustls", "0.23.4"),
        ("rustls", "0.22.3"),
        ("hyper", "0.14.10"),
        ("proc-macro-error", "1.0.4"),
    ];
    let (code, said) = judged(
        &affected,
        "urllib3==2.0.6 \\\n    --hash=sha256:00\nPyYAML==6.0.3\n",
    );
    assert_eq!(code, Some(1));
    let mut lines: Vec<&str> = said
        .lines()
        .skip(3)
        .filter_map(|line| line.split_once(" (").map(|(start, _)| start))
        .collect();
    lines.sort_unstable();
    insta::assert_snapshot!(lines.join("\n"), @r"
    hyper 0.14.10: RUSTSEC-2022-0022
    proc-macro-error 1.0.4: RUSTSEC-2024-0370
    rustls 0.22.3: RUSTSEC-2024-0336
    rustls 0.23.4: RUSTSEC-2024-0336
    urllib3 2.0.6: PYSEC-2023-212
    ");
}

/// The AWS provider and its folder, in the layout of a mirror for this platform.
#[cfg(unix)]
fn unpacked(mirror: &Path) -> (PathBuf, PathBuf) {
    let system = if cfg!(target_os = "macos") {
        "darwin"
    } else {
        "linux"
    };
    let machine = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "amd64"
    };
    let platform = mirror.join(format!(
        "registry.terraform.io/hashicorp/aws/5.1.0/{system}_{machine}"
    ));
    fs::create_dir_all(&platform).expect("made");
    let provider = platform.join("terraform-provider-aws_v5.1.0_x5");
    fs::write(&provider, "").expect("written");
    (provider, platform)
}

/// Whether `tests/mirror.sh` succeeds in this home, with these variables and folders to look below,
/// and what it prints.
#[cfg(unix)]
fn mirror_of(home: &Path, vars: &[(&str, &Path)], roots: &[&Path]) -> (bool, String) {
    let mut script = Command::new(page::path("tests/mirror.sh"));
    for name in [
        "TF_CLI_CONFIG_FILE",
        "TFBACKEND_TF_MIRROR",
        "TF_PLUGIN_CACHE_DIR",
        "XDG_DATA_HOME",
        "XDG_DATA_DIRS",
    ] {
        script.env_remove(name);
    }
    let output = script
        .env("HOME", home)
        .envs(vars.iter().copied())
        .args(roots)
        .output()
        .expect("tests/mirror.sh");
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned(),
    )
}

/// In the order in which they are looked for: what Terraform's configuration names, its implied
/// local mirrors, and what is root's.
#[test]
#[cfg(unix)]
fn the_provider_is_found_where_terraform_would_find_it() {
    use std::os::unix::fs::MetadataExt;
    let dir = tempfile::tempdir().expect("a folder");
    let dir = fs::canonicalize(dir.path()).expect("a path");
    let (home, nothing) = (dir.join("home"), dir.join("nothing"));
    fs::create_dir_all(&home).expect("made");
    fs::create_dir_all(&nothing).expect("made");
    let found = |vars: &[(&str, &Path)], roots: &[&Path]| match mirror_of(&home, vars, roots) {
        (true, path) => path
            .strip_prefix(&*dir.display().to_string())
            .unwrap_or(&path)
            .to_owned(),
        (false, said) => format!("failed: {said}"),
    };
    let vars = [("XDG_DATA_DIRS", nothing.as_path())];
    assert_eq!(found(&vars, &[&nothing]), "");

    // Of another platform, or not of root: neither is one.
    let other = dir.join("opt/other/registry.terraform.io/hashicorp/aws/5.1.0/plan9_386");
    fs::create_dir_all(&other).expect("made");
    fs::write(other.join("terraform-provider-aws_v5.1.0_x5"), "").expect("written");
    assert_eq!(found(&vars, &[&dir.join("opt")]), "");
    let (provider, _) = unpacked(&dir.join("opt/vendor/terraform/plugins"));
    let is_root = fs::metadata(&provider).expect("there").uid() == 0;
    assert_eq!(
        found(&vars, &[&nothing, &dir.join("opt")]),
        if is_root {
            "/opt/vendor/terraform/plugins"
        } else {
            ""
        }
    );

    unpacked(&dir.join("share/terraform/plugins"));
    let shared = [("XDG_DATA_DIRS", dir.join("share"))];
    let shared: Vec<(&str, &Path)> = shared
        .iter()
        .map(|(name, path)| (*name, path.as_path()))
        .collect();
    assert_eq!(
        found(&shared, &[&dir.join("opt")]),
        if cfg!(target_os = "macos") {
            ""
        } else {
            "/share/terraform/plugins"
        }
    );
    unpacked(&home.join(".terraform.d/plugins"));
    assert_eq!(
        found(&shared, &[&dir.join("opt")]),
        "/home/.terraform.d/plugins"
    );

    for (at, text) in [
        "provider_installation {\n  filesystem_mirror {\n    path    = \"MIRROR\"\n    include = \
         [\"*/*/*\"]\n  }\n  direct {}\n}\n",
        "provider_installation { filesystem_mirror { path = \"MIRROR\" } }\n",
        "disable_checkpoint = true\nplugin_cache_dir = \"$HOME/../MIRRORS\"\n",
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("mirror {at}");
        unpacked(&dir.join(&name));
        let text = text
            .replace("MIRRORS", &name)
            .replace("MIRROR", &dir.join(&name).display().to_string());
        fs::write(home.join(".terraformrc"), &text).expect("written");
        assert_eq!(found(&shared, &[&nothing]), format!("/{name}"), "{text}");
        let commented = text
            .replace("path ", "# path ")
            .replace("plugin_cache", "// plugin_cache")
            .replace("{ #", "{\n#");
        let named = dir.join("named.rc");
        fs::write(&named, commented).expect("written");
        assert_eq!(
            found(&[shared[0], ("TF_CLI_CONFIG_FILE", &named)], &[&nothing]),
            "/home/.terraform.d/plugins"
        );
    }
}

/// A provider is a program: Terraform runs what is found.
#[test]
#[cfg(unix)]
fn a_provider_that_others_can_change_is_not_taken() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().expect("a folder");
    let mirror = home.path().join(".terraform.d/plugins");
    let (provider, platform) = unpacked(&mirror);
    let found = |named: Option<&Path>| {
        let named: Vec<_> = named
            .iter()
            .map(|named| ("TFBACKEND_TF_MIRROR", *named))
            .collect();
        mirror_of(home.path(), &named, &[])
    };
    let own = fs::canonicalize(&mirror)
        .expect("a path")
        .display()
        .to_string();
    assert_eq!(found(None), (true, own.clone()));
    assert_eq!(found(Some(&mirror)), (true, own.clone()));
    for open in [&provider, &platform, &mirror] {
        let before = fs::metadata(open).expect("there").permissions();
        fs::set_permissions(open, fs::Permissions::from_mode(0o777)).expect("opened");
        assert_ne!(found(None).1, own, "{}", open.display());
        assert_eq!(
            found(Some(&mirror)),
            (false, String::new()),
            "{}",
            open.display()
        );
        fs::set_permissions(open, before).expect("closed");
    }
    assert_eq!(found(None), (true, own));
}
