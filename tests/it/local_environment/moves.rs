//! States that move into a local environment, out of it, and what the files of a folder say then.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

use super::{Backend, CONFIG, NAMES};

impl Backend {
    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// A folder with a configuration, and a state without a backend.
    fn local_folder(&self, name: &str) -> PathBuf {
        let dir = self.path(name);
        fs::create_dir_all(&dir).expect("a folder");
        fs::write(dir.join("main.tf"), CONFIG).expect("written");
        terraform(&dir, &["init"]);
        terraform(&dir, &["apply", "-auto-approve"]);
        dir
    }

    /// The answer of a command in a folder.
    #[track_caller]
    fn json(&self, line: &str) -> Value {
        let said = self.run(&format!("{line} --output json"));
        assert_eq!(said.code, Some(0), "{line}: {}", said.err);
        serde_json::from_str(&said.out).expect("JSON")
    }

    fn state(&self) -> PathBuf {
        self.folder().join("terraform.tfstate")
    }
}

#[track_caller]
fn terraform(dir: &Path, args: &[&str]) -> String {
    let output = Command::new("terraform")
        .args(args)
        .current_dir(dir)
        .env("CHECKPOINT_DISABLE", "1")
        .env("TF_CLI_ARGS", "-no-color")
        .stdin(Stdio::null())
        .output()
        .expect("terraform");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{args:?}: {text}");
    text
}

/// The next commands of each step, run as they are printed.
#[track_caller]
fn run_next(dir: &Path, next: &Value) -> String {
    let line = next.as_str().expect("a command");
    let words: Vec<&str> = line.split(' ').collect();
    assert_eq!(words[0], "terraform", "{line}");
    terraform(dir, &words[1..])
}

#[test]
fn a_state_moves_into_a_new_environment_by_the_commands_that_are_printed() {
    let backend = Backend::new();
    let dir = backend.local_folder(".");
    let lineage = |path: &Path| {
        let text = fs::read_to_string(path).expect("a state");
        let state: Value = serde_json::from_str(&text).expect("JSON");
        state["lineage"].clone()
    };
    let before = lineage(&dir.join("terraform.tfstate"));
    let made = backend.run(&format!("bootstrap {NAMES} -y --save"));
    let next = "tfbackend migrate --from . --to backend.conf";
    assert!(made.err.contains(next), "{}", made.err);
    let files = ["backend.tf", "backend.conf"].map(|name| fs::read(dir.join(name)).expect("there"));
    let moved = backend.json("migrate --from . --to backend.conf -y");
    assert_eq!(
        moved["next"],
        "terraform init -reconfigure -backend-config=backend.conf"
    );
    let now = ["backend.tf", "backend.conf"].map(|name| fs::read(dir.join(name)).expect("there"));
    assert_eq!(files, now, "they name the destination already");
    run_next(&dir, &moved["next"]);
    assert!(terraform(&dir, &["plan"]).contains("No changes"));
    assert_eq!(lineage(&backend.state()), before);
    let verified = backend.json("verify --env dev --min-severity high");
    let open: Vec<&str> = verified["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .filter_map(|finding| finding["id"].as_str())
        .collect();
    assert!(!open.contains(&"files-agree-with-cloud"), "{open:?}");

    // Away again: the block is the user's own, which the next bootstrap does not overwrite.
    let away = backend.json("migrate --from . --to local:elsewhere.tfstate -y");
    run_next(&dir, &away["next"]);
    assert!(terraform(&dir, &["plan"]).contains("No changes"));
    let block = fs::read_to_string(dir.join("backend.tf")).expect("there");
    assert!(
        block.contains("elsewhere.tfstate") && !block.contains("Written by"),
        "{block}"
    );
    backend.run(&format!("bootstrap {NAMES} -y --use-existing-state"));
    assert_eq!(
        fs::read_to_string(dir.join("backend.tf")).expect("there"),
        block
    );
}

/// As in a fresh clone: nothing was initialized, and the partial configuration completes the block.
#[test]
fn a_folder_that_is_not_initialized_has_the_state_of_its_files() {
    let backend = Backend::made();
    let dir = backend.path(".");
    fs::write(dir.join("main.tf"), CONFIG).expect("written");
    terraform(&dir, &["init", "-backend-config=backend.conf"]);
    terraform(&dir, &["apply", "-auto-approve"]);
    fs::remove_dir_all(dir.join(".terraform")).expect("removed");
    let moved = backend.json("migrate --from . --to local:elsewhere.tfstate -y");
    assert_eq!(moved["workspaces"][0]["action"], "copy", "{moved}");
    run_next(&dir, &moved["next"]);
    assert!(terraform(&dir, &["plan"]).contains("No changes"));
}

#[test]
fn a_state_moves_to_where_the_files_of_a_folder_say() {
    let backend = Backend::made();
    let source = backend.local_folder("source");
    backend.json("migrate --from ./source --to . -y");
    assert!(!backend.path("terraform.tfstate").exists());
    let state = fs::read_to_string(backend.state()).expect("a state");
    assert!(state.contains("terraform_data"), "{state}");
    assert!(source.join("terraform.tfstate").is_symlink());
}

/// Its block would point Terraform at a backend that is as empty: it would create all again.
#[test]
fn a_folder_without_states_is_not_pointed_elsewhere() {
    let backend = Backend::made();
    let dir = backend.path(".");
    fs::write(dir.join("main.tf"), CONFIG).expect("written");
    let before = fs::read(dir.join("backend.tf")).expect("there");
    let refused = backend.run("migrate --from . --to local:elsewhere.tfstate -y");
    assert_eq!(refused.code, Some(1), "{}", refused.err);
    assert!(refused.err.contains("has no states"), "{}", refused.err);
    assert_eq!(fs::read(dir.join("backend.tf")).expect("there"), before);
}

/// The states moved, although nothing could be said of it.
#[test]
fn an_answer_that_is_lost_is_no_failed_migration() {
    let backend = Backend::new();
    let dir = backend.local_folder(".");
    let status = Command::new("sh")
        .args([
            "-c",
            "exec \"$0\" migrate --from . --to local:elsewhere.tfstate -y > /dev/full",
        ])
        .arg(env!("CARGO_BIN_EXE_tfbackend"))
        .current_dir(&dir)
        .output()
        .expect("the program");
    let said = String::from_utf8_lossy(&status.stderr);
    assert_eq!(status.status.code(), Some(4), "{said}");
    assert!(said.contains("the states moved"), "{said}");
    assert!(dir.join("elsewhere.tfstate").exists());
}
