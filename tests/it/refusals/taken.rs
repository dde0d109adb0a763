//! Names that are taken: what others made is neither changed nor adopted unasked.

use super::LINE;
use crate::support::{
    emulator::Emulator,
    program::Place,
    proxy::{Proxy, Reply},
};

#[tokio::test]
async fn threat_02_what_others_made_is_left_alone() {
    let emulator = Emulator::start().await;
    let mut place = Place::with(&emulator);
    let made = place.bootstrap(&format!("--env moved {LINE}"));
    assert_eq!(made.code, Some(0), "{}", made.all());
    std::fs::remove_file(place.path().join("backend.conf")).expect("removed");
    emulator.python("tests/it/refusals/others.py", &[]);
    let proxy = Proxy::start(Some(&emulator), |_, _| Reply::Forward);
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    let before = emulator.python("tests/it/support/inventory.py", &[]);

    // In us-east-1, CreateBucket of one's own bucket is no error.
    insta::assert_snapshot!(place.bootstrap("--env bucket --project acme --region us-east-1 --trail off --alarms=false -y").refusal(), @"
    3
    error: S3 bucket acme-tfstate-bucket-000000000000-us-east-1 (state_bucket): exists, but was not created by tfbackend; pass `--adopt` to adopt it; nothing was changed
    ");
    insta::assert_snapshot!(place.bootstrap(&format!("--env region {LINE} --bucket acme-elsewhere")).refusal(), @"
    3
    error: S3 bucket acme-elsewhere (state_bucket): bucket acme-elsewhere exists in region eu-central-1, not in eu-west-1; pass --region eu-central-1; nothing was changed
    ");
    insta::assert_snapshot!(place.bootstrap(&format!("--env schema {LINE}")).refusal(), @"
    3
    error: DynamoDB table acme-tfstate-schema-locks, paid per request (lock_table): table acme-tfstate-schema-locks has the key schema ID:S Range:S, but Terraform needs LockID:S; the key schema cannot be changed: choose another name with --table; nothing was changed
    ");
    insta::assert_snapshot!(place.bootstrap(&format!("--env schema {LINE} --adopt")).refusal(), @"
    3
    error: DynamoDB table acme-tfstate-schema-locks, paid per request (lock_table): table acme-tfstate-schema-locks has the key schema ID:S Range:S, but Terraform needs LockID:S; the key schema cannot be changed: choose another name with --table; nothing was changed
    ");
    insta::assert_snapshot!(place.bootstrap(&format!("--env policy {LINE}")).refusal(), @"
    3
    error: IAM policy acme-tfstate-policy-runner-eu-west-1, for Terraform runs (runner_policy): exists, but was not created by tfbackend; pass `--adopt` to adopt it; nothing was changed
    ");
    insta::assert_snapshot!(place.bootstrap(&format!("--env alias {LINE}")).refusal(), @"
    3
    error: KMS key alias/acme-tfstate-alias (key): exists, but was not created by tfbackend; pass `--adopt` to adopt it; nothing was changed
    ");
    insta::assert_snapshot!(place.bootstrap(&format!("--env topic {}", LINE.replace("--alarms=false", ""))).refusal(), @"
    3
    error: SNS topic acme-tfstate-topic-alarms (topic): exists, but was not created by tfbackend; pass `--adopt` to adopt it; nothing was changed
    ");
    insta::assert_snapshot!(place.bootstrap(&format!("--env other {LINE} --bucket acme-tfstate-theirs")).refusal(), @"
    3
    error: S3 bucket acme-tfstate-theirs (state_bucket): belongs to the tfbackend environment theirs of project acme; nothing was changed
    ");

    // The key is ours, and the alias was pointed elsewhere since.
    insta::assert_snapshot!(place.bootstrap(&format!("--env moved {LINE}")).refusal(), @"
    3
    error: KMS key alias/acme-tfstate-moved (key): alias/acme-tfstate-moved points at another key, arn:aws:kms:eu-west-1:000000000000:key/UUID; delete the alias, or choose another project or environment name; nothing was changed
    ");

    let writes: Vec<String> = proxy
        .take()
        .into_iter()
        .filter(|call| {
            !["Get", "List", "Describe", "Head", "Scan"]
                .iter()
                .any(|verb| call.contains(&format!(":{verb}")))
        })
        .collect();
    assert_eq!(writes, Vec::<String>::new());
    assert_eq!(
        emulator.python("tests/it/support/inventory.py", &[]),
        before
    );
}

/// The emulator has one account, and takes names in any case: what AWS answers is written here.
#[tokio::test]
async fn names_that_another_account_or_another_case_has() {
    let emulator = Emulator::start().await;
    let small = format!(
        "--env prod {LINE} --lock s3 --encryption sse-s3 --access-logs=false --parallelism 1"
    );
    let run = |rule: fn(&str) -> Option<Reply>| {
        let proxy = Proxy::start(Some(&emulator), move |call, _| {
            rule(&call.operation).unwrap_or(Reply::Forward)
        });
        let mut place = Place::with(&emulator);
        place.set("AWS_ENDPOINT_URL", proxy.endpoint());
        place.bootstrap(&small)
    };
    let said = run(|operation| match operation {
        "HeadBucket" | "GetBucketTagging" | "GetBucketOwnershipControls" => {
            Some(Reply::s3(403, "AccessDenied", "Access Denied"))
        }
        _ => None,
    });
    insta::assert_snapshot!(said.refusal(), @"
    3
    error: S3 bucket acme-tfstate-prod-000000000000-eu-west-1 (state_bucket): cannot be read: s3:HeadBucket on acme-tfstate-prod-000000000000-eu-west-1: HTTP 403: the bucket belongs to another account, or these credentials cannot access it (needs s3:ListBucket); nothing was changed
      hint: allow s3:ListBucket, then run the same command again
    ");
    let said = run(|operation| {
        (operation == "CreateBucket").then(|| {
            Reply::s3(
                409,
                "BucketAlreadyExists",
                "The requested bucket name is not available.",
            )
        })
    });
    insta::assert_snapshot!(said.refusal(), @"
    4
    error: state_bucket failed: 1 change applied, 6 left
      caused by: state_bucket: s3:CreateBucket on acme-tfstate-prod-000000000000-eu-west-1: BucketAlreadyExists: The requested bucket name is not available.
      hint: another account has a bucket of this name; choose one with --bucket, or use --namespace account-regional
      hint: applied: runner_policy
      hint: not started: state_bucket/public_access, state_bucket/versioning, state_bucket/encryption, state_bucket/lifecycle, state_bucket/policy
      hint: the same command continues where this one stopped
    ");
    assert_eq!(
        emulator.python("tests/it/support/inventory.py", &[]),
        "policy acme-tfstate-prod-runner-eu-west-1\n"
    );

    let said = run(|operation| {
        (operation == "CreatePolicy").then(|| {
            Reply::xml(
                409,
                "EntityAlreadyExists",
                "A policy called Acme-tfstate-prod-runner-eu-west-1 already exists.",
            )
        })
    });
    assert_eq!(said.code, Some(0), "it is there already: {}", said.all());
    let other = format!(
        "--env test {LINE} --lock s3 --encryption sse-s3 --access-logs=false --parallelism 1"
    );
    let proxy = Proxy::start(Some(&emulator), |call, _| match &*call.operation {
        "CreatePolicy" => Reply::xml(
            409,
            "EntityAlreadyExists",
            "A policy called Acme-tfstate-test-runner-eu-west-1 already exists. Duplicate names \
             are not allowed.",
        ),
        _ => Reply::Forward,
    });
    let mut place = Place::with(&emulator);
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    insta::assert_snapshot!(place.bootstrap(&other).refusal(), @"
    4
    error: runner_policy failed: 6 changes applied, 1 left
      caused by: runner_policy: iam:CreatePolicy on acme-tfstate-test-runner-eu-west-1: EntityAlreadyExists: A policy called Acme-tfstate-test-runner-eu-west-1 already exists. Duplicate names are not allowed.
      hint: IAM has a policy of this name, perhaps in another letter case: delete that, choose another --project or --env, or leave the policy out with --policy=false
      hint: applied: state_bucket, state_bucket/public_access, state_bucket/versioning, state_bucket/encryption, state_bucket/lifecycle, state_bucket/policy
      hint: the same command continues where this one stopped
    ");
}
