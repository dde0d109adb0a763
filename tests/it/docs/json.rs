//! `docs/reference/json.md`: documents and events as the program writes them, and the meaning of each field.

use std::{collections::BTreeSet, process::Command, time::Duration};

use serde_json::Value;
use tfbackend::{
    backend::aws::{
        key::rotation::KeyRotation,
        policy::{self, Statement},
        resources::AwsSpec,
    },
    checks::{
        Check, CheckGroup, CheckResult, CheckedPlace, Severity, Verdict, accept::AcceptedFinding,
    },
    cli::failure::CliError,
    engine::{
        event::ApplyEvent,
        plan::{BlockReason, Plan, PlannedChange},
        spec::Address,
    },
    report::{
        findings::document::{self as verified, ResourceDocument, VerifyDocument},
        json::{VersionedDocument, write_line},
        locks::{HeldIn, HeldLockDocument, LocksDocument},
        plan::{
            ResourceTitle,
            document::{PlanDocument, PlanSubject, PlannedStateDocument, StateStatus},
        },
        progress::json::EventDocument,
    },
};

use super::SETTINGS;
use crate::support::{
    backend::said,
    emulator::Emulator,
    made_up::{self, ACCOUNT, location},
    page,
};

#[test]
fn every_field_is_documented() {
    let (plan, failure) = (document(&plan()), document(&failure()));
    let events: Vec<String> = events()
        .into_iter()
        .map(|event| line(&EventDocument::from(event)))
        .collect();
    let config = config();
    let verification = document(&verification());
    let locks = document(&locks());
    let block = |text: &str| format!("```json\n{}\n```", text.trim());
    let parts = [
        ("plan", block(&plan)),
        ("events", block(&events.concat())),
        ("config", block(&config)),
        ("verification", block(&verification)),
        ("locks", block(&locks)),
        ("failure", block(&failure)),
    ];
    page::parts_must_be("docs/reference/json.md", &parts);

    let page = page::read("docs/reference/json.md");
    let mut fields = BTreeSet::new();
    for text in events
        .iter()
        .chain([&plan, &failure, &config, &verification, &locks, &made()])
    {
        names(&serde_json::from_str(text).expect("JSON"), &mut fields);
    }
    for field in fields {
        assert!(explained(&page, &field), "{field} is not explained");
    }
}

/// Whether a row is about it, alone or with others.
fn explained(page: &str, field: &str) -> bool {
    let first = |line: &str| {
        line.strip_prefix("| ")
            .and_then(|line| line.split(" |").next())
            .unwrap_or_default()
            .to_owned()
    };
    page.lines()
        .map(first)
        .any(|cell| cell.split(", ").any(|name| name == format!("`{field}`")))
}

/// The names of fields; the settings of a resource are AWS's and have no list here.
fn names(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                found.insert(name.clone());
                if !["from", "to", "value", "needed_actions"].contains(&name.as_str())
                    || name == "from" && value.is_string()
                {
                    names(value, found);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| names(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn document(body: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(&VersionedDocument::new(body)).expect("plain data")
}

fn line(body: &impl serde::Serialize) -> String {
    let mut out = vec![];
    write_line(&mut out, body).expect("memory");
    String::from_utf8(out).expect("text")
}

/// One step of each action but adopt, which is as update.
fn plan() -> PlanDocument {
    let environment = made_up::environment("prod", "", SETTINGS);
    let mut plan = made_up::plan(&environment);
    plan.steps.retain(|step| {
        [
            "state_bucket/versioning",
            "key/rotation",
            "lock_table/recovery",
            "topic",
        ]
        .contains(&step.address.as_str())
    });
    for step in &mut plan.steps {
        let PlannedChange::Create { to } = &step.change else {
            panic!("{}", step.address)
        };
        let to = to.clone();
        step.change = match (step.address.as_str(), to) {
            ("key/rotation", AwsSpec::Rotation(to)) => {
                let from = AwsSpec::Rotation(KeyRotation {
                    days: 90,
                    ..to.clone()
                });
                PlannedChange::Update {
                    from,
                    to: AwsSpec::Rotation(to),
                }
            }
            ("lock_table/recovery", spec) => PlannedChange::NoOp { spec },
            ("topic", _) => PlannedChange::Blocked {
                reason: BlockReason::Unmanaged,
            },
            (_, to) => PlannedChange::Create { to },
        };
    }
    let about = PlanSubject {
        project: "acme".into(),
        env: "prod".into(),
        backend: Some(location(&[
            ("bucket", "acme-tfstate-prod-123456789012-eu-west-1"),
            ("key", "terraform.tfstate"),
            ("region", "eu-west-1"),
            ("dynamodb_table", "acme-tfstate-prod-locks"),
        ])),
        account: Some(ACCOUNT.into()),
        region: Some("eu-west-1".into()),
    };
    let allow = Statement::allow("Kms1")
        .actions(&["kms:EnableKeyRotation"])
        .on([environment.provider.aws.arn("kms", "eu-west-1", "key/*")]);
    let needed_actions = serde_json::to_value(policy::PolicyDocument::new(vec![allow])).ok();
    let address =
        "s3://acme-tfstate-prod-123456789012-eu-west-1/network/terraform.tfstate".to_owned();
    let state = Some(PlannedStateDocument {
        address,
        status: StateStatus::New,
        message: None,
    });
    PlanDocument {
        state,
        needed_actions,
        ..PlanDocument::of(&Plan { steps: plan.steps }, about, &ResourceTitle::of)
    }
}

fn events() -> [ApplyEvent; 5] {
    let [key, table, recovery] = ["key", "lock_table", "lock_table/recovery"].map(Address::new);
    [
        ApplyEvent::Started {
            address: key.clone(),
        },
        ApplyEvent::Finished {
            address: key,
            took: Duration::from_millis(312),
        },
        ApplyEvent::Failed {
            address: table.clone(),
            error: "dynamodb:CreateTable on acme-tfstate-prod-locks: AccessDeniedException".into(),
        },
        ApplyEvent::Skipped {
            address: recovery,
            because: table,
        },
        ApplyEvent::Interrupted { running: 2 },
    ]
}

fn locks() -> LocksDocument {
    let said = |text: &str| Some(text.to_owned());
    let lock = HeldLockDocument {
        bucket: "acme-tfstate-prod-123456789012-eu-west-1".to_owned(),
        path: "env:/blue/terraform.tfstate".to_owned(),
        key: "terraform.tfstate".to_owned(),
        workspace: "blue".to_owned(),
        held_in: vec![HeldIn::Table],
        missing: Some(HeldIn::File),
        id: "5e2d4b6e-7d3f-4b0c-9a51-3c1a6a2c5f10".to_owned(),
        operation: said("OperationTypeApply"),
        who: said("ci@runner-17"),
        version: said("1.11.4"),
        info: said(""),
        since: said("2026-11-21T03:00:00Z"),
        age_seconds: Some(22_320),
        error: None,
    };
    let (bucket, table) = (lock.bucket.clone(), said("acme-tfstate-prod-locks"));
    LocksDocument {
        bucket,
        table,
        locks: vec![lock],
        unseen: vec![],
    }
}

fn failure() -> impl serde::Serialize {
    CliError::partly("lock_table failed: 20 changes applied, 2 left")
        .hint("the same command continues where this one stopped")
        .document()
}

/// One check of each status, with what the picture in the page needs.
fn verification() -> VerifyDocument {
    static VERSIONING: Check = Check {
        id: "bucket-versioning",
        docs: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html",
        severity: Severity::Critical,
        group: CheckGroup::Storage,
        expected: "every version of a state is kept",
        rationale: "a state that is overwritten or deleted is lost for good",
        references: &["S3.14", "CKV_AWS_21"],
    };
    static ENCRYPTION: Check = Check {
        id: "bucket-encryption",
        docs: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html",
        severity: Severity::High,
        group: CheckGroup::Encryption,
        expected: "states are encrypted with a key of one's own",
        rationale: "who can read the bucket could read its states without a trace",
        references: &["S3.17"],
    };
    static LOGS: Check = Check {
        id: "bucket-logs",
        docs: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html",
        severity: Severity::Medium,
        group: CheckGroup::Audit,
        expected: "each access to a state is recorded",
        rationale: "after an incident, it is unknown what was read",
        references: &["S3.9"],
    };
    static ROTATION: Check = Check {
        id: "key-rotation",
        docs: "https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html",
        severity: Severity::Medium,
        group: CheckGroup::Keys,
        expected: "the key is rotated at least once a year",
        rationale: "data encrypted with a leaked key stays readable",
        references: &["KMS.4"],
    };
    let bucket = "acme-tfstate-prod-123456789012-eu-west-1";
    let arn = format!("arn:aws:s3:::{bucket}");
    let in_bucket = |part: &'static str| CheckedPlace::at(&Address::new(part), Some(arn.clone()));
    let remediation = |text: &str| Verdict::Fails {
        found: text.into(),
        remediation: "tfbackend bootstrap --env prod".into(),
    };
    let error = format!("s3:GetEncryptionConfiguration on {bucket}: AccessDenied");
    let checked = [
        CheckResult::new(
            &ROTATION,
            CheckedPlace::at(&Address::new("key/rotation"), None),
            Verdict::Holds,
        ),
        CheckResult::new(
            &VERSIONING,
            in_bucket("state_bucket/versioning"),
            remediation("versioning is `Suspended`"),
        ),
        CheckResult::new(
            &ENCRYPTION,
            in_bucket("state_bucket/encryption"),
            Verdict::Unreadable { error },
        ),
        CheckResult::new(
            &LOGS,
            in_bucket("state_bucket/logging"),
            remediation("no access logs are written"),
        ),
    ];
    let accepted = AcceptedFinding {
        id: LOGS.id.into(),
        at: Some("state_bucket/logging".into()),
        reason: "the organization's trail records it".into(),
        until: Some("2027-01-31".into()),
    };
    let about = verified::VerifiedEnvironment {
        project: Some("acme".into()),
        env: Some("prod".into()),
        backend: Some(location(&[
            ("bucket", bucket),
            ("key", "terraform.tfstate"),
            ("region", "eu-west-1"),
            ("dynamodb_table", "acme-tfstate-prod-locks"),
        ])),
        account: Some(ACCOUNT.into()),
        region: Some("eu-west-1".into()),
        bucket: Some(bucket.into()),
        table: Some("acme-tfstate-prod-locks".into()),
    };
    let resource = |address: &str, title: &str, needs: &[&str]| ResourceDocument {
        address: address.into(),
        title: title.into(),
        needs: needs.iter().map(|&need| need.to_owned()).collect(),
        present: true,
    };
    let at = "2026-11-21T03:00:00Z".to_owned();
    VerifyDocument {
        resources: vec![
            resource("key", "KMS key of the states", &[]),
            resource("state_bucket", &format!("S3 bucket {bucket}"), &["key"]),
        ],
        notes: vec!["the trail is in another account, and was not read".into()],
        ..VerifyDocument::of(
            about,
            at,
            &checked,
            &[accepted],
            "2026-11-21",
            Severity::Info,
        )
    }
}

/// What `config show` prints of the smallest example, but for most of the settings.
fn config() -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tfbackend"));
    command.args([
        "config",
        "show",
        "--env",
        "prod",
        "--keep-versions",
        "30",
        "--output",
        "json",
    ]);
    let output = command
        .current_dir(page::path("examples/minimal"))
        .env_clear()
        .output()
        .expect("the program");
    let mut shown: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", said(&output)));
    let settings = shown
        .get_mut("settings")
        .and_then(Value::as_array_mut)
        .expect("settings");
    settings.retain(|setting| {
        ["project", "lock", "keep-versions"].contains(&setting["name"].as_str().expect("a name"))
    });
    for setting in settings {
        if let Some(path) = setting["origin"].get_mut("path") {
            *path = "/home/me/infra/tfbackend.toml".into();
        }
    }
    serde_json::to_string_pretty(&shown).expect("JSON")
}

/// The example of the last line of a bootstrap, which stands in the page as it is.
fn made() -> String {
    let page = page::read("docs/reference/json.md");
    let after = page
        .split("<!-- example: made -->")
        .nth(1)
        .expect("an example");
    after
        .split("```json\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("a block")
        .to_owned()
}

#[tokio::test]
async fn a_bootstrap_writes_what_is_documented() {
    let emulator = Emulator::start().await;
    let dir = tempfile::tempdir().expect("a directory");
    let output = crate::support::backend::bootstrap(&emulator, dir.path(), &["--output", "json"]);
    assert!(output.status.success(), "{}", said(&output));
    let lines: Vec<Value> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let (last, events) = lines.split_last().expect("lines");
    for event in events {
        serde_json::from_value::<VersionedDocument<EventDocument>>(event.clone())
            .unwrap_or_else(|error| panic!("{error}: {event}"));
    }
    let documented: Value = serde_json::from_str(&made()).expect("JSON");
    let shape = |value: &Value| {
        let mut fields = BTreeSet::new();
        names(value, &mut fields);
        fields
    };
    assert_eq!(shape(last), shape(&documented));
    assert!(
        last["next"] == documented["next"] && last["event"] == documented["event"],
        "{last}"
    );
}
