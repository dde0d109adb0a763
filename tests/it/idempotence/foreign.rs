//! What others wrote into documents that are shared with us survives a repair.

use insta::assert_snapshot;

use super::World;

const FOREIGN: &str = "tests/it/idempotence/foreign.py";

#[tokio::test]
async fn what_others_wrote_survives_a_repair() {
    let world = World::new("").await;
    world.bootstrap().await;
    world.emulator.python(FOREIGN, &["add"]);
    assert_eq!(
        world.writes().await,
        Vec::<String>::new(),
        "what others add is no drift"
    );

    // Everything of ours goes, what is theirs stays; then each is written over what is there.
    world.emulator.python(FOREIGN, &["remove ours"]);
    assert_snapshot!(world.writes().await.join("\n"), @r"
    PutBucketLifecycleConfiguration
    PutBucketNotificationConfiguration
    PutBucketPolicy
    PutBucketPolicy
    PutBucketTagging
    PutKeyPolicy
    PutMetricAlarm
    SetTopicAttributes
    TagResource
    TagResource
    TagResource
    ");
    assert_snapshot!(world.emulator.python(FOREIGN, &["show"]), @r#"
    policy of the bucket - theirs: True - ours: 8
    policy of the log bucket - theirs: True - ours: 8
    policy of the key - theirs: True - ours: 6
    policy of the topic - theirs: True - ours: 3
    rule {"Filter": {"And": {"ObjectSizeGreaterThan": 0, "Prefix": "old/", "Tags": [{"Key": "a", "Value": "b"}]}}, "ID": "archive", "NoncurrentVersionTransitions": [{"NewerNoncurrentVersions": 3, "NoncurrentDays": 40, "StorageClass": "STANDARD_IA"}], "Status": "Enabled", "Transitions": [{"Days": 30, "StorageClass": "GLACIER"}]}
    rule {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}, "Filter": {"Prefix": ""}, "ID": "tfbackend-history", "NoncurrentVersionExpiration": {"NewerNoncurrentVersions": 50, "NoncurrentDays": 90}, "Status": "Enabled"}
    rule {"Expiration": {"ExpiredObjectDeleteMarker": true}, "Filter": {"Prefix": ""}, "ID": "tfbackend-delete-markers", "Status": "Enabled"}
    rule {"Filter": {"Prefix": "tfbackend-probe/"}, "ID": "tfbackend-probes", "NoncurrentVersionExpiration": {"NoncurrentDays": 1}, "Status": "Enabled"}
    rule {"Filter": {"Prefix": "env:/tfbackend-probe/"}, "ID": "tfbackend-probes-of-workspaces", "NoncurrentVersionExpiration": {"NoncurrentDays": 1}, "Status": "Enabled"}
    EventBridgeConfiguration {}
    QueueConfigurations [{"Events": ["s3:ObjectCreated:*"], "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "old/"}]}}, "Id": "changes", "QueueArn": "arn:aws:sqs:eu-west-1:000000000000:changes"}]
    TopicConfigurations [{"Events": ["s3:ObjectRemoved:*"], "Filter": {"Key": {"FilterRules": [{"Name": "suffix", "Value": ".tfstate"}]}}, "Id": "tfbackend-state-removed", "TopicArn": "arn:aws:sns:eu-west-1:000000000000:acme-tfstate-prod-alarms"}]
    tags of bucket 4711 true 6
    tags of key 4711 true 6
    tags of table 4711 true 6
    tags of topic 4711 true 6
    alarm tells ['on-call', 'acme-tfstate-prod-alarms']
    "#);
    assert_eq!(world.writes().await, Vec::<String>::new());
}
