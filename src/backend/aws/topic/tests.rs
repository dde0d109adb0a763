//! The topic: made with its key and policy, its policy shared with others.

use insta::assert_snapshot;

use super::*;
use crate::{
    backend::aws::{
        policy::Statement,
        testing::{
            KEY_ARN, ScriptedAnswer, ScriptedServer, absent_only_by, both_tags, empty, error,
            gone_only_by, look, tags, text, their_tags, xml_tags,
        },
    },
    engine::observation::ResourceOwner,
};

const ARN: &str = "arn:aws:sns:eu-west-1:111122223333:alarms";

fn topic() -> AlarmTopic {
    let alarms = Statement::allow("Alarms")
        .service("cloudwatch.amazonaws.com")
        .actions(&["sns:Publish"])
        .on([ARN.to_owned()]);
    AlarmTopic {
        name: "alarms".to_owned(),
        key: Some(KEY_ARN.to_owned()),
        policy: PolicyDocument::new(vec![alarms]),
        tags: tags(),
    }
}

fn attributes(topic: &AlarmTopic) -> ScriptedAnswer {
    let entry = |key: &str, value: &str| {
        format!(
            "<entry><key>{key}</key><value>{}</value></entry>",
            value.replace('"', "&quot;")
        )
    };
    let key = topic
        .key
        .as_ref()
        .map(|key| entry(KEY, key))
        .unwrap_or_default();
    text(format!(
        "<Attributes>{}{}{key}</Attributes>",
        entry("TopicArn", ARN),
        entry(POLICY, &topic.policy.to_json())
    ))
}

fn tagged(tags: &Tags) -> ScriptedAnswer {
    text(format!("<Tags>{}</Tags>", xml_tags("member", tags)))
}

#[tokio::test]
async fn present() {
    let script = ScriptedServer::new()
        .on("GetTopicAttributes", attributes(&topic()))
        .on("ListTagsForResource", tagged(&tags()));
    let found = look(&script, &topic()).await.unwrap().unwrap();
    assert_eq!(
        found,
        ObservedResource {
            spec: topic(),
            output: Some(ARN.to_owned()),
            owner: ResourceOwner::Us
        }
    );
    assert_snapshot!(script.sent(), @"
    GetTopicAttributes
      TopicArn=arn:aws:sns:eu-west-1:111122223333:alarms
    ListTagsForResource
      ResourceArn=arn:aws:sns:eu-west-1:111122223333:alarms
    ");
    let open = AlarmTopic {
        key: Some(String::new()),
        ..topic()
    };
    let script = ScriptedServer::new()
        .on("GetTopicAttributes", attributes(&open))
        .on("ListTagsForResource", tagged(&their_tags()));
    let found = look(&script, &topic()).await.unwrap().unwrap();
    assert_eq!(
        (found.spec.key, found.owner),
        (None, ResourceOwner::Unmanaged)
    );
}

#[tokio::test]
async fn absent() {
    absent_only_by(&topic(), "GetTopicAttributes", ABSENT, |script| {
        script.always("ListTagsForResource", error(403, "AuthorizationError"))
    })
    .await;
    absent_only_by(&topic(), "ListTagsForResource", ABSENT, |script| {
        script.always("GetTopicAttributes", attributes(&topic()))
    })
    .await;
    let script = ScriptedServer::new()
        .on(
            "GetTopicAttributes",
            text("<Attributes><entry><key>Policy</key><value>no</value></entry></Attributes>"),
        )
        .on("ListTagsForResource", tagged(&tags()));
    assert!(
        look(&script, &topic())
            .await
            .unwrap_err()
            .to_string()
            .contains("invalid policy")
    );
}

#[tokio::test]
async fn it_is_made_in_one_call() {
    let script =
        ScriptedServer::new().on("CreateTopic", text(format!("<TopicArn>{ARN}</TopicArn>")));
    assert_eq!(
        topic().write(&script.aws(), None).await.unwrap().as_deref(),
        Some(ARN)
    );
    assert_snapshot!(script.sent(), @r#"
    CreateTopic
      Name=alarms
      Tags.member.1.Key=ManagedBy
      Tags.member.1.Value=tfbackend
      Tags.member.2.Key=tfbackend:env
      Tags.member.2.Value=dev
      Tags.member.3.Key=tfbackend:project
      Tags.member.3.Value=acme
      Tags.member.4.Key=tfbackend:protected
      Tags.member.4.Value=true
      Tags.member.5.Key=tfbackend:version
      Tags.member.5.Value=1
      Attributes[KmsMasterKeyId]=arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab
      Attributes[Policy]={"Version":"2012-10-17","Statement":[{"Sid":"TfbackendAlarms","Effect":"Allow","Principal":{"Service":"cloudwatch.amazonaws.com"},"Action":"sns:Publish","Resource":"arn:aws:sns:eu-west-1:111122223333:alarms"}]}
    "#);
    // With other tags or settings, a topic of this name belongs to another owner, which SNS
    // reports.
    let script = ScriptedServer::new().on("CreateTopic", error(400, "InvalidParameter"));
    assert!(
        topic()
            .write(&script.aws(), None)
            .await
            .unwrap_err()
            .is(&["InvalidParameter"])
    );
    let script = ScriptedServer::new().on("CreateTopic", empty());
    let arn = topic()
        .write(&script.aws_in("aws-cn", "cn-north-1"), None)
        .await
        .unwrap();
    assert_eq!(
        arn.as_deref(),
        Some("arn:aws-cn:sns:cn-north-1:111122223333:alarms")
    );
}

#[tokio::test]
async fn an_update_sends_only_what_differs_and_keeps_what_others_wrote() {
    let theirs = Statement {
        sid: Some("__default_statement_ID".to_owned()),
        ..Statement::allow("").aws("*").actions(&["SNS:Receive"])
    };
    let observed = AlarmTopic {
        key: None,
        policy: PolicyDocument::new(vec![theirs.clone()]),
        tags: their_tags(),
        ..topic()
    };
    let to = topic().merge_onto(&observed);
    assert_eq!(to.tags, both_tags());
    assert_eq!(topic().merge_onto(&to), to);
    let script = ScriptedServer::new()
        .always("SetTopicAttributes", empty())
        .on("TagResource", empty());
    to.write(&script.aws(), Some(&observed)).await.unwrap();
    assert_snapshot!(script.sent(), @r#"
    SetTopicAttributes
      TopicArn=arn:aws:sns:eu-west-1:111122223333:alarms
      AttributeName=KmsMasterKeyId
      AttributeValue=arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab
    SetTopicAttributes
      TopicArn=arn:aws:sns:eu-west-1:111122223333:alarms
      AttributeName=Policy
      AttributeValue={"Version":"2012-10-17","Statement":[{"Sid":"__default_statement_ID","Effect":"Allow","Principal":{"AWS":"*"},"Action":"SNS:Receive"},{"Sid":"TfbackendAlarms","Effect":"Allow","Principal":{"Service":"cloudwatch.amazonaws.com"},"Action":"sns:Publish","Resource":"arn:aws:sns:eu-west-1:111122223333:alarms"}]}
    TagResource
      ResourceArn=arn:aws:sns:eu-west-1:111122223333:alarms
      Tags.member.1.Key=ManagedBy
      Tags.member.1.Value=tfbackend
      Tags.member.2.Key=tfbackend:env
      Tags.member.2.Value=dev
      Tags.member.3.Key=tfbackend:project
      Tags.member.3.Value=acme
      Tags.member.4.Key=tfbackend:protected
      Tags.member.4.Value=true
      Tags.member.5.Key=tfbackend:version
      Tags.member.5.Value=1
    "#);

    let script = ScriptedServer::new();
    topic().write(&script.aws(), Some(&topic())).await.unwrap();
    assert_eq!(script.sent(), "");
}

#[test]
fn a_key_that_is_there_is_not_taken_away() {
    let open = AlarmTopic {
        key: None,
        ..topic()
    };
    assert_eq!(open.merge_onto(&topic()).key, topic().key);
}

#[tokio::test]
async fn delete() {
    let script = ScriptedServer::new().on("DeleteTopic", empty());
    topic().delete(&script.aws()).await.unwrap();
    assert_eq!(script.sent(), format!("DeleteTopic\n  TopicArn={ARN}"));
    gone_only_by(&topic(), "DeleteTopic", ABSENT, |script| script).await;
}
