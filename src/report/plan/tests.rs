//! Plans as they are read.

use crate::text::invisible::is_invisible;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    document::{PlanDocument, PlanSubject},
    *,
};
use crate::{
    engine::plan::{BlockReason, KeepReason},
    report::{
        json::{VersionedDocument, write_document},
        style::TextStyles,
        wrap::width,
    },
};

/// Any settings, as every kind of spec becomes them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Any(pub Value);

impl Spec for Any {
    fn title(&self) -> String {
        "any".to_owned()
    }
}

pub(super) fn view(width: usize) -> TextStyle {
    TextStyle {
        width,
        style: TextStyles {
            color: false,
            unicode: true,
        },
        verbose: false,
    }
}

pub(super) fn step(address: &'static str, change: PlannedChange<Any>) -> PlanStep<Any> {
    PlanStep {
        address: Address::new(address),
        needs: vec![],
        consequence: None,
        change,
    }
}

pub(super) fn describe(address: &Address, _: &Any) -> ResourceTitle {
    match address.as_str() {
        "kms_key" => ResourceTitle {
            title: "KMS key alias/acme-tfstate-prod".into(),
            cost: Some(1.0),
            note: None,
        },
        "state_bucket" => ResourceTitle {
            title: "S3 bucket acme-tfstate-prod".into(),
            cost: Some(0.02),
            note: Some("its name is taken for good".into()),
        },
        "lock_table" => ResourceTitle {
            title: "DynamoDB table acme-tfstate-prod-locks".into(),
            cost: Some(2.08),
            note: None,
        },
        other => ResourceTitle {
            title: format!("the {other}"),
            ..ResourceTitle::default()
        },
    }
}

fn tags(version: &str) -> Value {
    json!({ "ManagedBy": "tfbackend", "tfbackend:env": "prod", "tfbackend:version": version })
}

pub(super) fn deny(sid: &str, actions: Value) -> Value {
    json!({ "Sid": sid, "Effect": "Deny", "Principal": "*", "Action": actions, "Condition": { "Bool": { "aws:SecureTransport": "false" } } })
}

pub(super) fn policy(statements: Vec<Value>) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn everything() -> Plan<Any> {
    let key = Address::new("kms_key").output();
    let old = policy(vec![
        deny("TfbackendTls", json!("s3:*")),
        deny("TfbackendOld", json!("s3:*")),
        json!({ "Effect": "Allow", "Principal": { "AWS": "123456789012" }, "Action": "s3:GetObject" }),
        deny("Theirs", json!(["s3:PutObject"])),
    ]);
    let new = policy(vec![
        deny("TfbackendTls", json!(["s3:*"])),
        deny("TfbackendKey", json!("s3:PutObject")),
        deny("Theirs", json!(["s3:PutObject"])),
    ]);
    Plan {
        steps: vec![
            step(
                "kms_key",
                PlannedChange::Create {
                    to: Any(
                        json!({ "Key": { "rotation_days": 365, "description": null, "tags": tags("1"), "policy": policy(vec![deny("Root", json!("kms:*")), deny("Trail", json!("kms:*"))]) } }),
                    ),
                },
            ),
            step(
                "state_bucket",
                PlannedChange::Create {
                    to: Any(
                        json!({ "name": "acme-tfstate-prod", "object_lock": false, "grants": [] }),
                    ),
                },
            ),
            step(
                "state_bucket/encryption",
                PlannedChange::Update {
                    from: Any(json!({ "algorithm": "AES256", "key": null, "bucket_key": false })),
                    to: Any(json!({ "algorithm": "aws:kms", "key": key, "bucket_key": true })),
                },
            ),
            step(
                "state_bucket/lifecycle",
                PlannedChange::Update {
                    from: Any(
                        json!({ "rules": [{ "id": "theirs", "days": 3 }, { "id": "old", "days": 30, "keep": { "newest": 5 } }] }),
                    ),
                    to: Any(
                        json!({ "rules": [{ "id": "old", "days": 90, "keep": { "newest": 50 } }, { "id": "theirs", "days": 3 }, { "id": "uploads", "days": 7 }] }),
                    ),
                },
            ),
            step(
                "state_bucket/policy",
                PlannedChange::Update {
                    from: Any(json!({ "document": old })),
                    to: Any(json!({ "document": new })),
                },
            ),
            step(
                "lock_table",
                PlannedChange::Adopt {
                    from: Any(
                        json!({ "name": "acme-tfstate-prod-locks", "protected": false, "tags": { "team": "core", "tfbackend:version": "0" } }),
                    ),
                    to: Any(
                        json!({ "name": "acme-tfstate-prod-locks", "protected": true, "tags": { "team": "core", "ManagedBy": "tfbackend", "tfbackend:version": "1" } }),
                    ),
                },
            ),
            step(
                "topic",
                PlannedChange::Blocked {
                    reason: BlockReason::Unmanaged,
                },
            ),
            step(
                "trail",
                PlannedChange::NoOp {
                    spec: Any(json!({ "name": "t" })),
                },
            ),
        ],
    }
}

#[test]
fn eighty_columns() {
    let text = text(&everything(), &describe, &view(80));
    assert!(text.lines().all(|line| width(line) <= 80));
    insta::assert_snapshot!(text, @r#"
    + create  kms_key       KMS key alias/acme-tfstate-prod  $1.00/month
    + create  state_bucket  S3 bucket acme-tfstate-prod      $0.02/month
                            note: its name is taken for good
    ~ update  state_bucket/encryption  the state_bucket/encryption
        algorithm: "AES256" → "aws:kms"
        key: (not set) → (known after apply)
        bucket_key: false → true
    ~ update  state_bucket/lifecycle  the state_bucket/lifecycle
        rules.old.days: 30 → 90
        rules.old.keep.newest: 5 → 50
        rules.uploads.days: (not set) → 7
    ~ update  state_bucket/policy  the state_bucket/policy
        document: ~ TfbackendTls (Deny)
        document.TfbackendTls.Action: "s3:*" → ["s3:*"]
        document: + TfbackendKey (Deny)
        document: - TfbackendOld (Deny)
        document: - one without Sid (Allow)
    ± adopt  lock_table  DynamoDB table acme-tfstate-prod-locks
        protected: false → true
        tags: + ManagedBy=tfbackend, ~ tfbackend:version=0 → 1
    ! blocked  topic  exists, but was not created by tfbackend; pass `--adopt` to
        adopt it

    Plan: 2 to create, 3 to update, 1 to adopt, 1 blocked, 1 unchanged; about $1.02
      a month more, $3.10 in all.
    "#);
}

#[test]
fn forty_columns_ascii_and_verbose() {
    let text = text(
        &everything(),
        &describe,
        &TextStyle {
            width: 40,
            style: TextStyles::PLAIN,
            verbose: true,
        },
    );
    assert!(text.is_ascii() && text.lines().all(|line| width(line) <= 40));
    insta::assert_snapshot!(text, @r#"
    + create  kms_key  KMS key
        alias/acme-tfstate-prod, about $1.00
        a month
        rotation_days = 365
        tags = ManagedBy=tfbackend,
          tfbackend:env=prod,
          tfbackend:version=1
        policy = 2 statements: Root, Trail
    + create  state_bucket  S3 bucket
        acme-tfstate-prod, about $0.02 a
        month
        name = "acme-tfstate-prod"
        object_lock = false
        grants = (none)
        note: its name is taken for good
    ~ update  state_bucket/encryption  the
        state_bucket/encryption
        algorithm: "AES256" -> "aws:kms"
        key: (not set) -> (known after
          apply)
        bucket_key: false -> true
    ~ update  state_bucket/lifecycle  the
        state_bucket/lifecycle
        rules.old.days: 30 -> 90
        rules.old.keep.newest: 5 -> 50
        rules.uploads.days: (not set) -> 7
    ~ update  state_bucket/policy  the
        state_bucket/policy
        document: ~ TfbackendTls (Deny)
        document.TfbackendTls.Action: "s3:*"
          -> ["s3:*"]
        document: + TfbackendKey (Deny)
        document: - TfbackendOld (Deny)
        document: - one without Sid (Allow)
    * adopt  lock_table  DynamoDB table
        acme-tfstate-prod-locks
        protected: false -> true
        tags: + ManagedBy=tfbackend, ~
          tfbackend:version=0 -> 1
    ! blocked  topic  exists, but was not
        created by tfbackend; pass `--adopt`
        to adopt it
    = no change  trail  the trail

    Plan: 2 to create, 3 to update, 1 to
      adopt, 1 blocked, 1 unchanged; about
      $1.02 a month more, $3.10 in all.
    "#);
}

#[test]
fn colour_is_all_that_colour_adds() {
    let colourful = text(
        &everything(),
        &describe,
        &TextStyle {
            style: TextStyles {
                color: true,
                unicode: true,
            },
            ..view(80)
        },
    );
    assert!(colourful.contains("\x1b[32m+ create\x1b[0m  kms_key"));
    assert_eq!(
        console::strip_ansi_codes(&colourful),
        text(&everything(), &describe, &view(80))
    );
}

#[test]
fn summaries() {
    let only = |change: PlannedChange<Any>| {
        text(
            &Plan {
                steps: vec![step("kms_key", change)],
            },
            &describe,
            &view(80),
        )
        .lines()
        .last()
        .unwrap()
        .to_owned()
    };
    assert_eq!(
        only(PlannedChange::Create { to: Any(json!({})) }),
        "Plan: 1 to create, 0 to update, 0 blocked; about $1.00 a month."
    );
    assert_eq!(
        only(PlannedChange::Update {
            from: Any(json!(1)),
            to: Any(json!(2))
        }),
        "Plan: 0 to create, 1 to update, 0 blocked."
    );
    assert_eq!(
        only(PlannedChange::NoOp {
            spec: Any(json!({}))
        }),
        "Plan: nothing to do, 1 unchanged."
    );
    assert_eq!(
        text(&Plan::<Any> { steps: vec![] }, &describe, &view(80)),
        "Plan: nothing to do.\n"
    );
}

#[test]
fn json_document() {
    let mut plan = everything();
    plan.steps.drain(1..6);
    let about = PlanSubject {
        project: "acme".into(),
        env: "prod".into(),
        backend: None,
        account: Some("123456789012".into()),
        region: Some("eu-west-1".into()),
    };
    let mut out = vec![];
    let body = PlanDocument::of(&plan, about, &describe);
    write_document(&mut out, &body).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(
        serde_json::from_str::<VersionedDocument<PlanDocument>>(&text).unwrap(),
        VersionedDocument::new(body)
    );
    insta::assert_snapshot!(text, @r#"
    {
      "format_version": 1,
      "project": "acme",
      "env": "prod",
      "account": "123456789012",
      "region": "eu-west-1",
      "changes": true,
      "counts": {
        "create": 1,
        "update": 0,
        "adopt": 0,
        "blocked": 1,
        "no-op": 1
      },
      "monthly_cost": {
        "added": 1.0,
        "total": 1.0
      },
      "steps": [
        {
          "address": "kms_key",
          "action": "create",
          "needs": [],
          "title": "KMS key alias/acme-tfstate-prod",
          "monthly_cost": 1.0,
          "to": {
            "rotation_days": 365,
            "description": null,
            "tags": {
              "ManagedBy": "tfbackend",
              "tfbackend:env": "prod",
              "tfbackend:version": "1"
            },
            "policy": {
              "Version": "2012-10-17",
              "Statement": [
                {
                  "Sid": "Root",
                  "Effect": "Deny",
                  "Principal": "*",
                  "Action": "kms:*",
                  "Condition": {
                    "Bool": {
                      "aws:SecureTransport": "false"
                    }
                  }
                },
                {
                  "Sid": "Trail",
                  "Effect": "Deny",
                  "Principal": "*",
                  "Action": "kms:*",
                  "Condition": {
                    "Bool": {
                      "aws:SecureTransport": "false"
                    }
                  }
                }
              ]
            }
          }
        },
        {
          "address": "topic",
          "action": "blocked",
          "needs": [],
          "reason": {
            "kind": "unmanaged",
            "message": "exists, but was not created by tfbackend; pass `--adopt` to adopt it"
          }
        },
        {
          "address": "trail",
          "action": "no-op",
          "needs": [],
          "title": "the trail",
          "from": {
            "name": "t"
          }
        }
      ]
    }
    "#);
}

fn way_down() -> Plan<Any> {
    let spec = Any(json!({ "name": "acme" }));
    let foreign = KeepReason::Foreign {
        owner: "them\u{1b}[2J\u{202e}".into(),
    };
    Plan {
        steps: vec![
            step("lock_table", PlannedChange::Delete { from: spec.clone() }),
            step(
                "trail",
                PlannedChange::Keep {
                    spec: spec.clone(),
                    why: foreign,
                },
            ),
            step(
                "kms_key",
                PlannedChange::Keep {
                    spec,
                    why: KeepReason::Needed {
                        by: Address::new("trail"),
                    },
                },
            ),
        ],
    }
}

/// Deleted and kept resources, a line each and without cost.
#[test]
fn the_way_down() {
    insta::assert_snapshot!(text(&way_down(), &describe, &view(80)), @r"
    - delete  lock_table  DynamoDB table acme-tfstate-prod-locks
    = keep  trail  the trail
        belongs to them\u{1b}[2J\u{202e}
    = keep  kms_key  KMS key alias/acme-tfstate-prod
        is needed by trail, which is kept

    Plan: 1 to delete, 2 kept, 0 blocked.
    ");
    let verbose = text(
        &way_down(),
        &describe,
        &TextStyle {
            verbose: true,
            ..view(80)
        },
    );
    assert!(
        verbose.contains("name") && verbose.contains("acme"),
        "{verbose}"
    );
    let about = PlanSubject {
        project: "acme".into(),
        env: "prod".into(),
        backend: None,
        account: Some("123456789012".into()),
        region: Some("eu-west-1".into()),
    };
    let document = serde_json::to_value(PlanDocument::of(&way_down(), about, &describe)).unwrap();
    assert_eq!(
        (&document["changes"], &document["monthly_cost"]["added"]),
        (&json!(true), &json!(0.0))
    );
    assert_eq!(
        document["counts"],
        json!({ "create": 0, "update": 0, "adopt": 0, "delete": 1, "keep": 2, "blocked": 0, "no-op": 0 })
    );
    assert_eq!(document["steps"][0]["action"], "delete");
    assert_eq!(
        document["steps"][2]["kept"],
        json!({ "kind": "needed", "by": "trail", "message": "is needed by trail, which is kept" })
    );
    let nothing_of_ours = Plan {
        steps: way_down().steps.split_off(1),
    };
    assert!(nothing_of_ours.is_empty());
    assert!(
        text(&nothing_of_ours, &describe, &view(80))
            .ends_with("Plan: 0 to delete, 2 kept, 0 blocked.\n")
    );
}

fn hostile() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        ".*".prop_map(Value::from)
    ];
    let name = prop_oneof![
        Just("tags".to_owned()),
        Just("Statement".to_owned()),
        Just("Sid".to_owned()),
        Just("id".to_owned()),
        ".{0,6}"
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(name.clone(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Whatever a cloud says, the terminal is not moved, and what differs is shown.
    #[test]
    fn any_settings_can_be_shown(from in hostile(), to in hostile(), title: String, columns in 20usize..100) {
        let plan = Plan { steps: vec![
            step("a", PlannedChange::Create { to: Any(to.clone()) }),
            step("b", PlannedChange::Update { from: Any(from.clone()), to: Any(to.clone()) }),
            step("c", PlannedChange::Blocked { reason: BlockReason::Unreadable { error: title.clone() } }),
        ] };
        let describe = |_: &Address, _: &Any| ResourceTitle { title: title.clone(), cost: None, note: Some(title.clone()) };
        let text = text(&plan, &describe, &view(columns));
        prop_assert!(!text.replace('\n', "").contains(is_invisible), "{text:?}");
        let differences = settings::changed(&value::bare(from.clone()), &value::bare(to.clone()), &|_| None, TextStyles::PLAIN);
        prop_assert_eq!(differences.is_empty(), value::bare(from) == value::bare(to));
    }
}
