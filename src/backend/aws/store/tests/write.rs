//! States and digests written: what is sent, over what, and what a lost answer comes to.

use super::*;
use crate::{
    backend::aws::store::write::{
        ConditionalDelete, ExpectedDigest, NotWritten, WriteCondition, WriteEncryption,
        WrittenObject,
    },
    state::digest,
};

const PUT: &str = "PUT ?x-id=PutObject";
const STATE: &str = r#"{"version":4,"serial":8}"#;

async fn put(
    script: &ScriptedServer,
    encrypt: &WriteEncryption,
    condition: &WriteCondition,
) -> Result<WrittenObject, NotWritten> {
    let (aws, address) = (script.aws(), address());
    S3Store::new(&aws, &address)
        .put_state("a.tfstate", STATE.into(), encrypt, condition)
        .await
}

#[tokio::test]
async fn a_state_over_the_one_that_was_read() {
    let written = || {
        empty()
            .header("etag", "\"n\"")
            .header("x-amz-version-id", "v2")
    };
    let script = ScriptedServer::new().always(PUT, written());
    let expected = WrittenObject {
        version: Some("v2".to_owned()),
        etag: "\"n\"".to_owned(),
    };
    let over = WriteCondition::IfMatch("\"o\"".to_owned());
    for encrypt in [
        WriteEncryption::Kms("alias/mine".to_owned()),
        WriteEncryption::OfS3,
        WriteEncryption::Unsaid,
    ] {
        assert_eq!(put(&script, &encrypt, &over).await.unwrap(), expected);
    }
    put(
        &script,
        &WriteEncryption::Unsaid,
        &WriteCondition::IfNoneMatch,
    )
    .await
    .unwrap();
    assert_snapshot!(sent(&script), @r#"
    PUT https://states.s3.eu-west-1.amazonaws.com/a.tfstate?x-id=PutObject
    if-match: "o"
    x-amz-expected-bucket-owner: 111122223333
    x-amz-server-side-encryption: aws:kms
    x-amz-server-side-encryption-aws-kms-key-id: alias/mine
    {"version":4,"serial":8}
    PUT https://states.s3.eu-west-1.amazonaws.com/a.tfstate?x-id=PutObject
    if-match: "o"
    x-amz-expected-bucket-owner: 111122223333
    x-amz-server-side-encryption: AES256
    {"version":4,"serial":8}
    PUT https://states.s3.eu-west-1.amazonaws.com/a.tfstate?x-id=PutObject
    if-match: "o"
    x-amz-expected-bucket-owner: 111122223333
    {"version":4,"serial":8}
    PUT https://states.s3.eu-west-1.amazonaws.com/a.tfstate?x-id=PutObject
    if-none-match: *
    x-amz-expected-bucket-owner: 111122223333
    {"version":4,"serial":8}
    "#);
}

#[tokio::test]
async fn a_state_that_somebody_else_wrote_meanwhile_stays() {
    let over = WriteCondition::IfMatch("\"o\"".to_owned());
    for (refusal, now) in [
        (
            error(412, "PreconditionFailed"),
            text("{}").header("etag", "\"t\""),
        ),
        (error(404, "NoSuchKey"), error(404, "NoSuchKey")),
        (error(412, "PreconditionFailed"), error(403, "AccessDenied")),
    ] {
        let script = ScriptedServer::new().on(PUT, refusal).on(GET, now);
        assert!(matches!(
            put(&script, &WriteEncryption::Unsaid, &over).await,
            Err(NotWritten::Changed)
        ));
    }
    // The answer to the first try was lost, and it is our own that is in the way of the second.
    for last in [error(412, "PreconditionFailed"), lost()] {
        let script = ScriptedServer::new().on(PUT, lost()).always(PUT, last);
        let script = script.on(
            GET,
            text(STATE)
                .header("etag", "\"n\"")
                .header("x-amz-version-id", "v2"),
        );
        let ours = WrittenObject {
            version: Some("v2".to_owned()),
            etag: "\"n\"".to_owned(),
        };
        assert_eq!(
            put(&script, &WriteEncryption::Unsaid, &over).await.unwrap(),
            ours
        );
    }
    for (answer, kind) in [
        (error(403, "AccessDenied"), ServiceErrorKind::Denied),
        (lost(), ServiceErrorKind::Network),
        (error(500, "InternalError"), ServiceErrorKind::Server),
    ] {
        let script = ScriptedServer::new()
            .always(PUT, answer)
            .on(GET, text("longer than what was to be written, and another"));
        let Err(NotWritten::Failed(error)) = put(&script, &WriteEncryption::Unsaid, &over).await
        else {
            panic!("{kind:?}")
        };
        assert_eq!(error.kind, kind);
    }
}

#[tokio::test]
async fn a_digest_over_the_one_that_was_read() {
    let md5 = digest::of(STATE.as_bytes());
    let script = ScriptedServer::new()
        .always("PutItem", data(json!({})))
        .on("DeleteItem", data(json!({})));
    let (aws, address) = (script.aws(), address());
    let store = S3Store::new(&aws, &address);
    store
        .put_digest("a.tfstate", &md5, ExpectedDigest::Absent)
        .await
        .unwrap();
    store
        .put_digest("a.tfstate", &md5, ExpectedDigest::Exact("old"))
        .await
        .unwrap();
    assert_eq!(
        store.delete_digest("a.tfstate", "old").await.unwrap(),
        ConditionalDelete::Done
    );
    assert_snapshot!(sent(&script), @r#"
    PutItem {"TableName":"locks","Item":{"Digest":{"S":"b32fbf2839baca06e7c0006eede14fb7"},"LockID":{"S":"states/a.tfstate-md5"}},"ConditionExpression":"attribute_not_exists(LockID)"}
    PutItem {"TableName":"locks","Item":{"Digest":{"S":"b32fbf2839baca06e7c0006eede14fb7"},"LockID":{"S":"states/a.tfstate-md5"}},"ConditionExpression":"Digest = :exact","ExpressionAttributeValues":{":exact":{"S":"old"}}}
    DeleteItem {"TableName":"locks","Key":{"LockID":{"S":"states/a.tfstate-md5"}},"ConditionExpression":"Digest = :exact","ExpressionAttributeValues":{":exact":{"S":"old"}}}
    "#);

    let refusal = || error(400, "ConditionalCheckFailedException");
    let digest = |digest: &str| data(json!({"Item": digest_item("states/a.tfstate-md5", digest)}));
    for (now, put_is_done, deleted) in [
        (digest("another"), false, ConditionalDelete::Changed),
        (digest(&md5), true, ConditionalDelete::Changed),
        (data(json!({})), false, ConditionalDelete::AlreadyGone),
    ] {
        let script = ScriptedServer::new()
            .on("PutItem", refusal())
            .on("DeleteItem", refusal())
            .always("GetItem", now);
        let aws = script.aws();
        let store = S3Store::new(&aws, &address);
        match store
            .put_digest("a.tfstate", &md5, ExpectedDigest::Absent)
            .await
        {
            Ok(()) => assert!(put_is_done),
            Err(NotWritten::Changed) => assert!(!put_is_done),
            Err(NotWritten::Failed(error)) => panic!("{error}"),
        }
        assert_eq!(
            store.delete_digest("a.tfstate", "old").await.unwrap(),
            deleted
        );
    }
    for answer in [
        error(400, "AccessDeniedException"),
        lost(),
        error(400, "ResourceNotFoundException"),
    ] {
        let script = ScriptedServer::new()
            .always("PutItem", answer.clone())
            .always("DeleteItem", answer)
            .always("GetItem", digest("old"));
        let aws = script.aws();
        let store = S3Store::new(&aws, &address);
        assert!(matches!(
            store
                .put_digest("a.tfstate", &md5, ExpectedDigest::Exact("old"))
                .await,
            Err(NotWritten::Failed(_))
        ));
        store.delete_digest("a.tfstate", "old").await.unwrap_err();
    }
}
