//! `tfbackend migrate` between local files and S3, and the real Terraform before and after.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{
    emulator::Emulator,
    program::{Place, Said},
};

const SETTINGS: &str = "project = \"acme\"\nregion = \"eu-west-1\"\n[env.prod]\nlock = \
                        \"both\"\nencryption = \"sse-s3\"\ntrail = \"off\"\nalarms = \
                        false\npolicy = false\naccess-logs = false\n";
const MAIN: &str = "resource \"terraform_data\" \"one\" {\n  input = terraform.workspace\n}\n";
const NO_CHANGES: &str = "No changes.";
const LOCKED: &str = "Error acquiring the state lock";

/// A backend on an emulator, and folders beside it.
struct World {
    emulator: Emulator,
    place: Place,
}

impl World {
    async fn new() -> Self {
        let emulator = Emulator::start().await;
        let mut place = Place::with(&emulator);
        place.vars.remove("COLUMNS");
        fs::write(place.path().join("tfbackend.toml"), SETTINGS).expect("written");
        let world = Self { emulator, place };
        world.must("bootstrap --env prod -y");
        world
    }

    fn run(&self, line: &str) -> Said {
        let words: Vec<&str> = line.split(' ').collect();
        let endpoint = ["--endpoint-url", self.emulator.endpoint()];
        self.place.run(&[&words[..], &endpoint].concat())
    }

    #[track_caller]
    fn must(&self, line: &str) -> Said {
        let said = self.run(line);
        assert_eq!(said.code, Some(0), "{line}: {}", said.all());
        said
    }

    /// A folder with this configuration.
    fn folder(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let dir = self.place.path().join(name);
        fs::create_dir_all(&dir).expect("made");
        for (name, text) in files {
            fs::write(dir.join(name), text).expect("written");
        }
        dir
    }

    fn command(&self, dir: &Path, line: &str) -> Command {
        // Terraform's files have the permissions of the umask.
        let mut command = Command::new("sh");
        command
            .args(["-c", "umask 022; exec terraform \"$@\"", "terraform"])
            .args(line.split(' '))
            .current_dir(dir)
            .env_clear()
            .envs(&self.place.vars)
            .envs([
                ("CHECKPOINT_DISABLE", "1"),
                ("TF_IN_AUTOMATION", "1"),
                ("TF_INPUT", "0"),
                ("TF_CLI_ARGS", "-no-color"),
            ])
            .stdin(Stdio::null());
        command
    }

    /// Its status, and what it said in one line.
    fn terraform(&self, dir: &Path, line: &str) -> (Option<i32>, String) {
        let output = self.command(dir, line).output().expect("terraform");
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).replace('│', " ");
        let words: Vec<&str> = text.split_whitespace().collect();
        (output.status.code(), words.join(" "))
    }

    #[track_caller]
    fn ok(&self, dir: &Path, line: &str) -> String {
        let (code, said) = self.terraform(dir, line);
        assert_eq!(code, Some(0), "terraform {line}: {said}");
        said
    }

    /// In each workspace: nothing to change, and the state as Terraform reads it.
    #[track_caller]
    fn unchanged(&self, dir: &Path) -> Vec<Value> {
        ["default", "blue"]
            .into_iter()
            .map(|workspace| {
                self.ok(dir, &format!("workspace select {workspace}"));
                let said = self.ok(dir, "plan -detailed-exitcode");
                assert!(said.contains(NO_CHANGES), "{workspace}: {said}");
                let pulled = self.command(dir, "state pull").output().expect("terraform");
                serde_json::from_slice(&pulled.stdout).expect("a state")
            })
            .collect()
    }

    /// Two workspaces, each with a resource.
    fn applied(&self, dir: &Path) {
        self.ok(dir, "init");
        self.ok(dir, "apply -auto-approve");
        self.ok(dir, "workspace new blue");
        self.ok(dir, "apply -auto-approve");
    }

    /// Terraform is kept out of both states, by a message that says this.
    #[track_caller]
    fn kept_out(&self, dir: &Path, says: &str) {
        for workspace in ["default", "blue"] {
            let mut command = self.command(dir, "plan");
            command.env("TF_WORKSPACE", workspace);
            let output = command.output().expect("terraform");
            let text = [output.stdout, output.stderr].concat();
            let text = String::from_utf8_lossy(&text).replace('│', " ");
            let text: Vec<&str> = text.split_whitespace().collect();
            let text = text.join(" ");
            assert_eq!(output.status.code(), Some(1), "{workspace}: {text}");
            assert!(text.contains(says), "{workspace}: {text}");
            assert!(!text.contains("will be created"), "{workspace}: {text}");
        }
    }
}

/// What a state is, without how it is written.
fn identity(states: &[Value]) -> Vec<(Value, Value)> {
    let of = |state: &Value| (state["lineage"].clone(), state["serial"].clone());
    states.iter().map(of).collect()
}

#[tokio::test]
async fn local_states_move_to_s3_and_back_without_a_change() {
    let world = World::new().await;
    let app = world.folder("app", &[("main.tf", MAIN)]);
    world.applied(&app);
    let before = world.unchanged(&app);
    let file = app.join("terraform.tfstate");
    let bytes = fs::read(&file).expect("a state");

    let planned = world.must("migrate --from ./app --to prod --plan");
    assert!(
        planned.out.contains("2 states to copy."),
        "{}",
        planned.all()
    );
    assert_eq!(fs::read(&file).expect("a state"), bytes);
    assert!(!app.join("backend.tf").exists());

    let moved = world.must("migrate --from ./app --to prod -y");
    assert!(
        moved.out.contains("terraform -chdir=app init -reconfigure"),
        "{}",
        moved.all()
    );
    // Before `init`, and after it.
    for _ in 0..2 {
        let again = world.must("migrate --from ./app --to prod -y");
        assert!(again.out.starts_with("Nothing to do"), "{}", again.all());
        world.ok(&app, "init -reconfigure");
    }
    let after = world.unchanged(&app);
    assert_eq!(after, before, "lineage and serial stay");
    assert_eq!(
        fs::read(app.join("terraform.tfstate.backup")).expect("kept"),
        bytes
    );

    // The configuration of before, in another folder and in this one.
    let old = "terraform {\n  backend \"local\" {\n    path = \
               \"../app/terraform.tfstate\"\n    workspace_dir = \
               \"../app/terraform.tfstate.d\"\n  }\n}\n";
    let old = world.folder("old", &[("main.tf", MAIN), ("backend.tf", old)]);
    world.ok(&old, "init");
    world.kept_out(&old, LOCKED);
    let copy = world.folder("copy", &[("main.tf", MAIN)]);
    for name in ["terraform.tfstate", "terraform.tfstate.moved"] {
        fs::rename(app.join(name), copy.join(name)).expect("moved");
    }
    let (code, said) = world.terraform(&copy, "apply -auto-approve");
    assert!(code == Some(1) && said.contains(LOCKED), "{said}");
    for name in ["terraform.tfstate", "terraform.tfstate.moved"] {
        fs::rename(copy.join(name), app.join(name)).expect("moved");
    }

    // In use there, and back again.
    world.ok(&app, "workspace select blue");
    let new = "resource \"terraform_data\" \"two\" {}\n";
    fs::write(app.join("two.tf"), new).expect("written");
    world.ok(&app, "apply -auto-approve");
    world.ok(&app, "workspace select default");
    world.ok(&app, "apply -auto-approve");
    let before = world.unchanged(&app);
    let on_s3 = fs::read_to_string(app.join("backend.tf")).expect("a file");
    let moved = world.must("migrate --from ./app --to local:app/terraform.tfstate -y");
    assert!(
        moved.out.contains("init -reconfigure -force-copy"),
        "{}",
        moved.all()
    );
    let block = fs::read_to_string(app.join("backend.tf")).expect("a file");
    assert!(block.contains("backend \"local\" {"), "{block}");
    for _ in 0..2 {
        let again = world.must("migrate --from ./app --to local:app/terraform.tfstate -y");
        assert!(again.out.starts_with("Nothing to do"), "{}", again.all());
        world.ok(&app, "init -reconfigure -force-copy");
    }
    assert_eq!(world.unchanged(&app), before);
    let late = world.folder("late", &[("main.tf", MAIN), ("backend.tf", &on_s3)]);
    world.ok(&late, "init");
    world.kept_out(&late, &format!("moved to {}", real(&app).display()));

    // And to S3 once more.
    world.must("migrate --from ./app --to prod -y");
    world.ok(&app, "init -reconfigure");
    assert_eq!(identity(&world.unchanged(&app)), identity(&before));
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().expect("a folder")
}

#[tokio::test]
async fn block_is_edited_and_the_old_path_says_where_the_state_is() {
    let world = World::new().await;
    let block = "# The network.\nterraform {\n  required_version = \">= 1.6\"\n\n  backend \
                 \"local\" {\n    # Ask ops first.\n    path          = \
                 \"../states/app.tfstate\"\n    workspace_dir = \"../states/app\"\n  }\n}\n";
    let app = world.folder("app", &[("main.tf", MAIN), ("terraform.tf", block)]);
    let old = world.folder("old", &[("main.tf", MAIN), ("terraform.tf", block)]);
    world.applied(&app);
    world.ok(&old, "init");
    let before = world.unchanged(&app);
    let bucket = "acme-tfstate-prod-000000000000-eu-west-1";
    let to = format!("s3://{bucket}/network/terraform.tfstate");
    world.must(&format!("migrate --chdir app --to {to} -y"));
    let edited = fs::read_to_string(app.join("terraform.tf")).expect("a file");
    assert!(
        edited.starts_with(
            "# The network.\nterraform {\n  required_version = \">= 1.6\"\n\n  backend \"s3\" \
             {\n    # Ask ops first.\n    bucket "
        ),
        "{edited}"
    );
    world.ok(&app, "init -reconfigure");
    assert_eq!(world.unchanged(&app), before);
    world.kept_out(
        &old,
        "moved to s3://acme-tfstate-prod-000000000000-eu-west-1/",
    );
    let (code, said) = world.terraform(&old, "apply -auto-approve -lock=false");
    assert_eq!(code, Some(1), "also without a lock: {said}");
}

#[tokio::test]
async fn running_terraform_and_other_states_refuse_a_migration() {
    let world = World::new().await;
    let slow = "resource \"terraform_data\" \"slow\" {\n  provisioner \"local-exec\" {\n    \
                command = \"sleep 6\"\n  }\n}\n";
    let app = world.folder("app", &[("main.tf", slow)]);
    world.ok(&app, "init");
    let mut run = world.command(&app, "apply -auto-approve");
    let mut run = run.stdout(Stdio::null()).spawn().expect("terraform");
    let begun = Instant::now();
    while !app.join(".terraform.tfstate.lock.info").exists() {
        assert!(begun.elapsed() < Duration::from_secs(20), "terraform locks");
        std::thread::sleep(Duration::from_millis(20));
    }
    // It has no state yet.
    let refused = world.run("migrate --from ./app --to prod -y");
    assert!(run.wait().expect("ended").success(), "nothing disturbed it");
    assert_eq!(refused.code, Some(3), "{}", refused.all());
    assert!(
        refused.err.contains("the source is locked") && !app.join("backend.tf").exists(),
        "{}",
        refused.all()
    );
    let mut run = world.command(&app, "apply -auto-approve -replace=terraform_data.slow");
    let mut run = run.stdout(Stdio::null()).spawn().expect("terraform");
    while !app.join(".terraform.tfstate.lock.info").exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "terraform locks");
        std::thread::sleep(Duration::from_millis(20));
    }
    let refused = world.run("migrate --from ./app --to prod -y");
    assert!(run.wait().expect("ended").success(), "nothing disturbed it");
    assert_eq!(refused.code, Some(3), "{}", refused.all());
    assert!(
        refused.err.contains("the source is locked") && refused.out.is_empty(),
        "{}",
        refused.all()
    );

    // The destination is free, then locked, then has another state.
    let other = world.folder("other", &[("main.tf", MAIN)]);
    world.ok(&other, "init");
    world.ok(&other, "apply -auto-approve");
    world.must("migrate --from ./app --to prod -y");
    let refused = world.run("migrate --from ./other --to prod -y");
    assert_eq!(refused.code, Some(3), "{}", refused.all());
    assert!(refused.err.contains("the destination has another lineage"));
    let refused = world.run("migrate --from prod --to env:prod -y");
    assert_eq!(refused.code, Some(3), "{}", refused.all());
    assert!(refused.err.contains("both sides are the same place"));
}

/// What moved is no lock of a run: `verify` has nothing to say of it, and it keeps no teardown from
/// going on.
/// A bucket that refuses any key but its own, named by its address alone.
#[tokio::test]
async fn a_block_for_a_bucket_asks_for_its_key() {
    let world = World::new().await;
    let settings = SETTINGS.replace("encryption = \"sse-s3\"\n", "");
    fs::write(world.place.path().join("tfbackend.toml"), settings).expect("written");
    world.must("bootstrap --env stage --new-env --lock s3 -y --dir stage");
    let dir = world.folder("app", &[("main.tf", MAIN)]);
    world.applied(&dir);
    let bucket = "acme-tfstate-stage-000000000000-eu-west-1";
    world.must(&format!(
        "migrate --chdir app --from . --to s3://{bucket}/app/terraform.tfstate -y"
    ));
    let block = fs::read_to_string(dir.join("backend.tf")).expect("written");
    assert!(block.contains("kms_key_id"), "{block}");
    world.ok(&dir, "init -reconfigure");
    world.unchanged(&dir);
    world.must("migrate --chdir app --from . --to local:. -y");
    world.ok(&dir, "init -reconfigure -force-copy");
    world.unchanged(&dir);
}

#[tokio::test]
async fn backend_whose_states_moved_is_taken_down() {
    let world = World::new().await;
    let app = world.folder("app", &[("main.tf", MAIN)]);
    let states = world.place.path().join("states of dev");
    let settings = format!(
        "{SETTINGS}[env.dev]\nbackend = \"local\"\nephemeral = true\nstate-dir = {:?}\n",
        states.display().to_string()
    );
    fs::write(world.place.path().join("tfbackend.toml"), settings).expect("written");
    world.must("bootstrap --env dev -y --out app");
    world.ok(&app, "init -backend-config=dev.local.tfbackend");
    world.ok(&app, "apply -auto-approve");
    let listed = world.must("state list --env dev");
    assert!(listed.out.contains("terraform.tfstate"), "{}", listed.all());

    world.must("migrate --from dev --to prod -y");
    let verified = world.run("verify --env dev --output json");
    let document: Value = serde_json::from_str(&verified.out).expect("JSON");
    let findings = document["findings"].as_array().expect("findings");
    let ids: Vec<&str> = findings
        .iter()
        .filter_map(|finding| finding["id"].as_str())
        .collect();
    // Terraform writes its files for the group of the user, too.
    assert_eq!(ids, ["folder-file-permissions"]);
    let confirm = states.display().to_string();
    let words = ["teardown", "--env", "dev", "--confirm", &confirm];
    let gone = world.place.run(&words);
    assert_eq!(gone.code, Some(0), "{}", gone.all());
    assert!(!states.exists());

    world.must("migrate --from prod --to local:back/terraform.tfstate -y");
    let held = world.must("lock list --env prod");
    assert!(held.out.contains("terraform.tfstate"), "{}", held.all());
    let verified = world.run("verify --env prod --stale-after 0s --output json");
    let document: Value = serde_json::from_str(&verified.out).expect("JSON");
    let findings = document["findings"].as_array().expect("findings");
    let of_locks: Vec<&Value> = findings
        .iter()
        .filter(|finding| finding["group"] == "usage")
        .collect();
    assert!(of_locks.is_empty(), "{of_locks:?}");
    let bucket = "acme-tfstate-prod-000000000000-eu-west-1";
    let gone = world.run(&format!(
        "teardown --env prod --unprotect --purge-states --confirm {bucket}"
    ));
    assert_eq!(gone.code, Some(0), "{}", gone.all());
}
