//! `docs/reference/permissions.md`: every IAM action that a call needs, as the calls themselves name them.

mod policy;

pub(super) use policy::policy;

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use tfbackend::{backend::aws::permissions::needed, engine::spec::KnownOutputs};

use super::{EVERYTHING, SETTINGS};
use crate::support::{
    backend::said,
    emulator::Emulator,
    made_up::{self, ACCOUNT},
    page,
    program::Place,
    user::User,
};

/// What AWS asks for beside the action of the call itself: action, and where its documentation says
/// so.
const BESIDES: [(&str, &str); 10] = [
    ("s3:TagResource", "`CreateBucket` with tags"),
    (
        "s3:PutBucketOwnershipControls",
        "`CreateBucket` with an object ownership",
    ),
    ("kms:TagResource", "`CreateKey` with tags"),
    ("dynamodb:TagResource", "`CreateTable` with tags"),
    ("sns:TagResource", "`CreateTopic` with tags"),
    ("cloudwatch:TagResource", "`PutMetricAlarm` with tags"),
    ("cloudtrail:AddTags", "`CreateTrail` with tags"),
    ("iam:TagPolicy", "`CreatePolicy` with tags"),
    (
        "sts:AssumeRole",
        "with `role-arn`, on that role, by the credentials that assume it",
    ),
    (
        "kms:CreateGrant",
        "a table that is encrypted with the key (and `kms:Encrypt`, `kms:Decrypt`, \
         `kms:ReEncrypt*`, `kms:GenerateDataKey*`)",
    ),
];

/// What DynamoDB does with the key in the caller's name.
const KEY_USE: [&str; 5] = [
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey*",
    "kms:ReEncrypt*",
];

/// A principal that creates a backend does not need to read the states in it, nor to ask for the
/// account's own
/// settings.
const ONLY_TO_VERIFY: [&str; 4] = ["store", "store.rs", "verify", "verify.rs"];
/// What is looked at before anything is taken down.
const TEARDOWN: [&str; 2] = ["teardown", "teardown.rs"];
/// Nor need they try it out.
const PROBE: [&str; 2] = ["probe", "probe.rs"];

/// What writes locks, states and digests; the rest of the store only reads.
const STORE_WRITES: [&str; 3] = [
    "store/write.rs",
    "store/lock_acquire.rs",
    "store/lock_release.rs",
];

/// Of a change of locks, and of nothing that a plan does.
const MIGRATION: [&str; 2] = ["access/lock_files.rs", "lock_table/migration.rs"];
/// What puts states right, with all that it reads.
const RECOVERY: [&str; 2] = ["store/restore.rs", "store/check/repair.rs"];
const RECOVERY_READS: [&str; 3] = ["store/content.rs", "store/objects.rs", "store/table.rs"];

/// What bringing states back needs beside the actions of its own calls, and what for.
const BESIDES_RECOVERY: [(&str, &str); 3] = [
    (
        "kms:Decrypt",
        "to read states encrypted with the key, through S3",
    ),
    (
        "kms:GenerateDataKey",
        "to write states and lock files encrypted with the key, through S3",
    ),
    (
        "kms:DescribeKey",
        "to find the key of the alias that the backend names",
    ),
];

fn is_written(path: &Path) -> bool {
    STORE_WRITES.iter().any(|file| path == Path::new(file))
}

fn is_migration(path: &Path) -> bool {
    MIGRATION.iter().any(|file| path == Path::new(file))
}

/// What trying a backend out needs beside the actions of its own calls, and what for.
const BESIDES_PROBE: [(&str, &str); 5] = [
    (
        "s3:ListBucket",
        "to find objects that an earlier probe left",
    ),
    (
        "s3:ListBucketVersions",
        "to delete the versions of the written objects; without it they are kept",
    ),
    (
        "kms:GenerateDataKey",
        "to write objects encrypted with the key, through S3",
    ),
    (
        "kms:Decrypt",
        "to read objects and items encrypted with the key, through S3 and DynamoDB",
    ),
    ("sts:AssumeRole", "with `--runner`, on that role"),
];

/// What a teardown needs beside the actions of its own calls, and what for.
const BESIDES_TEARDOWN: [(&str, &str); 9] = [
    (
        "s3:GetObject",
        "to count the resources in states, and to back the states up",
    ),
    ("s3:PutObject", "to lock the states"),
    (
        "s3:DeleteObject",
        "to release them again, if a run holds a lock",
    ),
    ("dynamodb:PutItem", "to lock the states in the table"),
    ("dynamodb:DeleteItem", "to release them again"),
    (
        "kms:GenerateDataKey",
        "to write lock files encrypted with the key, through S3",
    ),
    (
        "kms:Decrypt",
        "to read states encrypted with the key, through S3",
    ),
    (
        "s3:PutBucketPolicy",
        "to deny writes during the teardown, and to allow the deletion of old versions",
    ),
    (
        "kms:PutKeyPolicy",
        "with `--key-window` below 30: to change the minimum in the key policy",
    ),
];

/// Actions of all calls that delete something, of every resource.
fn of_a_teardown() -> BTreeSet<String> {
    let (reads, writes) =
        actions_in(&|path| starts_with(path, &TEARDOWN) && !path.ends_with("tests.rs"));
    let (_, others) = actions_in(&|path| {
        !starts_with(path, &ONLY_TO_VERIFY)
            && !starts_with(path, &PROBE)
            && !starts_with(path, &TEARDOWN)
    });
    let lifted = [
        "dynamodb:UpdateTable",
        "iam:DeletePolicyVersion",
        "s3:PutBucketNotification",
    ]
    .map(str::to_owned);
    reads
        .into_iter()
        .chain(writes)
        .chain(others.into_iter().filter(|action| takes_down(action)))
        .chain(lifted)
        .collect()
}

/// What takes things down. To make room for a version of a policy is part of making one.
fn takes_down(action: &str) -> bool {
    let verb = action.split_once(':').expect("a service").1;
    ["Delete", "Detach", "Schedule", "Stop"]
        .iter()
        .any(|end| verb.starts_with(end))
        && verb != "DeletePolicyVersion"
}

/// Actions that reads need, and those that writes need, out of the constants of `src/backend/aws`.
pub(super) fn actions() -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut reads, mut writes) = actions_in(&|path| {
        !starts_with(path, &ONLY_TO_VERIFY)
            && !starts_with(path, &PROBE)
            && !starts_with(path, &TEARDOWN)
            && !is_migration(path)
    });
    writes.retain(|action| !takes_down(action));
    // Everybody may ask who they are.
    reads.remove("sts:GetCallerIdentity");
    // Asked for once S3 has refused tags; without it the refusal stands.
    reads.remove("s3:GetBucketABAC");
    // Of the credentials that assume a role, and not of the role.
    writes.remove("sts:AssumeRole");
    (reads, writes)
}

/// Actions of all calls that `verify --probe` makes for the probe itself.
fn of_a_probe() -> BTreeSet<String> {
    let (reads, writes) = actions_in(&|path| {
        (starts_with(path, &PROBE) || is_written(path)) && !path.ends_with("tests.rs")
    });
    reads.into_iter().chain(writes).collect()
}

fn is_one_of(path: &Path, files: &[&str]) -> bool {
    files.iter().any(|file| path == Path::new(file))
}

/// Actions of all calls that bring a state back, or put right what does not fit it.
fn of_a_recovery() -> BTreeSet<String> {
    let wanted = |path: &Path| {
        is_written(path) || is_one_of(path, &RECOVERY) || is_one_of(path, &RECOVERY_READS)
    };
    let (reads, writes) = actions_in(&wanted);
    reads.into_iter().chain(writes).collect()
}

fn starts_with(path: &Path, names: &[&str]) -> bool {
    path.components()
        .next()
        .is_some_and(|part| names.iter().any(|name| part.as_os_str() == *name))
}

/// What the constants name in the sources below `src/backend/aws` that are wanted.
fn actions_in(wanted: &dyn Fn(&Path) -> bool) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut reads, mut writes) = (BTreeSet::new(), BTreeSet::new());
    let mut sources = vec![];
    read(
        &page::path("src/backend/aws"),
        Path::new(""),
        wanted,
        &mut sources,
    );
    for source in &sources {
        // A constant, whether it fits on one line or not.
        let source = source.replace("=\n    ApiOperation::", "= ApiOperation::");
        for (at, start) in source.match_indices("= ApiOperation::") {
            let call = source[at + start.len()..]
                .split(';')
                .next()
                .unwrap_or_default();
            let names: Vec<&str> = call.split('"').skip(1).step_by(2).collect();
            let [operation, ..] = names[..] else {
                panic!("{call}")
            };
            let action = names.last().expect("a name");
            let verb = operation.split_once(':').expect("a service").1;
            let reading = ["Get", "List", "Describe", "Head"]
                .iter()
                .any(|read| verb.starts_with(read));
            if reading { &mut reads } else { &mut writes }.insert((*action).to_owned());
        }
    }
    (reads, writes)
}

/// `inside` is the path below `src/backend/aws`.
fn read(folder: &Path, inside: &Path, wanted: &dyn Fn(&Path) -> bool, sources: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        let (path, inside) = (entry.path(), inside.join(entry.file_name()));
        if path.is_dir() {
            read(&path, &inside, wanted, sources);
        } else if wanted(&inside) {
            sources.push(fs::read_to_string(&path).expect("a source"));
        }
    }
}

#[test]
fn every_action_is_documented() {
    let (reads, writes) = actions();
    assert!(
        reads.len() > 25 && writes.len() > 25,
        "{reads:?} {writes:?}"
    );
    let all: BTreeSet<String> = reads.iter().chain(&writes).cloned().collect();
    let more = writes
        .iter()
        .cloned()
        .chain(BESIDES.iter().map(|(action, _)| (*action).to_owned()))
        .collect();
    let besides: String = BESIDES
        .iter()
        .map(|(action, why)| format!("| `{action}` | {why} |\n"))
        .collect();
    let besides_probe: String = BESIDES_PROBE
        .iter()
        .map(|(action, why)| format!("| `{action}` | {why} |\n"))
        .collect();
    let besides_teardown: String = BESIDES_TEARDOWN
        .iter()
        .map(|(action, why)| format!("| `{action}` | {why} |\n"))
        .collect();
    let besides_recovery: String = BESIDES_RECOVERY
        .iter()
        .map(|(action, why)| format!("| `{action}` | {why} |\n"))
        .collect();
    let environment = made_up::environment("prod", EVERYTHING, SETTINGS);
    let (mut to_verify, writes_of_verify) = actions_in(&|path| {
        starts_with(path, &ONLY_TO_VERIFY) && !is_written(path) && !is_one_of(path, &RECOVERY)
    });
    assert_eq!(
        writes_of_verify,
        BTreeSet::from(["dynamodb:Scan".to_owned()]),
        "a scan is a read as well"
    );
    to_verify.extend(writes_of_verify);
    to_verify.retain(|action| !reads.contains(action));
    page::parts_must_be(
        "docs/reference/permissions.md",
        &[
            ("reads", by_service(&reads)),
            ("verify", by_service(&to_verify)),
            ("writes", by_service(&more)),
            (
                "besides",
                format!("| action | for |\n| --- | --- |\n{besides}"),
            ),
            (
                "policy",
                format!("```json\n{:#}\n```", policy(&environment)),
            ),
            ("probe", by_service(&of_a_probe())),
            (
                "besides-probe",
                format!("| action | for |\n| --- | --- |\n{besides_probe}"),
            ),
            ("teardown", by_service(&of_a_teardown())),
            ("recovery", by_service(&of_a_recovery())),
            (
                "besides-recovery",
                format!("| action | for |\n| --- | --- |\n{besides_recovery}"),
            ),
            (
                "besides-teardown",
                format!("| action | for |\n| --- | --- |\n{besides_teardown}"),
            ),
        ],
    );
    let page = page::read("docs/reference/permissions.md");
    for action in all {
        assert!(page.contains(&format!("`{action}`")), "{action}");
    }
}

/// What a single plan says it needs is on the page, and nothing on the page is forgotten there.
#[test]
fn what_plans_need_is_documented() {
    const OTHERS: &str = "--trail existing --alarm-topic arn:aws:sns:eu-west-1:123456789012:t \
                          --kms-key arn:aws:kms:eu-west-1:123456789012:key/\
                          1234abcd-12ab-34cd-56ef-1234567890ab";
    let (reads, writes) = actions();
    let (mut looked, mut made) = (BTreeSet::new(), BTreeSet::new());
    for line in [
        EVERYTHING,
        "--attach-to user/a --attach-to group/path/b",
        OTHERS,
    ] {
        let environment = made_up::environment("prod", line, SETTINGS);
        let needed = needed(
            &environment.provider.blueprint,
            &made_up::plan(&environment),
            &KnownOutputs::new(),
            &environment.provider.aws,
        );
        looked.extend(needed.reads.keys().map(|action| (*action).to_owned()));
        made.extend(needed.writes.keys().map(|action| (*action).to_owned()));
    }
    let only = |one: &BTreeSet<String>, other: &BTreeSet<String>| {
        one.difference(other).cloned().collect::<Vec<_>>()
    };
    assert_eq!(only(&looked, &reads), [""; 0]);
    assert_eq!(
        only(&reads, &looked),
        ["iam:ListPolicyVersions", "s3:GetBucketAcl"],
        "only before something else is changed"
    );
    let besides = BESIDES
        .iter()
        .map(|(action, _)| *action)
        .chain(KEY_USE)
        .map(str::to_owned);
    let known: BTreeSet<String> = writes.iter().cloned().chain(besides).collect();
    assert_eq!(
        only(&made, &known),
        ["kms:DescribeKey"],
        "for a table under the key"
    );
    let changes = [
        "cloudtrail:UpdateTrail",
        "dynamodb:UpdateTable",
        "iam:CreatePolicyVersion",
        "iam:DeletePolicyVersion",
        "kms:PutKeyPolicy",
        "s3:PutBucketTagging",
        "sns:SetTopicAttributes",
    ];
    assert_eq!(
        only(&writes, &made),
        changes,
        "needed for changes only: see `what_is_needed_is_what_is_called_for`"
    );
    // Principals with their path, and what was brought along by its own name.
    let environment = made_up::environment("prod", "--attach-to group/path/b", SETTINGS);
    let needed = needed(
        &environment.provider.blueprint,
        &made_up::plan(&environment),
        &KnownOutputs::new(),
        &environment.provider.aws,
    );
    let arns = [
        (
            "iam:AttachGroupPolicy",
            "arn:aws:iam::123456789012:group/path/b",
        ),
        (
            "iam:CreatePolicy",
            "arn:aws:iam::123456789012:policy/acme-tfstate-prod-runner-eu-west-1",
        ),
    ];
    for (action, arn) in arns {
        assert_eq!(
            needed.writes[action],
            BTreeSet::from([arn.to_owned()]),
            "{action}"
        );
    }
}

/// On the emulator, where IAM decides about every call: it is enough to make everything, to find
/// nothing to do, and to plan.
#[tokio::test]
async fn the_policy_is_enough() {
    let emulator = Emulator::start().await;
    User::make(&emulator, "terraform").await;
    let line = "--lock both --alarm-email ops@example.com --attach-to user/terraform";
    let document = policy(&made_up::environment("prod", line, SETTINGS))
        .to_string()
        .replace(ACCOUNT, emulator.account());
    let user = User::make(&emulator, "bootstrapper").await;
    user.has_policy(&serde_json::from_str(&document).expect("a document"))
        .await;
    let mut vars = emulator.aws_env();
    user.works_in(&mut vars);
    let dir = tempfile::tempdir().expect("a directory");
    let run = |command: &str, more: &[&str]| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_tfbackend"));
        program.args([
            command,
            "--project",
            "acme",
            "--env",
            "prod",
            "--region",
            "eu-west-1",
            "--endpoint-url",
            emulator.endpoint(),
        ]);
        program
            .args(line.split(' '))
            .args(more)
            .current_dir(dir.path())
            .env_clear()
            .envs(&vars);
        program.stdin(Stdio::null()).output().expect("the program")
    };
    for (command, more) in [
        ("bootstrap", &["-y"][..]),
        ("bootstrap", &[]),
        ("plan", &["--detailed-exitcode"]),
        ("render", &["--check"]),
    ] {
        let output = run(command, more);
        assert!(
            output.status.success(),
            "{command}: {}\n{}",
            said(&output),
            emulator.log()
        );
    }
}

/// Beside the reads of `verify`: it proves all that an emulator can show, and leaves nothing.
#[tokio::test]
async fn the_rights_of_a_probe_are_enough() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let line = "--project acme --env prod --region eu-west-1 --lock both --ephemeral --trail off \
                --alarms=false --access-logs=false";
    let said = place.bootstrap(&format!("{line} -y"));
    assert_eq!(said.code, Some(0), "{}", said.all());
    let mut allowed: BTreeSet<String> = actions().0;
    allowed.extend(of_a_probe());
    allowed.extend(BESIDES_PROBE.iter().map(|(action, _)| (*action).to_owned()));
    // Whether a lock is held is asked of the whole table; `--usage=false` leaves it out.
    let user = User::make(&emulator, "bootstrapper").await;
    user.may_only(&allowed.iter().map(String::as_str).collect::<Vec<_>>())
        .await;
    let place = user.place(&emulator);
    let words = format!("verify {line} --probe --usage=false --output json");
    let said = place.run(&words.split_whitespace().collect::<Vec<_>>());
    let document: Value =
        serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.all()));
    let checks = document["checks"].as_array().expect("checks").iter();
    let of_probe = checks.filter(|check| {
        check["id"]
            .as_str()
            .is_some_and(|id| id.starts_with("probe-"))
    });
    let bad: Vec<&Value> = of_probe
        .filter(|check| check["status"] != "holds")
        .map(|check| &check["id"])
        .collect();
    assert_eq!(
        bad,
        ["probe-bucket-key", "probe-plain-http"],
        "{document:#}"
    );
    let notes = document["notes"].as_array().expect("notes");
    assert!(
        notes.iter().all(|note| note
            .as_str()
            .is_some_and(|note| note.contains("an endpoint outside AWS"))),
        "{notes:?}"
    );
    assert_eq!(emulator.python("tests/it/verify/probe.py", &["left"]), "");
}

/// On the emulator, where IAM decides about every call: it is enough to take a protected backend
/// down, key and all.
#[tokio::test]
async fn the_rights_of_a_teardown_are_enough() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    User::make(&emulator, "ci").await;
    let line = "--project acme --env prod --region eu-west-1 --lock both --alarm-email \
                ops@example.com --attach-to user/ci";
    let said = place.bootstrap(&format!("{line} -y"));
    assert_eq!(said.code, Some(0), "{}", said.all());
    emulator.python(
        "tests/it/teardown/states.py",
        &["acme-tfstate-prod-000000000000-eu-west-1"],
    );
    emulator.python(
        "tests/it/teardown/unlock.py",
        &["acme-tfstate-prod-000000000000-eu-west-1"],
    );
    let (mut allowed, _) = actions();
    let (to_verify, _) =
        actions_in(&|path| starts_with(path, &["store", "store.rs"]) && !is_written(path));
    allowed.extend(
        to_verify
            .into_iter()
            .chain(["dynamodb:Scan".to_owned()])
            .chain(of_a_teardown()),
    );
    allowed.extend(
        BESIDES_TEARDOWN
            .iter()
            .map(|(action, _)| (*action).to_owned()),
    );
    let user = User::make(&emulator, "bootstrapper").await;
    user.may_only(&allowed.iter().map(String::as_str).collect::<Vec<_>>())
        .await;
    let place = user.place(&emulator);
    let words = format!(
        "teardown {line} --unprotect --purge-states --purge-logs --key-window 7 --confirm \
         acme-tfstate-prod-000000000000-eu-west-1 --backup all-versions --output json"
    );
    let said = place.run(&words.split_whitespace().collect::<Vec<_>>());
    assert_eq!(said.code, Some(0), "{}\n{}", said.all(), emulator.log());
    let last: Value = serde_json::from_str(said.out.lines().last().expect("a line")).expect("JSON");
    assert_eq!(
        (&last["backup"]["versions"], &last["kept"]),
        (&json!(3), &json!([])),
        "{last:#}"
    );
    assert_eq!(
        emulator.python("tests/it/support/inventory.py", &[]),
        "key PendingDeletion\n"
    );
}

fn by_service(actions: &BTreeSet<String>) -> String {
    let mut table = "| service | actions |\n| --- | --- |\n".to_owned();
    let services: BTreeSet<&str> = actions
        .iter()
        .map(|action| action.split(':').next().expect("a service"))
        .collect();
    for service in services {
        let of: Vec<String> = actions
            .iter()
            .filter(|action| action.split(':').next() == Some(service))
            .map(|action| format!("`{action}`"))
            .collect();
        table.push_str(&format!("| {service} | {} |\n", of.join(", ")));
    }
    table
}
