//! A backend that tfbackend knows nothing of, by its bucket alone.

use super::{LINE, findings, verify};
use crate::support::{
    emulator::Emulator,
    program::Place,
    proxy::{Proxy, Reply},
};

const BUCKET: &str = "acme-tfstate-prod-000000000000-eu-west-1";

/// What tfbackend created passes as well when it is checked as an unknown backend.
#[tokio::test]
async fn ours_passes_without_its_settings() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    assert_eq!(
        place.bootstrap(&format!("--env prod {LINE} -y")).code,
        Some(0)
    );
    let (said, document) = verify(
        &place,
        &format!("--bucket {BUCKET} --table acme-tfstate-prod-locks --region eu-west-1"),
    );
    assert_eq!(
        (said.code, findings(&document)),
        (Some(0), vec![]),
        "{}",
        said.all()
    );
    assert_eq!(document["about"]["project"], serde_json::Value::Null);

    // Where it is, S3 says.
    let (said, document) = verify(&place, &format!("--bucket {BUCKET} --region eu-central-1"));
    assert_eq!(said.code, Some(0), "{}", said.all());
    assert_eq!(
        document["notes"][0],
        "the bucket is in eu-west-1, not in eu-central-1; using eu-west-1"
    );
    assert_eq!(document["about"]["region"], "eu-west-1");
    assert_eq!(
        verify(&place, &format!("--bucket {BUCKET}")).0.code,
        Some(0),
        "no region is needed at all"
    );
}

#[tokio::test]
async fn a_bucket_made_by_hand() {
    let emulator = Emulator::start().await;
    emulator.python("tests/it/verify/by_hand.py", &[]);
    let place = Place::with(&emulator);
    let (said, document) = verify(
        &place,
        "--bucket my-states --table my-locks --region eu-west-1 --min-severity info",
    );
    assert_eq!(said.code, Some(2));
    let shown = document["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .map(|finding| {
            let text = |name: &str| finding[name].as_str().unwrap_or_default();
            format!(
                "{:8} {} at {}: {}",
                text("severity"),
                text("id"),
                text("address"),
                text("found")
            )
        });
    insta::assert_snapshot!(shown.collect::<Vec<_>>().join("\n"), @r#"
    critical bucket-public-access at state_bucket/public_access: no public access block
    critical bucket-versioning at state_bucket/versioning: status: Off (expected: Enabled)
    critical bucket-open at state_bucket/policy: statement Read allows everyone
    high     bucket-history at state_bucket/lifecycle: no lifecycle rules
    high     bucket-tls at state_bucket/policy: statement TfbackendDenyPlaintext is missing
    high     bucket-other-accounts at state_bucket/policy: statement TfbackendDenyOtherAccounts is missing
    high     bucket-other-encryption at state_bucket/policy: statement TfbackendDenyOtherEncryption is missing
    high     lock-overwrite at state_bucket/policy: statement TfbackendDenyOverwritingLocks is missing
    high     bucket-destroy at state_bucket/policy: statement TfbackendDenyDestroyingHistory is missing
    high     table-deletion-protection at lock_table: deletion_protection: false (expected: true)
    high     key at state_bucket: its default encryption is SSE-S3, with an S3 managed key
    high     alarm-fires at : UserErrors is counted per account and region, not per table, and excludes failed conditions, which held locks cause: watch ConditionalCheckFailedRequests
    high     alarm-tells at : it has no action for the ALARM state
    medium   bucket-sse-c at state_bucket/encryption: blocked: (none) (expected: ["SSE-C"])
    medium   bucket-old-tls at state_bucket/policy: statement TfbackendDenyOldTls is missing
    medium   bucket-sse-c at state_bucket/policy: statement TfbackendDenyCustomerKeys is missing
    medium   table-encryption at lock_table: it is encrypted with an AWS owned key
    medium   table-recovery at lock_table/recovery: enabled: false (expected: true)
    medium   trail at trail: no trail that these credentials can read records the data events of arn:aws:s3:::my-states/; pass --trail new or --trail off
    medium   bucket-access-logs at state_bucket: access logging is not enabled
    low      bucket-lifecycle at state_bucket/lifecycle: no lifecycle rules
    low      bucket-delete-events at state_bucket: S3 sends no event when an object is deleted
    info     account-public-access at : no Block Public Access settings for the account
    info     account-trail at : no trail that these credentials can read records them
    "#);

    // The command that adopts it goes where this one went, and makes the trail as well.
    let audit = format!(
        "--bucket my-states --table my-locks --region eu-west-1 --endpoint-url {}",
        emulator.endpoint()
    );
    let (_, document) = verify(&place, &audit);
    let all = document["findings"].as_array().expect("findings");
    let of = |id: &str| {
        all.iter().find(|one| one["id"] == id).expect("found")["remediation"]
            .as_str()
            .expect("a fix")
            .to_owned()
    };
    let adopt = "tfbackend bootstrap --env NAME --project NAME --region eu-west-1 --bucket \
                 my-states --table my-locks --adopt";
    assert_eq!(
        of("bucket-versioning"),
        format!("{adopt} --endpoint-url=ENDPOINT")
    );
    assert_eq!(of("trail"), of("bucket-versioning"));
    emulator.python("tests/it/verify/by_hand.py", &["close"]);
    let command = of("trail")
        .replace("NAME", "mine")
        .replace("ENDPOINT", emulator.endpoint());
    let said = place.run(&command.split(' ').skip(1).chain(["-y"]).collect::<Vec<_>>());
    let left = findings(&verify(&place, &audit).1);
    assert!(
        !left.iter().any(|one| one.starts_with("trail at")),
        "{left:?} {}",
        said.all()
    );
}

#[tokio::test]
async fn buckets_that_cannot_be_read() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    insta::assert_snapshot!(place.run(&["verify", "--bucket", "nobody-has-this", "--region", "eu-west-1"]).refusal(), @"
    1
    error: there is no bucket nobody-has-this
    ");
    let proxy = Proxy::start(Some(&emulator), |call, _| match &*call.operation {
        "HeadBucket" => Reply::s3(403, "AccessDenied", "Access Denied"),
        _ => Reply::Forward,
    });
    let mut place = Place::with(&emulator);
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    insta::assert_snapshot!(place.run(&["verify", "--bucket", "somebody-elses", "--region", "eu-west-1"]).refusal(), @"
    1
    error: cannot read bucket somebody-elses
      caused by: s3:HeadBucket on somebody-elses: HTTP 403: the bucket belongs to another account, or these credentials cannot access it (needs s3:ListBucket)
      hint: allow s3:ListBucket on somebody-elses, then run the same command again
    ");
}

/// A document that is none is not taken for an empty one.
#[tokio::test]
async fn a_policy_that_cannot_be_read() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    assert_eq!(
        place.bootstrap(&format!("--env prod {LINE} -y")).code,
        Some(0)
    );
    for (status, body) in [(200, "{\"Statement\": [}"), (200, "")] {
        let proxy = Proxy::start(Some(&emulator), move |call, _| match &*call.operation {
            "GetBucketPolicy" => Reply::Answer {
                status,
                headers: &[("content-type", "application/json")],
                body: body.to_owned(),
            },
            _ => Reply::Forward,
        });
        let mut place = Place::with(&emulator);
        place.set("AWS_ENDPOINT_URL", proxy.endpoint());
        let (said, document) = verify(&place, &format!("--env prod {LINE}"));
        assert_eq!(said.code, Some(2), "{}", said.all());
        let all = findings(&document);
        assert!(
            all.contains(&"bucket-policy at state_bucket/policy: unreadable".to_owned()),
            "{all:?}"
        );
    }
}
