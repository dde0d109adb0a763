//! The action, step by step as GitHub runs them: with Bash, on values in variables.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use tempfile::TempDir;

use super::{
    releases::{Answer, Releases, packed, path, sha256},
    yaml,
};
use crate::support::page;

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn action() -> Value {
    yaml(&page::path("action.yml"))
}

/// A runner with a repository that has a backend of kind local.
struct Runner {
    dir: TempDir,
    inputs: BTreeMap<String, String>,
}

/// What a step leaves.
struct Step {
    code: Option<i32>,
    said: String,
    outputs: BTreeMap<String, String>,
}

impl Runner {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        for name in ["workspace", "temp", "home"] {
            fs::create_dir(dir.path().join(name)).expect("a folder");
        }
        let states = dir.path().join("states");
        let toml = format!(
            "project = \"acme\"\n\n[env.dev]\nbackend = \"local\"\nstate-dir = \"{}\"\n",
            states.display()
        );
        let runner = Self {
            dir,
            inputs: BTreeMap::new(),
        };
        fs::write(runner.path("workspace/tfbackend.toml"), toml).expect("written");
        let mut bootstrap = Command::new(env!("CARGO_BIN_EXE_tfbackend"));
        bootstrap.args(["bootstrap", "--env", "dev", "-y"]);
        let output = runner.within(&mut bootstrap).output().expect("it runs");
        assert!(output.status.success(), "{output:?}");
        runner
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn within<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command
            .current_dir(self.path("workspace"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").expect("a PATH"))
            .env("HOME", self.path("home"))
            .env("CI", "true")
    }

    /// The value of an input: the one that the workflow gives, or the default.
    fn input(&self, name: &str) -> String {
        let default = &action()["inputs"][name]["default"];
        let given = self.inputs.get(name).cloned();
        given.unwrap_or_else(|| default.as_str().expect("a default").to_owned())
    }

    /// Runs a step with the values that it names.
    fn step(&self, id: &str, releases: &Releases, programs: &Path) -> Step {
        let action = action();
        let steps = action["runs"]["steps"].as_array().expect("steps");
        let step = steps.iter().find(|step| step["id"] == id).expect("a step");
        assert_eq!(step["shell"], "bash");
        let file = |name: &str| self.path(&format!("temp/{name}"));
        let mut bash = Command::new("bash");
        // As GitHub starts it.
        bash.args(["--noprofile", "--norc", "-eo", "pipefail", "-c"])
            .arg(step["run"].as_str().expect("a script"));
        self.within(&mut bash)
            .env("GITHUB_ACTION_PATH", env!("CARGO_MANIFEST_DIR"))
            .env("GITHUB_WORKSPACE", self.path("workspace"))
            .env("GITHUB_OUTPUT", file("output"))
            .env("GITHUB_PATH", file("path"))
            .env("GITHUB_STEP_SUMMARY", file("summary"))
            .env("RUNNER_TEMP", self.path("temp"))
            .env("TFBACKEND_DOWNLOAD_URL", releases.url());
        let found = std::env::var("PATH").expect("a PATH");
        bash.env("PATH", format!("{}:{found}", programs.display()));
        for (name, value) in step["env"].as_object().expect("variables") {
            let value = value.as_str().expect("text");
            let input = value
                .strip_prefix("${{ inputs.")
                .and_then(|rest| rest.strip_suffix(" }}"))
                .expect("a value comes from an input");
            bash.env(name, self.input(input));
        }
        drop(fs::remove_file(file("output")));
        let output = bash.output().expect("bash");
        let outputs = fs::read_to_string(file("output")).unwrap_or_default();
        Step {
            code: output.status.code(),
            said: format!(
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            ),
            outputs: outputs
                .lines()
                .map(|line| line.split_once('=').expect("an output"))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        }
    }

    fn verify(&self) -> Step {
        let program = Path::new(env!("CARGO_BIN_EXE_tfbackend"));
        let programs = program.parent().expect("a folder");
        self.step("verify", &Releases::empty(), programs)
    }

    fn summary(&self) -> String {
        fs::read_to_string(self.path("temp/summary")).unwrap_or_default()
    }
}

/// What is in a release for this machine, whatever it is.
fn releases() -> Releases {
    Releases::of(&[VERSION])
}

#[test]
fn action_installs_its_own_version_and_puts_it_on_path() {
    assert_eq!(action()["inputs"]["version"]["default"], VERSION);
    let runner = Runner::new();
    let step = runner.step("install", &releases(), Path::new("/usr/bin"));
    assert_eq!(step.code, Some(0), "{}", step.said);
    assert_eq!(step.outputs["version"], VERSION);
    let folder = fs::read_to_string(runner.path("temp/path")).expect("written");
    assert_eq!(
        folder,
        format!("{}\n", runner.path("temp/tfbackend").display())
    );
    let output = Command::new(runner.path("temp/tfbackend/tfbackend")).output();
    let said = output.expect("it runs").stdout;
    assert_eq!(
        String::from_utf8_lossy(&said),
        format!("tfbackend {VERSION}\n")
    );
}

#[test]
fn action_installs_nothing_with_another_checksum() {
    let releases = releases();
    let mut runner = Runner::new();
    let list = String::from_utf8(releases.bytes(&path(VERSION, "SHA256SUMS"))).expect("text");
    runner.inputs.insert("sha256".to_owned(), "0".repeat(64));
    let step = runner.step("install", &releases, Path::new("/usr/bin"));
    assert_eq!(step.code, Some(1), "{}", step.said);
    assert!(step.said.contains(", expected 000"), "{}", step.said);
    assert!(!runner.path("temp/tfbackend").exists() && !runner.path("temp/path").exists());

    // A list that fits a changed archive does not fit the checksum of the workflow.
    let asked = releases.asked();
    assert_eq!(asked, [path(VERSION, "SHA256SUMS")]);
    let is_ours = |line: &&str| {
        step.said
            .contains(line.split(' ').next().expect("a checksum"))
    };
    let line = list
        .lines()
        .find(is_ours)
        .expect("the archive of this machine");
    let (sum, name) = line.split_once("  ").expect("an entry");
    runner.inputs.insert("sha256".to_owned(), sum.to_owned());
    let target = name
        .strip_prefix(&format!("tfbackend-{VERSION}-"))
        .expect("a target");
    let target = target.strip_suffix(".tar.gz").expect("an archive");
    let other = packed(VERSION, target, "#!/bin/sh\necho other\n");
    let changed = list.replace(sum, &sha256(&other));
    releases.put(&path(VERSION, name), Answer::Whole(other));
    releases.put(
        &path(VERSION, "SHA256SUMS"),
        Answer::Whole(changed.into_bytes()),
    );
    let step = runner.step("install", &releases, Path::new("/usr/bin"));
    assert_eq!(step.code, Some(1), "{}", step.said);
    assert!(!runner.path("temp/tfbackend").exists());
}

#[test]
fn action_reports_findings_in_sarif_and_in_the_summary() {
    let mut runner = Runner::new();
    let sarif = runner.path("workspace/tfbackend.sarif");
    let results = |path: &Path| {
        let text = fs::read_to_string(path).expect("a file");
        let document: Value = serde_json::from_str(&text).expect("JSON");
        let results = document["runs"][0]["results"].as_array().expect("results");
        results.len()
    };
    for environment in ["dev", ""] {
        runner
            .inputs
            .insert("environment".to_owned(), environment.to_owned());
        let step = runner.verify();
        assert_eq!(step.code, Some(0), "{environment}: {}", step.said);
        assert_eq!(step.outputs["findings"], "false");
        assert_eq!(step.outputs["sarif-file"], sarif.display().to_string());
        assert_eq!(results(&sarif), 0);
        assert!(
            runner.summary().contains("no findings"),
            "{}",
            runner.summary()
        );
        fs::remove_file(runner.path("temp/summary")).expect("removed");
    }

    let open = fs::Permissions::from_mode(0o755);
    fs::set_permissions(runner.path("states"), open).expect("changed");
    let other = runner.path("temp/findings.sarif");
    let absolute = other.display().to_string();
    runner
        .inputs
        .insert("sarif-file".to_owned(), absolute.clone());
    let step = runner.verify();
    // The step that follows fails, after the outputs.
    assert_eq!(step.code, Some(0), "{}", step.said);
    assert_eq!(step.outputs["findings"], "true");
    assert_eq!(step.outputs["sarif-file"], absolute);
    assert_eq!(results(&other), 1);
    assert!(
        runner.summary().contains("folder-permissions"),
        "{}",
        runner.summary()
    );
    let action = action();
    let last = action["runs"]["steps"].as_array().expect("steps").last();
    let last = last.expect("a step");
    let condition = "inputs.fail-on-findings == 'true' && steps.verify.outputs.findings == 'true'";
    assert_eq!(last["if"], condition);
    assert!(
        last["run"]
            .as_str()
            .expect("a script")
            .ends_with("exit 2\n")
    );
    assert_eq!(runner.input("fail-on-findings"), "true");
}

#[test]
fn action_fails_if_the_backend_cannot_be_verified() {
    let mut runner = Runner::new();
    // What looks like an option is a name.
    for environment in ["prod", "--probe", "$(touch made)", "a b"] {
        runner
            .inputs
            .insert("environment".to_owned(), environment.to_owned());
        let step = runner.verify();
        assert_eq!(step.code, Some(1), "{environment}: {}", step.said);
        assert!(
            step.said.contains("::error title=tfbackend::"),
            "{}",
            step.said
        );
        assert_eq!(step.outputs, BTreeMap::new());
        assert!(!runner.path("workspace/tfbackend.sarif").exists());
        assert!(!runner.path("workspace/made").exists());
    }
}
