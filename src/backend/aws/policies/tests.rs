//! Every document that is written, and what none of them may say.

use insta::assert_snapshot;
use serde_json::Value;

use super::*;
use crate::backend::aws::policy::{Effect, Statement};

const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/K";

fn place() -> PolicyContext {
    PolicyContext {
        partition: "aws".to_owned(),
        dns_suffix: "amazonaws.com".to_owned(),
        region: "eu-west-1".to_owned(),
        account: "111122223333".to_owned(),
        bucket: "STATES".to_owned(),
        log_bucket: "LOGS".to_owned(),
        table: "LOCKS".to_owned(),
        topic: "ALARMS".to_owned(),
        trail: "TRAIL".to_owned(),
        alarm_prefix: "acme-".to_owned(),
        key: Some(KEY.to_owned()),
        old_keys: vec![],
        workspace_prefix: "env:".to_owned(),
    }
}

fn without_key() -> PolicyContext {
    PolicyContext {
        key: None,
        ..place()
    }
}

const ALL: KeyUses = KeyUses {
    trail: true,
    alarms: true,
    bucket_events: true,
};
const NONE: KeyUses = KeyUses {
    trail: false,
    alarms: false,
    bucket_events: false,
};

/// One statement a line: effect, who, what, on what, when.
fn shown(document: &PolicyDocument) -> String {
    let list = |value: &Value| match value {
        Value::Array(items) => items
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(" "),
        other => other.as_str().unwrap_or("?").to_owned(),
    };
    let line = |statement: &Statement| {
        let field = |name: &str| statement.rest.get(name).map(&list).unwrap_or_default();
        let who = statement
            .rest
            .get("Principal")
            .and_then(Value::as_object)
            .into_iter()
            .flatten();
        let who: String = who
            .map(|(kind, who)| format!(" {kind}:{}", list(who)))
            .collect();
        let conditions = statement
            .rest
            .get("Condition")
            .and_then(Value::as_object)
            .into_iter()
            .flatten();
        let when: String = conditions
            .flat_map(|(operator, keys)| {
                keys.as_object()
                    .into_iter()
                    .flatten()
                    .map(move |(key, value)| (operator, key, value))
            })
            .map(|(operator, key, value)| format!("\n    {operator} {key} {}", list(value)))
            .collect();
        let sid = statement.sid.as_deref().unwrap_or_default();
        format!(
            "{sid}: {:?}{who} {} on {}{when}",
            statement.effect,
            field("Action"),
            field("Resource")
        )
    };
    let text: Vec<_> = document.statements.iter().map(line).collect();
    text.join("\n")
        .replace("arn:aws:", "")
        .replace("111122223333", "ACCOUNT")
}

/// Returns the statements of `more` that are not in `less`.
fn beyond(more: &PolicyDocument, less: &PolicyDocument) -> String {
    assert!(
        less.statements.iter().all(|statement| more.says(statement)),
        "nothing else goes"
    );
    shown(&PolicyDocument::new(
        more.statements
            .iter()
            .filter(|statement| !less.says(statement))
            .cloned()
            .collect(),
    ))
}

#[test]
fn key_policy() {
    assert_snapshot!(shown(&place().key_policy(NONE)), @"
    TfbackendEnableIamPolicies: Allow AWS:iam::ACCOUNT:root kms:* on *
    TfbackendDenyShortDeletionWindow: Deny AWS:* kms:ScheduleKeyDeletion on *
        NumericLessThan kms:ScheduleKeyDeletionPendingWindowInDays 30
    ");
    assert_snapshot!(beyond(&place().key_policy(ALL), &place().key_policy(NONE)), @"
    TfbackendCloudTrailEncrypt: Allow Service:cloudtrail.amazonaws.com kms:GenerateDataKey* on *
        StringEquals aws:SourceArn cloudtrail:eu-west-1:ACCOUNT:trail/TRAIL
        StringLike kms:EncryptionContext:aws:cloudtrail:arn cloudtrail:*:ACCOUNT:trail/*
    TfbackendCloudTrailDescribe: Allow Service:cloudtrail.amazonaws.com kms:DescribeKey on *
        StringEquals aws:SourceArn cloudtrail:eu-west-1:ACCOUNT:trail/TRAIL
    TfbackendAlarmsToTopic: Allow Service:cloudwatch.amazonaws.com kms:Decrypt kms:GenerateDataKey* on *
        StringEquals aws:SourceAccount ACCOUNT
        ArnLike aws:SourceArn cloudwatch:eu-west-1:ACCOUNT:alarm:acme-*
    TfbackendBucketEventsToTopic: Allow Service:s3.amazonaws.com kms:Decrypt kms:GenerateDataKey* on *
        StringEquals aws:SourceAccount ACCOUNT
        ArnEquals aws:SourceArn s3:::STATES
    ");
    assert_eq!(PolicyContext::key_grants(NONE), Vec::<String>::new());
    // What a key of one's own is asked for is what our own would say.
    for grant in PolicyContext::key_grants(ALL) {
        let (service, action) = grant.split_once(' ').unwrap();
        assert!(
            place().key_policy(ALL).allows_service(service, action)
                && !place().key_policy(NONE).allows_service(service, action)
        );
    }
}

#[test]
fn state_bucket_policy() {
    let open = place().state_bucket_policy(false);
    assert_snapshot!(shown(&open), @"
    TfbackendDenyPlaintext: Deny AWS:* s3:* on s3:::STATES s3:::STATES/*
        Bool aws:SecureTransport false
    TfbackendDenyOldTls: Deny AWS:* s3:* on s3:::STATES s3:::STATES/*
        NumericLessThan s3:TlsVersion 1.2
    TfbackendDenyOtherAccounts: Deny AWS:* s3:* on s3:::STATES s3:::STATES/*
        StringNotEquals aws:PrincipalAccount ACCOUNT
        BoolIfExists aws:PrincipalIsAWSService false
    TfbackendDenyOtherEncryption: Deny AWS:* s3:PutObject on s3:::STATES/*
        Null s3:x-amz-server-side-encryption false
        StringNotEquals s3:x-amz-server-side-encryption aws:kms
    TfbackendDenyOtherKey: Deny AWS:* s3:PutObject on s3:::STATES/*
        Null s3:x-amz-server-side-encryption-aws-kms-key-id false
        ArnNotEquals s3:x-amz-server-side-encryption-aws-kms-key-id kms:eu-west-1:ACCOUNT:key/K
    TfbackendDenyCustomerKeys: Deny AWS:* s3:PutObject on s3:::STATES/*
        Null s3:x-amz-server-side-encryption-customer-algorithm false
    TfbackendDenyOverwritingLocks: Deny AWS:* s3:PutObject on s3:::STATES/*.tflock
        Null s3:if-none-match true
    ");
    assert_snapshot!(beyond(&place().state_bucket_policy(true), &open), @"TfbackendDenyDestroyingHistory: Deny AWS:* s3:DeleteBucket s3:DeleteObjectVersion on s3:::STATES s3:::STATES/*");
    let keyless = shown(&without_key().state_bucket_policy(false));
    assert!(
        !keyless.contains("aws-kms-key-id")
            && keyless.contains("StringNotEquals s3:x-amz-server-side-encryption AES256"),
        "{keyless}"
    );
}

#[test]
fn log_bucket_policy() {
    let least = place().log_bucket_policy(false, false, false);
    assert_snapshot!(shown(&least), @"
    TfbackendDenyPlaintext: Deny AWS:* s3:* on s3:::LOGS s3:::LOGS/*
        Bool aws:SecureTransport false
    TfbackendDenyOldTls: Deny AWS:* s3:* on s3:::LOGS s3:::LOGS/*
        NumericLessThan s3:TlsVersion 1.2
    TfbackendDenyOtherAccounts: Deny AWS:* s3:* on s3:::LOGS s3:::LOGS/*
        StringNotEquals aws:PrincipalAccount ACCOUNT
        BoolIfExists aws:PrincipalIsAWSService false
    TfbackendDenyForgingLogs: Deny AWS:* s3:PutObject on s3:::LOGS/*
        BoolIfExists aws:PrincipalIsAWSService false
    ");
    assert_snapshot!(beyond(&place().log_bucket_policy(true, true, true), &least), @"
    TfbackendCloudTrailAclCheck: Allow Service:cloudtrail.amazonaws.com s3:GetBucketAcl on s3:::LOGS
        StringEquals aws:SourceArn cloudtrail:eu-west-1:ACCOUNT:trail/TRAIL
    TfbackendCloudTrailWrite: Allow Service:cloudtrail.amazonaws.com s3:PutObject on s3:::LOGS/cloudtrail/AWSLogs/ACCOUNT/*
        StringEquals aws:SourceArn cloudtrail:eu-west-1:ACCOUNT:trail/TRAIL
        StringEquals s3:x-amz-acl bucket-owner-full-control
    TfbackendS3AccessLogs: Allow Service:logging.s3.amazonaws.com s3:PutObject on s3:::LOGS/s3/*
        ArnEquals aws:SourceArn s3:::STATES
        StringEquals aws:SourceAccount ACCOUNT
    TfbackendDenyDestroyingLogs: Deny AWS:* s3:DeleteBucket s3:DeleteObjectVersion on s3:::LOGS s3:::LOGS/*
    ");
}

#[test]
fn topic_policy() {
    let least = place().topic_policy(false);
    assert_snapshot!(shown(&least), @"
    TfbackendAlarms: Allow Service:cloudwatch.amazonaws.com sns:Publish on sns:eu-west-1:ACCOUNT:ALARMS
        StringEquals aws:SourceAccount ACCOUNT
        ArnLike aws:SourceArn cloudwatch:eu-west-1:ACCOUNT:alarm:acme-*
    TfbackendDenyPlaintextPublish: Deny AWS:* sns:Publish on sns:eu-west-1:ACCOUNT:ALARMS
        Bool aws:SecureTransport false
    ");
    assert_snapshot!(beyond(&place().topic_policy(true), &least), @"
    TfbackendBucketEvents: Allow Service:s3.amazonaws.com sns:Publish on sns:eu-west-1:ACCOUNT:ALARMS
        StringEquals aws:SourceAccount ACCOUNT
        ArnEquals aws:SourceArn s3:::STATES
    ");
}

#[test]
fn runner_policy() {
    let least = without_key().runner_policy(None, false);
    assert_snapshot!(shown(&least), @"
    TfbackendListStates: Allow s3:ListBucket on s3:::STATES
    TfbackendReadAndWriteStates: Allow s3:GetObject s3:PutObject s3:AbortMultipartUpload on s3:::STATES/*
    TfbackendDeleteWorkspaces: Allow s3:DeleteObject on s3:::STATES/env:/*
    ");
    assert_snapshot!(beyond(&without_key().runner_policy(None, true), &least), @"TfbackendReleaseLockFiles: Allow s3:DeleteObject on s3:::STATES/*.tflock");
    assert_snapshot!(beyond(&without_key().runner_policy(Some(TableAccess::WithoutKey), false), &least), @"
    TfbackendLockItems: Allow dynamodb:GetItem dynamodb:PutItem dynamodb:DeleteItem on dynamodb:eu-west-1:ACCOUNT:table/LOCKS
        ForAllValues:StringLike dynamodb:LeadingKeys STATES/*
        Null dynamodb:LeadingKeys false
    ");
    assert_snapshot!(beyond(&place().runner_policy(None, false), &least), @"
    TfbackendKeyForStates: Allow kms:Decrypt kms:GenerateDataKey on kms:eu-west-1:ACCOUNT:key/K
        StringEquals kms:ViaService s3.eu-west-1.amazonaws.com
        StringLike kms:EncryptionContext:aws:s3:arn s3:::STATES s3:::STATES/*
    ");
    let with_table = place().runner_policy(Some(TableAccess::WithoutKey), false);
    assert_snapshot!(beyond(&place().runner_policy(Some(TableAccess::WithKey), false), &with_table), @"
    TfbackendKeyForLocks: Allow kms:Decrypt on kms:eu-west-1:ACCOUNT:key/K
        StringEquals kms:ViaService dynamodb.eu-west-1.amazonaws.com
        StringEquals kms:EncryptionContext:aws:dynamodb:tableName LOCKS
    ");
    let odd = PolicyContext {
        workspace_prefix: "a$b".to_owned(),
        ..place()
    };
    assert!(
        odd.runner_policy(None, false)
            .to_json()
            .contains("STATES/a${$}b/*"),
        "it is no policy variable"
    );
}

/// Documents of every kind, with what limits their size.
fn all(place: &PolicyContext) -> Vec<(PolicyDocument, usize)> {
    const BUCKET: usize = 20_480;
    let mut documents = vec![
        (place.key_policy(ALL), 32_768),
        (place.topic_policy(true), 30_720),
    ];
    for protected in [true, false] {
        documents.push((place.state_bucket_policy(protected), BUCKET));
        documents.push((place.log_bucket_policy(true, true, protected), BUCKET));
    }
    for table in [
        None,
        Some(TableAccess::WithKey),
        Some(TableAccess::WithoutKey),
    ] {
        documents.push((place.runner_policy(table, true), 6_144));
    }
    documents
}

fn longest() -> PolicyContext {
    PolicyContext {
        partition: "aws-us-gov".to_owned(),
        dns_suffix: "amazonaws.com".to_owned(),
        region: "ap-southeast-99".to_owned(),
        bucket: "b".repeat(63),
        log_bucket: "l".repeat(63),
        table: "t".repeat(255),
        topic: "o".repeat(256),
        trail: "r".repeat(128),
        alarm_prefix: "a".repeat(200),
        key: Some(format!(
            "arn:aws-us-gov:kms:ap-southeast-99:111122223333:key/mrk-{}",
            "k".repeat(32)
        )),
        // Each takes four characters in a policy.
        workspace_prefix: "$".repeat(512),
        ..place()
    }
}

#[test]
fn the_longest_names_fit() {
    for (document, limit) in all(&longest()) {
        let size = document.to_json().len();
        assert!(size <= limit, "{size} of {limit}: {}", document.to_json());
    }
}

fn values<'a>(statement: &'a Statement, field: &str) -> Vec<&'a str> {
    match statement.rest.get(field) {
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(text)) => vec![text],
        _ => vec![],
    }
}

#[test]
fn threat_03_nothing_is_open_to_everybody() {
    for place in [place(), without_key(), longest()] {
        for (document, _) in all(&place) {
            for statement in &document.statements {
                let text = serde_json::to_string(statement).unwrap();
                assert!(statement.is_ours(), "{text}");
                assert!(
                    !statement.rest.keys().any(|field| field.starts_with("Not")),
                    "{text}"
                );
                if statement.effect == Effect::Deny {
                    continue;
                }
                assert!(
                    !text.contains(r#""AWS":"*""#)
                        && statement.rest.get("Principal") != Some(&Value::from("*")),
                    "{text}"
                );
                for action in values(statement, "Action") {
                    let root = action == "kms:*" && text.contains(":root\"");
                    assert!(!action.ends_with(":*") && action != "*" || root, "{text}");
                }
                // A service acts for our account only: from our trail, our bucket, our alarms.
                if text.contains(r#""Principal":{"Service""#) {
                    assert!(text.contains("aws:SourceArn"), "{text}");
                }
            }
        }
    }
}

/// A principal that can change a policy can remove its denials.
#[test]
fn threat_04_nobody_is_locked_out() {
    for (document, _) in all(&place()) {
        for statement in document
            .statements
            .iter()
            .filter(|statement| statement.effect == Effect::Deny)
        {
            for action in values(statement, "Action") {
                let covers = |name: &str| {
                    action == name
                        || action
                            .strip_suffix('*')
                            .is_some_and(|start| name.starts_with(start))
                };
                if [
                    "s3:PutBucketPolicy",
                    "s3:DeleteBucketPolicy",
                    "kms:PutKeyPolicy",
                    "sns:SetTopicAttributes",
                ]
                .iter()
                .any(|name| covers(name))
                {
                    let condition = statement.rest["Condition"].to_string();
                    let elsewhere = [
                        "aws:SecureTransport",
                        "s3:TlsVersion",
                        "aws:PrincipalAccount",
                    ]
                    .iter()
                    .any(|key| condition.contains(key));
                    assert!(
                        elsewhere,
                        "only in the clear, or from another account: {condition}"
                    );
                }
            }
        }
    }
    let deny = place()
        .key_policy(ALL)
        .statements
        .iter()
        .filter(|s| s.effect == Effect::Deny)
        .map(|s| values(s, "Action").join(" "))
        .collect::<Vec<_>>();
    assert_eq!(deny, ["kms:ScheduleKeyDeletion"]);
}

#[test]
fn every_arn_is_in_the_partition_of_the_caller() {
    for (partition, region) in [
        ("aws-cn", "cn-north-1"),
        ("aws-us-gov", "us-gov-west-1"),
        ("aws-iso", "us-iso-east-1"),
    ] {
        let place = PolicyContext {
            partition: partition.to_owned(),
            dns_suffix: dns_suffix(partition).to_owned(),
            region: region.to_owned(),
            key: Some(format!("arn:{partition}:kms:{region}:111122223333:key/K")),
            ..place()
        };
        for (document, _) in all(&place) {
            let text = document.to_json();
            assert!(!text.contains("arn:aws:"), "{text}");
            for value in text.split("kms:ViaService\":\"").skip(1) {
                let service = value.split('"').next().unwrap();
                assert!(
                    service.ends_with(&format!(".{region}.{}", dns_suffix(partition))),
                    "{service}"
                );
            }
        }
    }
    assert_eq!(
        (
            dns_suffix("aws"),
            dns_suffix("aws-us-gov"),
            dns_suffix("aws-cn")
        ),
        ("amazonaws.com", "amazonaws.com", "amazonaws.com.cn")
    );
}
