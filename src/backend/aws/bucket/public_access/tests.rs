//! The public access block: four switches, seen one by one and sent together.

use insta::assert_snapshot;

use super::*;
use crate::backend::aws::testing::{ScriptedServer, absent_only_by, empty, look, retried_on, text};

fn blocked() -> PublicAccess {
    PublicAccess::blocked("acme".to_owned())
}

#[tokio::test]
async fn present() {
    let all = "<PublicAccessBlockConfiguration><BlockPublicAcls>true</\
               BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>true</\
               BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets></\
               PublicAccessBlockConfiguration>";
    let script = ScriptedServer::new().on("GET ?publicAccessBlock", text(all));
    assert_eq!(
        look(&script, &blocked()).await.unwrap().unwrap().spec,
        blocked()
    );
    assert_snapshot!(script.sent(), @"
    GET https://acme.s3.eu-west-1.amazonaws.com/?publicAccessBlock
    x-amz-expected-bucket-owner: 111122223333
    ");
    // What is not said is off.
    let one = "<PublicAccessBlockConfiguration><BlockPublicPolicy>true</BlockPublicPolicy></\
               PublicAccessBlockConfiguration>";
    let found = look(
        &ScriptedServer::new().on("GET ?publicAccessBlock", text(one)),
        &blocked(),
    )
    .await
    .unwrap()
    .unwrap()
    .spec;
    let off = PublicAccess {
        block_public_acls: false,
        ignore_public_acls: false,
        block_public_policy: false,
        restrict_public_buckets: false,
        ..blocked()
    };
    assert_eq!(
        found,
        PublicAccess {
            block_public_policy: true,
            ..off.clone()
        }
    );
    let nothing = ScriptedServer::new().on(
        "GET ?publicAccessBlock",
        text("<PublicAccessBlockConfiguration/>"),
    );
    assert_eq!(look(&nothing, &blocked()).await.unwrap().unwrap().spec, off);
}

#[tokio::test]
async fn absent() {
    absent_only_by(
        &blocked(),
        "GET ?publicAccessBlock",
        &["NoSuchPublicAccessBlockConfiguration", "NoSuchBucket"],
        |script| script,
    )
    .await;
}

#[tokio::test]
async fn put() {
    let script = ScriptedServer::new().on("PUT ?publicAccessBlock", empty());
    blocked().write(&script.aws(), None).await.unwrap();
    assert_snapshot!(script.sent(), @"
    PUT https://acme.s3.eu-west-1.amazonaws.com/?publicAccessBlock
    x-amz-expected-bucket-owner: 111122223333
    <PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>
    ");
    retried_on(
        &blocked(),
        None,
        "PUT ?publicAccessBlock",
        &["OperationAborted", "NoSuchBucket"],
        |script| script.always("PUT ?publicAccessBlock", empty()),
    )
    .await;
}
