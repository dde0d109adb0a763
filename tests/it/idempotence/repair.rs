//! What was changed behind the tool's back is set right by exactly the calls that it takes.

use tfbackend::engine::plan::Plan;

use super::{World, writes};
use crate::support::{
    drift::Drift,
    parts::{Part, in_parts},
    user::User,
};

const DRIFT: &str = "tests/it/idempotence/drift.py";

/// What is done to the environment; where the plan shows it; what verify finds; the one call that
/// undoes it.
pub(crate) const REPAIRS: &[(&str, &str, &str, &str)] = &[
    (
        "no public access block",
        "state_bucket/public_access",
        "bucket-public-access",
        "PutPublicAccessBlock",
    ),
    (
        "one of four blocks off",
        "state_bucket/public_access",
        "bucket-public-access",
        "PutPublicAccessBlock",
    ),
    (
        "state bucket: no BlockPublicAcls",
        "state_bucket/public_access",
        "bucket-public-access",
        "PutPublicAccessBlock",
    ),
    (
        "state bucket: no IgnorePublicAcls",
        "state_bucket/public_access",
        "bucket-public-access",
        "PutPublicAccessBlock",
    ),
    (
        "state bucket: no RestrictPublicBuckets",
        "state_bucket/public_access",
        "bucket-public-access",
        "PutPublicAccessBlock",
    ),
    (
        "log bucket: no BlockPublicPolicy",
        "log_bucket/public_access",
        "bucket-public-access",
        "PutPublicAccessBlock",
    ),
    (
        "log bucket: no BlockPublicAcls",
        "log_bucket/public_access",
        "bucket-public-access",
        "PutPublicAccessBlock",
    ),
    (
        "log bucket: no IgnorePublicAcls",
        "log_bucket/public_access",
        "bucket-public-access",
        "PutPublicAccessBlock",
    ),
    (
        "log bucket: no RestrictPublicBuckets",
        "log_bucket/public_access",
        "bucket-public-access",
        "PutPublicAccessBlock",
    ),
    (
        "access control lists again",
        "state_bucket",
        "bucket-acls",
        "PutBucketOwnershipControls",
    ),
    (
        "log bucket: access control lists again",
        "log_bucket",
        "bucket-acls",
        "PutBucketOwnershipControls",
    ),
    (
        "another value of a tag",
        "state_bucket",
        "tags",
        "PutBucketTagging",
    ),
    (
        "another tag of the log bucket",
        "log_bucket",
        "tags",
        "PutBucketTagging",
    ),
    (
        "versioning suspended",
        "state_bucket/versioning",
        "bucket-versioning",
        "PutBucketVersioning",
    ),
    (
        "log bucket: versioning suspended",
        "log_bucket/versioning",
        "bucket-versioning",
        "PutBucketVersioning",
    ),
    (
        "SSE-S3 by default",
        "state_bucket/encryption",
        "bucket-encryption",
        "PutBucketEncryption",
    ),
    (
        "SSE-KMS with another key",
        "state_bucket/encryption",
        "bucket-encryption",
        "PutBucketEncryption",
    ),
    (
        "no bucket key",
        "state_bucket/encryption",
        "bucket-key",
        "PutBucketEncryption",
    ),
    (
        "SSE-C allowed",
        "state_bucket/encryption",
        "bucket-sse-c",
        "PutBucketEncryption",
    ),
    (
        "log bucket: SSE-C allowed",
        "log_bucket/encryption",
        "bucket-sse-c",
        "PutBucketEncryption",
    ),
    (
        "no lifecycle",
        "state_bucket/lifecycle",
        "bucket-history",
        "PutBucketLifecycleConfiguration",
    ),
    (
        "a shorter history",
        "state_bucket/lifecycle",
        "bucket-history",
        "PutBucketLifecycleConfiguration",
    ),
    (
        "fewer versions for ever",
        "state_bucket/lifecycle",
        "bucket-history",
        "PutBucketLifecycleConfiguration",
    ),
    (
        "uploads begun are kept",
        "state_bucket/lifecycle",
        "bucket-history",
        "PutBucketLifecycleConfiguration",
    ),
    (
        "a rule that is switched off",
        "state_bucket/lifecycle",
        "bucket-history",
        "PutBucketLifecycleConfiguration",
    ),
    (
        "delete markers are kept",
        "state_bucket/lifecycle",
        "bucket-lifecycle",
        "PutBucketLifecycleConfiguration",
    ),
    (
        "a rule for delete markers that is switched off",
        "state_bucket/lifecycle",
        "bucket-lifecycle",
        "PutBucketLifecycleConfiguration",
    ),
    (
        "what probes left is kept",
        "state_bucket/lifecycle",
        "bucket-lifecycle",
        "PutBucketLifecycleConfiguration",
    ),
    (
        "what probes left in workspaces is kept",
        "state_bucket/lifecycle",
        "bucket-lifecycle",
        "PutBucketLifecycleConfiguration",
    ),
    (
        "what probes left is kept for long",
        "state_bucket/lifecycle",
        "bucket-lifecycle",
        "PutBucketLifecycleConfiguration",
    ),
    (
        "logs are kept for a day",
        "log_bucket/lifecycle",
        "bucket-history",
        "PutBucketLifecycleConfiguration",
    ),
    (
        "log bucket: uploads begun are kept",
        "log_bucket/lifecycle",
        "bucket-history",
        "PutBucketLifecycleConfiguration",
    ),
    (
        "log bucket: delete markers are kept",
        "log_bucket/lifecycle",
        "bucket-lifecycle",
        "PutBucketLifecycleConfiguration",
    ),
    (
        "no access logs",
        "state_bucket/logging",
        "bucket-access-logs",
        "PutBucketLogging",
    ),
    (
        "access logs below another prefix",
        "state_bucket/logging",
        "bucket-access-logs",
        "PutBucketLogging",
    ),
    (
        "no bucket policy",
        "state_bucket/policy",
        "bucket-policy",
        "PutBucketPolicy",
    ),
    (
        "state bucket: no DenyPlaintext",
        "state_bucket/policy",
        "bucket-tls",
        "PutBucketPolicy",
    ),
    (
        "state bucket: no DenyOldTls",
        "state_bucket/policy",
        "bucket-old-tls",
        "PutBucketPolicy",
    ),
    (
        "state bucket: no DenyOtherAccounts",
        "state_bucket/policy",
        "bucket-other-accounts",
        "PutBucketPolicy",
    ),
    (
        "state bucket: no DenyOtherEncryption",
        "state_bucket/policy",
        "bucket-other-encryption",
        "PutBucketPolicy",
    ),
    (
        "state bucket: no DenyOtherKey",
        "state_bucket/policy",
        "bucket-other-encryption",
        "PutBucketPolicy",
    ),
    (
        "state bucket: no DenyCustomerKeys",
        "state_bucket/policy",
        "bucket-sse-c",
        "PutBucketPolicy",
    ),
    (
        "state bucket: no DenyOverwritingLocks",
        "state_bucket/policy",
        "lock-overwrite",
        "PutBucketPolicy",
    ),
    (
        "state bucket: no DenyDestroyingHistory",
        "state_bucket/policy",
        "bucket-destroy",
        "PutBucketPolicy",
    ),
    (
        "log bucket: no DenyPlaintext",
        "log_bucket/policy",
        "bucket-tls",
        "PutBucketPolicy",
    ),
    (
        "log bucket: no DenyOldTls",
        "log_bucket/policy",
        "bucket-old-tls",
        "PutBucketPolicy",
    ),
    (
        "log bucket: no DenyOtherAccounts",
        "log_bucket/policy",
        "bucket-other-accounts",
        "PutBucketPolicy",
    ),
    (
        "log bucket: no CloudTrailAclCheck",
        "log_bucket/policy",
        "log-delivery",
        "PutBucketPolicy",
    ),
    (
        "log bucket: no CloudTrailWrite",
        "log_bucket/policy",
        "log-delivery",
        "PutBucketPolicy",
    ),
    (
        "log bucket: no S3AccessLogs",
        "log_bucket/policy",
        "log-delivery",
        "PutBucketPolicy",
    ),
    (
        "log bucket: no DenyForgingLogs",
        "log_bucket/policy",
        "log-forgery",
        "PutBucketPolicy",
    ),
    (
        "log bucket: no DenyDestroyingLogs",
        "log_bucket/policy",
        "log-forgery",
        "PutBucketPolicy",
    ),
    (
        "no rotation",
        "key/rotation",
        "key-rotation",
        "EnableKeyRotation",
    ),
    (
        "rotation every two years",
        "key/rotation",
        "key-rotation",
        "EnableKeyRotation",
    ),
    (
        "a weaker key policy",
        "key",
        "key-deletion-window",
        "PutKeyPolicy",
    ),
    (
        "key: no CloudTrailEncrypt",
        "key",
        "key-policy",
        "PutKeyPolicy",
    ),
    (
        "key: no CloudTrailDescribe",
        "key",
        "key-policy",
        "PutKeyPolicy",
    ),
    ("key: no AlarmsToTopic", "key", "key-policy", "PutKeyPolicy"),
    (
        "key: no BucketEventsToTopic",
        "key",
        "key-policy",
        "PutKeyPolicy",
    ),
    ("another tag of the key", "key", "tags", "TagResource"),
    ("no alias", "key", "key-alias", "CreateAlias"),
    (
        "no deletion protection",
        "lock_table",
        "table-deletion-protection",
        "UpdateTable",
    ),
    (
        "provisioned capacity",
        "lock_table",
        "table-billing",
        "UpdateTable",
    ),
    (
        "the table under another key",
        "lock_table",
        "table-encryption",
        "UpdateTable",
    ),
    (
        "another tag of the table",
        "lock_table",
        "tags",
        "TagResource",
    ),
    (
        "no point-in-time recovery",
        "lock_table/recovery",
        "table-recovery",
        "UpdateContinuousBackups",
    ),
    (
        "a topic that alarms cannot reach",
        "topic",
        "topic-policy",
        "SetTopicAttributes",
    ),
    (
        "topic: no BucketEvents",
        "topic",
        "topic-policy",
        "SetTopicAttributes",
    ),
    (
        "topic: no DenyPlaintextPublish",
        "topic",
        "topic-policy",
        "SetTopicAttributes",
    ),
    (
        "a topic without a key",
        "topic",
        "topic-encryption",
        "SetTopicAttributes",
    ),
    ("another tag of the topic", "topic", "tags", "TagResource"),
    (
        "nobody hears of deletions",
        "state_bucket/notifications",
        "bucket-delete-events",
        "PutBucketNotificationConfiguration",
    ),
    (
        "somebody hears of other deletions",
        "state_bucket/notifications",
        "bucket-delete-events",
        "PutBucketNotificationConfiguration",
    ),
    (
        "nobody is told",
        "topic/subscription[ops@example.com]",
        "subscribed",
        "Subscribe",
    ),
    ("no alarm", "alarm[lock_errors]", "alarm", "PutMetricAlarm"),
    (
        "an alarm that never fires",
        "alarm[lock_contention]",
        "alarm-fires",
        "PutMetricAlarm",
    ),
    (
        "an alarm on another table",
        "alarm[lock_contention]",
        "alarm-fires",
        "PutMetricAlarm",
    ),
    (
        "an alarm under another description",
        "alarm[lock_errors]",
        "alarm-fires",
        "PutMetricAlarm",
    ),
    (
        "an alarm the other way round",
        "alarm[lock_errors]",
        "alarm-fires",
        "PutMetricAlarm",
    ),
    (
        "an alarm on missing data",
        "alarm[lock_errors]",
        "alarm-fires",
        "PutMetricAlarm",
    ),
    (
        "an alarm that waits for weeks",
        "alarm[bucket_size]",
        "alarm-fires",
        "PutMetricAlarm",
    ),
    (
        "an alarm that tells nobody",
        "alarm[bucket_size]",
        "alarm-tells",
        "PutMetricAlarm",
    ),
    (
        "an alarm that is switched off",
        "alarm[lock_throttles]",
        "alarm-tells",
        "PutMetricAlarm",
    ),
    (
        "another tag of an alarm",
        "alarm[lock_errors]",
        "tags",
        "TagResource",
    ),
    (
        "a trail that is stopped",
        "trail/logging",
        "trail-logging",
        "StartLogging",
    ),
    (
        "a trail that records something else",
        "trail/selectors",
        "trail-selectors",
        "PutEventSelectors",
    ),
    (
        "a trail without validation",
        "trail",
        "trail-validation",
        "UpdateTrail",
    ),
    (
        "a trail without a key",
        "trail",
        "trail-encryption",
        "UpdateTrail",
    ),
    (
        "a trail of one region",
        "trail",
        "trail-regions",
        "UpdateTrail",
    ),
    (
        "a trail below another prefix",
        "trail",
        "trail-bucket",
        "UpdateTrail",
    ),
    ("another tag of the trail", "trail", "tags", "AddTags"),
    (
        "a runner who may do everything",
        "runner_policy",
        "runner-policy",
        "CreatePolicyVersion",
    ),
    (
        "another tag of the policy",
        "runner_policy",
        "tags",
        "TagPolicy",
    ),
    (
        "a runner without the policy",
        "runner_policy/attachment[user/terraform]",
        "runner-attached",
        "AttachUserPolicy",
    ),
];

in_parts! { fn one_call_repairs_each_setting: each_of in first second third fourth }

async fn each_of(part: Part) {
    let world = World::new("--alarm-email ops@example.com --attach-to user/terraform").await;
    User::make(&world.emulator, "terraform").await;
    world.bootstrap().await;
    assert_eq!(world.writes().await, Vec::<String>::new());
    let mut drift = Drift::start(&world.emulator, DRIFT);
    let clean = world.look().await;
    assert_eq!(world.found(&clean), (vec![], vec![]), "a clean environment");
    let checked = world.checked(&clean);
    for (what, address, finding, call) in part.of(REPAIRS) {
        drift.make(what);
        let observation = world.look().await;
        let (planned, found) = world.found(&observation);
        assert_eq!(planned, [*address], "planned after: {what}");
        assert_eq!(
            found,
            [format!("{finding} at {address}")],
            "found after: {what}"
        );
        assert_eq!(
            world.checked(&observation),
            checked,
            "as many checks after: {what}"
        );
        let path = Plan::to_apply(&world.blueprint, &observation, false)
            .critical_path()
            .expect("it can be carried out");
        world.recorder.take();
        world.recorder.take_chain();
        assert_eq!(writes(world.repair(observation).await), [*call], "{what}");
        let chain = world.recorder.take_chain();
        assert_eq!(
            chain.len(),
            path.make as usize,
            "round trips to repair: {what}: {chain:?}"
        );
    }
    // What was not set right would have been found with the next one.
    assert_eq!(
        world.found(&world.look().await),
        (vec![], vec![]),
        "after the last repair"
    );
}

#[tokio::test]
async fn everything_at_once_is_repaired_in_one_run() {
    let world = World::new("--alarm-email ops@example.com --attach-to user/terraform").await;
    User::make(&world.emulator, "terraform").await;
    world.bootstrap().await;
    // Backwards, as nothing can be made weaker that is gone.
    let all: Vec<&str> = REPAIRS.iter().rev().map(|(what, ..)| *what).collect();
    world.emulator.python(DRIFT, &all);
    world.bootstrap().await;
    assert_eq!(world.writes().await, Vec::<String>::new());
}

/// IAM keeps five versions of a policy.
#[tokio::test]
async fn the_oldest_version_of_the_policy_makes_room() {
    let world = World::new("").await;
    world.bootstrap().await;
    world
        .emulator
        .python(DRIFT, &["a runner who may do everything"; 4]);
    assert_eq!(
        world.writes().await,
        ["CreatePolicyVersion", "DeletePolicyVersion"]
    );
    assert_eq!(
        world.emulator.python(DRIFT, &["versions of the policy"]),
        "['v2', 'v3', 'v4', 'v5', 'v6*']\n"
    );
}

/// A run that was cut off between making the key and naming it.
#[tokio::test]
async fn a_key_that_lost_its_alias_is_found_by_its_tags() {
    let world = World::new("").await;
    world.bootstrap().await;
    let key = world.emulator.python(DRIFT, &["no alias", "the keys"]);
    assert_eq!(world.writes().await, ["CreateAlias"]);
    assert_eq!(world.emulator.python(DRIFT, &["the keys"]), key);
}
