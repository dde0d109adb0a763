//! The alias: made once, never pointed elsewhere, and had by one of several.

use insta::assert_snapshot;
use serde_json::json;

use super::*;
use crate::backend::aws::{
    AwsProvider,
    key::ENABLED,
    ownership::Tags,
    testing::{
        KEY_ARN, ScriptedAnswer, ScriptedServer, data, empty, error, json_tags, tags, their_tags,
    },
};

const ALIAS: &str = "alias/acme";
const FIRST: &str = "arn:aws:kms:eu-west-1:111122223333:key/first";

fn leads_to(arn: &str) -> ScriptedAnswer {
    data(
        json!({"KeyMetadata": { "KeyId": arn.rsplit('/').next(), "Arn": arn, "KeyState": ENABLED }}),
    )
}

fn taken() -> ScriptedServer {
    ScriptedServer::new().always("CreateAlias", error(400, "AlreadyExistsException"))
}

fn owned(tags: &Tags) -> ScriptedAnswer {
    data(json!({ "Tags": json_tags("TagKey", "TagValue", tags), "Truncated": false }))
}

async fn claimed(aws: &AwsProvider) -> Result<String, AwsError> {
    claim(aws, ALIAS, KEY_ARN.to_owned()).await
}

#[tokio::test]
async fn made_and_waited_for() {
    let script = ScriptedServer::new()
        .on("CreateAlias", error(400, "NotFoundException"))
        .on("CreateAlias", empty());
    assert_eq!(claimed(&script.aws()).await.unwrap(), KEY_ARN);
    assert_snapshot!(script.sent().lines().last().unwrap(), @r#"CreateAlias {"AliasName":"alias/acme","TargetKeyId":"arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"}"#);
}

#[tokio::test]
async fn an_alias_that_exists_by_now_is_success_if_it_leads_to_the_key() {
    point(
        &taken().on("DescribeKey", leads_to(KEY_ARN)).aws(),
        ALIAS,
        KEY_ARN,
    )
    .await
    .unwrap();
    let error = point(
        &taken().on("DescribeKey", leads_to("arn:other")).aws(),
        ALIAS,
        KEY_ARN,
    )
    .await
    .unwrap_err();
    assert!(error.is(&["AlreadyExistsException"]));
}

/// KMS does not show it everywhere at once, either.
#[tokio::test]
async fn of_two_keys_the_one_that_was_named_first_is_used_and_the_other_one_goes() {
    for unseen in [0, 2] {
        let mut script = taken().on("DescribeKey", leads_to(FIRST));
        for _ in 0..unseen {
            script = script.on("DescribeKey", error(400, "NotFoundException"));
        }
        let script = script
            .always("DescribeKey", leads_to(FIRST))
            .always("ListResourceTags", owned(&tags()))
            .on("ScheduleKeyDeletion", empty());
        let aws = script.aws();
        assert_eq!(claimed(&aws).await.unwrap(), FIRST);
        let doomed: Vec<_> = script
            .sent()
            .lines()
            .filter(|line| line.starts_with("Schedule"))
            .map(str::to_owned)
            .collect();
        assert_eq!(
            doomed,
            [format!(
                r#"ScheduleKeyDeletion {{"KeyId":"{KEY_ARN}","PendingWindowInDays":30}}"#
            )]
        );
        let [note] = &aws.notes.take()[..] else {
            panic!("one note")
        };
        assert!(
            note.contains(FIRST)
                && note.contains(KEY_ARN)
                && note.ends_with("is scheduled for deletion"),
            "{note}"
        );
    }
}

#[tokio::test]
async fn who_may_not_schedule_a_deletion_is_told_of_the_key_that_is_left() {
    let script = taken()
        .always("DescribeKey", leads_to(FIRST))
        .always("ListResourceTags", owned(&tags()))
        .on("ScheduleKeyDeletion", error(400, "AccessDeniedException"));
    let aws = script.aws();
    assert_eq!(claimed(&aws).await.unwrap(), FIRST);
    let note = aws.notes.take().remove(0);
    assert!(
        note.contains(&format!("key {KEY_ARN} of this run is unused"))
            && note.contains("AccessDenied"),
        "{note}"
    );
}

#[tokio::test]
async fn a_key_of_others_is_not_taken_for_it() {
    let script = taken()
        .always("DescribeKey", leads_to(FIRST))
        .always("ListResourceTags", owned(&their_tags()));
    assert!(
        claimed(&script.aws())
            .await
            .unwrap_err()
            .is(&["AlreadyExistsException"])
    );
    assert_eq!(
        script.count("ScheduleKeyDeletion"),
        0,
        "the next run finds the one that was made"
    );
}

/// A key that was found by its tags is another run's: it is that run which schedules its deletion.
#[tokio::test]
async fn a_key_that_was_found_gives_way_to_the_one_that_was_named_first() {
    let found = || KEY_ARN.to_owned();
    let script = taken()
        .always("DescribeKey", leads_to(FIRST))
        .always("ListResourceTags", owned(&tags()));
    assert_eq!(name(&script.aws(), ALIAS, found()).await.unwrap(), FIRST);
    assert!(
        !script.sent().contains("ScheduleKeyDeletion"),
        "{}",
        script.sent()
    );
    let script = taken()
        .always("DescribeKey", leads_to(FIRST))
        .always("ListResourceTags", owned(&their_tags()));
    assert!(
        name(&script.aws(), ALIAS, found())
            .await
            .unwrap_err()
            .is(&["AlreadyExistsException"])
    );
    let script = ScriptedServer::new().on("CreateAlias", empty());
    assert_eq!(name(&script.aws(), ALIAS, found()).await.unwrap(), KEY_ARN);
}
