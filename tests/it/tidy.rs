//! The house rules, as a program.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The longest that a source file may be.
const LINES: usize = 800;

/// The rooms, and which others each may name. What stands below knows nothing of what is above.
const ROOMS: [(&str, &[&str]); 12] = [
    ("kind", &[]),
    ("text", &[]),
    ("engine", &[]),
    ("state", &["text"]),
    ("host", &["text"]),
    ("store", &["host", "kind", "state", "text"]),
    ("terraform", &["engine", "host", "kind", "state", "text"]),
    ("checks", &["engine", "state", "terraform", "text"]),
    (
        "settings",
        &["checks", "engine", "host", "kind", "state", "text"],
    ),
    (
        "report",
        &["checks", "engine", "state", "store", "terraform", "text"],
    ),
    (
        "backend",
        &[
            "checks",
            "engine",
            "host",
            "kind",
            "settings",
            "state",
            "store",
            "terraform",
            "text",
        ],
    ),
    ("sandbox", &["backend", "host", "text"]),
];

/// Words of a private dialect: a text says which role does what.
const DIALECT: [[&str; 2]; 5] = [
    ["no", "body"],
    ["some", "body"],
    ["who", "ever"],
    ["whos", "ever"],
    ["any", "body"],
];

/// The rooms that decide: they know no clock, no terminal, and no file system.
const PURE: [&str; 3] = ["engine", "state", "checks"];

struct Source {
    /// Relative to the package, with `/`.
    path: String,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let mut found = vec![];
    let mut folders = vec![root().join("src"), root().join("tests")];
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<PathBuf> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let path = path
                    .strip_prefix(root())
                    .unwrap()
                    .to_string_lossy()
                    .replace('\\', "/");
                found.push(Source { path, text });
            }
        }
    }
    found
}

/// What breaks a rule, one line each. Comments may name what code may not.
fn faults(source: &Source) -> Vec<String> {
    let Source { path, text } = source;
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let mut faults = vec![];
    let mut rule =
        |broken: bool, what: &str| faults.extend(broken.then(|| format!("{path}: {what}")));

    rule(
        !text.starts_with("//! "),
        "the first line says what the file is for, after `//! `",
    );
    rule(
        text.lines().count() > LINES,
        "more than 800 lines: it is about more than one thing",
    );
    rule(
        path.ends_with("/mod.rs"),
        "`foo.rs` and `foo/`, not `foo/mod.rs`",
    );
    // In pieces, so that this file keeps its own rules.
    for word in [
        ["#[ign", "ore"],
        ["todo", "!("],
        ["unimplemented", "!("],
        ["dbg", "!("],
    ] {
        rule(
            code.contains(&word.concat()),
            &format!("{} is never left behind", word.concat()),
        );
    }
    if let Some(module) = path.strip_prefix("src/") {
        for word in dialect(text) {
            rule(true, &format!("`{word}`: say which role does it"));
        }
        for word in ["println!", "eprintln!", "print!", "eprint!"] {
            rule(
                has_word(&code, word),
                &format!("{word}: the library never prints"),
            );
        }
        let speaks = ["report.rs", "report/", "cli.rs", "cli/", "main.rs"]
            .iter()
            .any(|place| module.starts_with(place));
        for word in [
            "io::stdout",
            "io::stderr",
            "Term::stdout",
            "Term::stderr",
            "ProgressDrawTarget",
            "io::{stdout",
            "io::{stderr",
        ] {
            rule(
                !speaks && code.contains(word),
                &format!("{word}: only report, cli and main write to a terminal"),
            );
        }
        let looks = [
            "main.rs",
            "host.rs",
            "host/",
            "backend/aws.rs",
            "backend/aws/",
        ]
        .iter()
        .any(|place| module.starts_with(place));
        for word in [
            "env::var",
            "env::vars",
            "env::set_var",
            "env::current_dir",
            "env::args",
        ] {
            rule(
                !looks && has_word(&code, word),
                &format!("{word}: the environment is read through `host::Host`"),
            );
        }
        let sdk = ["backend/aws.rs", "backend/aws/", "sandbox.rs", "sandbox/"]
            .iter()
            .any(|place| module.starts_with(place));
        for word in [
            "aws_sdk_",
            "aws_smithy_",
            "aws_config::",
            "aws_types::",
            "aws_credential_types::",
        ] {
            rule(
                !sdk && code.contains(word),
                &format!("{word}: only `aws` and `sandbox` know the SDK"),
            );
        }
        let room = module.split(['/', '.']).next().unwrap_or_default();
        if let Some((_, known)) = ROOMS.iter().find(|(name, _)| *name == room)
            && !is_test(module)
        {
            let shipped = code
                .split("#[cfg(test)]\nmod tests {")
                .next()
                .unwrap_or_default();
            for other in imports(shipped) {
                let known = other == room || known.contains(&other.as_str());
                rule(
                    !known,
                    &format!("crate::{other}: no arrow leads there from `{room}`"),
                );
            }
        }
        if PURE.contains(&room) && !is_test(module) {
            for word in [
                "tokio::fs",
                "tokio::net",
                "tokio::process",
                "std::fs",
                "std::env",
                "std::net",
                "std::process",
                "SystemTime",
                "Timestamp::now",
                "Zoned::now",
            ] {
                rule(
                    code.contains(word),
                    &format!("{word}: {room} does not touch the world"),
                );
            }
        }
    }
    faults
}

/// Unit tests and what they stand on: not part of the program.
fn is_test(module: &str) -> bool {
    module.ends_with("/tests.rs") || module.contains("/tests/") || module.contains("/testing")
}

/// Whether `word` is there, and is not the end of a longer one.
fn has_word(code: &str, word: &str) -> bool {
    let in_name = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        !code[..at].ends_with(in_name) && !(code[at + word.len()..].starts_with(in_name))
    })
}

/// The modules that code names after `crate::`, also in a group.
fn imports(code: &str) -> BTreeSet<String> {
    let name = |text: &str| -> String {
        text.trim_start()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let mut found = BTreeSet::new();
    for (at, start) in code.match_indices("crate::") {
        let rest = &code[at + start.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            found.insert(name(rest));
            continue;
        };
        found.insert(name(group));
        let mut depth = 1;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => drop(found.insert(name(&group[at + 1..]))),
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    // After the last comma of a group.
    found.remove("");
    found
}

#[test]
fn every_file_keeps_the_house_rules() {
    let sources = sources();
    assert!(
        sources.iter().any(|source| source.path == "src/lib.rs"),
        "the sources were found"
    );
    let faults: Vec<_> = sources.iter().flat_map(faults).collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// The words of [`DIALECT`] in a text.
fn dialect(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    DIALECT
        .iter()
        .map(|parts| parts.concat())
        .filter(|word| has_word(&text, word))
        .collect()
}

#[test]
fn documents_are_in_plain_english() {
    let mut pages = vec![
        root().join("README.md"),
        root().join("CONTRIBUTING.md"),
        root().join("SECURITY.md"),
        root().join("action.yml"),
        root().join("install.sh"),
    ];
    let mut folders = [
        "docs",
        "templates",
        "examples",
        ".github/workflows",
        "packaging",
    ]
    .map(|folder| root().join(folder))
    .to_vec();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            // What Python leaves behind.
            if path.ends_with("__pycache__") {
                continue;
            }
            let list = if path.is_dir() {
                &mut folders
            } else {
                &mut pages
            };
            list.push(path);
        }
    }
    assert!(pages.len() > 60, "the pages were found");
    let faults: Vec<String> = pages
        .iter()
        .flat_map(|page| {
            let words = dialect(&fs::read_to_string(page).unwrap());
            words
                .into_iter()
                .map(|word| format!("{}: {word}", page.display()))
        })
        .collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// The names of the types that a source declares.
fn types(source: &Source) -> Vec<String> {
    let shipped = source
        .text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    let declared = shipped.lines().filter_map(|line| {
        let line = line.strip_prefix("pub ").unwrap_or(line);
        let line = match line.strip_prefix("pub(") {
            Some(rest) => rest.split_once(") ")?.1,
            None => line,
        };
        let (word, rest) = line.split_once(' ')?;
        let is_type = ["struct", "enum", "trait", "type", "union"].contains(&word);
        let name = rest
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .next()?;
        is_type.then(|| name.to_owned())
    });
    declared.collect()
}

#[test]
fn each_type_has_a_name_of_its_own() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources() {
        let module = source.path.strip_prefix("src/").unwrap_or_default();
        if !module.is_empty() && !is_test(module) {
            for name in types(&source) {
                places.entry(name).or_default().push(source.path.clone());
            }
        }
    }
    assert!(places.len() > 500, "the types were found");
    places.retain(|_, places| places.len() > 1);
    assert!(places.is_empty(), "{places:#?}");
}

/// No circles: each room names only those above it in the table.
#[test]
fn rooms_stand_on_each_other() {
    for (at, (room, known)) in ROOMS.iter().enumerate() {
        let below: Vec<&str> = ROOMS[..at].iter().map(|(name, _)| *name).collect();
        assert!(
            known.iter().all(|name| below.contains(name)),
            "{room} names what is not below it"
        );
    }
}

/// `ARCHITECTURE.md` is the map: what stands at the top of `src` is on it.
#[test]
fn the_architecture_names_every_module() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let tops = fs::read_dir(root().join("src"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let missing: Vec<_> = tops
        .filter(|name| name.ends_with(".rs") && !map.contains(name.as_str()))
        .collect();
    assert!(
        missing.is_empty(),
        "ARCHITECTURE.md does not name {missing:?}"
    );
}

/// Each rule is broken once.
#[test]
fn the_rules_have_teeth() {
    let about = "//! What it is for.\n";
    let long = "\n".repeat(LINES);
    for (path, text, says) in [
        ("src/a.rs", "use std::fmt;\n", "first line"),
        ("src/a.rs", &format!("{about}{long}"), "more than 800"),
        ("src/a/mod.rs", about, "not `foo/mod.rs`"),
        (
            "tests/it/a.rs",
            &format!("{about}#[ign{}]\n", "ore"),
            "never left behind",
        ),
        (
            "src/a.rs",
            &format!("{about}fn f() {{ todo{}); }}\n", "!("),
            "never left behind",
        ),
        (
            "src/a.rs",
            &format!("{about}fn f() {{ println!(); }}\n"),
            "never prints",
        ),
        (
            "src/report/a.rs",
            &format!("{about}fn f() {{ eprint!(); }}\n"),
            "never prints",
        ),
        (
            "src/a.rs",
            &format!("{about}use std::io::stdout;\n"),
            "write to a terminal",
        ),
        (
            "src/backend/aws/a.rs",
            &format!("{about}fn f() {{ std::io::stderr(); }}\n"),
            "write to a terminal",
        ),
        (
            "src/cli/a.rs",
            &format!("{about}fn f() {{ std::env::var(\"A\"); }}\n"),
            "read through",
        ),
        (
            "src/awsome.rs",
            &format!("{about}use aws_sdk_s3::Client;\n"),
            "know the SDK",
        ),
        (
            "src/engine/plan.rs",
            &format!("{about}use crate::backend::aws::Aws;\n"),
            "crate::backend",
        ),
        (
            "src/engine/plan/a.rs",
            &format!(
                "{about}use crate::{{\n    engine::spec::{{Address, Spec}},\n    \
                 report::View,\n}};\n"
            ),
            "crate::report",
        ),
        (
            "src/engine/apply.rs",
            &format!("{about}use tokio::fs;\n"),
            "touch the world",
        ),
        (
            "src/terraform/read/a.rs",
            &format!("{about}use crate::checks::Check;\n"),
            "crate::checks",
        ),
        (
            "src/checks/files/a.rs",
            &format!("{about}use crate::backend::aws::Aws;\n"),
            "crate::backend",
        ),
    ] {
        let source = Source {
            path: path.into(),
            text: text.into(),
        };
        let faults = faults(&source);
        assert!(
            faults.len() == 1 && faults[0].contains(says),
            "{path} {text:?}: {faults:?}"
        );
    }
    for (path, text) in [
        (
            "src/a.rs",
            "//! Nothing is printed with `println!`.\nfn f() { writeln!(out); }\n",
        ),
        (
            "src/backend/aws/a.rs",
            "//! Clients.\nuse aws_sdk_s3::Client;\nfn f() { std::env::var(\"A\"); }\n",
        ),
        (
            "src/report/plan.rs",
            "//! A plan.\nuse crate::{engine::{Plan, backend}, text::words};\n",
        ),
        (
            "src/checks/files.rs",
            "//! Files.\nuse crate::terraform::read::Block;\n",
        ),
        (
            "src/report/a.rs",
            "//! A report.\nuse indicatif::ProgressDrawTarget;\nlet environment = \
             environment::variable();\n",
        ),
    ] {
        let source = Source {
            path: path.into(),
            text: text.into(),
        };
        assert_eq!(faults(&source), Vec::<String>::new());
    }
}
