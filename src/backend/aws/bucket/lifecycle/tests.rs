//! Lifecycle rules: ours beside those of others, each written back as it was.

use insta::assert_snapshot;

use super::{
    rule::{LifecycleFilter, StorageTransition},
    *,
};
use crate::backend::aws::testing::{
    ScriptedAnswer, ScriptedServer, absent_only_by, empty, look, retried_on, text,
};

fn states() -> LifecycleSpec {
    LifecycleSpec::of_states("acme".to_owned(), 90, 50, 7)
}

fn answer(rules: &str) -> ScriptedAnswer {
    text(format!(
        "<LifecycleConfiguration>{rules}</LifecycleConfiguration>"
    ))
}

async fn seen(rules: &str) -> LifecycleSpec {
    look(
        &ScriptedServer::new().on("GET ?lifecycle", answer(rules)),
        &states(),
    )
    .await
    .unwrap()
    .unwrap()
    .spec
}

async fn sent(lifecycle: &LifecycleSpec) -> String {
    let script = ScriptedServer::new().on("PUT ?lifecycle", empty());
    lifecycle.write(&script.aws(), None).await.unwrap();
    script.sent()
}

/// The rules of a request, as S3 gives them back.
fn rules(sent: &str) -> String {
    let (_, body) = sent.split_once("<LifecycleConfiguration>").unwrap();
    body.trim_end_matches("</LifecycleConfiguration>")
        .to_owned()
}

#[tokio::test]
async fn put_and_present() {
    let request = sent(&states()).await;
    assert_snapshot!(request, @"
    PUT https://acme.s3.eu-west-1.amazonaws.com/?lifecycle
    x-amz-expected-bucket-owner: 111122223333
    <LifecycleConfiguration><Rule><ID>tfbackend-history</ID><Filter><Prefix></Prefix></Filter><Status>Enabled</Status><NoncurrentVersionExpiration><NoncurrentDays>90</NoncurrentDays><NewerNoncurrentVersions>50</NewerNoncurrentVersions></NoncurrentVersionExpiration><AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule><Rule><Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration><ID>tfbackend-delete-markers</ID><Filter><Prefix></Prefix></Filter><Status>Enabled</Status></Rule></LifecycleConfiguration>
    ");
    assert_eq!(seen(&rules(&request)).await, states());
    let logs = LifecycleSpec::of_logs("acme".to_owned(), 400, 7);
    let request = sent(&logs).await;
    assert_snapshot!(request, @"
    PUT https://acme.s3.eu-west-1.amazonaws.com/?lifecycle
    x-amz-expected-bucket-owner: 111122223333
    <LifecycleConfiguration><Rule><Expiration><Days>400</Days></Expiration><ID>tfbackend-logs</ID><Filter><Prefix></Prefix></Filter><Status>Enabled</Status><NoncurrentVersionExpiration><NoncurrentDays>400</NoncurrentDays></NoncurrentVersionExpiration><AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule><Rule><Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration><ID>tfbackend-delete-markers</ID><Filter><Prefix></Prefix></Filter><Status>Enabled</Status></Rule></LifecycleConfiguration>
    ");
    assert_eq!(seen(&rules(&request)).await, logs);
}

#[tokio::test]
async fn absent_and_retried() {
    absent_only_by(
        &states(),
        "GET ?lifecycle",
        &["NoSuchLifecycleConfiguration", "NoSuchBucket"],
        |script| script,
    )
    .await;
    retried_on(
        &states(),
        None,
        "PUT ?lifecycle",
        &["OperationAborted", "NoSuchBucket"],
        |s| s.always("PUT ?lifecycle", empty()),
    )
    .await;
}

const THEIRS: &str = "<Rule><ID>archive</ID><Prefix>old/</Prefix><Status>Enabled</Status><Transition><Days>0</\
     Days><StorageClass>INTELLIGENT_TIERING</StorageClass></\
     Transition><NoncurrentVersionTransition><NoncurrentDays>30</\
     NoncurrentDays><NewerNoncurrentVersions>3</NewerNoncurrentVersions><StorageClass>GLACIER</\
     StorageClass></NoncurrentVersionTransition></Rule><Rule><ID>until</\
     ID><Filter><And><Prefix>tmp/</Prefix><Tag><Key>a</Key><Value>b</Value></\
     Tag><ObjectSizeGreaterThan>0</ObjectSizeGreaterThan><ObjectSizeLessThan>100</\
     ObjectSizeLessThan></And></Filter><Status>Disabled</Status><Expiration><Date>2030-01-01T00:\
     00:00Z</Date></Expiration></Rule><Rule><ID>tagged</ID><Filter><Tag><Key>a</Key><Value>b</\
     Value></Tag></Filter><Status>Enabled</Status><Expiration><Days>3</\
     Days><ExpiredObjectDeleteMarker>false</ExpiredObjectDeleteMarker></Expiration></\
     Rule><Rule><ID>large</ID><Filter><ObjectSizeGreaterThan>0</ObjectSizeGreaterThan></\
     Filter><Status>Enabled</Status><Expiration><ExpiredObjectDeleteMarker>false</\
     ExpiredObjectDeleteMarker></Expiration></Rule>";

#[tokio::test]
async fn rules_of_others_are_written_back_as_they_were() {
    let theirs = seen(THEIRS).await;
    let [archive, until, _, large] = &*theirs.rules else {
        panic!("{theirs:?}")
    };
    assert_eq!(archive.filter.prefix, "old/");
    let now = StorageTransition {
        class: "INTELLIGENT_TIERING".to_owned(),
        days: Some(0),
        ..StorageTransition::default()
    };
    assert_eq!(archive.transitions, [now]);
    let filter = LifecycleFilter {
        prefix: "tmp/".to_owned(),
        tags: vec![("a".to_owned(), "b".to_owned())],
        larger_than: Some(0),
        smaller_than: Some(100),
    };
    assert_eq!((until.enabled, &until.filter), (false, &filter));
    assert_eq!(
        (large.filter.larger_than, large.expired_delete_markers),
        (Some(0), Some(false))
    );

    let to = states().merge_onto(&theirs);
    let request = sent(&to).await;
    assert_snapshot!(request.replace("<Rule>", "\n<Rule>"), @"
    PUT https://acme.s3.eu-west-1.amazonaws.com/?lifecycle
    x-amz-expected-bucket-owner: 111122223333
    <LifecycleConfiguration>
    <Rule><ID>archive</ID><Filter><Prefix>old/</Prefix></Filter><Status>Enabled</Status><Transition><Days>0</Days><StorageClass>INTELLIGENT_TIERING</StorageClass></Transition><NoncurrentVersionTransition><NoncurrentDays>30</NoncurrentDays><StorageClass>GLACIER</StorageClass><NewerNoncurrentVersions>3</NewerNoncurrentVersions></NoncurrentVersionTransition></Rule>
    <Rule><Expiration><Date>2030-01-01T00:00:00Z</Date></Expiration><ID>until</ID><Filter><And><Prefix>tmp/</Prefix><Tag><Key>a</Key><Value>b</Value></Tag><ObjectSizeGreaterThan>0</ObjectSizeGreaterThan><ObjectSizeLessThan>100</ObjectSizeLessThan></And></Filter><Status>Disabled</Status></Rule>
    <Rule><Expiration><Days>3</Days></Expiration><ID>tagged</ID><Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter><Status>Enabled</Status></Rule>
    <Rule><Expiration><ExpiredObjectDeleteMarker>false</ExpiredObjectDeleteMarker></Expiration><ID>large</ID><Filter><ObjectSizeGreaterThan>0</ObjectSizeGreaterThan></Filter><Status>Enabled</Status></Rule>
    <Rule><ID>tfbackend-history</ID><Filter><Prefix></Prefix></Filter><Status>Enabled</Status><NoncurrentVersionExpiration><NoncurrentDays>90</NoncurrentDays><NewerNoncurrentVersions>50</NewerNoncurrentVersions></NoncurrentVersionExpiration><AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>
    <Rule><Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration><ID>tfbackend-delete-markers</ID><Filter><Prefix></Prefix></Filter><Status>Enabled</Status></Rule></LifecycleConfiguration>
    ");
    assert_eq!(seen(&rules(&request)).await, to);
    assert_eq!(states().merge_onto(&to), to, "once is enough");
}

#[tokio::test]
async fn the_size_from_which_others_move_objects_is_said_again() {
    let varies = answer(THEIRS).header(
        "x-amz-transition-default-minimum-object-size",
        "varies_by_storage_class",
    );
    let theirs = look(
        &ScriptedServer::new().on("GET ?lifecycle", varies),
        &states(),
    )
    .await
    .unwrap()
    .unwrap()
    .spec;
    let request = sent(&states().merge_onto(&theirs)).await;
    assert!(
        request.contains("x-amz-transition-default-minimum-object-size: varies_by_storage_class"),
        "{request}"
    );
    assert!(!sent(&states()).await.contains("minimum"));
}

#[test]
fn what_ours_said_before_goes() {
    let before = LifecycleSpec::of_states("acme".to_owned(), 30, 5, 7);
    assert_eq!(
        states()
            .merge_onto(&before)
            .rules
            .iter()
            .filter(|rule| rule.id == "tfbackend-history")
            .count(),
        1
    );
    assert!(
        states()
            .merge_onto(&before)
            .rules
            .iter()
            .all(|rule| states().rules.contains(rule))
    );
}

#[test]
fn a_rule_of_the_same_effect_is_enough_whatever_it_is_called() {
    let mut theirs = states();
    for rule in &mut theirs.rules {
        rule.id = format!("their-{}", rule.id);
    }
    assert_eq!(states().merge_onto(&theirs), theirs);
}

#[test]
fn what_others_keep_for_longer_is_not_cut_short() {
    let keep = |rule: ObjectLifecycleRule| LifecycleSpec {
        rules: vec![rule],
        ..states()
    };
    for longer in [
        ObjectLifecycleRule {
            noncurrent_days: Some(365),
            ..ObjectLifecycleRule::whole_bucket("keep")
        },
        ObjectLifecycleRule {
            noncurrent_days: Some(30),
            noncurrent_newest: Some(100),
            ..ObjectLifecycleRule::whole_bucket("keep")
        },
    ] {
        let theirs = keep(longer.clone());
        let to = states().merge_onto(&theirs);
        assert!(to.rules.contains(&longer));
        let ours: Vec<_> = to.rules.iter().filter(|rule| rule.is_ours()).collect();
        assert!(
            ours.iter()
                .all(|rule| rule.noncurrent_days.is_none() && rule.noncurrent_newest.is_none()),
            "{ours:?}"
        );
        assert!(
            ours.iter().any(|rule| rule.abort_uploads_days == Some(7)),
            "the rest of ours holds"
        );
        assert_eq!(states().merge_onto(&to), to);
    }
    let logs = LifecycleSpec::of_logs("acme".to_owned(), 400, 7);
    let to = logs.merge_onto(&keep(ObjectLifecycleRule {
        expiration_days: Some(3650),
        ..ObjectLifecycleRule::whole_bucket("keep")
    }));
    assert!(
        !to.rules
            .iter()
            .any(|rule| rule.expiration_days == Some(400)),
        "{to:?}"
    );

    // Of other objects, for less long, or not in force: ours holds beside it.
    for other in [
        ObjectLifecycleRule {
            noncurrent_days: Some(365),
            filter: LifecycleFilter {
                prefix: "x/".to_owned(),
                ..LifecycleFilter::default()
            },
            ..ObjectLifecycleRule::whole_bucket("keep")
        },
        ObjectLifecycleRule {
            noncurrent_days: Some(365),
            enabled: false,
            ..ObjectLifecycleRule::whole_bucket("keep")
        },
        ObjectLifecycleRule {
            noncurrent_days: Some(30),
            ..ObjectLifecycleRule::whole_bucket("keep")
        },
    ] {
        assert!(
            states()
                .merge_onto(&keep(other))
                .rules
                .contains(&states().rules[0])
        );
    }
}

#[test]
fn what_a_probe_left_goes_by_itself() {
    let days = |lifecycle: LifecycleSpec| {
        let below = lifecycle
            .rules
            .into_iter()
            .filter(|rule| !rule.filter.prefix.is_empty());
        below
            .map(|rule| {
                format!(
                    "{}: {:?}, newest {:?}",
                    rule.filter.prefix, rule.noncurrent_days, rule.noncurrent_newest
                )
            })
            .collect::<Vec<_>>()
    };
    let both = [
        "tfbackend-probe/: Some(1), newest None",
        "env:/tfbackend-probe/: Some(1), newest None",
    ];
    assert_eq!(days(states().and_probes("env:")), both);
    assert_eq!(
        days(states().and_probes("")),
        both[..1],
        "never the same rule twice"
    );
    assert_eq!(
        days(states()),
        [""; 0],
        "and nothing else has a day of its own"
    );
}
