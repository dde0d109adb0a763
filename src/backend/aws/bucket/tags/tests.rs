//! Tags where the ordinary way to set them is refused: in some partitions, and on buckets with
//! attribute-based access control.

use super::*;
use crate::{
    backend::aws::{
        bucket::{BucketSpec, ENFORCED, tests::tagging},
        resource::AwsResource,
        testing::{
            ACCOUNT, ScriptedAnswer, ScriptedServer, empty, error, look_in, tags, text, their_tags,
        },
    },
    engine::observation::ResourceOwner,
};

const EUSC: (&str, &str) = ("aws-eusc", "eusc-de-east-1");
const LIST: &str = "GET ?list-type=2&max-keys=1";

fn bucket() -> BucketSpec {
    BucketSpec {
        name: format!("acme-tfstate-dev-{ACCOUNT}-{}", EUSC.1),
        region: EUSC.1.to_owned(),
        account_regional: false,
        ownership: ENFORCED.to_owned(),
        grants: vec![],
        tags: tags(),
    }
}

fn untouched(script: ScriptedServer) -> ScriptedServer {
    script
        .always("GET ?tagging", error(404, "NoSuchTagSet"))
        .always(
            "GET ?versioning",
            text("<VersioningConfiguration></VersioningConfiguration>"),
        )
        .always("GET ?policy", error(404, "NoSuchBucketPolicy"))
        .always(
            LIST,
            text("<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>"),
        )
}

#[tokio::test]
async fn a_creation_that_is_refused_for_its_tags_is_made_without_and_tagged_at_once() {
    for code in REFUSED {
        let script = ScriptedServer::new()
            .on("PUT", error(400, code))
            .on("PUT", empty())
            .on("PUT ?tagging", empty());
        bucket()
            .write(&script.aws_in(EUSC.0, EUSC.1), None)
            .await
            .unwrap();
        let sent = script.sent();
        assert_eq!(
            script.operations(),
            ["PUT", "PUT", "PUT ?tagging"],
            "{code}"
        );
        assert_eq!(
            (
                sent.matches("<Tags>").count(),
                sent.matches("<LocationConstraint>eusc-de-east-1").count()
            ),
            (1, 2),
            "{sent}"
        );
        assert!(
            sent.contains("<TagSet><Tag><Key>ManagedBy</Key><Value>tfbackend</Value></Tag>"),
            "{sent}"
        );
    }
    // S3 takes no empty configuration, and the default region must not be named.
    let script = ScriptedServer::new()
        .on("PUT", error(400, "UnsupportedArgument"))
        .on("PUT", empty())
        .on("PUT ?tagging", empty());
    BucketSpec {
        region: "us-east-1".to_owned(),
        ..bucket()
    }
    .write(&script.aws_in("aws", "us-east-1"), None)
    .await
    .unwrap();
    assert_eq!(
        script.sent().matches("CreateBucketConfiguration").count(),
        2,
        "one element, in the first call: {}",
        script.sent()
    );
    // Anything else is refused for another reason.
    let script = ScriptedServer::new().on("PUT", error(400, "InvalidBucketName"));
    assert!(
        bucket()
            .write(&script.aws_in(EUSC.0, EUSC.1), None)
            .await
            .unwrap_err()
            .is(&["InvalidBucketName"])
    );
}

/// The answer to the second creation was lost, and the SDK has made it once more.
#[tokio::test]
async fn a_bucket_that_was_made_without_tags_is_tagged() {
    let taken = || {
        ScriptedServer::new()
            .on("PUT", error(400, "UnsupportedArgument"))
            .on("PUT", error(409, "BucketAlreadyOwnedByYou"))
    };
    let script = untouched(taken()).on("PUT ?tagging", empty());
    bucket()
        .write(&script.aws_in(EUSC.0, EUSC.1), None)
        .await
        .unwrap();
    script.sent();
    let script = untouched(taken()).on("GET ?tagging", tagging(&their_tags()));
    assert!(
        bucket()
            .write(&script.aws_in(EUSC.0, EUSC.1), None)
            .await
            .unwrap_err()
            .is(&["BucketAlreadyOwnedByYou"])
    );
}

/// Cut off between the creation and the tags.
#[tokio::test]
async fn a_bucket_that_was_left_without_tags_is_found_again() {
    let there = |script: ScriptedServer| {
        let rule = format!(
            "<OwnershipControls><Rule><ObjectOwnership>{ENFORCED}</ObjectOwnership></Rule></\
             OwnershipControls>"
        );
        untouched(script)
            .always("HEAD", empty().header("x-amz-bucket-region", EUSC.1))
            .always("GET ?ownershipControls", text(rule))
    };
    let owner = async |script: ScriptedServer, bucket: &BucketSpec, partition: &str| {
        let found = look_in(&script, bucket, partition, EUSC.1)
            .await
            .unwrap()
            .unwrap();
        assert!(found.spec.tags.is_empty());
        found.owner
    };
    assert_eq!(
        owner(there(ScriptedServer::new()), &bucket(), EUSC.0).await,
        ResourceOwner::Us
    );
    let chosen = BucketSpec {
        name: "chosen-by-the-user".to_owned(),
        ..bucket()
    };
    assert_eq!(
        owner(there(ScriptedServer::new()), &chosen, EUSC.0).await,
        ResourceOwner::Unmanaged,
        "not a name that is derived"
    );
    assert_eq!(
        owner(there(ScriptedServer::new()), &bucket(), "aws").await,
        ResourceOwner::Unmanaged,
        "tags come with the creation there"
    );
    let used: [(&str, ScriptedAnswer); 4] = [
        (
            "GET ?versioning",
            text("<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"),
        ),
        (
            "GET ?policy",
            text(r#"{"Version":"2012-10-17","Statement":[]}"#),
        ),
        (
            LIST,
            text("<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>"),
        ),
        (LIST, error(403, "AccessDenied")),
    ];
    for (operation, answer) in used {
        assert_eq!(
            owner(
                there(ScriptedServer::new()).on(operation, answer),
                &bucket(),
                EUSC.0
            )
            .await,
            ResourceOwner::Unmanaged,
            "{operation}"
        );
    }
}

#[tokio::test]
async fn a_bucket_with_attribute_based_access_control_is_tagged_by_way_of_s3_control() {
    let abac = |status: &str| {
        text(format!(
            "<AbacStatus><Status>{status}</Status></AbacStatus>"
        ))
    };
    for (status, code) in [
        (400, "InvalidRequest"),
        (405, "MethodNotAllowed"),
        (403, "AccessDenied"),
    ] {
        let script = ScriptedServer::new()
            .on("PUT ?tagging", error(status, code))
            .on("GET ?abac", abac("Enabled"))
            .always("POST", empty());
        put(&script.aws(), "acme", &tags()).await.unwrap();
        let sent = script.sent();
        assert!(
            sent.contains("<Key>ManagedBy</Key><Value>tfbackend</Value>") && sent.contains("acme"),
            "{sent}"
        );
        assert_eq!(
            script.operations(),
            ["PUT ?tagging", "GET ?abac", "POST"],
            "{sent}"
        );

        for says in [
            abac("Disabled"),
            error(403, "AccessDenied"),
            error(405, "MethodNotAllowed"),
        ] {
            let script = ScriptedServer::new()
                .on("PUT ?tagging", error(status, code))
                .on("GET ?abac", says);
            let refused = put(&script.aws(), "acme", &tags()).await.unwrap_err();
            assert_eq!(
                (refused.code.as_deref(), refused.api.operation),
                (Some(code), "s3:PutBucketTagging")
            );
        }
    }
}
