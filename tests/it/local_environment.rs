//! An environment of backend kind `local`, from its bootstrap to its teardown, beside the real
//! Terraform.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

mod moves;
mod teardown;

use crate::support::program::{Place, Said};

const NAMES: &str = "--backend local --env dev --project acme";
const CONFIG: &str = "resource \"terraform_data\" \"one\" {\n  input = \"hunter2\"\n}\n";

/// A folder with an environment in it.
struct Backend {
    place: Place,
}

impl Backend {
    fn new() -> Self {
        Self {
            place: Place::bare(),
        }
    }

    fn made() -> Self {
        let backend = Self::new();
        let made = backend.run(&format!("bootstrap {NAMES} -y"));
        assert_eq!(made.code, Some(0), "{}", made.err);
        backend
    }

    fn run(&self, line: &str) -> Said {
        self.place.run(&line.split_whitespace().collect::<Vec<_>>())
    }

    fn folder(&self) -> PathBuf {
        Path::new(&self.place.vars["HOME"]).join(".local/share/tfbackend/acme/dev")
    }

    fn terraform(&self, line: &str) -> String {
        // Terraform's files have the permissions of the umask.
        let output = Command::new("sh")
            .args(["-c", "umask 022; exec terraform \"$@\"", "terraform"])
            .args(line.split_whitespace())
            .current_dir(self.place.path())
            .env("CHECKPOINT_DISABLE", "1")
            .stdin(Stdio::null())
            .output()
            .expect("terraform");
        let text = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {text}");
        text
    }

    fn mode(&self, name: &str) -> u32 {
        let path = self.folder().join(name);
        let meta = fs::metadata(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        meta.permissions().mode() & 0o777
    }
}

#[test]
fn terraform_uses_what_bootstrap_made() {
    let backend = Backend::made();
    fs::write(backend.place.path().join("main.tf"), CONFIG).expect("written");
    backend.terraform("init -backend-config=backend.conf");
    backend.terraform("apply -auto-approve");
    backend.terraform("workspace new stage");
    backend.terraform("apply -auto-approve");
    assert!(backend.terraform("plan").contains("No changes"));
    assert!(!backend.place.path().join("terraform.tfstate").exists());
    assert!(!backend.place.path().join("terraform.tfstate.d").exists());
    assert_eq!(
        (backend.mode(""), backend.mode("terraform.tfstate.d")),
        (0o700, 0o755)
    );
    // Terraform's files are readable by the group of the user: the folder is not, and a bootstrap
    // corrects them.
    let found = backend.run(&format!("verify {NAMES} --output json"));
    let document: Value = serde_json::from_str(&found.out).expect("JSON");
    let ids: Vec<&str> = document["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .filter_map(|finding| finding["id"].as_str())
        .collect();
    assert_eq!(ids, ["folder-file-permissions"]);
    let repaired = backend.run(&format!("bootstrap {NAMES} -y"));
    assert_eq!(repaired.code, Some(0), "{}", repaired.err);
    assert_eq!(backend.mode("terraform.tfstate"), 0o600);
    assert_eq!(
        backend.mode("terraform.tfstate.d/stage/terraform.tfstate"),
        0o600
    );
    let verified = backend.run(&format!("verify {NAMES}"));
    assert_eq!(verified.code, Some(0), "{}", verified.out);
}

/// What someone did to an environment, and what `verify` says of it.
struct Fault {
    check: &'static str,
    /// What is found.
    found: &'static str,
    /// The command that repairs it, or the beginning of one.
    command: &'static str,
    done: fn(&Path),
}

const FAULTS: [Fault; 9] = [
    Fault {
        check: "folder",
        found: "it does not exist",
        command: "tfbackend bootstrap --env dev --backend local --project acme",
        done: |folder| fs::remove_dir_all(folder).expect("removed"),
    },
    Fault {
        check: "folder-owned",
        found: "it has no .tfbackend.json",
        command: "tfbackend bootstrap --env dev --backend local --project acme --adopt",
        done: |folder| fs::remove_file(folder.join(".tfbackend.json")).expect("removed"),
    },
    Fault {
        check: "folder-owned",
        found: "it belongs to environment prod of project acme",
        command: "--state-dir",
        done: |folder| {
            let marker = folder.join(".tfbackend.json");
            let text = fs::read_to_string(&marker).expect("a marker");
            fs::write(marker, text.replace("\"dev\"", "\"prod\"")).expect("written");
        },
    },
    Fault {
        check: "folder-permissions",
        found: "its permissions are 0755, expected 0700",
        command: "tfbackend bootstrap --env dev --backend local --project acme",
        done: |folder| chmod(folder, 0o755),
    },
    Fault {
        check: "folder-file-permissions",
        found: "terraform.tfstate",
        command: "tfbackend bootstrap --env dev --backend local --project acme",
        done: |folder| chmod(&folder.join("terraform.tfstate"), 0o644),
    },
    Fault {
        check: "folder-parents",
        found: "other users can write to ~/home/.local/share/tfbackend/acme",
        command: "chmod go-w ",
        done: |folder| chmod(folder.parent().expect("a folder"), 0o777),
    },
    Fault {
        check: "folder-not-in-git",
        found: "it is in the repository ~/home/.local/share",
        command: "`tfbackend migrate`",
        done: |folder| {
            let share = folder.ancestors().nth(3).expect("a folder");
            fs::create_dir(share.join(".git")).expect("a repository");
        },
    },
    Fault {
        check: "folder-states-readable",
        found: "terraform.tfstate: ",
        command: "restore a copy that you have: `tfbackend state restore --env dev --version-id \
                  file=PATH --backend local --project acme`",
        done: |folder| fs::write(folder.join("terraform.tfstate"), "{").expect("written"),
    },
    Fault {
        check: "folder-locks-held",
        found: "no process holds the lock on ",
        command: "`tfbackend lock release --env dev --id 1 --backend local --project acme`",
        done: |folder| {
            let left = folder.join(".terraform.tfstate.lock.info");
            fs::write(&left, "{\"ID\": \"1\", \"Who\": \"gone@there\"}").expect("written");
            chmod(&left, 0o600);
        },
    },
];

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
}

const EMPTY_STATE: &str =
    r#"{"version": 4, "serial": 1, "lineage": "l", "outputs": {}, "resources": []}"#;

#[test]
fn each_fault_is_found_by_its_check_and_by_no_other() {
    for fault in FAULTS {
        let backend = Backend::made();
        let state = backend.folder().join("terraform.tfstate");
        fs::write(&state, EMPTY_STATE).expect("written");
        chmod(&state, 0o600);
        let sound = backend.run(&format!("verify {NAMES}"));
        assert_eq!(sound.code, Some(0), "{}", sound.out);
        (fault.done)(&backend.folder());
        let verified = backend.run(&format!("verify {NAMES} --output json"));
        let document: Value = serde_json::from_str(&verified.out).expect("JSON");
        let findings = document["findings"].as_array().expect("findings");
        let ids: Vec<_> = findings.iter().map(|finding| &finding["id"]).collect();
        assert_eq!(ids, [fault.check], "{}", verified.out);
        for (field, expected) in [("found", fault.found), ("remediation", fault.command)] {
            let text = findings[0][field].as_str().expect("text");
            assert!(text.contains(expected), "{}: {field}: {text}", fault.check);
        }
        assert_eq!(verified.code, Some(2), "{}", fault.check);
        if fault.check == "folder" {
            assert_eq!(document["score"], 0);
            assert_eq!(document["score_capped"], "the state folder does not exist");
        }
    }
}

/// A person copies them from the report.
#[test]
fn commands_of_remediations_run_as_they_are() {
    let backend = Backend::made();
    fs::write(backend.place.path().join("main.tf"), CONFIG).expect("written");
    backend.terraform("init -backend-config=backend.conf");
    backend.terraform("workspace new stage");
    backend.terraform("apply -auto-approve");
    backend.terraform("apply -auto-approve -replace=terraform_data.one");
    let bootstrapped = backend.run(&format!("bootstrap {NAMES} -y"));
    assert_eq!(bootstrapped.code, Some(0), "{}", bootstrapped.err);
    let stage = backend.folder().join("terraform.tfstate.d/stage");
    fs::write(stage.join("terraform.tfstate"), "{").expect("written");
    let left = stage.join(".terraform.tfstate.lock.info");
    fs::write(&left, "{\"ID\": \"an id\", \"Who\": \"gone@there\"}").expect("written");
    chmod(&left, 0o600);
    let output = backend
        .place
        .command(&["verify", "--output", "json"])
        .args(NAMES.split_whitespace())
        .output()
        .expect("the program");
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let findings = document["findings"].as_array().expect("findings");
    assert_eq!(findings.len(), 2, "{document}");
    // The lock first: a state that is locked is not restored.
    for finding in findings.iter().rev() {
        let text = finding["remediation"].as_str().expect("text");
        let command = text.split('`').nth(1).expect("a command");
        let line = command.replacen("tfbackend", env!("CARGO_BIN_EXE_tfbackend"), 1);
        let ran = Command::new("sh")
            .args(["-c", &format!("{line} -y")])
            .current_dir(backend.place.path())
            .env_clear()
            .envs(&backend.place.vars)
            .output()
            .expect("a shell");
        let err = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!(ran.status.code(), Some(0), "{command}: {err}");
    }
    let sound = backend.run(&format!("verify {NAMES}"));
    assert_eq!(sound.code, Some(0), "{}", sound.out);
    assert!(backend.terraform("plan").contains("terraform_data.one"));
}

/// Another folder of the same environment has a state of its own.
#[test]
fn each_folder_of_a_repository_has_a_state_of_its_own() {
    let backend = Backend::new();
    fs::create_dir_all(backend.place.path().join(".git")).expect("a folder");
    for folder in ["network", "app"] {
        fs::create_dir_all(backend.place.path().join(folder)).expect("a folder");
        let made = backend.run(&format!("bootstrap {NAMES} -y --chdir {folder}"));
        assert_eq!(made.code, Some(0), "{}", made.err);
        let conf = fs::read_to_string(backend.place.path().join(folder).join("backend.conf"));
        let state = format!("acme/dev/{folder}/terraform.tfstate\"");
        assert!(conf.expect("written").contains(&state), "{folder}");
    }
}

#[test]
fn a_folder_with_other_files_or_of_another_environment_is_not_touched() {
    let backend = Backend::new();
    let other = backend.place.path().join("home of mine");
    fs::create_dir_all(&other).expect("a folder");
    fs::write(other.join("letter.txt"), "x").expect("written");
    let before = fs::metadata(&other).expect("there").permissions().mode();
    let path = other.display().to_string();
    let run = |more: &[&str]| {
        let words: Vec<&str> = "bootstrap --env dev --project acme --backend local -y"
            .split(' ')
            .chain(["--state-dir", &path])
            .chain(more.iter().copied())
            .collect();
        backend.place.run(&words)
    };
    for more in [&[][..], &["--adopt"][..]] {
        let refused = run(more);
        assert_eq!(refused.code, Some(3), "{}", refused.err);
    }
    let after = fs::metadata(&other).expect("there").permissions().mode();
    assert_eq!(before, after);
    assert_eq!(fs::read_dir(&other).expect("listed").count(), 1);

    fs::remove_file(other.join("letter.txt")).expect("removed");
    let adopted = run(&["--adopt"]);
    assert_eq!(adopted.code, Some(0), "{}", adopted.err);
    let words = [
        "bootstrap",
        "--env",
        "prod",
        "--project",
        "acme",
        "--backend",
        "local",
        "-y",
        "--adopt",
        "--state-dir",
        &path,
    ];
    let refused = backend.place.run(&words);
    assert_eq!(refused.code, Some(3), "{}", refused.err);
    assert!(
        refused.err.contains("environment dev of project acme"),
        "{}",
        refused.err
    );
}

/// Two folders with one state delete each other's resources.
#[test]
fn another_folder_is_not_pointed_at_the_state() {
    let backend = Backend::made();
    fs::write(backend.place.path().join("main.tf"), CONFIG).expect("written");
    backend.terraform("init -backend-config=backend.conf");
    backend.terraform("apply -auto-approve");
    fs::create_dir(backend.place.path().join("other")).expect("a folder");
    let plan = backend.run(&format!("plan {NAMES} --chdir other --output json"));
    let plan: Value = serde_json::from_str(&plan.out).expect("JSON");
    assert_eq!(plan["state"]["status"], "foreign", "{plan}");
    let refused = backend.run(&format!("bootstrap {NAMES} -y --chdir other"));
    assert_eq!(refused.code, Some(3), "{}", refused.err);
    for part in [
        "already exists",
        "1 resource",
        "--key other/terraform.tfstate",
    ] {
        assert!(refused.err.contains(part), "{part}: {}", refused.err);
    }
    assert!(!backend.place.path().join("other/backend.tf").exists());
    let refused = backend.run(&format!("render {NAMES} --chdir other"));
    assert_eq!(refused.code, Some(3), "{}", refused.err);
    let meant = backend.run(&format!(
        "bootstrap {NAMES} -y --chdir other --use-existing-state"
    ));
    assert_eq!(meant.code, Some(0), "{}", meant.err);
    // The folder that uses it goes on, even without its files.
    fs::remove_file(backend.place.path().join("backend.conf")).expect("removed");
    let again = backend.run(&format!("bootstrap {NAMES} -y"));
    assert_eq!(again.code, Some(0), "{}", again.err);
    assert!(
        again.err.contains("this folder uses it already") || again.err.contains("already exists"),
        "{}",
        again.err
    );
}

/// What `init` recorded, and the files of the folder, are one backend.
#[test]
fn commands_find_the_backend_of_the_folder_after_init() {
    let backend = Backend::new();
    fs::write(backend.place.path().join("main.tf"), CONFIG).expect("written");
    backend.terraform("init");
    backend.terraform("apply -auto-approve");
    let made = backend.run(&format!("bootstrap {NAMES} -y"));
    assert_eq!(made.code, Some(0), "{}", made.err);
    backend.terraform("init -migrate-state -force-copy -input=false -backend-config=backend.conf");
    for command in [
        "state list",
        "state show",
        "state check",
        "lock list",
        "lock show",
    ] {
        let said = backend.run(&format!("{command} --output json"));
        assert_eq!(said.code, Some(0), "{command}: {}", said.err);
        let document: Value = serde_json::from_str(&said.out).expect("JSON");
        let path = document["backend"]["location"]["path"].as_str();
        let path = path.expect("a path");
        assert!(
            path.ends_with("acme/dev/terraform.tfstate"),
            "{command}: {path}"
        );
    }
}

/// The folders of two environments are apart, and a state folder is that of the user alone.
#[test]
fn a_folder_in_another_one_or_of_another_user_is_refused() {
    let backend = Backend::made();
    let of = |dir: &Path, env: &str, more: &[&str]| {
        let dir = dir.display().to_string();
        let words = [
            &[
                "bootstrap",
                "--backend",
                "local",
                "--project",
                "acme",
                "-y",
                "--env",
                env,
            ],
            &["--state-dir", &dir][..],
            more,
        ];
        backend.place.run(&words.concat())
    };
    let refused = |said: Said, part: &str| {
        assert_eq!(said.code, Some(3), "{}", said.err);
        assert!(said.err.contains(part), "{part}: {}", said.err);
    };
    let inside = backend.folder().join("inside");
    refused(of(&inside, "prod", &[]), "one is in the other");
    assert!(!inside.exists());
    let around = backend.folder().parent().expect("a folder").to_owned();
    refused(of(&around, "prod", &["--adopt"]), "one is in the other");
    assert!(!around.join(".tfbackend.json").exists());

    // A repository that is reached through a link, and one that the folder is in already.
    let repository = backend.place.path().join("repository");
    fs::create_dir_all(repository.join(".git")).expect("a folder");
    let link = backend.place.path().join("link");
    std::os::unix::fs::symlink(&repository, &link).expect("linked");
    refused(of(&link.join("states"), "prod", &[]), "in the repository");
    fs::create_dir(repository.join("there")).expect("a folder");
    refused(
        of(&repository.join("there"), "prod", &["--adopt"]),
        "in the repository",
    );

    if can_give_away() {
        let other = backend.place.path().join("other");
        fs::create_dir(&other).expect("a folder");
        let marker = "{\"format_version\":1,\"project\":\"acme\",\"env\":\"prod\"}";
        fs::write(other.join(".tfbackend.json"), marker).expect("written");
        std::os::unix::fs::chown(&other, Some(12345), None).expect("given away");
        refused(
            of(&other, "prod", &[]),
            "belongs to another user (ID 12345)",
        );
    }
}

/// Only root can give a file away.
fn can_give_away() -> bool {
    let probe = tempfile::NamedTempFile::new().expect("a file");
    std::os::unix::fs::chown(probe.path(), Some(12345), None).is_ok()
}

#[test]
fn a_marker_of_a_newer_version_is_not_taken_for_none() {
    let backend = Backend::made();
    let marker = backend.folder().join(".tfbackend.json");
    fs::write(
        &marker,
        "{\"format_version\":2,\"project\":\"acme\",\"env\":\"dev\"}",
    )
    .expect("written");
    for line in [
        "state list --env dev --backend local --project acme",
        &format!("render {NAMES}"),
    ] {
        let said = backend.run(line);
        assert_eq!(said.code, Some(1), "{line}: {}", said.err);
        assert!(said.err.contains("format 2"), "{line}: {}", said.err);
    }
}

#[test]
fn states_are_not_made_in_a_repository() {
    let backend = Backend::new();
    fs::create_dir_all(backend.place.path().join(".git")).expect("a folder");
    let path = backend.place.path().join("states").display().to_string();
    let words = [
        "bootstrap",
        "--env",
        "dev",
        "--project",
        "acme",
        "--backend",
        "local",
        "-y",
        "--state-dir",
        &path,
    ];
    let refused = backend.place.run(&words);
    assert_eq!(refused.code, Some(3), "{}", refused.err);
    assert!(!Path::new(&path).exists());
}

#[test]
fn a_teardown_deletes_only_what_no_one_loses() {
    let backend = Backend::made();
    fs::write(backend.place.path().join("main.tf"), CONFIG).expect("written");
    backend.terraform("init -backend-config=backend.conf");
    backend.terraform("apply -auto-approve");
    let folder = backend.folder().display().to_string();
    let teardown = |more: &str| backend.run(&format!("teardown {NAMES} --confirm {folder} {more}"));
    let protected = teardown("");
    assert_eq!(protected.code, Some(3), "{}", protected.err);
    assert!(protected.err.contains("protected"), "{}", protected.err);
    let in_use = teardown("--unprotect");
    assert_eq!(in_use.code, Some(3), "{}", in_use.err);
    assert!(in_use.err.contains("1 resource"), "{}", in_use.err);
    assert!(backend.folder().join("terraform.tfstate").exists());

    backend.terraform("destroy -auto-approve");
    let gone = teardown("--unprotect");
    assert_eq!(gone.code, Some(0), "{}", gone.err);
    assert!(!backend.folder().exists());
    assert!(!backend.place.path().join("backend.conf").exists());
    let backups = backend.place.path().join(".tfbackend");
    let archives: Vec<_> = fs::read_dir(&backups)
        .expect("listed")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| name.ends_with(".tar.zst"))
        .collect();
    assert_eq!(archives.len(), 1, "{archives:?}");
    let again = teardown("--unprotect");
    assert_eq!(again.code, Some(0), "{}", again.err);
}

/// A run that holds a lock is not cut off from its state.
#[test]
fn a_teardown_waits_for_no_lock() {
    let backend = Backend::made();
    fs::write(
        backend.place.path().join("main.tf"),
        "resource \"terraform_data\" \"one\" {\n  provisioner \"local-exec\" {\n    command = \
         \"touch started; while [ ! -e go ]; do sleep 0.05; done\"\n  }\n}\n",
    )
    .expect("written");
    backend.terraform("init -backend-config=backend.conf");
    let mut run = Command::new("terraform")
        .args(["apply", "-auto-approve"])
        .current_dir(backend.place.path())
        .env("CHECKPOINT_DISABLE", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("terraform");
    let started = backend.place.path().join("started");
    while !started.exists() {
        assert!(run.try_wait().expect("a child").is_none(), "it ended early");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let folder = backend.folder().display().to_string();
    let held = backend.run(&format!(
        "teardown {NAMES} --confirm {folder} --unprotect --purge-states"
    ));
    fs::write(backend.place.path().join("go"), "").expect("written");
    assert!(run.wait().expect("a child").success());
    assert_eq!(held.code, Some(3), "{}", held.err);
    assert!(held.err.contains("locked"), "{}", held.err);
    assert!(backend.folder().join("terraform.tfstate").exists());
}
