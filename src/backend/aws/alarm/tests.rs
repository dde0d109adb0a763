//! An alarm: replaced as a whole with every write, so that all of it is read first.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::*;
use crate::{
    backend::aws::testing::{
        REGION, ScriptedAnswer, ScriptedServer, absent_only_by, both_tags, data, empty,
        gone_only_by, json_tags, look, tags, their_tags,
    },
    engine::observation::ResourceOwner,
};

const ARN: &str = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:acme-lock-throttles";
const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:alarms";

fn alarm() -> Alarm {
    let common = catalogue::AlarmDefaults {
        prefix: "acme-".to_owned(),
        topic: TOPIC.to_owned(),
        tags: tags(),
    };
    Alarm {
        threshold: 0.5,
        ..common.lock_throttles("locks")
    }
}

fn described(alarms: &Value) -> ScriptedAnswer {
    data(json!({ "MetricAlarms": alarms }))
}

fn tagged(tags: &Tags) -> ScriptedAnswer {
    data(json!({ "Tags": json_tags("Key", "Value", tags) }))
}

/// CloudWatch returns what was sent.
async fn as_described(alarm: &Alarm) -> Value {
    let script = ScriptedServer::new().on("PutMetricAlarm", empty());
    alarm.write(&script.aws(), None).await.unwrap();
    let mut value: Value =
        serde_json::from_str(script.sent().strip_prefix("PutMetricAlarm ").unwrap()).unwrap();
    value.as_object_mut().unwrap().remove("Tags");
    value
}

#[tokio::test]
async fn it_is_made_in_one_call_and_seen_as_made() {
    let script = ScriptedServer::new().on("PutMetricAlarm", empty());
    assert_eq!(
        alarm().write(&script.aws(), None).await.unwrap().as_deref(),
        Some(ARN)
    );
    assert_snapshot!(script.sent(), @r#"PutMetricAlarm {"AlarmName":"acme-lock-throttles","AlarmDescription":"The lock table is throttled","ActionsEnabled":true,"AlarmActions":["arn:aws:sns:eu-west-1:111122223333:alarms"],"EvaluationPeriods":1,"Threshold":0.5,"ComparisonOperator":"GreaterThanThreshold","TreatMissingData":"notBreaching","Metrics":[{"Id":"m1","MetricStat":{"Metric":{"Namespace":"AWS/DynamoDB","MetricName":"ThrottledRequests","Dimensions":[{"Name":"Operation","Value":"PutItem"},{"Name":"TableName","Value":"locks"}]},"Period":300,"Stat":"Sum"},"ReturnData":false},{"Id":"m2","MetricStat":{"Metric":{"Namespace":"AWS/DynamoDB","MetricName":"ThrottledRequests","Dimensions":[{"Name":"Operation","Value":"GetItem"},{"Name":"TableName","Value":"locks"}]},"Period":300,"Stat":"Sum"},"ReturnData":false},{"Id":"m3","MetricStat":{"Metric":{"Namespace":"AWS/DynamoDB","MetricName":"ThrottledRequests","Dimensions":[{"Name":"Operation","Value":"DeleteItem"},{"Name":"TableName","Value":"locks"}]},"Period":300,"Stat":"Sum"},"ReturnData":false},{"Id":"e1","Expression":"FILL(m1, 0) + FILL(m2, 0) + FILL(m3, 0)","ReturnData":true}],"Tags":[{"Key":"ManagedBy","Value":"tfbackend"},{"Key":"tfbackend:env","Value":"dev"},{"Key":"tfbackend:project","Value":"acme"},{"Key":"tfbackend:protected","Value":"true"},{"Key":"tfbackend:version","Value":"1"}]}"#);

    let script = ScriptedServer::new()
        .on(
            "DescribeAlarms",
            described(&json!([as_described(&alarm()).await])),
        )
        .on("ListTagsForResource", tagged(&tags()));
    let found = look(&script, &alarm()).await.unwrap().unwrap();
    assert_eq!(
        found,
        ObservedResource {
            spec: alarm(),
            output: Some(ARN.to_owned()),
            owner: ResourceOwner::Us
        }
    );
    assert_snapshot!(script.sent(), @r#"
    DescribeAlarms {"AlarmNames":["acme-lock-throttles"]}
    ListTagsForResource {"ResourceARN":"arn:aws:cloudwatch:eu-west-1:111122223333:alarm:acme-lock-throttles"}
    "#);
}

#[tokio::test]
async fn absent() {
    let script = || ScriptedServer::new().always("ListTagsForResource", tagged(&tags()));
    for others in [json!([]), json!([{"AlarmName": "acme-lock-throttles-2"}])] {
        assert_eq!(
            look(&script().on("DescribeAlarms", described(&others)), &alarm())
                .await
                .unwrap(),
            None
        );
    }
    absent_only_by(&alarm(), "DescribeAlarms", &[], |script| {
        script.always("ListTagsForResource", tagged(&tags()))
    })
    .await;
    let there = described(&json!([as_described(&alarm()).await]));
    absent_only_by(&alarm(), "ListTagsForResource", ABSENT, |script| {
        script.always("DescribeAlarms", there.clone())
    })
    .await;
}

/// As the console and most other tools make them: with the metric in the alarm itself.
#[tokio::test]
async fn an_alarm_without_queries_is_understood() {
    let plain = json!([{
        "AlarmName": "acme-lock-throttles", "MetricName": "ThrottledRequests", "Namespace": "AWS/DynamoDB", "Statistic": "Sum",
        "Dimensions": [{"Name": "TableName", "Value": "locks"}], "Period": 60, "EvaluationPeriods": 2, "Threshold": 3.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold", "ActionsEnabled": false,
    }]);
    let script = ScriptedServer::new()
        .on("DescribeAlarms", described(&plain))
        .on("ListTagsForResource", tagged(&Tags::new()));
    let found = look(&script, &alarm()).await.unwrap().unwrap();
    assert_eq!(found.owner, ResourceOwner::Unmanaged);
    let expected = Alarm {
        name: alarm().name,
        description: String::new(),
        queries: vec![MetricQuery {
            id: String::new(),
            what: AlarmKind::Metric {
                namespace: "AWS/DynamoDB".to_owned(),
                name: "ThrottledRequests".to_owned(),
                dimensions: BTreeMap::from([("TableName".to_owned(), "locks".to_owned())]),
                statistic: "Sum".to_owned(),
                seconds: 60,
            },
            returned: true,
        }],
        comparison: "GreaterThanOrEqualToThreshold".to_owned(),
        threshold: 3.0,
        evaluation_periods: 2,
        missing_data: "missing".to_owned(),
        actions_enabled: false,
        actions: vec![],
        ok_actions: vec![],
        no_data_actions: vec![],
        tags: Tags::new(),
    };
    assert_eq!(found.spec, expected);
}

#[tokio::test]
async fn an_update_keeps_whom_others_have_told() {
    let theirs = Alarm {
        threshold: 9.0,
        actions: vec!["arn:their-topic".to_owned()],
        ok_actions: vec!["arn:all-well".to_owned()],
        no_data_actions: vec!["arn:no-data".to_owned()],
        tags: their_tags(),
        ..alarm()
    };
    let to = alarm().merge_onto(&theirs);
    assert_eq!((to.threshold, &to.tags), (0.5, &both_tags()));
    assert_eq!(to.actions, ["arn:their-topic", TOPIC]);
    assert_eq!(alarm().merge_onto(&to), to);
    let script = ScriptedServer::new()
        .on("PutMetricAlarm", empty())
        .on("TagResource", empty());
    to.write(&script.aws(), Some(&theirs)).await.unwrap();
    let sent = script.sent();
    for part in [
        r#""AlarmActions":["arn:their-topic","#,
        r#""OKActions":["arn:all-well"]"#,
        r#""InsufficientDataActions":["arn:no-data"]"#,
    ] {
        assert!(sent.contains(part), "{part} in {sent}");
    }
    assert!(
        !sent.split_once("TagResource").unwrap().0.contains("Tags"),
        "an alarm takes tags at its creation only"
    );
    assert_snapshot!(sent.split_once("TagResource").unwrap().1, @r#" {"ResourceARN":"arn:aws:cloudwatch:eu-west-1:111122223333:alarm:acme-lock-throttles","Tags":[{"Key":"ManagedBy","Value":"tfbackend"},{"Key":"tfbackend:env","Value":"dev"},{"Key":"tfbackend:project","Value":"acme"},{"Key":"tfbackend:protected","Value":"true"},{"Key":"tfbackend:version","Value":"1"}]}"#);

    let script = ScriptedServer::new()
        .on(
            "DescribeAlarms",
            described(&json!([as_described(&to).await])),
        )
        .on("ListTagsForResource", tagged(&to.tags));
    assert_eq!(look(&script, &alarm()).await.unwrap().unwrap().spec, to);
}

#[tokio::test]
async fn an_update_sends_only_what_differs() {
    let script = ScriptedServer::new();
    alarm().write(&script.aws(), Some(&alarm())).await.unwrap();
    assert_eq!(script.sent(), "");
    let script = ScriptedServer::new().on("PutMetricAlarm", empty());
    alarm()
        .write(
            &script.aws(),
            Some(&Alarm {
                evaluation_periods: 2,
                ..alarm()
            }),
        )
        .await
        .unwrap();
    assert_eq!(script.operations(), ["PutMetricAlarm"]);
    let script = ScriptedServer::new().on("TagResource", empty());
    alarm()
        .write(
            &script.aws(),
            Some(&Alarm {
                tags: Tags::new(),
                ..alarm()
            }),
        )
        .await
        .unwrap();
    assert_eq!(script.operations(), ["TagResource"]);
}

#[test]
fn the_arn_is_in_the_callers_partition() {
    assert_eq!(
        alarm().arn(&ScriptedServer::new().aws_in("aws", REGION)),
        ARN
    );
    let arn = alarm().arn(&ScriptedServer::new().aws_in("aws-us-gov", "us-gov-east-1"));
    assert_eq!(
        arn,
        "arn:aws-us-gov:cloudwatch:us-gov-east-1:111122223333:alarm:acme-lock-throttles"
    );
}

#[tokio::test]
async fn delete() {
    let script = ScriptedServer::new().on("DeleteAlarms", empty());
    alarm().delete(&script.aws()).await.unwrap();
    assert_eq!(
        script.sent(),
        r#"DeleteAlarms {"AlarmNames":["acme-lock-throttles"]}"#
    );
    gone_only_by(&alarm(), "DeleteAlarms", ABSENT, |script| script).await;
}
