//! `lock migrate`: the whole way from the table to lock files and back, with Terraform at work at
//! each stage.

use std::{
    fs,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use super::{TABLE, json, lock, lock_ok, locks};
use crate::{
    support::{
        backend::{Backend, said},
        user::User,
    },
    terraform::running::{Holder, initialized, nothing_to_change},
};

/// A folder of somebody's, below the one of the backend.
const OTHER: &str = r#"terraform {
  backend "s3" {
    bucket         = "BUCKET"   # ours
    key            = "other/terraform.tfstate"
    region         = "eu-west-1"
    # ask ops first
    dynamodb_table = "acme-tfstate-prod-locks" // old
  }
}
"#;

#[track_caller]
fn refused(backend: &Backend, line: &str, reasons: &[&str]) {
    let before = fs::read_to_string(backend.dir().join("backend.conf")).expect("a file");
    let output = lock(backend, line);
    let text = said(&output).replace("\n    ", " ");
    assert_eq!(output.status.code(), Some(3), "{line}: {text}");
    for reason in reasons {
        assert!(text.contains(reason), "{line}: {reason}: {text}");
    }
    assert_eq!(
        fs::read_to_string(backend.dir().join("backend.conf")).expect("a file"),
        before,
        "nothing was changed"
    );
}

/// What tfbackend wrote is what it would write now.
#[track_caller]
fn current(backend: &Backend) {
    let mut render = Command::new(env!("CARGO_BIN_EXE_tfbackend"));
    render
        .args([
            "render",
            "--check",
            "--env",
            "prod",
            "--endpoint-url",
            backend.emulator.endpoint(),
        ])
        .current_dir(backend.dir());
    let output = render
        .env_clear()
        .envs(backend.emulator.aws_env())
        .stdin(Stdio::null())
        .output()
        .expect("the program");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

/// One document, whatever comes of it.
#[track_caller]
fn refused_as_json(backend: &Backend, line: &str, reason: &str) {
    let output = lock(backend, &format!("{line} --output json"));
    let error = json(&output)["error"].clone();
    assert_eq!(
        (output.status.code(), &error["exit_code"]),
        (Some(3), &3.into()),
        "{}",
        said(&output)
    );
    assert!(error.to_string().contains(reason), "{error}");
}

fn init(backend: &Backend) {
    backend.terraform_ok(&["init", "-reconfigure", "-backend-config=backend.conf"]);
}

/// Each has another content than before.
fn write(backend: &Backend, workspace: &str, blocks: u32, more: &[&str]) {
    backend.terraform_ok(&["workspace", "select", workspace]);
    let blocks = format!("blocks={blocks}");
    backend.terraform_ok(&[&["apply", "-auto-approve", "-var", &blocks], more].concat());
    backend.terraform_ok(&["workspace", "select", "default"]);
}

fn items(backend: &Backend, stale: &[&str]) -> String {
    backend
        .emulator
        .python("tests/it/lock/items.py", &[&[TABLE], stale].concat())
}

/// What the runner policy says of locks; before that, whose it is.
fn policy(backend: &Backend, change: &[&str]) -> String {
    backend
        .emulator
        .python(
            "tests/it/lock/policy.py",
            &[&["acme-tfstate-prod-runner-eu-west-1"], change].concat(),
        )
        .trim()
        .to_owned()
}

fn toml(backend: &Backend) -> String {
    fs::read_to_string(backend.dir().join("tfbackend.toml")).expect("a file")
}

fn argument(backend: &Backend, name: &str) -> bool {
    let conf = fs::read_to_string(backend.dir().join("backend.conf")).expect("a file");
    conf.lines().any(|line| {
        line.split('=')
            .next()
            .is_some_and(|said| said.trim() == name)
    })
}

#[tokio::test]
async fn from_the_table_to_lock_files_and_back() {
    let backend = initialized(&["--lock", "dynamodb"]).await;
    write(&backend, "default", 1, &[]);
    backend.terraform_ok(&["workspace", "new", "blue"]);
    write(&backend, "blue", 1, &[]);
    backend.terraform_ok(&["workspace", "new", "green"]);
    write(&backend, "green", 1, &[]);
    let bucket = backend.conf("bucket");
    fs::create_dir(backend.dir().join("other")).expect("a folder");
    let other = backend.dir().join("other/backend.tf");
    fs::write(&other, OTHER.replace("BUCKET", &bucket)).expect("written");

    let settings = "project = \"acme\"\nlock = \"dynamodb\" # for all\n\n[env.prod] # \
                    live\nregion = \"eu-west-1\"\n";
    fs::write(backend.dir().join("tfbackend.toml"), settings).expect("written");

    current(&backend);

    // Who has no right to lock files, and does not get it by this, is in the way; so is a policy
    // that is not tfbackend's.
    User::make(&backend.emulator, "other").await;
    let other_user = "--runner arn:aws:iam::000000000000:user/other";
    refused(
        &backend,
        &format!("migrate --to both {other_user} -y"),
        &["user/other does not allow s3:GetObject, s3:PutObject, s3:DeleteObject"],
    );
    let role = "--runner arn:aws:iam::000000000000:user/terraform";
    policy(&backend, &["disown"]);
    let statement =
        r#"{"Effect": "Allow", "Action": ["s3:DeleteObject"], "Resource": "arn:aws:s3:::"#;
    refused(
        &backend,
        &format!("migrate --to both {role} -y"),
        &[
            "policy acme-tfstate-prod-runner-eu-west-1 does not allow s3:DeleteObject",
            statement,
        ],
    );
    policy(&backend, &["own"]);
    // What the bucket policy keeps, no run could release.
    let keep = r#"{"Effect": "Deny", "Principal": "*", "Action": "s3:Delete*", "Resource": "*"}"#;
    backend
        .emulator
        .python("tests/it/verify/let_in.py", &[&bucket, keep]);
    refused(
        &backend,
        "migrate --to both -y",
        &[
            "the bucket policy: statement Partner denies",
            "deleting lock files",
        ],
    );
    backend
        .emulator
        .python("tests/it/verify/let_in.py", &[&bucket, "no"]);

    // Stage by stage, and never past a run.
    refused(
        &backend,
        "migrate --to s3 -y",
        &[
            "lock files are not in use beside the table yet",
            "migrate --to both",
        ],
    );
    refused(
        &backend,
        "migrate --to both --min-version 1.9.8 -y",
        &["version 1.9.8 is in use, and lock files are supported since 1.10"],
    );
    let mut holder = Holder::start(&backend);
    refused(
        &backend,
        "migrate --to both -y",
        &["terraform.tfstate is locked"],
    );
    assert!(holder.finish().status.success());
    write(&backend, "default", 1, &[]);
    refused(
        &backend,
        "migrate --to both",
        &["this is not a terminal", "--auto-approve"],
    );
    refused_as_json(&backend, "migrate --to both", "this is not a terminal");
    refused_as_json(
        &backend,
        "migrate --to s3 -y",
        "lock files are not in use beside the table yet",
    );
    refused_as_json(
        &backend,
        "migrate --touch -y",
        "lock files are not in use beside the table yet",
    );
    let check = json(&lock(&backend, "migrate --check --output json"));
    assert_eq!(
        (
            &check["now"],
            &check["since"],
            &check["to"],
            &check["ready"]
        ),
        (&"dynamodb".into(), &().into(), &"both".into(), &true.into())
    );

    assert_eq!(policy(&backend, &[]), "KeyForLocks LockItems");
    let first = check["steps"][0].as_str().expect("a step");
    assert_eq!(
        first,
        "let runs lock in the table and in lock files (runner policy \
         acme-tfstate-prod-runner-eu-west-1)"
    );
    let done = lock(
        &backend,
        &format!("migrate --to both --all-files {role} -y"),
    );
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    assert_eq!(
        policy(&backend, &[]),
        "KeyForLocks LockItems ReleaseLockFiles"
    );
    let of_prod = settings.replace(
        "[env.prod] # live\n",
        "[env.prod] # live\nlock = \"both\"\n",
    );
    assert_eq!(toml(&backend), of_prod, "other environments keep theirs");
    assert!(
        said(&done).contains("terraform init -reconfigure -backend-config=backend.conf"),
        "{}",
        said(&done)
    );
    assert!(
        said(&done).contains("terraform -chdir=other init -reconfigure"),
        "{}",
        said(&done)
    );
    let edited = OTHER
        .replace("BUCKET", &bucket)
        .replace("// old\n", "// old\n    use_lockfile   = true\n");
    assert_eq!(
        fs::read_to_string(&other).expect("a file"),
        edited,
        "one line, and no other"
    );
    assert!(argument(&backend, "use_lockfile") && argument(&backend, "dynamodb_table"));
    current(&backend);
    thread::sleep(Duration::from_millis(1_100));
    init(&backend);
    nothing_to_change(&backend, &[]);
    for left in ["hold", "hold.started"] {
        fs::remove_file(backend.dir().join(left)).expect("of the first holder");
    }
    let mut holder = Holder::start(&backend);
    assert_eq!(
        locks(&backend, "")[0]["held_in"],
        serde_json::json!(["file", "table"])
    );
    assert!(holder.finish().status.success());
    assert!(
        lock_ok(&backend, "migrate --to both -y").is_empty(),
        "twice is once"
    );

    // Every state, written since, under a lock file.
    let no = lock(&backend, "migrate --to s3 --check");
    assert_eq!(no.status.code(), Some(2), "{}", said(&no));
    assert!(
        said(&no).contains("Now: both, since 20")
            && said(&no).contains("3 states, 1 written since"),
        "{}",
        said(&no)
    );
    refused(
        &backend,
        "migrate --to s3 -y",
        &[
            "env:/blue/terraform.tfstate was last written at",
            "lock migrate --touch",
        ],
    );
    write(&backend, "blue", 2, &["-lock=false"]);
    let unlocked = [
        "env:/blue/terraform.tfstate was last written at",
        "and not under a lock file",
    ];
    refused(&backend, "migrate --to s3 -y", &unlocked);
    // A lock file that came later, of a run that wrote nothing, proves nothing.
    thread::sleep(Duration::from_millis(1_100));
    backend.terraform_ok(&["workspace", "select", "blue"]);
    nothing_to_change(&backend, &["-var", "blocks=2"]);
    backend.terraform_ok(&["workspace", "select", "default"]);
    refused(&backend, "migrate --to s3 -y", &unlocked);

    // Of two that are in the way, the one that no run wrote is written once more; the runs on the
    // other have the old files.
    backend.terraform_ok(&["workspace", "select", "green"]);
    nothing_to_change(&backend, &[]);
    let before: serde_json::Value =
        serde_json::from_str(&backend.terraform_ok(&["state", "pull"])).expect("a state");
    let unattended = lock(&backend, "migrate --touch");
    assert_eq!(unattended.status.code(), Some(3), "{}", said(&unattended));
    let partly = lock(&backend, "migrate --touch -y");
    assert_eq!(partly.status.code(), Some(4), "{}", said(&partly));
    for says in [
        "written: env:/green/terraform.tfstate (serial 3)",
        "env:/blue/terraform.tfstate was last written at",
        "run `terraform init",
    ] {
        assert!(
            said(&partly).replace("\n    ", " ").contains(says),
            "{says}: {}",
            said(&partly)
        );
    }
    let after: serde_json::Value =
        serde_json::from_str(&backend.terraform_ok(&["state", "pull"])).expect("a state");
    assert_eq!(after["serial"], 3);
    assert_eq!(
        after,
        serde_json::json!({ "serial": 3 })
            .as_object()
            .expect("one")
            .iter()
            .fold(before, |mut state, (name, value)| {
                state[name] = value.clone();
                state
            }),
        "unchanged but for the serial"
    );
    nothing_to_change(&backend, &[]);
    backend.terraform_ok(&["workspace", "select", "default"]);
    assert_eq!(locks(&backend, "").len(), 0, "both locks were released");
    write(&backend, "blue", 3, &[]);
    assert!(lock_ok(&backend, "migrate --touch -y --output json").contains("\"touchable\": []"));
    assert_eq!(
        items(&backend, &[]).lines().count(),
        3,
        "a digest of each state"
    );
    lock_ok(&backend, "migrate --to s3 --all-files -y");
    assert_eq!(policy(&backend, &[]), "ReleaseLockFiles");
    assert!(
        toml(&backend).contains("lock = \"s3\"\n")
            && toml(&backend).contains("lock = \"dynamodb\" # for all"),
        "{}",
        toml(&backend)
    );
    assert!(
        lock_ok(&backend, "migrate --to s3 --all-files -y").is_empty(),
        "twice is once"
    );
    assert!(argument(&backend, "use_lockfile") && !argument(&backend, "dynamodb_table"));
    current(&backend);
    let edited = edited.replace(
        "    dynamodb_table = \"acme-tfstate-prod-locks\" // old\n",
        "",
    );
    assert_eq!(
        fs::read_to_string(&other).expect("a file"),
        edited,
        "and the comment above it stays"
    );
    assert_eq!(items(&backend, &[]), "", "no digest is left to go stale");
    init(&backend);
    write(&backend, "default", 4, &[]);

    // Back again, with a digest that is not that of the state.
    let stale = format!("{bucket}/terraform.tfstate");
    assert_eq!(items(&backend, &[&stale]), format!("{stale}-md5\n"));
    refused(
        &backend,
        &format!("migrate --to dynamodb --table {TABLE} -y"),
        &[
            "which runs that use only the table do not see",
            "migrate --to both",
        ],
    );
    lock_ok(&backend, "migrate --to both --all-files -y");
    assert_eq!(
        items(&backend, &[]),
        "",
        "the digest would have kept Terraform from reading the state"
    );
    current(&backend);
    init(&backend);
    write(&backend, "default", 5, &[]);
    lock_ok(&backend, "migrate --to dynamodb --all-files -y");
    assert!(!argument(&backend, "use_lockfile") && argument(&backend, "dynamodb_table"));
    current(&backend);
    // A run with the old files could not release its lock file any more: that right goes when there
    // is nothing else to do.
    assert_eq!(
        policy(&backend, &[]),
        "KeyForLocks LockItems ReleaseLockFiles"
    );
    lock_ok(&backend, "migrate --to dynamodb --all-files -y");
    assert_eq!(policy(&backend, &[]), "KeyForLocks LockItems");
    init(&backend);
    write(&backend, "default", 6, &[]);

    // And for good: the table goes with its protection, and Terraform does not miss it.
    lock_ok(&backend, "migrate --to both --all-files -y");
    thread::sleep(Duration::from_millis(1_100));
    init(&backend);
    write(&backend, "default", 7, &[]);
    write(&backend, "blue", 7, &[]);
    lock_ok(&backend, "migrate --touch -y");
    backend.emulator.python(
        "tests/it/lock/locks.py",
        &[&bucket, TABLE, "foreign", "their.tfstate", "{}"],
    );
    refused(
        &backend,
        "migrate --to s3 --drop-table --all-files -y",
        &["the table has 1 other items"],
    );
    backend.emulator.python(
        "tests/it/lock/unlock.py",
        &[TABLE, "other-bucket/their.tfstate"],
    );
    lock_ok(&backend, "migrate --to s3 --drop-table --all-files -y");
    assert_eq!(items(&backend, &[]), "no table\n");
    current(&backend);
    init(&backend);
    write(&backend, "default", 8, &[]);
    nothing_to_change(&backend, &["-var", "blocks=8"]);
    assert!(lock_ok(&backend, "migrate --check").contains("Now: s3: lock files only"));
    assert_eq!(policy(&backend, &[]), "ReleaseLockFiles");

    // And back once more: the table is made again, and Terraform locks in it with the right that
    // comes with it.
    lock_ok(&backend, "migrate --to both --all-files -y");
    assert_eq!(
        policy(&backend, &[]),
        "KeyForLocks LockItems ReleaseLockFiles"
    );
    current(&backend);
    init(&backend);
    write(&backend, "default", 9, &[]);
    assert!(items(&backend, &[]).contains("/terraform.tfstate-md5"));
}

/// `--env` and the files of the folder mean the same backend: what the files say is in use,
/// whatever the settings say.
#[tokio::test]
async fn migrate_of_an_environment_follows_its_files_and_edits_its_settings() {
    let backend = initialized(&["--lock", "both"]).await;
    write(&backend, "default", 1, &[]);
    let settings = "project = \"acme\"\nregion = \"eu-west-1\"\n[env.prod]\nlock = \"s3\"   # \
                    ahead of its files\n";
    fs::write(backend.dir().join("tfbackend.toml"), settings).expect("written");
    let check = json(&lock(&backend, "migrate --check --env prod --output json"));
    assert_eq!(
        (&check["now"], &check["to"], &check["table"]),
        (&"both".into(), &"s3".into(), &TABLE.into()),
        "{check}"
    );
    let done = lock(&backend, "migrate --to both --env prod -y");
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    assert!(
        !said(&done).contains("No file here") && !said(&done).contains("another table"),
        "{}",
        said(&done)
    );
    assert_eq!(toml(&backend), settings.replace("\"s3\"", "\"both\""));
    thread::sleep(Duration::from_millis(1_100));
    lock_ok(&backend, "migrate --touch --env prod -y");
    let inline = "project = \"acme\"\n[env]\nprod = { region = \"eu-west-1\" }\n";
    fs::write(backend.dir().join("tfbackend.toml"), inline).expect("written");
    refused(
        &backend,
        "migrate --to s3 --env prod -y",
        &["cannot set `lock` in tfbackend.toml", "by hand"],
    );
    fs::write(backend.dir().join("tfbackend.toml"), settings).expect("written");
    lock_ok(&backend, "migrate --to s3 --env prod -y");
    init(&backend);
    nothing_to_change(&backend, &[]);
}
