//! `tfbackend state` and `tfbackend lock` on the local backend, beside the real Terraform.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::backend::said;

const SECRET: &str = "hunter2";
const ONE: &str = "resource \"terraform_data\" \"one\" {\n  input = sensitive(\"hunter2\")\n}\n";
const BLOCK: &str = "terraform {\n  backend \"local\" {\n    path = \"states/a.tfstate\"\n    \
                     workspace_dir = \"states/spaces\"\n  }\n}\n";

struct Folder(TempDir);

impl Folder {
    /// Initialized, and applied once.
    fn make(block: &str) -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder"));
        folder.write("main.tf", &format!("{block}{ONE}"));
        folder.terraform(&["init"]);
        folder.terraform(&["apply", "-auto-approve"]);
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).expect("written");
    }

    fn terraform_command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("terraform");
        command
            .args(args)
            .current_dir(self.path())
            .env("CHECKPOINT_DISABLE", "1")
            .stdin(Stdio::null());
        command
    }

    #[track_caller]
    fn terraform(&self, args: &[&str]) -> String {
        let output = self.terraform_command(args).output().expect("terraform");
        assert!(output.status.success(), "{args:?}: {}", said(&output));
        said(&output)
    }

    /// A run that holds the lock for a while.
    fn slow_run(&self) -> SlowRun {
        self.write(
            "slow.tf",
            "resource \"terraform_data\" \"slow\" {\n  provisioner \"local-exec\" {\n    \
             command = \"touch begun; while [ ! -e enough ]; do sleep 0.1; done\"\n  }\n}\n",
        );
        let mut run = self.terraform_command(&["apply", "-auto-approve"]);
        let child = run.stdout(Stdio::null()).spawn().expect("terraform");
        let begun = Instant::now();
        while !self.path().join("begun").exists() {
            assert!(begun.elapsed() < Duration::from_secs(60), "it begins");
            std::thread::sleep(Duration::from_millis(20));
        }
        SlowRun {
            child,
            enough: self.path().join("enough"),
        }
    }

    /// The built program without any credentials, and nothing to find AWS with.
    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tfbackend"));
        command
            .args(args)
            .current_dir(self.path())
            .env_clear()
            .env("HOME", self.path())
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::null());
        let output = command.output().expect("the program");
        if !args.contains(&"pull") {
            assert!(!said(&output).contains(SECRET), "{args:?} shows a value");
        }
        output
    }

    #[track_caller]
    fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", said(&output));
        said(&output)
    }

    #[track_caller]
    fn json(&self, args: &[&str]) -> Value {
        let output = self.run(&[args, &["--output", "json"]].concat());
        let document: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", said(&output)));
        assert_eq!(document["backend"]["kind"], "local", "{document}");
        assert_eq!(document["backend"]["title"], "local files");
        assert!(document["backend"]["location"]["path"].is_string());
        for field in ["bucket", "region", "account", "table"] {
            assert!(document.get(field).is_none(), "{field}: {document}");
        }
        document
    }

    #[track_caller]
    fn fails(&self, args: &[&str], code: i32, says: &[&str]) {
        let output = self.run(args);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
        let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for says in says {
            assert!(joined.contains(says), "{says:?} is not said: {text}");
        }
    }
}

struct SlowRun {
    child: Child,
    enough: std::path::PathBuf,
}

impl SlowRun {
    fn end(mut self) {
        fs::write(&self.enough, "").expect("written");
        assert!(self.child.wait().expect("ended").success(), "undisturbed");
    }
}

impl Drop for SlowRun {
    fn drop(&mut self) {
        let _ = fs::write(&self.enough, "");
    }
}

fn serial(folder: &Folder, path: &str) -> u64 {
    let text = fs::read(folder.path().join(path)).expect("a state");
    let state: Value = serde_json::from_slice(&text).expect("JSON");
    state["serial"].as_u64().expect("a serial")
}

#[test]
fn local_states_are_listed_shown_and_pulled() {
    let folder = Folder::make(BLOCK);
    folder.terraform(&["workspace", "new", "blue"]);
    folder.terraform(&["apply", "-auto-approve"]);
    let list = folder.json(&["state", "list"]);
    let states = list["states"].as_array().expect("states");
    let names: Vec<_> = states.iter().map(|state| &state["workspace"]).collect();
    assert_eq!(names, ["default", "blue"]);
    assert_eq!(states[0]["resources"], 1);
    assert!(states[0].get("encryption").is_none() && states[0].get("key").is_none());
    let location = &list["backend"]["location"];
    assert!(
        location["workspace_dir"]
            .as_str()
            .is_some_and(|dir| dir.ends_with("states/spaces"))
    );
    // The selected workspace, another one, and a path as it is listed.
    let show = folder.json(&["state", "show"]);
    assert!(
        show["path"]
            .as_str()
            .is_some_and(|path| path.ends_with("spaces/blue/terraform.tfstate"))
    );
    assert_eq!(show["objects"][0]["address"], "terraform_data.one");
    for args in [
        &["state", "show", "--workspace", "default"][..],
        &["state", "show", "states/a.tfstate"],
        &["state", "show", states[0]["path"].as_str().expect("a path")],
    ] {
        assert!(folder.json(args)["path"] == states[0]["path"], "{args:?}");
    }
    folder.fails(
        &["state", "show", "main.tf"],
        1,
        &[
            "main.tf is not a state of",
            "--backend local --path main.tf",
        ],
    );
    folder.fails(
        &["state", "show", "--workspace", "none"],
        1,
        &["there is no state", "`tfbackend state list` lists"],
    );
    let pulled = folder.run(&["state", "pull", "states/a.tfstate"]);
    assert_eq!(
        pulled.stdout,
        fs::read(folder.path().join("states/a.tfstate")).expect("a state")
    );
    // From anywhere, by its path.
    let elsewhere = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("states/a.tfstate").display().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_tfbackend"))
        .args(["state", "list", "--backend", "local", "--path", &path])
        .current_dir(elsewhere.path())
        .env_clear()
        .output()
        .expect("the program");
    assert!(
        said(&output).contains("1 state: 0 locked"),
        "{}",
        said(&output)
    );
}

/// A folder without a backend block keeps its state beside the configuration.
#[test]
fn local_state_of_a_folder_without_a_block() {
    let folder = Folder::make("");
    folder.write("two.tf", "output \"two\" {\n  value = 2\n}\n");
    folder.terraform(&["apply", "-auto-approve"]);
    assert!(folder.ok(&["state", "list"]).contains("1 state: 0 locked"));
    folder.fails(
        &["state", "versions"],
        1,
        &[
            "a backend of kind local keeps no versions of a state",
            "the state before the last write in",
            "terraform.tfstate.backup",
        ],
    );
    folder.fails(
        &["state", "show", "--version-id", "previous"],
        1,
        &["keeps no versions"],
    );
    let diff = folder.json(&["state", "diff", "file=terraform.tfstate.backup", "current"]);
    assert_eq!(diff["difference"]["outputs"]["added"][0], "two");
    folder.fails(
        &["state", "restore", "--serial", "1", "-y"],
        1,
        &["keeps no versions", "--from-backup"],
    );

    // From the backup that Terraform kept, and back.
    let before = fs::read(folder.path().join("terraform.tfstate")).expect("a state");
    let restore = [
        "state",
        "restore",
        "--from-backup",
        "terraform.tfstate.backup",
    ];
    folder.fails(&restore, 3, &["pass --auto-approve"]);
    assert_eq!(
        fs::read(folder.path().join("terraform.tfstate")).expect("a state"),
        before,
        "nothing was changed"
    );
    let backup = fs::read(folder.path().join("terraform.tfstate.backup")).expect("kept");
    folder.write("old.tfstate", std::str::from_utf8(&backup).expect("text"));
    let old = serial(&folder, "terraform.tfstate");
    let document = folder.json(&[&restore[..], &["-y"]].concat());
    assert_eq!(
        (&document["outcome"], document["to"]["serial"].as_u64()),
        (&Value::from("restored"), Some(old + 1))
    );
    let kept = document["kept"].as_str().expect("a copy");
    assert_eq!(fs::read(kept).expect("kept"), before);
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(kept).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(serial(&folder, "terraform.tfstate"), old + 1);
    let again = folder.json(&["state", "restore", "--from-backup", "old.tfstate", "-y"]);
    assert_eq!(again["outcome"], "nothing");
    // Terraform goes on from it: the output is what is missing.
    let plan = folder.terraform(&["plan", "-no-color"]);
    assert!(plan.contains("+ two"), "{plan}");
    folder.terraform(&["apply", "-auto-approve"]);
    folder.terraform(&["plan", "-detailed-exitcode"]);
    folder.fails(
        &["state", "check", "--repair", "-y"],
        1,
        &["neither digests nor keys"],
    );
    assert!(
        folder
            .ok(&["state", "check"])
            .contains("1 state: no problems")
    );
    folder.fails(
        &["lock", "migrate", "--to", "s3", "--check"],
        1,
        &["`lock migrate` is for backends of kind s3"],
    );
}

#[test]
fn local_lock_of_a_run_is_seen_and_kept() {
    let folder = Folder::make(BLOCK);
    let run = folder.slow_run();
    let pid = format!("(process {})", run.child.id());
    let list = folder.json(&["lock", "list"]);
    let lock = &list["locks"][0];
    assert_eq!(lock["operation"], "OperationTypeApply");
    assert_eq!(lock["left_behind"], false);
    assert!(
        lock["places"][0]
            .as_str()
            .is_some_and(|place| place.ends_with(&pid))
    );
    let id = lock["id"].as_str().expect("an ID");
    folder.fails(&["lock", "list", "--exit-code"], 2, &["1 lock is held in"]);
    let show = folder.json(&["lock", "show"]);
    assert_eq!(
        (&show["locked"], &show["locks"][0]["id"]),
        (&true.into(), &lock["id"])
    );
    assert!(
        folder
            .ok(&["lock", "show"])
            .contains("It ends with its process.")
    );
    assert!(folder.ok(&["state", "list"]).contains("1 state: 1 locked"));
    for args in [&["--id", id][..], &["--older-than", "0s"]] {
        let args = [&["lock", "release", "-y"], args].concat();
        folder.fails(
            &args,
            3,
            &["is held by a running process", &pid, "end that process"],
        );
    }
    let state = fs::read(folder.path().join("states/a.tfstate")).expect("a state");
    assert_eq!(folder.run(&["state", "pull"]).stdout, state);
    let backup = folder.ok(&["state", "backup"]);
    assert!(backup.contains("was locked"), "{backup}");
    let other = String::from_utf8(state.clone()).expect("text").replace(
        "\"outputs\": {}",
        "\"outputs\": {\"a\": {\"value\": 1, \"type\": \"number\"}}",
    );
    folder.write("other.tfstate", &other);
    folder.fails(
        &["state", "restore", "--from-backup", "other.tfstate", "-y"],
        3,
        &[
            "is locked by",
            "OperationTypeApply",
            &pid,
            "nothing was changed",
        ],
    );
    run.end();
    let document = folder.json(&["lock", "list"]);
    assert_eq!(document["locks"].as_array().map(Vec::len), Some(0));
    assert!(
        folder
            .ok(&["lock", "release", "--id", id, "-y"])
            .contains("already released")
    );
    folder.terraform(&["plan", "-detailed-exitcode"]);
}

/// What a process that was killed leaves is told from a lock, and removed.
#[test]
fn local_lock_file_that_was_left_behind_is_removed() {
    let folder = Folder::make(BLOCK);
    let left = folder.path().join("states/.a.tfstate.lock.info");
    let info = "{\"ID\":\"00000000-0000-0000-0000-000000000001\",\"Operation\":\
                \"OperationTypeApply\",\"Info\":\"\",\"Who\":\"ci@gone\",\"Version\":\"1.11.4\",\
                \"Created\":\"2026-11-21T07:00:00Z\",\"Path\":\"states/a.tfstate\"}";
    fs::write(&left, info).expect("written");
    let list = folder.ok(&["lock", "list", "--exit-code"]);
    assert!(
        list.contains("No lock is held in") && list.contains("1 lock file was left behind"),
        "{list}"
    );
    assert_eq!(folder.json(&["lock", "show"])["locked"], false);
    assert!(
        folder
            .ok(&["state", "list"])
            .contains("left behind by ci@gone")
    );
    folder.fails(
        &["state", "check"],
        2,
        &["lock-left-behind", "tfbackend lock release --id 00000000"],
    );
    let id = "00000000-0000-0000-0000-000000000001";
    folder.fails(&["lock", "release", id], 3, &["no lock was released"]);
    folder.fails(
        &["lock", "release", "--id", "x", "-y"],
        3,
        &["no lock has the ID x"],
    );
    assert!(left.exists());
    folder.ok(&["lock", "release", id, "-y"]);
    assert!(!left.exists());
    // What is no state is found, and said without its content.
    folder.write("states/a.tfstate", "{\"version\": 4, \"hunter2");
    folder.fails(
        &["state", "check"],
        2,
        &["state-unreadable", "truncated JSON", "--from-backup FILE"],
    );
}

#[test]
fn backup_is_restored() {
    let folder = Folder::make(BLOCK);
    folder.terraform(&["workspace", "new", "stage"]);
    folder.terraform(&["apply", "-auto-approve"]);
    let made = folder.json(&["state", "backup"]);
    assert_eq!((&made["states"], &made["versions"]), (&2.into(), &2.into()));
    assert_eq!(made["locked"], serde_json::json!([]));
    let file = made["file"].as_str().expect("a file");
    assert!(
        file.contains("/.tfbackend/tfbackend-backup-local-"),
        "{file}"
    );
    let state = "states/spaces/stage/terraform.tfstate";
    let before = fs::read_to_string(folder.path().join(state)).expect("a state");
    folder.terraform(&["destroy", "-auto-approve"]);
    let said = folder.ok(&["state", "restore", state, "--from-backup", file, "-y"]);
    assert!(!said.contains("of the bucket"), "{said}");
    let after = fs::read_to_string(folder.path().join(state)).expect("a state");
    let resources = |text: &str| {
        let state: Value = serde_json::from_str(text).expect("a state");
        (state["resources"].clone(), state["lineage"].clone())
    };
    assert_eq!(resources(&before), resources(&after));
    assert!(folder.terraform(&["plan"]).contains("No changes"));
}
