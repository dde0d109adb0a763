//! Backends that are stricter than ours in one thing or another, and weaker in the rest.

use serde_json::json;

use super::{
    MAKE,
    world::{Taker, seen},
};
use crate::support::emulator::Emulator;

#[tokio::test]
async fn what_is_stricter_stays_and_what_is_weaker_is_raised() {
    let emulator = Emulator::start().await;
    emulator.python(MAKE, &["locked"]);
    let taker = Taker::new(
        &emulator,
        "--env locked --bucket locked-states --table locked-locks --alarm-email ops@example.com",
    );
    insta::assert_snapshot!(taker.refused(""), @"
    error: 3 steps are blocked; nothing was changed
      caused by: S3 bucket locked-states (state_bucket): exists, but was not created by tfbackend; pass `--adopt` to adopt it
      caused by: DynamoDB table locked-locks, paid per request (lock_table): exists, but was not created by tfbackend; pass `--adopt` to adopt it
      caused by: The state bucket is large, all versions counted (alarm[bucket_size]): exists, but was not created by tfbackend; pass `--adopt` to adopt it
    ");
    // A person confirms the subscription; without attaching it, nobody uses the policy, which is no
    // finding.
    assert_eq!(taker.adopts(), [""; 0]);

    let after = seen(&emulator);
    let bucket = &after["buckets"]["locked-states"];
    assert_eq!(
        bucket["object lock"]["Rule"]["DefaultRetention"],
        json!({"Mode": "GOVERNANCE", "Days": 7})
    );
    // Their rule keeps more and for longer: of two rules S3 follows the one that deletes first.
    let expirations: Vec<_> = bucket["lifecycle"]
        .as_array()
        .expect("rules")
        .iter()
        .filter_map(|rule| rule.get("NoncurrentVersionExpiration"))
        .collect();
    let probes = json!({"NoncurrentDays": 1});
    assert_eq!(
        expirations,
        [
            &json!({"NoncurrentDays": 400, "NewerNoncurrentVersions": 100}),
            &probes,
            &probes
        ]
    );
    assert_eq!(bucket["blocked"], json!(["SSE-C"]));
    assert_eq!(bucket["algorithm"], "aws:kms");
    assert_eq!(
        bucket["policy"].as_array().map(Vec::len),
        Some(3 + 8),
        "theirs and ours"
    );
    assert_eq!(
        bucket["events"]["QueueConfigurations"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    assert_eq!(
        bucket["events"]["TopicConfigurations"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    let table = &after["tables"]["locked-locks"];
    assert_eq!(
        (
            &table["protection"],
            &table["recovery"],
            &table["encryption"]
        ),
        (&json!(true), &json!("ENABLED"), &json!("ENABLED"))
    );
    let alarm = &after["alarms"]["acme-tfstate-locked-bucket-size"];
    assert_eq!(
        alarm["AlarmActions"].as_array().map(Vec::len),
        Some(3),
        "whom they told, and our topic"
    );
}

#[tokio::test]
async fn a_key_that_was_chosen_stays() {
    let emulator = Emulator::start().await;
    let keys = emulator.python(MAKE, &["keyed"]);
    let (key, other) = keys.trim().split_once(' ').expect("two keys");
    let line = "--env keyed --bucket keyed-states --table keyed-locks";
    // Neither for a new key nor for another that was there.
    let mut taker = Taker::new(&emulator, line);
    taker.place.hide(key, "KEY");
    taker.place.hide(other, "OTHER");
    insta::assert_snapshot!(taker.refused("--adopt"), @"
    error: 2 steps are blocked; nothing was changed
      caused by: state_bucket/encryption: bucket keyed-states is encrypted with KEY, and would be encrypted with another key; pass --kms-key KEY
      caused by: state_bucket/policy: with the policy of bucket keyed-states, every apply would fail: statement OnlyTheKey denies writing states, writing lock files: it requires the key KEY, but Terraform sends a new key; use --kms-key KEY, or change the statement
    ");
    insta::assert_snapshot!(taker.refused(&format!("--adopt --kms-key {other}")), @"
    error: 2 steps are blocked; nothing was changed
      caused by: state_bucket/encryption: bucket keyed-states is encrypted with KEY, and would be encrypted with another key; pass --kms-key KEY
      caused by: state_bucket/policy: with the policy of bucket keyed-states, every apply would fail: statement OnlyTheKey denies writing states, writing lock files: it requires the key KEY, but Terraform sends OTHER; use --kms-key KEY, or change the statement
    ");
    insta::assert_snapshot!(taker.refused("--adopt --encryption sse-s3"), @"
    error: 2 steps are blocked; nothing was changed
      caused by: state_bucket/encryption: bucket keyed-states is encrypted with aws:kms, and AES256 would be weaker; to use it, change the default encryption manually
      caused by: DynamoDB table keyed-locks, paid per request (lock_table): table keyed-locks is encrypted with KEY, and an AWS owned key would be weaker; to use it, change the encryption manually
    ");
    taker.say(&format!("--kms-key {key}"));
    taker.refused("");
    assert_eq!(taker.adopts(), [""; 0]);
    let after = seen(&emulator);
    assert_eq!(after["buckets"]["keyed-states"]["key"], key);
    assert_eq!(after["buckets"]["keyed-states"]["bucket key"], true);
    assert_eq!(after["tables"]["keyed-locks"]["key"], key);
}

#[tokio::test]
async fn access_logs_stay_where_they_are_read() {
    let emulator = Emulator::start().await;
    emulator.python(MAKE, &["logged"]);
    let mut taker = Taker::new(&emulator, "--env logged --bucket logged-states --lock s3");
    insta::assert_snapshot!(taker.refused("--adopt"), @"error: state_bucket/logging: bucket logged-states writes its access logs to their-logs, and S3 supports one target bucket only; pass --access-logs=false to keep it; nothing was changed");
    taker.say("--access-logs=false");
    assert_eq!(taker.adopts(), [""; 0]);
    let logging = &seen(&emulator)["buckets"]["logged-states"]["logging"];
    assert_eq!(
        logging,
        &json!({"TargetBucket": "their-logs", "TargetPrefix": "states/"})
    );
}
