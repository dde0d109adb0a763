//! The policy that a plan says it needs: enough to carry it out, and nothing beside.

use std::{collections::BTreeSet, fs};

use serde_json::Value;
use tfbackend::{
    backend::aws::{
        permissions::{RequiredPermissions, needed},
        resources::observe,
    },
    engine::{observation::outputs, plan::Plan},
};

use super::World;
use crate::support::{
    emulator::Emulator,
    program::{Place, Said},
    recorder::Call,
    user::User,
};

const EVERYTHING: &str = "--lock both --alarm-email ops@example.com --attach-to user/terraform";

/// What IAM asks for beside the action of the call itself (`docs/reference/permissions.md`).
const WITH_TAGS: [(&str, &[&str]); 9] = [
    (
        "s3:CreateBucket",
        &["s3:PutBucketOwnershipControls", "s3:TagResource"],
    ),
    ("kms:CreateKey", &["kms:TagResource"]),
    ("dynamodb:CreateTable", &["dynamodb:TagResource"]),
    ("sns:CreateTopic", &["sns:TagResource"]),
    ("cloudwatch:PutMetricAlarm", &["cloudwatch:TagResource"]),
    ("cloudtrail:CreateTrail", &["cloudtrail:AddTags"]),
    ("iam:CreatePolicy", &["iam:TagPolicy"]),
    (
        "dynamodb:CreateTable",
        &[
            "kms:CreateGrant",
            "kms:Decrypt",
            "kms:Encrypt",
            "kms:GenerateDataKey*",
            "kms:ReEncrypt*",
        ],
    ),
    (
        "iam:CreatePolicyVersion",
        &["iam:DeletePolicyVersion", "iam:ListPolicyVersions"],
    ),
];

impl World {
    async fn needed(&self) -> RequiredPermissions {
        let observation = observe(&self.aws, &self.blueprint).await;
        let plan = Plan::to_apply(&self.blueprint, &observation, false);
        needed(&self.blueprint, &plan, &outputs(&observation), &self.aws)
    }
}

/// What was called for, and what comes with it.
fn called(calls: &[Call]) -> BTreeSet<String> {
    let mut actions: BTreeSet<String> = calls
        .iter()
        .map(Call::action)
        .filter(|action| action != "sts:GetCallerIdentity")
        .collect();
    for (action, more) in WITH_TAGS {
        if actions.contains(action) {
            actions.extend(more.iter().map(|action| (*action).to_owned()));
        }
    }
    actions
}

fn said(needed: &RequiredPermissions) -> BTreeSet<String> {
    needed
        .reads
        .keys()
        .chain(needed.writes.keys())
        .map(|action| (*action).to_owned())
        .collect()
}

/// No action but those that are called for, and all of them: to make everything, to do nothing, and
/// to repair.
#[tokio::test]
async fn what_is_needed_is_what_is_called_for() {
    let world = World::new(EVERYTHING).await;
    User::make(&world.emulator, "terraform").await;
    let first = world.needed().await;
    world.recorder.take();
    let mut calls = world.bootstrap().await;
    let nothing = world.needed().await;
    calls.extend(world.recorder.take());
    assert_eq!(said(&first), called(&calls));

    calls = world.bootstrap().await;
    assert_eq!(said(&nothing), called(&calls));
    assert!(nothing.writes.is_empty(), "an empty plan only looks");
    assert_eq!(nothing.count(), (nothing.reads.len(), 0));
    let anywhere: Vec<_> = nothing
        .reads
        .iter()
        .filter(|(_, arns)| arns.iter().any(|arn| arn == "*"))
        .map(|(action, _)| *action)
        .collect();
    assert_eq!(
        anywhere,
        ["cloudwatch:DescribeAlarms", "kms:ListKeys"],
        "IAM knows no resources of these"
    );

    for (drift, writes) in [
        ("no bucket key", &["s3:PutEncryptionConfiguration"][..]),
        ("another value of a tag", &["s3:PutBucketTagging"]),
        (
            "access control lists again",
            &["s3:GetBucketAcl", "s3:PutBucketOwnershipControls"],
        ),
        ("a weaker key policy", &["kms:PutKeyPolicy"]),
        ("no rotation", &["kms:EnableKeyRotation"]),
        ("no deletion protection", &["dynamodb:UpdateTable"]),
        ("a topic without a key", &["sns:SetTopicAttributes"]),
        ("an alarm that tells nobody", &["cloudwatch:PutMetricAlarm"]),
        ("a trail without validation", &["cloudtrail:UpdateTrail"]),
        (
            "a runner who may do everything",
            &[
                "iam:CreatePolicyVersion",
                "iam:DeletePolicyVersion",
                "iam:ListPolicyVersions",
            ],
        ),
        ("a runner without the policy", &["iam:AttachUserPolicy"]),
    ] {
        world
            .emulator
            .python("tests/it/idempotence/drift.py", &[drift]);
        let needed = world.needed().await;
        assert_eq!(
            needed.writes.keys().copied().collect::<Vec<_>>(),
            writes,
            "{drift}"
        );
        world.bootstrap().await;
    }
}

/// What `foreign_key.py` tries, all with the same end.
fn each_is(end: &str) -> String {
    const TRIED: [&str; 11] = [
        "decrypt",
        "encrypt",
        "generate_data_key",
        "create_grant",
        "put_key_policy",
        "create_alias",
        "enable_key_rotation",
        "tag_resource",
        "create_key",
        "attach_administrator",
        "schedule_key_deletion",
    ];
    TRIED.iter().map(|call| format!("{call} {end}\n")).collect()
}

/// The policy of the plan itself, given to somebody who has no other.
struct Operator {
    emulator: Emulator,
    /// The administrator, who plans; and the one who carries it out.
    admin: Place,
    operator: Place,
    user: User,
}

impl Operator {
    async fn new() -> Self {
        let emulator = Emulator::start().await;
        User::make(&emulator, "terraform").await;
        let user = User::make(&emulator, "bootstrapper").await;
        let (admin, operator) = (Place::with(&emulator), user.place(&emulator));
        Self {
            emulator,
            admin,
            operator,
            user,
        }
    }

    /// What `plan` prints, to the letter.
    fn admin(&self, more: &str) -> String {
        let line = format!("plan --project acme --env prod --region eu-west-1 {EVERYTHING} {more}");
        let output = self
            .admin
            .command(&line.split_whitespace().collect::<Vec<_>>())
            .output()
            .expect("the program");
        assert!(
            output.status.success(),
            "{}",
            crate::support::backend::said(&output)
        );
        String::from_utf8(output.stdout).expect("text")
    }

    /// A key of another team in the same account, and a text under it.
    fn foreign_key(&self) -> String {
        self.emulator
            .python("tests/it/idempotence/foreign_key.py", &["make"])
    }

    /// What the operator may do with it.
    fn tries(&self, foreign: &str) -> String {
        let args: Vec<&str> = ["try"]
            .into_iter()
            .chain(foreign.split_whitespace())
            .collect();
        let mut vars = self.emulator.aws_env();
        self.user.works_in(&mut vars);
        self.emulator
            .python_in(&vars, "tests/it/idempotence/foreign_key.py", &args)
    }

    /// Gives the operator what the plan says, without `left_out`, and has them carry the plan out.
    async fn carries_out(&self, left_out: Option<&str>) -> Said {
        let mut policy: Value =
            serde_json::from_str(&self.admin("--needed-actions")).expect("a policy");
        self.admin("--out p");
        fs::copy(self.admin.path().join("p"), self.operator.path().join("p")).expect("copied");
        if let Some(action) = left_out {
            for statement in policy["Statement"].as_array_mut().expect("statements") {
                if let Some(actions) = statement["Action"].as_array_mut() {
                    actions.retain(|other| other != action);
                }
            }
            policy["Statement"]
                .as_array_mut()
                .expect("statements")
                .retain(|statement| statement["Action"] != action);
        }
        self.user.has_policy(&policy).await;
        self.operator.bootstrap("p -y")
    }
}

#[tokio::test]
async fn the_policy_of_a_plan_carries_it_out() {
    let world = Operator::new().await;
    // A first run; one that has nothing to do; repairs. None of their policies allows the use of
    // what belongs to others.
    let foreign = world.foreign_key();
    let said = world.carries_out(None).await;
    assert_eq!(
        said.code,
        Some(0),
        "{}\n{}",
        said.all(),
        world.emulator.log()
    );
    assert_eq!(
        world.tries(&foreign),
        each_is("denied"),
        "the policy of a first run"
    );
    assert!(!world.admin("--needed-actions").contains(":Put"));
    let said = world.carries_out(None).await;
    assert!(
        said.code == Some(0) && said.err.contains("nothing to do"),
        "{}{}",
        said.all(),
        world.admin("--needed-actions")
    );
    let drift = [
        "a runner who may do everything",
        "no alias",
        "no point-in-time recovery",
        "a weaker key policy",
        "nobody is told",
    ];
    world
        .emulator
        .python("tests/it/idempotence/drift.py", &drift);
    let said = world.carries_out(Some("s3:GetBucketVersioning")).await;
    assert!(
        said.code == Some(3) && said.refusal().contains("needs s3:GetBucketVersioning"),
        "{}",
        said.all()
    );
    let said = world.carries_out(Some("kms:PutKeyPolicy")).await;
    assert!(
        said.code == Some(4) && said.refusal().contains("needs kms:PutKeyPolicy"),
        "{}",
        said.all()
    );
    let said = world.carries_out(None).await;
    assert_eq!(
        said.code,
        Some(0),
        "{}\n{}",
        said.all(),
        world.emulator.log()
    );
    assert_eq!(
        world.tries(&foreign),
        each_is("denied"),
        "the policy of a repair"
    );
    // An administrator may: it is the policies that say no.
    let args: Vec<&str> = ["try"]
        .into_iter()
        .chain(foreign.split_whitespace())
        .collect();
    assert_eq!(
        world
            .emulator
            .python("tests/it/idempotence/foreign_key.py", &args),
        each_is("allowed")
    );
}

/// What the conditions leave open is what the table needs: without it there is no table.
#[tokio::test]
async fn a_policy_without_the_grant_makes_no_table() {
    let world = Operator::new().await;
    let said = world.carries_out(Some("kms:CreateGrant")).await;
    assert!(
        said.code == Some(4) && said.refusal().contains("dynamodb:CreateTable"),
        "{}",
        said.all()
    );
}

#[tokio::test]
async fn the_count_and_the_policy_are_in_the_plan() {
    let world = Operator::new().await;
    let text = world.admin("");
    let json: Value = serde_json::from_str(&world.admin("--output json")).expect("JSON");
    let policy: Value = serde_json::from_str(&world.admin("--needed-actions")).expect("JSON");
    assert_eq!(json["needed_actions"], policy);
    assert!(
        policy.get("format_version").is_none(),
        "it is a policy, and nothing else"
    );
    let actions: BTreeSet<String> = policy["Statement"]
        .as_array()
        .expect("statements")
        .iter()
        .flat_map(|statement| match &statement["Action"] {
            Value::Array(actions) => actions
                .iter()
                .map(|action| action.as_str().expect("an action").to_owned())
                .collect(),
            action => vec![action.as_str().expect("an action").to_owned()],
        })
        .collect();
    let line = format!("Needs {} IAM actions, ", actions.len());
    assert!(
        text.lines().any(|shown| shown.starts_with(&line)
            && shown.ends_with(" of them to write; --needed-actions prints them as a policy.")),
        "{line}\n{text}"
    );
    assert!(
        policy.to_string().len() < 6144,
        "it fits into a managed policy: {}",
        policy.to_string().len()
    );
}
