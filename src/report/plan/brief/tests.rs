//! Plans without the settings of what is made.

use serde_json::json;

use crate::{
    engine::plan::{BlockReason, Plan, PlannedChange},
    report::{
        TextStyle,
        plan::{
            tests::{Any, describe, step, view},
            text,
        },
    },
};

/// A whole that is blocked, with two parts that are for the same reason and one that is not.
#[test]
fn what_is_blocked_is_said_once() {
    let blocked = |address, reason| step(address, PlannedChange::Blocked { reason });
    let plan = Plan {
        steps: vec![
            blocked("bucket", BlockReason::Unmanaged),
            blocked("bucket/policy", BlockReason::Unmanaged),
            blocked(
                "bucket/versioning",
                BlockReason::Unreadable {
                    error: "denied".into(),
                },
            ),
            blocked("bucket/logging", BlockReason::Unmanaged),
            blocked("topic/subscription", BlockReason::Unmanaged),
        ],
    };
    insta::assert_snapshot!(text(&plan, &describe, &view(100)), @"
    ! blocked  bucket and its 2 parts  exists, but was not created by tfbackend; pass `--adopt` to adopt
        it
    ! blocked  bucket/versioning  cannot be read: denied
    ! blocked  topic/subscription  exists, but was not created by tfbackend; pass `--adopt` to adopt it

    Plan: 0 to create, 0 to update, 5 blocked.
    ");
    let all = text(
        &plan,
        &describe,
        &TextStyle {
            verbose: true,
            ..view(100)
        },
    );
    assert_eq!(all.matches("! blocked").count(), 5, "{all}");
}

fn made(addresses: &[&'static str]) -> Plan<Any> {
    Plan {
        steps: addresses
            .iter()
            .map(|address| {
                step(
                    address,
                    PlannedChange::Create {
                        to: Any(json!({ "hidden": 1 })),
                    },
                )
            })
            .collect(),
    }
}

#[test]
fn what_is_made_is_in_columns_where_they_fit() {
    let plan = made(&["kms_key", "kms_key/alias", "state_bucket", "lock_table"]);
    insta::assert_snapshot!(text(&plan, &describe, &view(80)), @"
    + create  kms_key        KMS key alias/acme-tfstate-prod         $1.00/month
    + create  kms_key/alias  the kms_key/alias
    + create  state_bucket   S3 bucket acme-tfstate-prod             $0.02/month
                             note: its name is taken for good
    + create  lock_table     DynamoDB table acme-tfstate-prod-locks  $2.08/month

    Plan: 4 to create, 0 to update, 0 blocked; about $3.10 a month.
    ");
    insta::assert_snapshot!(text(&plan, &describe, &view(60)), @"
    + create  kms_key        KMS key alias/acme-tfstate-prod,
                             $1.00/month
    + create  kms_key/alias  the kms_key/alias
    + create  state_bucket   S3 bucket acme-tfstate-prod,
                             $0.02/month
                             note: its name is taken for good
    + create  lock_table     DynamoDB table
                             acme-tfstate-prod-locks,
                             $2.08/month

    Plan: 4 to create, 0 to update, 0 blocked; about $3.10 a
      month.
    ");
    let long = made(&["kms_key", "topic/subscription[operator@example.com]"]);
    insta::assert_snapshot!(text(&long, &describe, &view(80)), @"
    + create  kms_key  KMS key alias/acme-tfstate-prod  $1.00/month
    + create  topic/subscription[operator@example.com]  the
                       topic/subscription[operator@example.com]

    Plan: 2 to create, 0 to update, 0 blocked; about $1.00 a month.
    ");
    insta::assert_snapshot!(text(&plan, &describe, &view(40)), @"
    + create  kms_key  KMS key
        alias/acme-tfstate-prod, $1.00/month
    + create  kms_key/alias  the
        kms_key/alias
    + create  state_bucket  S3 bucket
        acme-tfstate-prod, $0.02/month
        note: its name is taken for good
    + create  lock_table  DynamoDB table
        acme-tfstate-prod-locks, $2.08/month

    Plan: 4 to create, 0 to update, 0
      blocked; about $3.10 a month.
    ");
}
