//! A topic that was brought along: there or not, and never written.

use super::*;
use crate::aws::testing::{Script, absent_only_by, look, text};

const ARN: &str = "arn:aws:sns:eu-west-1:111122223333:theirs";

fn topic() -> ExistingTopic {
    ExistingTopic { arn: ARN.to_owned() }
}

#[tokio::test]
async fn present_absent_and_never_written() {
    let script = Script::new().on("GetTopicAttributes", text("<Attributes></Attributes>"));
    let found = look(&script, &topic()).await.unwrap().unwrap();
    assert_eq!(found, Found { spec: topic(), output: Some(ARN.to_owned()), owner: Owner::Unmanaged });
    assert_eq!(script.sent(), format!("GetTopicAttributes\n  TopicArn={ARN}"));
    absent_only_by(&topic(), "GetTopicAttributes", super::super::ABSENT, |script| script).await;
    assert!(topic().reference().unwrap().contains(ARN));
    let script = Script::new();
    topic().write(&script.aws(), None).await.unwrap_err();
    assert_eq!(script.sent(), "");
}
