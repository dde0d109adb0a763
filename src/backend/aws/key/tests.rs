//! The key: found by alias or by tags, never made twice, and its policy shared with others.

use insta::assert_snapshot;
use serde_json::json;

use super::*;
use crate::backend::aws::{
    policy::Statement,
    testing::{
        KEY_ARN, ScriptedAnswer, ScriptedServer, absent_only_by, both_tags, data, empty, error,
        json_tags, look, lost, retried_on, tags, their_tags,
    },
};

mod delete;

const ALIAS: &str = "alias/acme-tfstate-dev";

fn document() -> PolicyDocument {
    let root = Statement::allow("EnableIamPolicies")
        .aws("arn:aws:iam::111122223333:root")
        .actions(&["kms:*"])
        .on(["*".to_owned()]);
    PolicyDocument::new(vec![root])
}

fn key() -> KmsKey {
    KmsKey::new(ALIAS.to_owned(), "States".to_owned(), document(), tags())
}

fn metadata(arn: &str, state: &str, created: u32) -> ScriptedAnswer {
    let id = arn.rsplit('/').next().unwrap();
    data(json!({"KeyMetadata": {
        "KeyId": id, "Arn": arn, "KeyState": state, "Description": "States", "KeyManager": "CUSTOMER", "CreationDate": created,
    }}))
}

fn tagged(tags: &Tags) -> ScriptedAnswer {
    data(json!({ "Tags": json_tags("TagKey", "TagValue", tags), "Truncated": false }))
}

fn policy(document: &PolicyDocument) -> ScriptedAnswer {
    data(json!({ "Policy": document.to_json(), "PolicyName": "default" }))
}

fn keys(ids: &[&str]) -> ScriptedAnswer {
    let keys: Vec<_> = ids
        .iter()
        .map(|id| json!({ "KeyId": id, "KeyArn": id }))
        .collect();
    data(json!({ "Keys": keys, "Truncated": false }))
}

fn aliased(script: ScriptedServer) -> ScriptedServer {
    script
        .about("DescribeKey", ALIAS, metadata(KEY_ARN, ENABLED, 1))
        .always("ListKeys", keys(&[]))
        .always("ListResourceTags", tagged(&tags()))
        .always("GetKeyPolicy", policy(&document()))
}

fn not_aliased(script: ScriptedServer) -> ScriptedServer {
    script
        .about("DescribeKey", ALIAS, error(400, "NotFoundException"))
        .always("GetKeyPolicy", policy(&document()))
}

#[tokio::test]
async fn behind_its_alias() {
    let script = aliased(ScriptedServer::new());
    let found = look(&script, &key()).await.unwrap().unwrap();
    assert_eq!(
        found,
        ObservedResource {
            spec: key(),
            output: Some(KEY_ARN.to_owned()),
            owner: ResourceOwner::Us
        }
    );
    assert_snapshot!(script.sent(), @r#"
    DescribeKey {"KeyId":"alias/acme-tfstate-dev"}
    GetKeyPolicy {"KeyId":"arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab","PolicyName":"default"}
    ListResourceTags {"KeyId":"1234abcd-12ab-34cd-56ef-1234567890ab"}
    ListKeys {"Limit":1000}
    "#);
}

#[tokio::test]
async fn by_its_tags_after_a_run_that_was_cut_off() {
    let script = not_aliased(ScriptedServer::new())
        .on("ListKeys", data(json!({"Keys": [{"KeyId": "a"}, {"KeyId": "b"}], "Truncated": true, "NextMarker": "more"})))
        .on("ListKeys", keys(&["c", "d", "e"]))
        .about("ListResourceTags", "\"a\"", error(400, "AccessDeniedException"))
        .about("ListResourceTags", "\"b\"", tagged(&their_tags()))
        .about("ListResourceTags", "\"d\"", error(400, "NotFoundException"))
        .always("ListResourceTags", tagged(&tags()))
        .about("DescribeKey", "\"c\"", metadata("arn:aws:kms:eu-west-1:111122223333:key/c", ENABLED, 20))
        .about("DescribeKey", "\"e\"", metadata("arn:aws:kms:eu-west-1:111122223333:key/e", ENABLED, 10));
    let found = look(&script, &key()).await.unwrap().unwrap();
    assert_eq!(
        found.output.as_deref(),
        Some("arn:aws:kms:eu-west-1:111122223333:key/e"),
        "the oldest of ours"
    );
    assert_eq!(
        (found.owner, &found.spec.alias_leads),
        (ResourceOwner::Us, &AliasTarget::Nowhere)
    );
    assert_eq!(key().merge_onto(&found.spec), key(), "it is named again");
}

#[tokio::test]
async fn threat_05_a_key_on_its_way_out_is_not_found_by_tags_but_by_its_alias() {
    let script = not_aliased(ScriptedServer::new())
        .always("ListKeys", keys(&["c"]))
        .always("ListResourceTags", tagged(&tags()))
        .about("DescribeKey", "\"c\"", metadata("c", "PendingDeletion", 1));
    assert_eq!(look(&script, &key()).await.unwrap(), None);
    let script = ScriptedServer::new()
        .about(
            "DescribeKey",
            ALIAS,
            metadata(KEY_ARN, "PendingDeletion", 1),
        )
        .always("ListKeys", keys(&[]))
        .always("ListResourceTags", tagged(&tags()))
        .always("GetKeyPolicy", policy(&document()));
    let found = look(&script, &key()).await.unwrap().unwrap();
    assert!(
        key()
            .blocked_by(&found.spec)
            .is_some_and(|why| why.contains("cancel-key-deletion"))
    );
}

#[tokio::test]
async fn a_key_of_others_behind_the_alias_gives_way_to_one_of_ours() {
    let script = ScriptedServer::new()
        .about("DescribeKey", ALIAS, metadata("arn:theirs", ENABLED, 1))
        .about("ListResourceTags", "theirs", tagged(&their_tags()))
        .always("ListResourceTags", tagged(&tags()))
        .about("DescribeKey", "\"c\"", metadata("arn:ours", ENABLED, 2))
        .always("ListKeys", keys(&["c"]))
        .always("GetKeyPolicy", policy(&document()));
    let found = look(&script, &key()).await.unwrap().unwrap();
    assert_eq!(found.output.as_deref(), Some("arn:ours"));
    let why = key().blocked_by(&found.spec).unwrap();
    assert!(why.contains("points at another key, arn:theirs"), "{why}");
    let script = script.on("ListKeys", keys(&[]));
    let found = look(&script, &key()).await.unwrap().unwrap();
    assert_eq!(
        (found.output.as_deref(), found.owner),
        (Some("arn:theirs"), ResourceOwner::Unmanaged)
    );
}

#[tokio::test]
async fn what_may_not_be_seen_is_not_absent() {
    absent_only_by(&key(), "DescribeKey", &["NotFoundException"], |script| {
        script.always("ListKeys", keys(&[]))
    })
    .await;
    absent_only_by(&key(), "ListKeys", &[], not_aliased).await;
    // Keys that all hide their tags might be ours.
    absent_only_by(
        &key(),
        "ListResourceTags",
        &["NotFoundException"],
        |script| not_aliased(script).always("ListKeys", keys(&["a"])),
    )
    .await;
    absent_only_by(&key(), "GetKeyPolicy", &[], aliased_without_policy).await;
    // Who may not list keys still finds the one behind the alias.
    let script = aliased(ScriptedServer::new()).on("ListKeys", error(400, "AccessDeniedException"));
    assert_eq!(look(&script, &key()).await.unwrap().unwrap().spec, key());
}

fn aliased_without_policy(script: ScriptedServer) -> ScriptedServer {
    script
        .about("DescribeKey", ALIAS, metadata(KEY_ARN, ENABLED, 1))
        .always("ListKeys", keys(&[]))
        .always("ListResourceTags", tagged(&tags()))
}

#[tokio::test]
async fn it_is_made_in_one_call_and_named() {
    let script = ScriptedServer::new()
        .on("CreateKey", metadata(KEY_ARN, ENABLED, 1))
        .on("CreateAlias", empty());
    assert_eq!(
        key().write(&script.aws(), None).await.unwrap().as_deref(),
        Some(KEY_ARN)
    );
    assert_snapshot!(script.sent(), @r#"
    CreateKey {"Policy":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"TfbackendEnableIamPolicies\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::111122223333:root\"},\"Action\":\"kms:*\",\"Resource\":\"*\"}]}","Description":"States","Tags":[{"TagKey":"ManagedBy","TagValue":"tfbackend"},{"TagKey":"tfbackend:env","TagValue":"dev"},{"TagKey":"tfbackend:project","TagValue":"acme"},{"TagKey":"tfbackend:protected","TagValue":"true"},{"TagKey":"tfbackend:version","TagValue":"1"}]}
    CreateAlias {"AliasName":"alias/acme-tfstate-dev","TargetKeyId":"arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"}
    "#);
}

#[tokio::test]
async fn a_lost_answer_does_not_make_two_keys() {
    for unclear in [
        lost(),
        error(500, "KMSInternalException"),
        error(503, "DependencyTimeoutException"),
    ] {
        let script = not_aliased(ScriptedServer::new())
            .on("CreateKey", unclear)
            .always("ListKeys", keys(&["c"]))
            .always("ListResourceTags", tagged(&tags()))
            .about("DescribeKey", "\"c\"", metadata(KEY_ARN, ENABLED, 1))
            .on("CreateAlias", empty());
        assert_eq!(
            key().write(&script.aws(), None).await.unwrap().as_deref(),
            Some(KEY_ARN)
        );
        assert_eq!(
            (script.count("CreateKey"), script.count("CreateAlias")),
            (1, 1)
        );
    }
}

#[tokio::test]
async fn a_call_that_did_nothing_is_made_again_a_few_times() {
    let script = not_aliased(ScriptedServer::new())
        .on("CreateKey", error(400, "ThrottlingException"))
        .on("CreateKey", metadata(KEY_ARN, ENABLED, 1))
        .on("CreateAlias", empty())
        .always("ListKeys", keys(&["theirs"]))
        .always("ListResourceTags", tagged(&their_tags()));
    assert_eq!(
        key().write(&script.aws(), None).await.unwrap().as_deref(),
        Some(KEY_ARN)
    );
    let script = not_aliased(ScriptedServer::new())
        .always("CreateKey", lost())
        .always("ListKeys", keys(&[]));
    assert_eq!(
        key().write(&script.aws(), None).await.unwrap_err().kind,
        ServiceErrorKind::Network
    );
    assert_eq!(script.count("CreateKey"), CREATE_TRIES);
    for code in [
        "AccessDeniedException",
        "MalformedPolicyDocumentException",
        "LimitExceededException",
    ] {
        let script = ScriptedServer::new().on("CreateKey", error(400, code));
        assert!(
            key()
                .write(&script.aws(), None)
                .await
                .unwrap_err()
                .is(&[code])
        );
        assert_eq!(script.operations(), ["CreateKey"], "{code} is for good");
    }
}

#[tokio::test]
async fn an_update_sends_only_what_differs_and_keeps_what_others_wrote() {
    let theirs = Statement {
        sid: Some("Theirs".to_owned()),
        ..Statement::allow("")
            .aws("210987654321")
            .actions(&["kms:Decrypt"])
    };
    let observed = KmsKey {
        policy: PolicyDocument::new(vec![theirs.clone()]),
        tags: their_tags(),
        description: "mine".to_owned(),
        ..key()
    };
    let to = key().merge_onto(&observed);
    assert_eq!((&to.tags, &*to.description), (&both_tags(), "mine"));
    assert!(to.policy.says(&theirs));
    assert_eq!(key().merge_onto(&to), to);
    let script = aliased(ScriptedServer::new())
        .on("PutKeyPolicy", empty())
        .on("TagResource", empty());
    to.write(&script.aws(), Some(&observed)).await.unwrap();
    let sent = script.sent();
    assert_snapshot!(sent.split_once("PutKeyPolicy").unwrap().1, @r#"
     {"KeyId":"arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab","Policy":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"Theirs\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"210987654321\"},\"Action\":\"kms:Decrypt\"},{\"Sid\":\"TfbackendEnableIamPolicies\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::111122223333:root\"},\"Action\":\"kms:*\",\"Resource\":\"*\"}]}"}
    TagResource {"KeyId":"arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab","Tags":[{"TagKey":"ManagedBy","TagValue":"tfbackend"},{"TagKey":"tfbackend:env","TagValue":"dev"},{"TagKey":"tfbackend:project","TagValue":"acme"},{"TagKey":"tfbackend:protected","TagValue":"true"},{"TagKey":"tfbackend:version","TagValue":"1"}]}
    "#);

    let script = aliased(ScriptedServer::new());
    key().write(&script.aws(), Some(&key())).await.unwrap();
    assert!(!script.sent().contains("Put"), "nothing to write");
    let from = KmsKey {
        policy: PolicyDocument::new(vec![]),
        tags: Tags::new(),
        ..key()
    };
    let others = |script| {
        aliased(script)
            .always("PutKeyPolicy", empty())
            .always("TagResource", empty())
    };
    retried_on(
        &key(),
        Some(&from),
        "PutKeyPolicy",
        &["NotFoundException"],
        others,
    )
    .await;
    retried_on(
        &key(),
        Some(&from),
        "TagResource",
        &["NotFoundException"],
        others,
    )
    .await;
}

#[tokio::test]
async fn what_vanished_meanwhile_is_not_made_by_an_update() {
    let script = not_aliased(ScriptedServer::new()).always("ListKeys", keys(&[]));
    let error = key()
        .write(
            &script.aws(),
            Some(&KmsKey {
                tags: Tags::new(),
                ..key()
            }),
        )
        .await
        .unwrap_err();
    assert!(error.to_string().contains("run again"), "{error}");
}

#[test]
fn a_key_that_cannot_be_used_blocks() {
    let with = |state: &str| {
        key().blocked_by(&KmsKey {
            state: state.to_owned(),
            ..key()
        })
    };
    assert_eq!(with(ENABLED), None);
    assert!(with("Disabled").unwrap().contains("enable-key"));
    assert!(with("Unavailable").unwrap().contains("Unavailable"));
}
