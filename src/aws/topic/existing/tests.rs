//! A topic that was brought along: there or not, told by those whom its policy lets, and never written.

use super::*;
use crate::aws::testing::{Answer, Script, absent_only_by, look, text};

const ARN: &str = "arn:aws:sns:eu-west-1:111122223333:theirs";
const S3: &str = "s3.amazonaws.com";

fn topic(publishers: &[&str]) -> ExistingTopic {
    ExistingTopic { arn: ARN.to_owned(), publishers: publishers.iter().map(|&name| name.to_owned()).collect() }
}

fn with_policy(policy: &str) -> Answer {
    let policy = policy.replace('"', "&quot;");
    text(format!("<Attributes><entry><key>Policy</key><value>{policy}</value></entry></Attributes>"))
}

#[tokio::test]
async fn present_absent_and_never_written() {
    let script = Script::new().on("GetTopicAttributes", text("<Attributes></Attributes>"));
    let found = look(&script, &topic(&[])).await.unwrap().unwrap();
    assert_eq!(found, Found { spec: topic(&[]), output: Some(ARN.to_owned()), owner: Owner::Unmanaged });
    assert_eq!(script.sent(), format!("GetTopicAttributes\n  TopicArn={ARN}"));
    absent_only_by(&topic(&[S3]), "GetTopicAttributes", super::super::ABSENT, |script| script).await;
    assert!(topic(&[]).reference().unwrap().contains(ARN));
    let script = Script::new();
    topic(&[]).write(&script.aws(), None).await.unwrap_err();
    assert_eq!(script.sent(), "");
}

#[tokio::test]
async fn who_may_publish_is_what_its_policy_says() {
    let policies = [
        (r#"{"Statement":{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"SNS:Publish","Resource":"*"}}"#, true),
        (r#"{"Statement":[{"Effect":"Allow","Principal":{"Service":["s3.amazonaws.com"]},"Action":"sns:*","Resource":"*"}]}"#, true),
        (r#"{"Statement":[{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"sns:Subscribe","Resource":"*"}]}"#, false),
        (r#"{"Statement":[{"Effect":"Deny","Principal":{"Service":"s3.amazonaws.com"},"Action":"sns:Publish","Resource":"*"}]}"#, false),
        // The policy that SNS gives a topic: the account's own principals, of which S3 is none.
        (
            r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":["SNS:Publish"],"Resource":"*","Condition":{"StringEquals":{"AWS:SourceOwner":"111122223333"}}}]}"#,
            false,
        ),
    ];
    for (policy, allowed) in policies {
        let script = Script::new().on("GetTopicAttributes", with_policy(policy));
        let found = look(&script, &topic(&[S3])).await.unwrap().unwrap();
        assert_eq!(topic(&[S3]).blocked_by(&found.spec).is_none(), allowed, "{policy}");
        assert_eq!(topic(&[]).blocked_by(&found.spec), None, "without events, nobody asks");
    }
    let why = topic(&[S3]).blocked_by(&topic(&[])).unwrap();
    assert!(why.contains(S3) && why.contains("sns:Publish") && why.contains("--delete-events=false"), "{why}");
}
