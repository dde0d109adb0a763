//! The trail: made with all its settings, and only ever seen from its own region.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::*;
use crate::{
    backend::aws::testing::{
        KEY_ARN, ScriptedAnswer, ScriptedServer, absent_only_by, both_tags, data, empty, error,
        gone_only_by, json_tags, look, lost, retried_on, tags, their_tags,
    },
    engine::observation::ResourceOwner,
};

const ARN: &str = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/acme";

fn trail() -> TrailSpec {
    TrailSpec {
        name: "acme".to_owned(),
        bucket: "acme-logs".to_owned(),
        prefix: Some("cloudtrail".to_owned()),
        key: Some(KEY_ARN.to_owned()),
        multi_region: true,
        validation: true,
        tags: tags(),
        home: None,
    }
}

fn described(home: &str) -> Value {
    json!({"Trail": {
        "Name": "acme", "S3BucketName": "acme-logs", "S3KeyPrefix": "cloudtrail", "KmsKeyId": KEY_ARN, "IsMultiRegionTrail": true,
        "IncludeGlobalServiceEvents": true, "LogFileValidationEnabled": true, "HomeRegion": home, "TrailARN": ARN,
    }})
}

fn tagged(tags: &Tags) -> ScriptedAnswer {
    data(
        json!({ "ResourceTagList": [{ "ResourceId": ARN, "TagsList": json_tags("Key", "Value", tags) }] }),
    )
}

#[tokio::test]
async fn present() {
    let script = ScriptedServer::new()
        .on("GetTrail", data(described("eu-west-1")))
        .on("ListTags", tagged(&tags()));
    let found = look(&script, &trail()).await.unwrap().unwrap();
    assert_eq!(
        found,
        ObservedResource {
            spec: trail(),
            output: Some(ARN.to_owned()),
            owner: ResourceOwner::Us
        }
    );
    assert_snapshot!(script.sent(), @r#"
    GetTrail {"Name":"acme"}
    ListTags {"ResourceIdList":["arn:aws:cloudtrail:eu-west-1:111122223333:trail/acme"]}
    "#);

    let bare = json!({"Trail": { "Name": "acme", "S3BucketName": "old", "S3KeyPrefix": "", "KmsKeyId": "" }});
    let script = ScriptedServer::new()
        .on("GetTrail", data(bare))
        .on("ListTags", tagged(&Tags::new()));
    let found = look(&script, &trail()).await.unwrap().unwrap();
    let spec = TrailSpec {
        bucket: "old".to_owned(),
        prefix: None,
        key: None,
        multi_region: false,
        validation: false,
        tags: Tags::new(),
        ..trail()
    };
    assert_eq!((found.spec, found.owner), (spec, ResourceOwner::Unmanaged));
}

#[tokio::test]
async fn absent() {
    let elsewhere =
        || data(json!({ "trailList": [{ "Name": "others", "HomeRegion": "us-east-1" }] }));
    absent_only_by(&trail(), "GetTrail", ABSENT, |script| {
        script
            .always("ListTags", error(400, "ResourceNotFoundException"))
            .always("DescribeTrails", elsewhere())
    })
    .await;
    let codes = [
        "TrailNotFoundException",
        "ResourceNotFoundException",
        "CloudTrailARNInvalidException",
    ];
    absent_only_by(&trail(), "ListTags", &codes, |script| {
        script.always("GetTrail", data(described("eu-west-1")))
    })
    .await;
}

/// Its shadow cannot be changed, and a second of the name cannot be made.
#[tokio::test]
async fn a_trail_of_another_region_is_neither_ours_nor_absent() {
    let of_america = |found: ObservedResource<TrailSpec>| {
        assert_eq!(
            found.owner,
            ResourceOwner::Other("the region us-east-1".to_owned())
        );
        assert!(
            trail()
                .blocked_by(&found.spec)
                .unwrap()
                .contains("has the home region us-east-1")
        );
    };
    let no_tags = || error(400, "TrailNotFoundException");
    let script = ScriptedServer::new()
        .on("GetTrail", data(described("us-east-1")))
        .always("ListTags", no_tags());
    of_america(look(&script, &trail()).await.unwrap().unwrap());
    // By its name it is found in its home region only.
    let shadow = data(json!({ "trailList": [described("us-east-1")["Trail"]] }));
    let script = ScriptedServer::new()
        .on("GetTrail", no_tags())
        .always("ListTags", no_tags())
        .on("DescribeTrails", shadow);
    of_america(look(&script, &trail()).await.unwrap().unwrap());
}

#[tokio::test]
async fn it_is_made_in_one_call() {
    let script = ScriptedServer::new().on("CreateTrail", empty());
    assert_eq!(
        trail().write(&script.aws(), None).await.unwrap().as_deref(),
        Some(ARN)
    );
    assert_snapshot!(script.sent(), @r#"CreateTrail {"Name":"acme","S3BucketName":"acme-logs","S3KeyPrefix":"cloudtrail","IncludeGlobalServiceEvents":true,"IsMultiRegionTrail":true,"EnableLogFileValidation":true,"KmsKeyId":"arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab","TagsList":[{"Key":"ManagedBy","Value":"tfbackend"},{"Key":"tfbackend:env","Value":"dev"},{"Key":"tfbackend:project","Value":"acme"},{"Key":"tfbackend:protected","Value":"true"},{"Key":"tfbackend:version","Value":"1"}]}"#);
    let codes = [
        "InsufficientS3BucketPolicyException",
        "InsufficientEncryptionPolicyException",
        "S3BucketDoesNotExistException",
        "KmsKeyNotFoundException",
        "ConflictException",
    ];
    retried_on(&trail(), None, "CreateTrail", &codes, |script| {
        script.always("CreateTrail", empty())
    })
    .await;
    let script = ScriptedServer::new().on(
        "CreateTrail",
        error(400, "MaximumNumberOfTrailsExceededException"),
    );
    trail().write(&script.aws(), None).await.unwrap_err();
}

#[tokio::test]
async fn a_trail_that_exists_by_now_is_success_if_it_is_ours() {
    let taken = || {
        ScriptedServer::new()
            .on("CreateTrail", lost())
            .on("CreateTrail", error(400, "TrailAlreadyExistsException"))
    };
    trail()
        .write(&taken().on("ListTags", tagged(&tags())).aws(), None)
        .await
        .unwrap();
    for answer in [
        tagged(&their_tags()),
        tagged(&Tags::new()),
        error(400, "TrailNotFoundException"),
    ] {
        let error = trail()
            .write(&taken().on("ListTags", answer).aws(), None)
            .await
            .unwrap_err();
        assert!(error.is(&["TrailAlreadyExistsException"]), "{error}");
    }
}

#[tokio::test]
async fn an_update_sends_only_what_differs_and_keeps_the_tags_of_others() {
    let from = TrailSpec {
        validation: false,
        prefix: None,
        tags: their_tags(),
        ..trail()
    };
    let to = trail().merge_onto(&from);
    assert_eq!(to.tags, both_tags());
    let script = ScriptedServer::new()
        .on("UpdateTrail", empty())
        .on("AddTags", empty());
    to.write(&script.aws(), Some(&from)).await.unwrap();
    assert_snapshot!(script.sent(), @r#"
    UpdateTrail {"Name":"acme","S3BucketName":"acme-logs","S3KeyPrefix":"cloudtrail","IncludeGlobalServiceEvents":true,"IsMultiRegionTrail":true,"EnableLogFileValidation":true,"KmsKeyId":"arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"}
    AddTags {"ResourceId":"arn:aws:cloudtrail:eu-west-1:111122223333:trail/acme","TagsList":[{"Key":"ManagedBy","Value":"tfbackend"},{"Key":"tfbackend:env","Value":"dev"},{"Key":"tfbackend:project","Value":"acme"},{"Key":"tfbackend:protected","Value":"true"},{"Key":"tfbackend:version","Value":"1"}]}
    "#);
    let script = ScriptedServer::new();
    trail().write(&script.aws(), Some(&trail())).await.unwrap();
    assert_eq!(script.sent(), "");
    let from = TrailSpec {
        tags: Tags::new(),
        ..trail()
    };
    retried_on(
        &trail(),
        Some(&from),
        "AddTags",
        &["TrailNotFoundException"],
        |script| script.always("AddTags", empty()),
    )
    .await;
}

#[test]
fn a_key_that_is_there_is_not_taken_away() {
    let open = TrailSpec {
        key: None,
        ..trail()
    };
    assert_eq!(open.merge_onto(&trail()).key, trail().key);
}

/// It stops before it goes: nothing is delivered any more when its bucket goes.
#[tokio::test]
async fn delete() {
    let script = ScriptedServer::new()
        .on("StopLogging", empty())
        .on("DeleteTrail", error(400, "ConflictException"))
        .on("DeleteTrail", empty());
    trail().delete(&script.aws()).await.unwrap();
    assert_eq!(
        script.sent(),
        "StopLogging {\"Name\":\"acme\"}\nDeleteTrail {\"Name\":\"acme\"}\nDeleteTrail \
         {\"Name\":\"acme\"}"
    );
    gone_only_by(&trail(), "StopLogging", ABSENT, |script| script).await;
    gone_only_by(&trail(), "DeleteTrail", ABSENT, |script| {
        script.always("StopLogging", empty())
    })
    .await;

    let script = ScriptedServer::new().on("StopLogging", error(400, "AccessDeniedException"));
    trail().delete(&script.aws()).await.unwrap_err();
    assert_eq!(
        script.count("DeleteTrail"),
        0,
        "one that cannot be stopped is not deleted"
    );
}
