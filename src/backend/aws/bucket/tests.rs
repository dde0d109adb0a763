//! A bucket: what is seen of it, what is sent, and whose it is.

use insta::assert_snapshot;

use super::*;
use crate::backend::aws::{
    error::ServiceErrorKind,
    testing::{
        ACCOUNT, ScriptedAnswer, ScriptedServer, absent_only_by, both_tags, empty, error,
        gone_only_by, look, retried_on, tags, text, their_tags, xml_tags,
    },
};

const NAME: &str = "acme-tfstate-dev";

fn bucket() -> BucketSpec {
    BucketSpec {
        name: NAME.to_owned(),
        region: "eu-west-1".to_owned(),
        account_regional: false,
        ownership: ENFORCED.to_owned(),
        grants: vec![],
        tags: tags(),
    }
}

pub(super) fn tagging(tags: &Tags) -> ScriptedAnswer {
    text(format!(
        "<Tagging><TagSet>{}</TagSet></Tagging>",
        xml_tags("Tag", tags)
    ))
}

fn ownership(kind: &str) -> ScriptedAnswer {
    text(format!(
        "<OwnershipControls><Rule><ObjectOwnership>{kind}</ObjectOwnership></Rule></\
         OwnershipControls>"
    ))
}

/// The owner's own grant, and these.
fn acl(others: &[&str]) -> ScriptedAnswer {
    let grant = |grantee: &str, permission: &str| {
        format!(
            "<Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
             {grantee}</Grantee><Permission>{permission}</Permission></Grant>"
        )
    };
    let own = grant("xsi:type=\"CanonicalUser\"><ID>me</ID>", "FULL_CONTROL");
    let others: String = others
        .iter()
        .map(|grantee| grant(grantee, "READ"))
        .collect();
    text(format!(
        "<AccessControlPolicy><Owner><ID>me</ID></Owner><AccessControlList>{own}{others}</\
         AccessControlList></AccessControlPolicy>"
    ))
}

fn head() -> ScriptedAnswer {
    empty().header("x-amz-bucket-region", "eu-west-1")
}

fn there(script: ScriptedServer) -> ScriptedServer {
    script
        .always("HEAD", head())
        .always("GET ?tagging", tagging(&tags()))
        .always("GET ?ownershipControls", ownership(ENFORCED))
}

#[tokio::test]
async fn a_bucket_that_is_there_is_seen_with_its_owner() {
    let script = there(ScriptedServer::new());
    let found = look(&script, &bucket()).await.unwrap().unwrap();
    assert_eq!(
        found,
        ObservedResource {
            spec: bucket(),
            output: Some(NAME.to_owned()),
            owner: ResourceOwner::Us
        }
    );
    assert_snapshot!(script.sent(), @"
    HEAD https://acme-tfstate-dev.s3.eu-west-1.amazonaws.com/
    x-amz-expected-bucket-owner: 111122223333
    GET https://acme-tfstate-dev.s3.eu-west-1.amazonaws.com/?tagging
    x-amz-expected-bucket-owner: 111122223333
    GET https://acme-tfstate-dev.s3.eu-west-1.amazonaws.com/?ownershipControls
    x-amz-expected-bucket-owner: 111122223333
    ");

    let script = there(ScriptedServer::new())
        .on("GET ?tagging", tagging(&their_tags()))
        .on("GET ?ownershipControls", ownership("ObjectWriter"))
        .on("GET ?acl", acl(&[]));
    let found = look(&script, &bucket()).await.unwrap().unwrap();
    let spec = BucketSpec {
        tags: their_tags(),
        ownership: "ObjectWriter".to_owned(),
        ..bucket()
    };
    assert_eq!(
        found,
        ObservedResource {
            spec,
            output: Some(NAME.to_owned()),
            owner: ResourceOwner::Unmanaged
        }
    );
}

#[tokio::test]
async fn a_bucket_without_tags_and_ownership_is_there_and_not_ours() {
    let script = there(ScriptedServer::new())
        .on("GET ?tagging", error(404, "NoSuchTagSet"))
        .on(
            "GET ?ownershipControls",
            error(404, "OwnershipControlsNotFoundError"),
        )
        .on("GET ?acl", acl(&[]));
    let found = look(&script, &bucket()).await.unwrap().unwrap();
    let spec = BucketSpec {
        tags: Tags::new(),
        ownership: "not set".to_owned(),
        ..bucket()
    };
    assert_eq!((found.spec, found.owner), (spec, ResourceOwner::Unmanaged));
}

#[tokio::test]
async fn a_list_that_lets_in_others_blocks_what_would_turn_it_off() {
    let others = [
        "xsi:type=\"Group\"><URI>http://acs.amazonaws.com/groups/s3/LogDelivery</URI>",
        "xsi:type=\"CanonicalUser\"><ID>them</ID>",
    ];
    let script = there(ScriptedServer::new())
        .on("GET ?ownershipControls", ownership("ObjectWriter"))
        .on("GET ?acl", acl(&others));
    let found = look(&script, &bucket()).await.unwrap().unwrap().spec;
    assert_eq!(
        found.grants,
        [
            "READ to the group LogDelivery",
            "READ to the account with the canonical ID them"
        ]
    );
    let why = bucket().blocked_by(&found).unwrap();
    assert!(
        why.contains("READ to the group LogDelivery")
            && why.contains("--bucket acme-tfstate-dev --acl private`"),
        "{why}"
    );
    assert!(
        !serde_json::to_string(&bucket().merge_onto(&found))
            .unwrap()
            .contains("grants")
    );

    let script = there(ScriptedServer::new())
        .on("GET ?ownershipControls", ownership("ObjectWriter"))
        .on("GET ?acl", acl(&[]));
    let found = look(&script, &bucket()).await.unwrap().unwrap().spec;
    assert_eq!(
        (bucket().blocked_by(&found), bucket().merge_onto(&found)),
        (None, bucket())
    );
    let script = there(ScriptedServer::new())
        .on("GET ?ownershipControls", ownership("ObjectWriter"))
        .on("GET ?acl", error(403, "AccessDenied"));
    assert_eq!(
        look(&script, &bucket()).await.unwrap_err().api.action,
        "s3:GetBucketAcl"
    );
}

#[tokio::test]
async fn only_a_404_of_the_bucket_itself_is_absence() {
    let others = |script: ScriptedServer| {
        script
            .always("GET ?tagging", error(404, NO_BUCKET))
            .always("GET ?ownershipControls", error(404, NO_BUCKET))
    };
    let script = others(ScriptedServer::new().on("HEAD", error(404, "")));
    assert_eq!(look(&script, &bucket()).await.unwrap(), None);
    for (status, kind) in [
        (403, ServiceErrorKind::Denied),
        (500, ServiceErrorKind::Server),
        (400, ServiceErrorKind::Refused),
    ] {
        let script = others(ScriptedServer::new().always("HEAD", error(status, "")));
        assert_eq!(look(&script, &bucket()).await.unwrap_err().kind, kind);
    }
    absent_only_by(&bucket(), "GET ?tagging", &[NO_BUCKET], |script| {
        script
            .always("HEAD", head())
            .always("GET ?ownershipControls", ownership(ENFORCED))
    })
    .await;
    absent_only_by(
        &bucket(),
        "GET ?ownershipControls",
        &[NO_BUCKET],
        |script| {
            script
                .always("HEAD", head())
                .always("GET ?tagging", tagging(&tags()))
        },
    )
    .await;
}

#[tokio::test]
async fn a_bucket_of_another_account_is_denied_wherever_it_is() {
    let script = ScriptedServer::new()
        .on(
            "HEAD",
            error(403, "").header("x-amz-bucket-region", "us-west-2"),
        )
        .always("GET ?tagging", error(403, "AccessDenied"))
        .always("GET ?ownershipControls", error(403, "AccessDenied"));
    assert_eq!(
        look(&script, &bucket()).await.unwrap_err().kind,
        ServiceErrorKind::Denied
    );
}

#[tokio::test]
async fn a_bucket_in_another_region_is_seen_there_and_blocks() {
    let wrong = |script: ScriptedServer| {
        script
            .always("GET ?tagging", error(301, "PermanentRedirect"))
            .always("GET ?ownershipControls", error(301, "PermanentRedirect"))
    };
    for script in [
        wrong(ScriptedServer::new()).on(
            "HEAD",
            error(301, "").header("x-amz-bucket-region", "us-west-2"),
        ),
        wrong(ScriptedServer::new()).on(
            "HEAD",
            error(400, "").header("x-amz-bucket-region", "us-west-2"),
        ),
        wrong(ScriptedServer::new()).on("HEAD", empty().header("x-amz-bucket-region", "us-west-2")),
    ] {
        let found = look(&script, &bucket()).await.unwrap().unwrap();
        assert_eq!(found.spec.region, "us-west-2");
        assert_eq!(
            bucket().blocked_by(&found.spec).unwrap(),
            "bucket acme-tfstate-dev exists in region us-west-2, not in eu-west-1; pass --region \
             us-west-2"
        );
    }
    assert_eq!(bucket().blocked_by(&bucket()), None);
}

#[tokio::test]
async fn a_bucket_is_made_with_tags_and_ownership_in_one_call() {
    let script = ScriptedServer::new().on("PUT", empty());
    assert_eq!(
        bucket()
            .write(&script.aws(), None)
            .await
            .unwrap()
            .as_deref(),
        Some(NAME)
    );
    assert_snapshot!(script.sent(), @"
    PUT https://acme-tfstate-dev.s3.eu-west-1.amazonaws.com/
    x-amz-object-ownership: BucketOwnerEnforced
    <CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint><Tags><Tag><Key>ManagedBy</Key><Value>tfbackend</Value></Tag><Tag><Key>tfbackend:env</Key><Value>dev</Value></Tag><Tag><Key>tfbackend:project</Key><Value>acme</Value></Tag><Tag><Key>tfbackend:protected</Key><Value>true</Value></Tag><Tag><Key>tfbackend:version</Key><Value>1</Value></Tag></Tags></CreateBucketConfiguration>
    ");

    // The default region must not be named, and other partitions have hosts of their own.
    let script = ScriptedServer::new().on("PUT", empty());
    let spec = BucketSpec {
        region: DEFAULT_REGION.to_owned(),
        account_regional: true,
        tags: Tags::new(),
        ..bucket()
    };
    spec.write(&script.aws_in("aws", DEFAULT_REGION), None)
        .await
        .unwrap();
    assert_snapshot!(script.sent(), @"
    PUT https://acme-tfstate-dev.s3.us-east-1.amazonaws.com/
    x-amz-bucket-namespace: account-regional
    x-amz-object-ownership: BucketOwnerEnforced
    <CreateBucketConfiguration><Tags></Tags></CreateBucketConfiguration>
    ");
    let script = ScriptedServer::new().on("PUT", empty());
    let spec = BucketSpec {
        region: "cn-north-1".to_owned(),
        tags: Tags::new(),
        ..bucket()
    };
    spec.write(&script.aws_in("aws-cn", "cn-north-1"), None)
        .await
        .unwrap();
    assert_snapshot!(script.sent(), @"
    PUT https://acme-tfstate-dev.s3.cn-north-1.amazonaws.com.cn/
    x-amz-object-ownership: BucketOwnerEnforced
    <CreateBucketConfiguration><LocationConstraint>cn-north-1</LocationConstraint><Tags></Tags></CreateBucketConfiguration>
    ");
}

#[tokio::test]
async fn a_bucket_that_exists_by_now_is_success_if_it_is_ours() {
    let taken = || ScriptedServer::new().on("PUT", error(409, "BucketAlreadyOwnedByYou"));
    bucket()
        .write(&taken().on("GET ?tagging", tagging(&tags())).aws(), None)
        .await
        .unwrap();
    for tags in [their_tags(), Tags::new()] {
        let error = bucket()
            .write(&taken().on("GET ?tagging", tagging(&tags)).aws(), None)
            .await
            .unwrap_err();
        assert!(error.is(&["BucketAlreadyOwnedByYou"]), "{error}");
    }
    let error = bucket()
        .write(
            &ScriptedServer::new()
                .on("PUT", error(409, "BucketAlreadyExists"))
                .aws(),
            None,
        )
        .await
        .unwrap_err();
    assert!(
        error.is(&["BucketAlreadyExists"]),
        "of another account: {error}"
    );
}

#[tokio::test]
async fn an_update_sends_only_what_differs_and_keeps_the_tags_of_others() {
    let theirs = BucketSpec {
        tags: their_tags(),
        ..bucket()
    };
    let to = bucket().merge_onto(&theirs);
    assert_eq!(to.tags, both_tags());
    let script = ScriptedServer::new().on("PUT ?tagging", empty());
    to.write(&script.aws(), Some(&theirs)).await.unwrap();
    assert_snapshot!(script.sent(), @"
    PUT https://acme-tfstate-dev.s3.eu-west-1.amazonaws.com/?tagging
    x-amz-expected-bucket-owner: 111122223333
    <Tagging><TagSet><Tag><Key>ManagedBy</Key><Value>tfbackend</Value></Tag><Tag><Key>team</Key><Value>platform</Value></Tag><Tag><Key>tfbackend:env</Key><Value>dev</Value></Tag><Tag><Key>tfbackend:project</Key><Value>acme</Value></Tag><Tag><Key>tfbackend:protected</Key><Value>true</Value></Tag><Tag><Key>tfbackend:version</Key><Value>1</Value></Tag></TagSet></Tagging>
    ");

    let script = ScriptedServer::new().on("PUT ?ownershipControls", empty());
    bucket()
        .write(
            &script.aws(),
            Some(&BucketSpec {
                ownership: "ObjectWriter".to_owned(),
                ..bucket()
            }),
        )
        .await
        .unwrap();
    assert_snapshot!(script.sent(), @"
    PUT https://acme-tfstate-dev.s3.eu-west-1.amazonaws.com/?ownershipControls
    x-amz-expected-bucket-owner: 111122223333
    <OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>
    ");

    let script = ScriptedServer::new();
    bucket()
        .write(&script.aws(), Some(&bucket()))
        .await
        .unwrap();
    assert_eq!(script.sent(), "");
}

#[tokio::test]
async fn what_overlaps_or_is_not_seen_yet_is_tried_again() {
    retried_on(&bucket(), None, "PUT", &["OperationAborted"], |script| {
        script.always("PUT", empty())
    })
    .await;
    let from = BucketSpec {
        tags: Tags::new(),
        ..bucket()
    };
    retried_on(
        &bucket(),
        Some(&from),
        "PUT ?tagging",
        &["OperationAborted", NO_BUCKET],
        |script| {
            script
                .always("PUT ?tagging", empty())
                .always("GET ?abac", error(404, "NoSuchBucket"))
        },
    )
    .await;
    let from = BucketSpec {
        ownership: "ObjectWriter".to_owned(),
        ..bucket()
    };
    retried_on(
        &bucket(),
        Some(&from),
        "PUT ?ownershipControls",
        &["OperationAborted", NO_BUCKET],
        |script| script.always("PUT ?ownershipControls", empty()),
    )
    .await;
}

/// Every call on a bucket that is there says whose it must be.
#[tokio::test]
async fn every_call_but_the_creation_carries_the_expected_owner() {
    let script = there(ScriptedServer::new());
    look(&script, &bucket()).await.unwrap();
    let sent = script.sent();
    assert_eq!(
        sent.matches(&format!("x-amz-expected-bucket-owner: {ACCOUNT}"))
            .count(),
        script.operations().len(),
        "{sent}"
    );
}

/// An empty one: S3 refuses to delete any other, and so does this.
#[tokio::test]
async fn delete() {
    let script = ScriptedServer::new()
        .on("DELETE", error(409, "OperationAborted"))
        .on("DELETE", empty());
    bucket().delete(&script.aws()).await.unwrap();
    let call = "DELETE https://acme-tfstate-dev.s3.eu-west-1.amazonaws.com/\nx-amz-expected-bucket-owner: 111122223333";
    assert_eq!(script.sent(), [call, call].join("\n"));
    gone_only_by(&bucket(), "DELETE", &["NoSuchBucket"], |script| script).await;

    let script = ScriptedServer::new().on("DELETE", error(409, "BucketNotEmpty"));
    assert!(
        bucket()
            .delete(&script.aws())
            .await
            .unwrap_err()
            .is(&["BucketNotEmpty"])
    );
}
