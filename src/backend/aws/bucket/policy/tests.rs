//! The bucket policy: what is no policy is never taken for none, and theirs survives ours.

use insta::assert_snapshot;

use super::*;
use crate::backend::aws::{
    policy::Statement,
    testing::{ScriptedServer, absent_only_by, empty, look, retried_on, text},
};

fn policy() -> BucketPolicy {
    let statement = Statement::deny("DenyPlaintext")
        .everybody()
        .actions(&["s3:*"])
        .on(["arn:aws:s3:::acme".to_owned()])
        .when("Bool", "aws:SecureTransport", ["false".to_owned()]);
    BucketPolicy::new("acme".to_owned(), PolicyDocument::new(vec![statement]))
}

#[tokio::test]
async fn present() {
    let script = ScriptedServer::new().on("GET ?policy", text(policy().document.to_json()));
    assert_eq!(
        look(&script, &policy()).await.unwrap().unwrap().spec,
        policy()
    );
    assert_snapshot!(script.sent(), @"
    GET https://acme.s3.eu-west-1.amazonaws.com/?policy
    x-amz-expected-bucket-owner: 111122223333
    ");
}

#[tokio::test]
async fn absent() {
    absent_only_by(
        &policy(),
        "GET ?policy",
        &["NoSuchBucketPolicy", "NoSuchBucket"],
        |script| script,
    )
    .await;
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error() {
    for nonsense in ["", "not JSON", r#"{"Statement": [{"Effect": "Perhaps"}]}"#] {
        let error = look(
            &ScriptedServer::new().on("GET ?policy", text(nonsense)),
            &policy(),
        )
        .await
        .unwrap_err();
        assert!(error.to_string().contains("invalid policy"), "{error}");
    }
}

#[tokio::test]
async fn put() {
    let script = ScriptedServer::new().on("PUT ?policy", empty());
    policy().write(&script.aws(), None).await.unwrap();
    assert_snapshot!(script.sent(), @r#"
    PUT https://acme.s3.eu-west-1.amazonaws.com/?policy
    x-amz-expected-bucket-owner: 111122223333
    {"Version":"2012-10-17","Statement":[{"Sid":"TfbackendDenyPlaintext","Effect":"Deny","Principal":{"AWS":"*"},"Action":"s3:*","Resource":"arn:aws:s3:::acme","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}
    "#);
    retried_on(
        &policy(),
        None,
        "PUT ?policy",
        &["OperationAborted", "NoSuchBucket"],
        |script| script.always("PUT ?policy", empty()),
    )
    .await;
}

#[test]
fn statements_of_others_are_kept() {
    let theirs = Statement {
        sid: Some("Theirs".to_owned()),
        ..Statement::deny("")
            .everybody()
            .actions(&["s3:PutObjectAcl"])
    };
    let observed = BucketPolicy {
        document: PolicyDocument::new(vec![theirs.clone()]),
        ..policy()
    };
    let to = policy().merge_onto(&observed);
    assert!(to.document.says(&theirs) && to.document.says(&policy().document.statements[0]));
    assert_eq!(policy().merge_onto(&to), to);
}

#[test]
fn a_statement_that_denies_terraform_is_for_a_person() {
    let deny = |sid: &str, value: &str| {
        let header = "s3:x-amz-server-side-encryption";
        let statement = Statement::deny(sid)
            .everybody()
            .actions(&["s3:PutObject"])
            .on(["arn:aws:s3:::acme/*".to_owned()]);
        statement.when("StringNotEquals", header, [value.to_owned()])
    };
    let ours = |value: &str| BucketPolicy {
        document: PolicyDocument::new(vec![deny("DenyOtherEncryption", value)]),
        ..policy()
    };
    let theirs = Statement {
        sid: Some("DenyIncorrectEncryptionHeader".to_owned()),
        ..deny("", "AES256")
    };
    let observed = BucketPolicy {
        document: PolicyDocument::new(vec![theirs]),
        ..policy()
    };
    let why = ours("aws:kms").blocked_by(&observed).expect("blocked");
    assert!(
        why.starts_with(
            "with the policy of bucket acme, every apply would fail: statement \
             DenyIncorrectEncryptionHeader"
        ),
        "{why}"
    );
    assert_eq!(ours("AES256").blocked_by(&observed), None);
    assert_eq!(
        policy().blocked_by(&observed),
        None,
        "no states are kept there"
    );
}

/// S3 answers 403, after public access was blocked: found in the plan, before any user loses
/// access.
#[test]
fn a_public_statement_blocks_what_would_be_written_beside_it() {
    let theirs = Statement {
        sid: Some("Site".to_owned()),
        ..Statement::allow("").everybody().actions(&["s3:GetObject"])
    };
    let observed = BucketPolicy {
        document: PolicyDocument::new(vec![theirs.clone()]),
        ..policy()
    };
    let why = policy().blocked_by(&observed).unwrap();
    assert!(
        why.contains("statement Site allows everyone s3:GetObject")
            && why.contains("remove the statement"),
        "{why}"
    );
    let narrowed = theirs.when("StringEquals", "aws:PrincipalOrgID", ["o-1".to_owned()]);
    assert_eq!(
        policy().blocked_by(&BucketPolicy {
            document: PolicyDocument::new(vec![narrowed]),
            ..policy()
        }),
        None
    );
    let nothing_to_write = policy().merge_onto(&observed);
    assert_eq!(
        policy().blocked_by(&nothing_to_write),
        None,
        "what is there already is for `verify`"
    );
}
