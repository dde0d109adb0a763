//! The account's own settings: what is there, what is not, and what could not be seen.

use serde_json::json;

use super::*;
use crate::backend::aws::{
    ownership::Tags,
    policy::PolicyDocument,
    testing::{ScriptedAnswer, ScriptedServer, data, error, text},
};

const POLICY: &str = "arn:aws:iam::111122223333:policy/runner";

fn block(on: [bool; 4]) -> ScriptedAnswer {
    let [acls, ignore, policy, restrict] = on;
    text(format!(
        "<PublicAccessBlockConfiguration><BlockPublicAcls>{acls}</\
         BlockPublicAcls><IgnorePublicAcls>{ignore}</\
         IgnorePublicAcls><BlockPublicPolicy>{policy}</\
         BlockPublicPolicy><RestrictPublicBuckets>{restrict}</RestrictPublicBuckets></\
         PublicAccessBlockConfiguration>"
    ))
}

fn attached(count: u32) -> ScriptedAnswer {
    text(format!(
        "<Policy><AttachmentCount>{count}</AttachmentCount></Policy>"
    ))
}

fn quiet() -> ScriptedServer {
    ScriptedServer::new()
        .always("DescribeAlarms", data(json!({"MetricAlarms": []})))
        .always("DescribeTrails", data(json!({"trailList": []})))
}

async fn surveyed(script: &ScriptedServer, policy: Option<&str>) -> String {
    let policy = policy.map(|arn| RunnerPolicy {
        name: arn.rsplit('/').next().expect("a name").to_owned(),
        description: String::new(),
        document: PolicyDocument::new(vec![]),
        tags: Tags::new(),
    });
    let about = SurveyScope {
        bucket: "states",
        table: Some("locks"),
        own_alarms: vec!["own"],
        policy: policy.as_ref(),
    };
    let lines = checks(&script.aws(), &about).await.into_iter().map(|one| {
        let verdict = match one.verdict {
            Verdict::Holds => "holds".to_owned(),
            Verdict::Fails { found, .. } => found,
            Verdict::Unreadable { error } => format!("unreadable: {error}"),
            Verdict::FailsWith { check, place } => {
                format!("fails with {} at {}", check.id, place.shown())
            }
            Verdict::Untold { why } => format!("cannot be told: {why}"),
        };
        format!(
            "{} at {}: {verdict}",
            one.check.id,
            one.place.name.unwrap_or_default()
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn all_is_well() {
    let script = quiet()
        .on("GET", block([true; 4]))
        .on("GetPolicy", attached(1));
    insta::assert_snapshot!(surveyed(&script, Some(POLICY)).await, @"
    account-public-access at account 111122223333: holds
    account-trail at account 111122223333: no trail that these credentials can read records them
    alarm-fires at account 111122223333: holds
    runner-used at arn:aws:iam::111122223333:policy/runner: holds
    ");
    assert!(
        script.sent().contains("x-amz-account-id: 111122223333"),
        "{}",
        script.sent()
    );
}

#[tokio::test]
async fn little_is_there() {
    let script = quiet()
        .on("GET", error(404, "NoSuchPublicAccessBlockConfiguration"))
        .on("GetPolicy", attached(0));
    insta::assert_snapshot!(surveyed(&script, Some(POLICY)).await, @"
    account-public-access at account 111122223333: no Block Public Access settings for the account
    account-trail at account 111122223333: no trail that these credentials can read records them
    alarm-fires at account 111122223333: holds
    runner-used at arn:aws:iam::111122223333:policy/runner: it is not attached to any principal that these credentials can read
    ");
    let script = quiet().on("GET", block([true, false, true, false]));
    assert!(
        surveyed(&script, None)
            .await
            .contains("IgnorePublicAcls, RestrictPublicBuckets off")
    );
}

/// A member account cannot read what it records: that is neither a finding nor a missing
/// permission.
#[tokio::test]
async fn trail_of_the_organization() {
    let arn = "arn:aws:cloudtrail:eu-west-1:444455556666:trail/organization";
    let trail = json!({"TrailARN": arn, "IsMultiRegionTrail": true, "IsOrganizationTrail": true, "HasCustomEventSelectors": true});
    let script = ScriptedServer::new()
        .always("DescribeAlarms", data(json!({"MetricAlarms": []})))
        .always("DescribeTrails", data(json!({"trailList": [trail]})))
        .always("GetTrailStatus", data(json!({"IsLogging": true})))
        .on("GET", block([true; 4]));
    let expected = format!(
        "account-trail at account 111122223333: cannot be told: what {arn}, an organization \
         trail, records cannot be determined from this account"
    );
    let surveyed = surveyed(&script, None).await;
    assert!(surveyed.lines().any(|line| line == expected), "{surveyed}");
}

#[tokio::test]
async fn nothing_may_be_seen() {
    let denied = || error(403, "AccessDenied");
    let script = ScriptedServer::new()
        .always("GET", denied())
        .always("GetPolicy", denied())
        .always("DescribeAlarms", denied())
        .always("DescribeTrails", error(400, "AccessDeniedException"));
    insta::assert_snapshot!(surveyed(&script, Some(POLICY)).await, @"
    account-public-access at account 111122223333: unreadable: s3:GetPublicAccessBlock on the account: AccessDenied: because (needs s3:GetAccountPublicAccessBlock) [request REQUEST]
    account-trail at account 111122223333: unreadable: cloudtrail:DescribeTrails on the trails of the account: AccessDeniedException: because (needs cloudtrail:DescribeTrails) [request REQUEST]
    alarm-fires at account 111122223333: unreadable: cloudwatch:DescribeAlarms on the alarms of the region: AccessDenied: because (needs cloudwatch:DescribeAlarms) [request REQUEST]
    runner-used at arn:aws:iam::111122223333:policy/runner: unreadable: iam:GetPolicy on arn:aws:iam::111122223333:policy/runner: AccessDenied: because (needs iam:GetPolicy) [request REQUEST]
    ");
}

#[tokio::test]
async fn alarms_of_others_that_watch_it() {
    let alarm = |name: &str, table: &str| {
        json!({"AlarmName": name, "Namespace": "AWS/DynamoDB", "MetricName": "UserErrors", "Period": 300, "Statistic": "Sum",
            "Dimensions": [{"Name": "TableName", "Value": table}], "AlarmActions": ["arn:t"], "ActionsEnabled": true})
    };
    let alarms = data(
        json!({"MetricAlarms": [alarm("own", "locks"), alarm("theirs", "locks"), alarm("far", "orders")]}),
    );
    let script = quiet()
        .on("DescribeAlarms", alarms)
        .on("GET", block([true; 4]));
    let surveyed = surveyed(&script, None).await;
    let of_alarms: Vec<&str> = surveyed
        .lines()
        .filter(|line| line.starts_with("alarm"))
        .map(|line| line.split(": ").next().unwrap())
        .collect();
    assert_eq!(
        of_alarms,
        [
            "alarm-fires at account 111122223333",
            "alarm-fires at arn:aws:cloudwatch:eu-west-1:111122223333:alarm:theirs",
            "alarm-tells at arn:aws:cloudwatch:eu-west-1:111122223333:alarm:theirs"
        ]
    );
}
