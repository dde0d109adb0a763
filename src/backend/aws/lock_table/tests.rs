//! The lock table: made whole in one call, changed one setting at a time, never weakened.

use std::time::Duration;

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{wait::POLL, *};
use crate::backend::aws::testing::{
    KEY_ARN, ScriptedAnswer, ScriptedServer, absent_only_by, both_tags, data, empty, error,
    error_saying, gone_only_by, json_tags, look, lost, mark, retried_on, tags, their_tags,
};

/// Reads without waiting.
const SOON: Duration = Duration::from_secs(10);
const ARN: &str = "arn:aws:dynamodb:eu-west-1:111122223333:table/locks";

fn table() -> LockTable {
    LockTable {
        name: "locks".to_owned(),
        key: LockTable::key(),
        billing: TableBilling::OnDemand,
        deletion_protection: true,
        encryption: LockTableEncryption::Kms(KEY_ARN.to_owned()),
        tags: tags(),
    }
}

fn description() -> Value {
    json!({
        "TableName": "locks", "TableStatus": "ACTIVE", "TableArn": ARN, "DeletionProtectionEnabled": true,
        "AttributeDefinitions": [{"AttributeName": "LockID", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "LockID", "KeyType": "HASH"}],
        "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
        "ProvisionedThroughput": {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
        "SSEDescription": {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": KEY_ARN},
    })
}

/// The description with some fields changed; null leaves one out.
fn with(changes: &Value) -> ScriptedAnswer {
    let mut table = description();
    for (field, value) in changes.as_object().unwrap() {
        table[field] = value.clone();
    }
    data(json!({ "Table": table }))
}

fn active() -> ScriptedAnswer {
    with(&json!({}))
}

fn tagged(tags: &Tags) -> ScriptedAnswer {
    data(json!({ "Tags": json_tags("Key", "Value", tags) }))
}

async fn seen(changes: &Value) -> LockTable {
    let script = ScriptedServer::new()
        .on("DescribeTable", with(changes))
        .on("ListTagsOfResource", tagged(&tags()));
    look(&script, &table()).await.unwrap().unwrap().spec
}

#[tokio::test]
async fn present() {
    let script = ScriptedServer::new()
        .on("DescribeTable", active())
        .on(
            "ListTagsOfResource",
            data(json!({ "Tags": json_tags("Key", "Value", &their_tags()), "NextToken": "more" })),
        )
        .on("ListTagsOfResource", tagged(&tags()));
    let found = look(&script, &table()).await.unwrap().unwrap();
    assert_eq!(
        found,
        ObservedResource {
            spec: LockTable {
                tags: both_tags(),
                ..table()
            },
            output: Some(ARN.to_owned()),
            owner: ResourceOwner::Us
        }
    );
    assert_snapshot!(script.sent(), @r#"
    DescribeTable {"TableName":"locks"}
    ListTagsOfResource {"ResourceArn":"arn:aws:dynamodb:eu-west-1:111122223333:table/locks"}
    ListTagsOfResource {"ResourceArn":"arn:aws:dynamodb:eu-west-1:111122223333:table/locks","NextToken":"more"}
    "#);

    // A table that never was on demand has no summary, one under DynamoDB's own key no description.
    let plain = json!({
        "BillingModeSummary": null, "SSEDescription": null, "DeletionProtectionEnabled": null,
        "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 4},
    });
    let expected = LockTable {
        billing: TableBilling::Provisioned { read: 5, write: 4 },
        deletion_protection: false,
        encryption: LockTableEncryption::AwsOwned,
        ..table()
    };
    assert_eq!(seen(&plain).await, expected);
    for (status, encryption) in [
        ("ENABLING", table().encryption),
        ("UPDATING", table().encryption),
        ("DISABLING", LockTableEncryption::AwsOwned),
        ("DISABLED", LockTableEncryption::AwsOwned),
    ] {
        let seen =
            seen(&json!({"SSEDescription": {"Status": status, "KMSMasterKeyArn": KEY_ARN}})).await;
        assert_eq!(seen.encryption, encryption, "{status}");
    }
}

#[tokio::test]
async fn absent() {
    absent_only_by(
        &table(),
        "DescribeTable",
        &["ResourceNotFoundException"],
        |script| script.always("ListTagsOfResource", error(400, "AccessDeniedException")),
    )
    .await;
    absent_only_by(
        &table(),
        "ListTagsOfResource",
        &["ResourceNotFoundException"],
        |script| script.always("DescribeTable", active()),
    )
    .await;
}

/// Planned as if it stayed, it would be gone when the first lock is wanted.
#[tokio::test]
async fn a_table_that_is_being_deleted_is_neither_there_nor_absent() {
    let script = ScriptedServer::new()
        .on("DescribeTable", with(&json!({"TableStatus": "DELETING"})))
        .always("ListTagsOfResource", tagged(&tags()));
    let error = look(&script, &table()).await.unwrap_err();
    assert!(error.to_string().contains("being deleted"), "{error}");
}

#[tokio::test]
async fn it_is_made_in_one_call_and_waited_for() {
    let script = ScriptedServer::new()
        .on("CreateTable", empty())
        .on("DescribeTable", error(400, "ResourceNotFoundException"))
        .on("DescribeTable", with(&json!({"TableStatus": "CREATING"})))
        .on("DescribeTable", active());
    assert_eq!(
        table().write(&script.aws(), None).await.unwrap().as_deref(),
        Some(ARN)
    );
    assert_snapshot!(script.sent(), @r#"
    CreateTable {"AttributeDefinitions":[{"AttributeName":"LockID","AttributeType":"S"}],"TableName":"locks","KeySchema":[{"AttributeName":"LockID","KeyType":"HASH"}],"BillingMode":"PAY_PER_REQUEST","SSESpecification":{"Enabled":true,"SSEType":"KMS","KMSMasterKeyId":"arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"},"Tags":[{"Key":"ManagedBy","Value":"tfbackend"},{"Key":"tfbackend:env","Value":"dev"},{"Key":"tfbackend:project","Value":"acme"},{"Key":"tfbackend:protected","Value":"true"},{"Key":"tfbackend:version","Value":"1"}],"DeletionProtectionEnabled":true}
    DescribeTable {"TableName":"locks"}
    DescribeTable {"TableName":"locks"}
    DescribeTable {"TableName":"locks"}
    "#);

    let script = ScriptedServer::new()
        .on("CreateTable", empty())
        .on("DescribeTable", active());
    let plain = LockTable {
        billing: TableBilling::Provisioned { read: 5, write: 4 },
        encryption: LockTableEncryption::AwsOwned,
        deletion_protection: false,
        tags: Tags::new(),
        ..table()
    };
    let arn = plain
        .write(&script.aws_in("aws-us-gov", "us-gov-west-1"), None)
        .await
        .unwrap();
    assert_eq!(
        arn.as_deref(),
        Some("arn:aws-us-gov:dynamodb:us-gov-west-1:111122223333:table/locks")
    );
    assert_snapshot!(script.sent(), @r#"
    CreateTable {"AttributeDefinitions":[{"AttributeName":"LockID","AttributeType":"S"}],"TableName":"locks","KeySchema":[{"AttributeName":"LockID","KeyType":"HASH"}],"BillingMode":"PROVISIONED","ProvisionedThroughput":{"ReadCapacityUnits":5,"WriteCapacityUnits":4},"Tags":[],"DeletionProtectionEnabled":false}
    DescribeTable {"TableName":"locks"}
    "#);
}

#[tokio::test]
async fn a_table_that_exists_by_now_is_success_if_it_is_ours() {
    let taken = || {
        ScriptedServer::new()
            .on("CreateTable", lost())
            .on("CreateTable", error(400, "ResourceInUseException"))
    };
    let script = taken()
        .on("DescribeTable", with(&json!({"TableStatus": "CREATING"})))
        .on("DescribeTable", active())
        .on("ListTagsOfResource", tagged(&tags()));
    table().write(&script.aws(), None).await.unwrap();
    let script = taken()
        .on("DescribeTable", active())
        .on("ListTagsOfResource", tagged(&their_tags()));
    assert!(
        table()
            .write(&script.aws(), None)
            .await
            .unwrap_err()
            .is(&["ResourceInUseException"])
    );
}

#[tokio::test]
async fn an_update_is_one_setting_a_call_and_waits_between() {
    let from = LockTable {
        billing: TableBilling::Provisioned { read: 5, write: 5 },
        deletion_protection: false,
        encryption: LockTableEncryption::AwsOwned,
        tags: their_tags(),
        ..table()
    };
    let to = table().merge_onto(&from);
    let script = ScriptedServer::new()
        .always("UpdateTable", empty())
        .always("DescribeTable", active())
        .on("TagResource", empty());
    to.write(&script.aws(), Some(&from)).await.unwrap();
    assert_snapshot!(script.sent(), @r#"
    UpdateTable {"TableName":"locks","DeletionProtectionEnabled":true}
    DescribeTable {"TableName":"locks"}
    UpdateTable {"TableName":"locks","BillingMode":"PAY_PER_REQUEST"}
    DescribeTable {"TableName":"locks"}
    UpdateTable {"TableName":"locks","SSESpecification":{"Enabled":true,"SSEType":"KMS","KMSMasterKeyId":"arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"}}
    DescribeTable {"TableName":"locks"}
    TagResource {"ResourceArn":"arn:aws:dynamodb:eu-west-1:111122223333:table/locks","Tags":[{"Key":"ManagedBy","Value":"tfbackend"},{"Key":"tfbackend:env","Value":"dev"},{"Key":"tfbackend:project","Value":"acme"},{"Key":"tfbackend:protected","Value":"true"},{"Key":"tfbackend:version","Value":"1"}]}
    "#);

    let script = ScriptedServer::new();
    table().write(&script.aws(), Some(&table())).await.unwrap();
    assert_eq!(script.sent(), "");

    let provisioned = LockTable {
        billing: TableBilling::Provisioned { read: 1, write: 2 },
        ..table()
    };
    let script = ScriptedServer::new()
        .on("UpdateTable", empty())
        .always("DescribeTable", active());
    provisioned
        .write(&script.aws(), Some(&table()))
        .await
        .unwrap();
    assert_snapshot!(script.sent(), @r#"
    UpdateTable {"TableName":"locks","BillingMode":"PROVISIONED","ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":2}}
    DescribeTable {"TableName":"locks"}
    "#);
}

/// The table is active again before its encryption is changed, and shows the old key until then.
#[tokio::test]
async fn a_change_of_the_key_is_waited_for() {
    let old = "arn:aws:kms:eu-west-1:111122223333:key/old";
    let sse = |status: &str, key: &str| {
        with(
            &json!({"SSEDescription": {"Status": status, "SSEType": "KMS", "KMSMasterKeyArn": key}}),
        )
    };
    let from = LockTable {
        encryption: LockTableEncryption::Kms(old.to_owned()),
        ..table()
    };
    let script = ScriptedServer::new()
        .on(
            "UpdateTable",
            error_saying(
                400,
                "ValidationException",
                "KMS validation error: the key does not exist",
            ),
        )
        .on("UpdateTable", empty())
        .on("DescribeTable", sse("ENABLED", old))
        .on("DescribeTable", sse("UPDATING", KEY_ARN))
        .on("DescribeTable", sse("ENABLED", KEY_ARN));
    table().write(&script.aws(), Some(&from)).await.unwrap();
    assert_eq!(
        script.operations(),
        [
            "UpdateTable",
            "UpdateTable",
            "DescribeTable",
            "DescribeTable",
            "DescribeTable"
        ]
    );
    script.sent();
}

/// A key that was made a moment ago is not seen by DynamoDB yet.
#[tokio::test]
async fn a_table_under_a_new_key_is_tried_again() {
    for (code, message) in [
        (
            "ValidationException",
            "One or more parameter values were invalid: KMS validation error: NotFoundException: \
             Key 'x' does not exist",
        ),
        (
            "AccessDeniedException",
            "KMS key access denied error: com.amazonaws.services.kms.model.AWSKMSException",
        ),
    ] {
        let script = ScriptedServer::new()
            .on("CreateTable", error_saying(400, code, message))
            .on("CreateTable", empty())
            .on("DescribeTable", active());
        table().write(&script.aws(), None).await.unwrap();
        assert_eq!(script.count("CreateTable"), 2, "{code}");
    }
    let script = ScriptedServer::new().on(
        "CreateTable",
        error_saying(400, "ValidationException", "Invalid KeySchema"),
    );
    table().write(&script.aws(), None).await.unwrap_err();
}

/// A permanent status is not waited for, which would take 20 minutes.
#[tokio::test]
async fn what_never_gets_good_is_an_error_at_once() {
    let status = |status: &str| with(&json!({ "TableStatus": status }));
    let from = LockTable {
        deletion_protection: false,
        ..table()
    };
    for (answer, said) in [
        (status("DELETING"), "is being deleted"),
        (
            status("INACCESSIBLE_ENCRYPTION_CREDENTIALS"),
            "enable the key",
        ),
        (status("ARCHIVING"), "restore its backup"),
        (status("ARCHIVED"), "restore its backup"),
        (
            error(400, "ResourceNotFoundException"),
            "was deleted during the run",
        ),
    ] {
        let created = ScriptedServer::new()
            .on("CreateTable", empty())
            .on("DescribeTable", status("CREATING"));
        let updated = ScriptedServer::new().on("UpdateTable", empty());
        for (script, from, looks) in [(created, None, 2), (updated, Some(&from), 1)] {
            let script = script.always("DescribeTable", answer.clone());
            let written = tokio::time::timeout(SOON, table().write(&script.aws(), from))
                .await
                .expect("soon");
            let error = written.unwrap_err().to_string();
            assert!(
                error.contains(said) && script.count("DescribeTable") == looks,
                "{error}"
            );
        }
    }
}

/// DynamoDB continues a started change without further reads.
#[tokio::test]
async fn an_interrupt_ends_the_waiting() {
    let from = LockTable {
        deletion_protection: false,
        ..table()
    };
    let updating = || with(&json!({ "TableStatus": "UPDATING" }));
    let script = ScriptedServer::new()
        .always("UpdateTable", empty())
        .always("DescribeTable", updating());
    let (aws, to) = (script.aws(), table());
    let interrupt = async {
        while script.count("DescribeTable") < 2 {
            tokio::time::sleep(POLL / 10).await;
        }
        aws.cancel.cancel();
    };
    let (written, ()) = tokio::time::timeout(SOON, async {
        tokio::join!(to.write(&aws, Some(&from)), interrupt)
    })
    .await
    .expect("soon");
    let error = written.unwrap_err().to_string();
    assert!(
        error.contains(
            "interrupted while it was UPDATING, encryption ENABLED; DynamoDB continues in the \
             background"
        ),
        "{error}"
    );
    tokio::time::timeout(SOON, table().delete(&aws))
        .await
        .expect("soon")
        .unwrap_err();
}

#[tokio::test]
async fn what_is_busy_is_tried_again() {
    let busy = ["ResourceInUseException", "ResourceNotFoundException"];
    let from = LockTable {
        deletion_protection: false,
        ..table()
    };
    retried_on(&table(), Some(&from), "UpdateTable", &busy, |script| {
        script
            .always("UpdateTable", empty())
            .always("DescribeTable", active())
    })
    .await;
    let from = LockTable {
        tags: Tags::new(),
        ..table()
    };
    retried_on(&table(), Some(&from), "TagResource", &busy, |script| {
        script.always("TagResource", empty())
    })
    .await;
    let script = ScriptedServer::new()
        .on("CreateTable", empty())
        .on("DescribeTable", error(400, "AccessDeniedException"));
    table().write(&script.aws(), None).await.unwrap_err();
}

#[tokio::test]
async fn a_table_with_another_key_blocks() {
    let sorted = seen(&json!({
        "AttributeDefinitions": [{"AttributeName": "LockID", "AttributeType": "S"}, {"AttributeName": "at", "AttributeType": "N"}],
        "KeySchema": [{"AttributeName": "LockID", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
    }))
    .await;
    assert_snapshot!(table().blocked_by(&sorted).unwrap(), @"table locks has the key schema LockID:S at:N, but Terraform needs LockID:S; the key schema cannot be changed: choose another name with --table");
    let number =
        seen(&json!({"AttributeDefinitions": [{"AttributeName": "LockID", "AttributeType": "N"}]}))
            .await;
    assert!(table().blocked_by(&number).is_some());
    assert_eq!(table().blocked_by(&table()), None);
}

#[test]
fn nothing_gets_weaker() {
    let unprotected = mark().tags(false, &Tags::new());
    let plain = LockTable {
        encryption: LockTableEncryption::AwsOwned,
        deletion_protection: false,
        tags: unprotected.clone(),
        ..table()
    };
    assert!(
        plain
            .blocked_by(&table())
            .is_some_and(|why| why.contains(KEY_ARN))
    );
    assert_eq!(table().blocked_by(&plain), None);
    // The protection is removed from an own table, and kept if others enabled it.
    assert!(
        !plain
            .merge_onto(&LockTable {
                tags: tags(),
                ..table()
            })
            .deletion_protection
    );
    assert!(
        plain
            .merge_onto(&LockTable {
                tags: their_tags(),
                ..table()
            })
            .deletion_protection
    );
    let to = plain.merge_onto(&LockTable {
        tags: unprotected,
        ..table()
    });
    assert!(to.deletion_protection);
    assert_eq!(plain.merge_onto(&to), to);
}

/// Protection is lifted, the update waited for, and the end too.
#[tokio::test]
async fn delete() {
    let script = ScriptedServer::new()
        .on("DescribeTable", active())
        .on("UpdateTable", empty())
        .on("DescribeTable", with(&json!({ "TableStatus": "UPDATING" })))
        .on(
            "DescribeTable",
            with(&json!({ "DeletionProtectionEnabled": false })),
        )
        .on("DeleteTable", error(400, "ResourceInUseException"))
        .on("DeleteTable", empty())
        .on("DescribeTable", with(&json!({ "TableStatus": "DELETING" })))
        .on("DescribeTable", error(400, "ResourceNotFoundException"));
    table().delete(&script.aws()).await.unwrap();
    assert_snapshot!(script.sent(), @r#"
    DescribeTable {"TableName":"locks"}
    UpdateTable {"TableName":"locks","DeletionProtectionEnabled":false}
    DescribeTable {"TableName":"locks"}
    DescribeTable {"TableName":"locks"}
    DeleteTable {"TableName":"locks"}
    DeleteTable {"TableName":"locks"}
    DescribeTable {"TableName":"locks"}
    DescribeTable {"TableName":"locks"}
    "#);
}

#[tokio::test]
async fn delete_goes_on_where_another_run_was_cut_off() {
    let gone = || error(400, "ResourceNotFoundException");
    let script = ScriptedServer::new()
        .on("DescribeTable", with(&json!({ "TableStatus": "DELETING" })))
        .on("DescribeTable", gone());
    table().delete(&script.aws()).await.unwrap();
    assert_eq!(
        script.operations(),
        ["DescribeTable", "DescribeTable"],
        "it is on its way"
    );

    let script = ScriptedServer::new()
        .on(
            "DescribeTable",
            with(&json!({ "DeletionProtectionEnabled": false })),
        )
        .on("DescribeTable", gone());
    table()
        .delete(&script.on("DeleteTable", empty()).aws())
        .await
        .unwrap();

    // While its protection is lifted.
    for left in [gone(), with(&json!({ "TableStatus": "DELETING" }))] {
        let script = ScriptedServer::new()
            .on("DescribeTable", active())
            .on("UpdateTable", empty())
            .on("DescribeTable", left);
        let script = script.on("DeleteTable", gone()).on("DescribeTable", gone());
        tokio::time::timeout(SOON, table().delete(&script.aws()))
            .await
            .expect("soon")
            .unwrap();
    }

    let there = |script: ScriptedServer| {
        script
            .on("DescribeTable", active())
            .always("DescribeTable", gone())
    };
    gone_only_by(&table(), "DescribeTable", ABSENT, |script| script).await;
    gone_only_by(&table(), "UpdateTable", ABSENT, there).await;
    let open = with(&json!({ "DeletionProtectionEnabled": false }));
    gone_only_by(&table(), "DeleteTable", ABSENT, |script| {
        script
            .on("DescribeTable", open.clone())
            .always("DescribeTable", gone())
    })
    .await;
}

/// Whatever was seen: a table that got its protection since is not deleted before that is lifted.
#[tokio::test]
async fn delete_never_passes_over_a_protection_that_cannot_be_lifted() {
    let script = ScriptedServer::new()
        .on("DescribeTable", active())
        .on("UpdateTable", error(400, "AccessDeniedException"));
    let error = LockTable {
        deletion_protection: false,
        ..table()
    }
    .delete(&script.aws())
    .await
    .unwrap_err();
    assert_eq!(
        (error.kind, script.count("DeleteTable")),
        (crate::backend::aws::error::ServiceErrorKind::Denied, 0)
    );
}
