//! What a bucket of which nothing is known encrypts with, and what is missing beside it.

use serde_json::json;

use super::*;
use crate::backend::aws::testing::{
    KEY_ARN, ScriptedAnswer, ScriptedServer, data, empty, error, text,
};

fn encryption(algorithm: &str, key: Option<&str>) -> ScriptedAnswer {
    let key = key
        .map(|key| format!("<KMSMasterKeyID>{key}</KMSMasterKeyID>"))
        .unwrap_or_default();
    text(format!(
        "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>{algorithm}</SSEAlgorithm>{key}\
         </ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>"
    ))
}

fn described(manager: &str) -> ScriptedAnswer {
    data(json!({"KeyMetadata": {"KeyId": "1", "Arn": KEY_ARN, "KeyManager": manager}}))
}

fn bare() -> ScriptedServer {
    ScriptedServer::new()
        .always("GET ?logging", text("<BucketLoggingStatus/>"))
        .always("GET ?notification", text("<NotificationConfiguration/>"))
}

fn found(unknown: &UnmanagedBackend) -> Vec<String> {
    let what = |one: CheckResult| match one.verdict {
        Verdict::Holds => None,
        Verdict::Fails { found, .. } => Some(format!("{}: {found}", one.check.id)),
        Verdict::Unreadable { .. } => Some(format!("{}: unreadable", one.check.id)),
        Verdict::FailsWith { check, .. } => {
            Some(format!("{}: fails with {}", one.check.id, check.id))
        }
        Verdict::Untold { why } => Some(format!("{}: {why}", one.check.id)),
    };
    unknown
        .checks(&CheckedPlace::named("b"), "REMEDIATION")
        .into_iter()
        .filter_map(what)
        .collect()
}

#[tokio::test]
async fn keys() {
    let with = async |encryption: ScriptedAnswer, script: ScriptedServer| {
        UnmanagedBackend::look(&script.on("GET ?encryption", encryption).aws(), "states")
            .await
            .unwrap()
            .key
    };
    let own = DefaultKey {
        arn: KEY_ARN.to_owned(),
        managed: false,
    };
    assert_eq!(with(encryption("AES256", None), bare()).await, None);
    assert_eq!(
        with(
            encryption("aws:kms", Some(KEY_ARN)),
            bare().on("DescribeKey", described("CUSTOMER"))
        )
        .await,
        Some(own.clone())
    );
    assert_eq!(
        with(
            encryption("aws:kms:dsse", Some("alias/x")),
            bare().on("DescribeKey", described("CUSTOMER"))
        )
        .await,
        Some(own)
    );
    let managed = with(
        encryption("aws:kms", None),
        bare().on("DescribeKey", described("AWS")),
    )
    .await;
    assert_eq!(
        managed,
        Some(DefaultKey {
            arn: KEY_ARN.to_owned(),
            managed: true
        })
    );
}

#[tokio::test]
async fn what_is_missing() {
    let script = bare().on("GET ?encryption", encryption("AES256", None));
    insta::assert_snapshot!(found(&UnmanagedBackend::look(&script.aws(), "states").await.unwrap()).join("\n"), @"
    key: its default encryption is SSE-S3, with an S3 managed key
    bucket-access-logs: access logging is not enabled
    bucket-delete-events: S3 sends no event when an object is deleted
    ");

    let script = ScriptedServer::new()
        .on("GET ?encryption", encryption("aws:kms", Some(KEY_ARN)))
        .on("DescribeKey", described("CUSTOMER"))
        .on(
            "GET ?logging",
            text(
                "<BucketLoggingStatus><LoggingEnabled><TargetBucket>l</\
                 TargetBucket><TargetPrefix>p</TargetPrefix></LoggingEnabled></\
                 BucketLoggingStatus>",
            ),
        )
        .on(
            "GET ?notification",
            text(
                "<NotificationConfiguration><QueueConfiguration><Queue>q</Queue><Event>s3:\
                 ObjectRemoved:Delete</Event></QueueConfiguration></NotificationConfiguration>",
            ),
        );
    assert_eq!(
        found(
            &UnmanagedBackend::look(&script.aws(), "states")
                .await
                .unwrap()
        ),
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn what_may_not_be_seen() {
    let denied = || error(403, "AccessDenied");
    let script = ScriptedServer::new()
        .on("GET ?encryption", encryption("AES256", None))
        .on("GET ?logging", denied())
        .on("GET ?notification", denied());
    let found = found(
        &UnmanagedBackend::look(&script.aws(), "states")
            .await
            .unwrap(),
    );
    assert_eq!(
        found[1..],
        [
            "bucket-access-logs: unreadable",
            "bucket-delete-events: unreadable"
        ]
    );
    let script = bare().on("GET ?encryption", denied());
    UnmanagedBackend::look(&script.aws(), "states")
        .await
        .unwrap_err();
}

#[tokio::test]
async fn where_it_is() {
    let script = ScriptedServer::new().on("HEAD", empty());
    assert_eq!(
        region(&script.aws(), "states").await.unwrap().as_deref(),
        Some("eu-west-1")
    );
    let script = ScriptedServer::new().on("HEAD", error(404, ""));
    assert_eq!(region(&script.aws(), "states").await.unwrap(), None);
    let script = ScriptedServer::new().on(
        "HEAD",
        error(301, "").header("x-amz-bucket-region", "us-west-2"),
    );
    assert_eq!(
        region(&script.aws(), "states").await.unwrap().as_deref(),
        Some("us-west-2")
    );
    let script = ScriptedServer::new().on("HEAD", error(403, ""));
    assert_eq!(
        region(&script.aws(), "states").await.unwrap_err().status,
        Some(403)
    );
}

#[test]
fn a_table_under_no_key_of_the_account() {
    use crate::{backend::aws::blueprint::tests::built, engine::observation::ResourceOwner};

    let table = built("", "aws", "eu-west-1")
        .unwrap()
        .get(&LOCK_TABLE)
        .unwrap()
        .spec
        .clone();
    let AwsSpec::LockTable(table) = table else {
        panic!("a table")
    };
    let verdict = |encryption| {
        let spec = AwsSpec::LockTable(lock_table::LockTable {
            encryption,
            ..table.clone()
        });
        let seen = Observed::Present {
            spec,
            output: None,
            owner: ResourceOwner::Unmanaged,
        };
        let mut checked = vec![CheckResult::new(
            &rule::TABLE_ENCRYPTION,
            CheckedPlace::at(&LOCK_TABLE, None),
            Verdict::Holds,
        )];
        hold_table_to_a_key(
            &mut checked,
            &Observation::from([(LOCK_TABLE, seen)]),
            "REMEDIATION",
        );
        checked.remove(0).verdict
    };
    assert!(matches!(
        verdict(lock_table::LockTableEncryption::AwsOwned),
        Verdict::Fails { .. }
    ));
    assert_eq!(
        verdict(lock_table::LockTableEncryption::Kms(KEY_ARN.to_owned())),
        Verdict::Holds
    );
}
