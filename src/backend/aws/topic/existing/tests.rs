//! A topic that was brought along: there or not, told by those whom its policy lets, and never
//! written.

use serde_json::{Value, json};

use super::*;
use crate::backend::aws::testing::{
    ScriptedAnswer, ScriptedServer, absent_only_by, data, error, look, text,
};

const ARN: &str = "arn:aws:sns:eu-west-1:111122223333:theirs";
const S3: &str = "s3.amazonaws.com";

fn topic(publishers: &[&str]) -> ExistingTopic {
    ExistingTopic::new(
        ARN.to_owned(),
        publishers.iter().map(|&name| name.to_owned()).collect(),
        vec![],
    )
}

fn with_policy(policy: &str) -> ScriptedAnswer {
    let policy = policy.replace('"', "&quot;");
    text(format!(
        "<Attributes><entry><key>Policy</key><value>{policy}</value></entry></Attributes>"
    ))
}

#[tokio::test]
async fn present_absent_and_never_written() {
    let script = ScriptedServer::new().on("GetTopicAttributes", text("<Attributes></Attributes>"));
    let found = look(&script, &topic(&[])).await.unwrap().unwrap();
    assert_eq!(
        found,
        ObservedResource {
            spec: topic(&[]),
            output: Some(ARN.to_owned()),
            owner: ResourceOwner::Unmanaged
        }
    );
    assert_eq!(
        script.sent(),
        format!("GetTopicAttributes\n  TopicArn={ARN}")
    );
    absent_only_by(
        &topic(&[S3]),
        "GetTopicAttributes",
        super::super::ABSENT,
        |script| script,
    )
    .await;
    assert!(topic(&[]).data_source().unwrap().contains(ARN));
    let script = ScriptedServer::new();
    topic(&[]).write(&script.aws(), None).await.unwrap_err();
    assert_eq!(script.sent(), "");
}

#[tokio::test]
async fn who_may_publish_is_what_its_policy_says() {
    let policies = [
        (
            r#"{"Statement":{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"SNS:Publish","Resource":"*"}}"#,
            true,
        ),
        (
            r#"{"Statement":[{"Effect":"Allow","Principal":{"Service":["s3.amazonaws.com"]},"Action":"sns:*","Resource":"*"}]}"#,
            true,
        ),
        (
            r#"{"Statement":[{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"sns:Subscribe","Resource":"*"}]}"#,
            false,
        ),
        (
            r#"{"Statement":[{"Effect":"Deny","Principal":{"Service":"s3.amazonaws.com"},"Action":"sns:Publish","Resource":"*"}]}"#,
            false,
        ),
        // The policy that SNS gives a topic: the account's own principals, of which S3 is none.
        (
            r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":["SNS:Publish"],"Resource":"*","Condition":{"StringEquals":{"AWS:SourceOwner":"111122223333"}}}]}"#,
            false,
        ),
    ];
    for (policy, allowed) in policies {
        let script = ScriptedServer::new().on("GetTopicAttributes", with_policy(policy));
        let found = look(&script, &topic(&[S3])).await.unwrap().unwrap();
        assert_eq!(
            topic(&[S3]).blocked_by(&found.spec).is_none(),
            allowed,
            "{policy}"
        );
        assert_eq!(
            topic(&[]).blocked_by(&found.spec),
            None,
            "without events, it is not checked"
        );
    }
    let why = topic(&[S3]).blocked_by(&topic(&[])).unwrap();
    assert!(
        why.contains(S3) && why.contains("sns:Publish") && why.contains("--delete-events=false"),
        "{why}"
    );
}

/// A key that those who publish may not use: SNS takes the message, and delivers nothing.
#[tokio::test]
async fn what_its_key_lets_through() {
    const OF_KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1";
    let desired = || {
        ExistingTopic::new(
            ARN.to_owned(),
            vec![],
            vec!["cloudwatch.amazonaws.com".to_owned(), S3.to_owned()],
        )
    };
    let with_key = |id: &str| {
        let attributes = format!(
            "<Attributes><entry><key>KmsMasterKeyId</key><value>{id}</value></entry></Attributes>"
        );
        ScriptedServer::new().on("GetTopicAttributes", text(attributes))
    };
    let why = async |script: ScriptedServer| {
        let found = look(&script, &desired()).await.unwrap().unwrap().spec;
        (
            desired().blocked_by(&found),
            desired().merge_onto(&found) == found,
        )
    };
    let managed = |manager: &str| {
        data(json!({"KeyMetadata": {"KeyId": "1", "Arn": OF_KEY, "KeyManager": manager}}))
    };
    let policy = |services: Value| {
        let statement = json!({"Effect": "Allow", "Principal": {"Service": services}, "Action": ["kms:GenerateDataKey*", "kms:Decrypt"], "Resource": "*"});
        data(
            json!({"Policy": json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()}),
        )
    };

    assert_eq!(
        why(ScriptedServer::new().on("GetTopicAttributes", text("<Attributes></Attributes>")))
            .await,
        (None, true)
    );
    let (of_sns, _) = why(with_key("alias/aws/sns")).await;
    assert!(
        of_sns.is_some_and(
            |why| why.contains("alias/aws/sns, which alarms and the bucket cannot use")
        )
    );
    let (of_aws, _) = why(with_key(OF_KEY).on("DescribeKey", managed("AWS"))).await;
    assert!(of_aws.is_some_and(|why| why.contains("an AWS managed key")));
    let (gone, _) = why(with_key(OF_KEY).on("DescribeKey", error(400, "NotFoundException"))).await;
    assert!(gone.is_some_and(|why| why.contains("does not exist")));

    let customer = || with_key(OF_KEY).on("DescribeKey", managed("CUSTOMER"));
    assert_eq!(
        why(customer().on(
            "GetKeyPolicy",
            policy(json!(["cloudwatch.amazonaws.com", S3]))
        ))
        .await,
        (None, true)
    );
    let (lacks, _) =
        why(customer().on("GetKeyPolicy", policy(json!("cloudwatch.amazonaws.com")))).await;
    let lacks = lacks.expect("refused");
    assert!(
        lacks.contains("does not allow s3.amazonaws.com to use it")
            && lacks.contains("kms:GenerateDataKey and kms:Decrypt"),
        "{lacks}"
    );
    // What cannot be told stops nothing.
    assert_eq!(
        why(with_key(OF_KEY).on("DescribeKey", error(400, "AccessDeniedException"))).await,
        (None, true)
    );
    assert_eq!(
        why(customer().on("GetKeyPolicy", error(400, "AccessDeniedException"))).await,
        (None, true)
    );
}
