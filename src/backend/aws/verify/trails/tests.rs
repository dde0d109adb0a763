//! What is said of a trail that names the bucket.

use serde_json::json;

use super::*;
use crate::backend::aws::testing::{ScriptedServer, data, error};

fn recorder() -> RecordingTrail {
    RecordingTrail {
        arn: "arn:aws:cloudtrail:eu-west-1:111122223333:trail/states".to_owned(),
        values: vec!["arn:aws:s3:::b/".to_owned()],
        whole: true,
        logging: true,
        validation: true,
        encrypted: true,
    }
}

/// Ids of the findings, and what is the case.
fn findings(recorder: &RecordingTrail) -> Vec<(&'static str, String)> {
    let fails = verdicts(recorder)
        .into_iter()
        .filter_map(|checked| match checked.verdict {
            Verdict::Fails { found, .. } => Some((checked.check.id, found)),
            Verdict::Holds
            | Verdict::Unreadable { .. }
            | Verdict::Untold { .. }
            | Verdict::FailsWith { .. } => None,
        });
    fails.collect()
}

#[test]
fn a_trail_that_records_everything() {
    assert_eq!(findings(&recorder()), []);
}

#[test]
fn a_pattern_where_a_prefix_belongs() {
    let starred = RecordingTrail {
        values: vec!["arn:aws:s3:::b/*".to_owned()],
        whole: false,
        ..recorder()
    };
    let [(id, found)] = &findings(&starred)[..] else {
        panic!("one finding")
    };
    assert_eq!(*id, "trail-selectors");
    assert!(
        found.starts_with("arn:aws:s3:::b/* is a prefix, not a pattern"),
        "{found}"
    );
    let part = RecordingTrail {
        values: vec!["arn:aws:s3:::b/prod/".to_owned()],
        whole: false,
        ..recorder()
    };
    assert_eq!(
        findings(&part),
        [(
            "trail-selectors",
            "arn:aws:s3:::b/prod/ does not cover all reads and writes of states".to_owned()
        )]
    );
}

#[test]
fn each_other_weakness_is_said() {
    let ids = |recorder: &RecordingTrail| {
        findings(recorder)
            .into_iter()
            .map(|(id, _)| id)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        ids(&RecordingTrail {
            logging: false,
            ..recorder()
        }),
        ["trail-logging"]
    );
    assert_eq!(
        ids(&RecordingTrail {
            validation: false,
            ..recorder()
        }),
        ["trail-validation"]
    );
    assert_eq!(
        ids(&RecordingTrail {
            encrypted: false,
            ..recorder()
        }),
        ["trail-encryption"]
    );
}

#[tokio::test]
async fn only_trails_that_name_the_bucket_are_held_to_anything() {
    let trail = |name: &str| json!({"TrailARN": format!("arn:aws:cloudtrail:eu-west-1:111122223333:trail/{name}"), "LogFileValidationEnabled": true});
    let basic = |value: &str| {
        let resources = json!([{"Type": "AWS::S3::Object", "Values": [value]}]);
        data(json!({"EventSelectors": [{"ReadWriteType": "All", "DataResources": resources}]}))
    };
    let script = ScriptedServer::new()
        .on("DescribeTrails", data(json!({"trailList": [trail("whole"), trail("starred"), trail("another"), trail("hidden")]})))
        .about("GetEventSelectors", "trail/whole", basic("arn:aws:s3:::b/"))
        .about("GetEventSelectors", "trail/starred", basic("arn:aws:s3:::b/*"))
        .about("GetEventSelectors", "trail/another", basic("arn:aws:s3:::another/"))
        .about("GetEventSelectors", "trail/hidden", error(400, "AccessDeniedException"))
        .always("GetTrailStatus", data(json!({"IsLogging": true})));
    let checked = checks(&script.aws(), "b").await;
    let shown = |one: &CheckResult| {
        let name = one.place.name.clone().unwrap_or_default();
        let verdict = match one.verdict {
            Verdict::Holds => "holds",
            Verdict::Fails { .. } => "fails",
            Verdict::Unreadable { .. } => "unreadable",
            Verdict::FailsWith { .. } => "fails with another",
            Verdict::Untold { .. } => "untold",
        };
        format!(
            "{} {} {verdict}",
            name.rsplit('/').next().unwrap_or_default(),
            one.check.id
        )
    };
    insta::assert_snapshot!(checked.iter().map(shown).collect::<Vec<_>>().join("\n"), @"
    whole trail-selectors holds
    whole trail-logging holds
    whole trail-validation holds
    whole trail-encryption fails
    starred trail-selectors fails
    starred trail-logging holds
    starred trail-validation holds
    starred trail-encryption fails
    hidden trail-selectors unreadable
    ");
}
