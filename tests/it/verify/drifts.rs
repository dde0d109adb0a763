//! What scanners of accounts know as drift of a backend, one at a time: verify names each.

use super::{HEARD, findings, verify};
use crate::{
    idempotence::REPAIRS,
    support::{drift::Drift, emulator::Emulator, program::Place},
};

const DRIFTS: &str = "tests/it/verify/drifts.py";

/// What bootstrap sets right: the test of its repairs makes each, and finds this and nothing else.
const REPAIRED: &[(&str, &str)] = &[
    (
        "versioning suspended",
        "bucket-versioning at state_bucket/versioning",
    ),
    (
        "state bucket: no BlockPublicAcls",
        "bucket-public-access at state_bucket/public_access",
    ),
    (
        "state bucket: no IgnorePublicAcls",
        "bucket-public-access at state_bucket/public_access",
    ),
    (
        "one of four blocks off",
        "bucket-public-access at state_bucket/public_access",
    ),
    (
        "state bucket: no RestrictPublicBuckets",
        "bucket-public-access at state_bucket/public_access",
    ),
    ("access control lists again", "bucket-acls at state_bucket"),
    (
        "SSE-S3 by default",
        "bucket-encryption at state_bucket/encryption",
    ),
    ("SSE-C allowed", "bucket-sse-c at state_bucket/encryption"),
    ("no lifecycle", "bucket-history at state_bucket/lifecycle"),
    (
        "a shorter history",
        "bucket-history at state_bucket/lifecycle",
    ),
    (
        "no access logs",
        "bucket-access-logs at state_bucket/logging",
    ),
    (
        "nobody hears of deletions",
        "bucket-delete-events at state_bucket/notifications",
    ),
    ("no bucket policy", "bucket-policy at state_bucket/policy"),
    (
        "state bucket: no DenyPlaintext",
        "bucket-tls at state_bucket/policy",
    ),
    (
        "log bucket: versioning suspended",
        "bucket-versioning at log_bucket/versioning",
    ),
    (
        "log bucket: no DenyForgingLogs",
        "log-forgery at log_bucket/policy",
    ),
    ("no rotation", "key-rotation at key/rotation"),
    ("a weaker key policy", "key-deletion-window at key"),
    (
        "no deletion protection",
        "table-deletion-protection at lock_table",
    ),
    (
        "no point-in-time recovery",
        "table-recovery at lock_table/recovery",
    ),
    ("a topic without a key", "topic-encryption at topic"),
    (
        "nobody is told",
        "subscribed at topic/subscription[ops@example.com]",
    ),
    (
        "an alarm that is switched off",
        "alarm-tells at alarm[lock_throttles]",
    ),
    ("no alarm", "alarm at alarm[lock_errors]"),
    ("a trail that is stopped", "trail-logging at trail/logging"),
    (
        "a trail that records something else",
        "trail-selectors at trail/selectors",
    ),
    ("a trail without validation", "trail-validation at trail"),
    ("a trail of one region", "trail-regions at trail"),
    ("a trail without a key", "trail-encryption at trail"),
    (
        "a runner who may do everything",
        "runner-policy at runner_policy",
    ),
];

/// What no test of repairs makes.
const FOUND: &[(&str, &str)] = &[
    (
        "state bucket: another account reads",
        "bucket-open at state_bucket/policy",
    ),
    (
        "states are replicated to another account",
        "bucket-replication at state_bucket",
    ),
    ("a website", "bucket-website at state_bucket"),
    ("pages of all sites", "bucket-cors at state_bucket"),
    (
        "transfer acceleration",
        "bucket-acceleration at state_bucket",
    ),
    (
        "states expire",
        "bucket-history-cut at state_bucket/lifecycle",
    ),
    (
        "replaced versions expire",
        "bucket-history-cut at state_bucket/lifecycle",
    ),
    ("no tags", "unmanaged at state_bucket"),
    (
        "log bucket: another account reads",
        "bucket-open at log_bucket/policy",
    ),
    ("key: another account decrypts", "key-open at key"),
    ("a grant to another account", "key-grants at key"),
    ("the key is disabled", "key-usable at key"),
    ("the key is to be deleted", "key-usable at key"),
    ("the alias of another key", "key-alias at key"),
    ("table: another account locks", "table-open at lock_table"),
    ("locks expire", "table-expiry at lock_table"),
    ("topic: another account subscribes", "topic-open at topic"),
    ("others hear of alarms", "subscription-unknown at topic"),
    (
        "a trail without selectors",
        "trail-selectors at trail/selectors",
    ),
];

#[tokio::test]
async fn each_of_49_drifts_is_named() {
    assert_eq!(REPAIRED.len() + FOUND.len(), 49);
    for (what, finding) in REPAIRED {
        let held = REPAIRS
            .iter()
            .any(|(made, address, id, _)| made == what && *finding == format!("{id} at {address}"));
        assert!(
            held,
            "{what} is no row of the test of repairs, or is found otherwise"
        );
    }
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let line = format!("--env prod {HEARD}");
    assert_eq!(place.bootstrap(&format!("{line} -y")).code, Some(0));
    let mut drift = Drift::start(&emulator, DRIFTS);
    let clean = verify(&place, &line).1;
    assert_eq!(findings(&clean), [""; 0]);
    let checks = |document: &serde_json::Value| document["checks"].as_array().map(Vec::len);
    for (what, finding) in FOUND {
        drift.make(what);
        let (said, document) = verify(&place, &line);
        assert_eq!(
            (said.code, findings(&document)),
            (Some(2), vec![format!("{finding}: open")]),
            "{what}"
        );
        assert_eq!(
            checks(&document),
            checks(&clean),
            "as many checks after: {what}"
        );
    }
    // What was not taken back would have been found with the next one.
    drift.make("nothing");
    assert_eq!(findings(&verify(&place, &line).1), [""; 0]);
}
