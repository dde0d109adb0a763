//! Default encryption: seen, sent, and never weakened.

use insta::assert_snapshot;

use super::*;
use crate::backend::aws::testing::{
    KEY_ARN, ScriptedServer, absent_only_by, empty, look, retried_on, text,
};

fn kms() -> BucketEncryption {
    BucketEncryption::kms("acme".to_owned(), KEY_ARN.to_owned())
}

fn s3() -> BucketEncryption {
    BucketEncryption::s3("acme".to_owned())
}

async fn seen(rule: &str) -> BucketEncryption {
    let xml = format!(
        "<ServerSideEncryptionConfiguration><Rule>{rule}</Rule></\
         ServerSideEncryptionConfiguration>"
    );
    let script = ScriptedServer::new().on("GET ?encryption", text(xml));
    let found = look(&script, &kms()).await.unwrap().unwrap();
    assert_eq!(
        script.sent(),
        "GET https://acme.s3.eu-west-1.amazonaws.com/?encryption\nx-amz-expected-bucket-owner: \
         111122223333"
    );
    found.spec
}

#[tokio::test]
async fn present() {
    let ours = format!(
        "<ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</\
         SSEAlgorithm><KMSMasterKeyID>{KEY_ARN}</KMSMasterKeyID></\
         ApplyServerSideEncryptionByDefault><BucketKeyEnabled>true</\
         BucketKeyEnabled><BlockedEncryptionTypes><EncryptionType>SSE-C</EncryptionType></\
         BlockedEncryptionTypes>"
    );
    assert_eq!(seen(&ours).await, kms());
    let new = seen(
        "<ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></\
         ApplyServerSideEncryptionByDefault>",
    )
    .await;
    assert_eq!(
        new,
        BucketEncryption {
            blocked: vec![],
            ..s3()
        }
    );
    // The key of the account that AWS manages: a rule without a key.
    let managed = seen(
        "<ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm></\
         ApplyServerSideEncryptionByDefault><BlockedEncryptionTypes><EncryptionType>NONE</\
         EncryptionType></BlockedEncryptionTypes>",
    )
    .await;
    assert_eq!(
        managed,
        BucketEncryption {
            key: None,
            bucket_key: false,
            blocked: vec![],
            ..kms()
        }
    );
    assert_eq!(kms().merge_onto(&managed), kms());
}

#[tokio::test]
async fn absent() {
    absent_only_by(
        &kms(),
        "GET ?encryption",
        &[
            "ServerSideEncryptionConfigurationNotFoundError",
            "NoSuchBucket",
        ],
        |script| script,
    )
    .await;
}

#[tokio::test]
async fn put() {
    let script = ScriptedServer::new().on("PUT ?encryption", empty());
    kms().write(&script.aws(), None).await.unwrap();
    assert_snapshot!(script.sent(), @"
    PUT https://acme.s3.eu-west-1.amazonaws.com/?encryption
    x-amz-expected-bucket-owner: 111122223333
    <ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab</KMSMasterKeyID></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>true</BucketKeyEnabled><BlockedEncryptionTypes><EncryptionType>SSE-C</EncryptionType></BlockedEncryptionTypes></Rule></ServerSideEncryptionConfiguration>
    ");
    let script = ScriptedServer::new().on("PUT ?encryption", empty());
    s3().write(&script.aws(), None).await.unwrap();
    assert_snapshot!(script.sent(), @"
    PUT https://acme.s3.eu-west-1.amazonaws.com/?encryption
    x-amz-expected-bucket-owner: 111122223333
    <ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled><BlockedEncryptionTypes><EncryptionType>SSE-C</EncryptionType></BlockedEncryptionTypes></Rule></ServerSideEncryptionConfiguration>
    ");
    retried_on(
        &kms(),
        None,
        "PUT ?encryption",
        &["OperationAborted", "NoSuchBucket"],
        |script| script.always("PUT ?encryption", empty()),
    )
    .await;
}

#[test]
fn kms_is_never_turned_back_to_what_anybody_may_read() {
    for algorithm in ["aws:kms", "aws:kms:dsse"] {
        let observed = BucketEncryption {
            algorithm: algorithm.to_owned(),
            ..kms()
        };
        assert!(
            s3().blocked_by(&observed)
                .is_some_and(|why| why.contains("would be weaker")),
            "{algorithm}"
        );
        assert_eq!(kms().blocked_by(&observed), None);
    }
    assert_eq!(s3().blocked_by(&s3()), None);
    assert_eq!(kms().blocked_by(&s3()), None);
}

#[test]
fn two_layers_stay_two() {
    let observed = BucketEncryption {
        algorithm: "aws:kms:dsse".to_owned(),
        key: None,
        bucket_key: false,
        ..kms()
    };
    let to = kms().merge_onto(&observed);
    // There is no bucket key with two layers.
    assert_eq!(
        to,
        BucketEncryption {
            algorithm: "aws:kms:dsse".to_owned(),
            bucket_key: false,
            ..kms()
        }
    );
    assert_eq!(kms().merge_onto(&to), to);
}

#[test]
fn what_else_is_blocked_stays_blocked() {
    let observed = BucketEncryption {
        blocked: vec!["SSE-X".to_owned()],
        ..kms()
    };
    assert_eq!(kms().merge_onto(&observed).blocked, ["SSE-X", "SSE-C"]);
    let observed = BucketEncryption {
        blocked: vec!["SSE-C".to_owned(), "SSE-X".to_owned()],
        ..kms()
    };
    assert_eq!(kms().merge_onto(&observed), observed);
}

#[test]
fn a_bucket_key_without_kms_is_no_difference() {
    let observed = BucketEncryption {
        bucket_key: true,
        ..s3()
    };
    assert_eq!(s3().merge_onto(&observed), observed);
}

#[test]
fn another_key_is_not_replaced_in_passing() {
    let with = |key: Option<&str>| BucketEncryption {
        key: key.map(str::to_owned),
        ..kms()
    };
    let why = kms()
        .adoption_blocked_by(&with(Some("arn:aws:kms:eu-west-1:111122223333:key/theirs")))
        .expect("blocked");
    assert!(
        why.contains("pass --kms-key arn:aws:kms:eu-west-1:111122223333:key/theirs"),
        "{why}"
    );
    let why = kms()
        .adoption_blocked_by(&with(Some("alias/theirs")))
        .expect("blocked");
    assert!(
        why.contains("pass --kms-key with the ARN of that key"),
        "{why}"
    );
    let id = KEY_ARN.rsplit('/').next();
    for observed in [
        kms(),
        with(None),
        with(id),
        with(Some("arn:aws:kms:eu-west-1:111122223333:alias/aws/s3")),
        s3(),
    ] {
        assert_eq!(kms().adoption_blocked_by(&observed), None, "{observed:?}");
    }
    assert_eq!(
        s3().adoption_blocked_by(&kms()),
        None,
        "that is weaker, and blocked regardless of its owner"
    );
}
