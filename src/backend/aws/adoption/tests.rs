//! What waits, by what is in the bucket.

use serde_json::json;

use super::*;
use crate::{
    backend::aws::{
        blueprint::{KEY, tests::built},
        testing::ACCOUNT,
    },
    engine::plan::{Plan, PlannedChange},
};

const ARN: &str = "arn:aws:kms:eu-west-1:111122223333:key/ours";

/// A bucket of others with a policy, in a backend of which everything else is as it is wanted.
fn there(
    blueprint: &Blueprint<AwsSpec>,
    owner: &ResourceOwner,
    policy: Option<PolicyDocument>,
) -> Observation<AwsSpec> {
    let present = |spec: AwsSpec, owner: &ResourceOwner| Observed::Present {
        spec,
        output: None,
        owner: owner.clone(),
    };
    let key = Observed::Present {
        spec: blueprint.nodes()[0].spec.clone(),
        output: Some(ARN.to_owned()),
        owner: ResourceOwner::Us,
    };
    let known = observation::outputs(&Observation::from([(KEY, key.clone())]));
    let mut seen: Observation<AwsSpec> = blueprint
        .nodes()
        .iter()
        .map(|node| {
            (
                node.address.clone(),
                present(node.spec.resolve(&known), owner),
            )
        })
        .collect();
    if blueprint.nodes()[0].address == KEY {
        seen.insert(KEY, key);
    }
    let bucket = "acme-tfstate-dev-111122223333-eu-west-1".to_owned();
    seen.insert(
        ENCRYPTION,
        present(
            AwsSpec::Encryption(BucketEncryption::s3(bucket.clone())),
            owner,
        ),
    );
    let policy = policy.map(|document| {
        present(
            AwsSpec::BucketPolicy(BucketPolicy::new(bucket, document)),
            owner,
        )
    });
    seen.insert(POLICY, policy.unwrap_or(Observed::Absent));
    if let Some(Observed::Present {
        spec: AwsSpec::LockTable(table),
        ..
    }) = seen.get_mut(&LOCK_TABLE)
    {
        table.encryption = lock_table::LockTableEncryption::AwsOwned;
    }
    seen
}

fn contents(states: &[(StateEncryption, usize)]) -> BucketContents {
    BucketContents {
        states: states.iter().cloned().collect(),
        ..BucketContents::default()
    }
}

/// Returns the postponed changes, and the statements that are written immediately.
fn waits(line: &str, policy: Option<PolicyDocument>, contents: &BucketContents) -> String {
    let blueprint = built(line, "aws", "eu-west-1").unwrap();
    let observation = there(&blueprint, &ResourceOwner::Unmanaged, policy);
    assert!(may_have_waiting_steps(&blueprint, &observation));
    let (held, waiting) = hold_back(&blueprint, &observation, contents, ACCOUNT);
    let plan = Plan::to_apply(&held, &observation, true);
    let written = plan
        .steps
        .iter()
        .find(|step| step.address == POLICY)
        .map(|step| match &step.change {
            PlannedChange::Create {
                to: AwsSpec::BucketPolicy(to),
            }
            | PlannedChange::Adopt {
                to: AwsSpec::BucketPolicy(to),
                ..
            } => to
                .document
                .statements
                .iter()
                .filter_map(name)
                .map(str::to_owned)
                .collect::<Vec<_>>()
                .join(" "),
            other => format!("{other:?}"),
        });
    let waiting: Vec<String> = waiting
        .iter()
        .map(|one| format!("{}: {}: {}", one.address, one.what, one.refuses))
        .collect();
    format!(
        "{}\nwritten: {}",
        waiting.join("\n"),
        written.unwrap_or_default()
    )
}

fn ours() -> StateEncryption {
    StateEncryption::Key(ARN.to_owned())
}

#[test]
fn nothing_waits_where_no_state_would_be_refused() {
    let all = "\nwritten: DenyPlaintext DenyOldTls DenyOtherAccounts DenyOtherEncryption \
               DenyOtherKey DenyCustomerKeys DenyOverwritingLocks DenyDestroyingHistory";
    assert_eq!(waits("", None, &contents(&[])), all);
    assert_eq!(waits("", None, &contents(&[(ours(), 7)])), all);
}

#[test]
fn what_refuses_the_states_that_are_there_waits() {
    insta::assert_snapshot!(waits("", None, &contents(&[(StateEncryption::S3, 2), (ours(), 1)])), @r"
    state_bucket/encryption: default encryption with the key: runs that do not request encryption and have no permission for the key
    state_bucket/policy: statement TfbackendDenyOtherEncryption: runs that request AES256, as with `encrypt = true` without `kms_key_id`
    lock_table: encryption of the table with the key: runs that lock in the table and have no permission for the key
    written: DenyPlaintext DenyOldTls DenyOtherAccounts DenyOtherKey DenyCustomerKeys DenyOverwritingLocks DenyDestroyingHistory
    ");
    insta::assert_snapshot!(waits("", None, &contents(&[(StateEncryption::Key("arn:other".to_owned()), 1)])), @r"
    state_bucket/encryption: default encryption with the key: runs that do not request encryption and have no permission for the key
    state_bucket/policy: statement TfbackendDenyOtherKey: runs whose `kms_key_id` is another key
    lock_table: encryption of the table with the key: runs that lock in the table and have no permission for the key
    written: DenyPlaintext DenyOldTls DenyOtherAccounts DenyOtherEncryption DenyCustomerKeys DenyOverwritingLocks DenyDestroyingHistory
    ");
    insta::assert_snapshot!(waits("", None, &contents(&[(StateEncryption::Customer, 1)])), @r"
    state_bucket/policy: statement TfbackendDenyCustomerKeys: runs with `sse_customer_key`
    lock_table: encryption of the table with the key: runs that lock in the table and have no permission for the key
    written: DenyPlaintext DenyOldTls DenyOtherAccounts DenyOtherEncryption DenyOtherKey DenyOverwritingLocks DenyDestroyingHistory
    ");
    let all = "\nwritten: DenyPlaintext DenyOldTls DenyOtherAccounts DenyOtherEncryption \
               DenyCustomerKeys DenyOverwritingLocks DenyDestroyingHistory";
    assert_eq!(
        waits(
            "--encryption sse-s3",
            None,
            &contents(&[(StateEncryption::S3, 1)])
        ),
        all
    );
    insta::assert_snapshot!(waits("--encryption sse-s3", None, &contents(&[(StateEncryption::Key("arn:other".to_owned()), 1)])), @r"
    state_bucket/policy: statement TfbackendDenyOtherEncryption: runs that specify a KMS key
    written: DenyPlaintext DenyOldTls DenyOtherAccounts DenyCustomerKeys DenyOverwritingLocks DenyDestroyingHistory
    ");
    let unseen = BucketContents {
        unseen: vec!["denied".to_owned()],
        ..BucketContents::default()
    };
    insta::assert_snapshot!(waits("", None, &unseen), @r"
    state_bucket/encryption: default encryption with the key: runs that do not request encryption and have no permission for the key
    state_bucket/policy: statement TfbackendDenyOtherEncryption: runs that request AES256, as with `encrypt = true` without `kms_key_id`
    state_bucket/policy: statement TfbackendDenyOtherKey: runs whose `kms_key_id` is another key
    state_bucket/policy: statement TfbackendDenyCustomerKeys: runs with `sse_customer_key`
    lock_table: encryption of the table with the key: runs that lock in the table and have no permission for the key
    written: DenyPlaintext DenyOldTls DenyOtherAccounts DenyOverwritingLocks DenyDestroyingHistory
    ");
}

#[test]
fn another_account_that_is_let_in_is_not_shut_out_at_once() {
    let policy: PolicyDocument = serde_json::from_value(json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "Team", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::444455556666:root"}, "Action": "s3:*", "Resource": "*"},
    ]}))
    .unwrap();
    insta::assert_snapshot!(waits("", Some(policy), &contents(&[(ours(), 1)])), @r"
    state_bucket/policy: statement TfbackendDenyOtherAccounts: principals of other accounts: statement Team allows arn:aws:iam::444455556666:root
    written: DenyPlaintext DenyOldTls DenyOtherEncryption DenyOtherKey DenyCustomerKeys DenyOverwritingLocks DenyDestroyingHistory
    ");
}

/// Once its tags are on the bucket, what waits goes on waiting; what stands already does not come
/// off.
#[test]
fn what_was_taken_over_goes_on_waiting() {
    let blueprint = built("", "aws", "eu-west-1").unwrap();
    let of_others = contents(&[(StateEncryption::S3, 1)]);
    let (held, _) = hold_back(
        &blueprint,
        &there(&blueprint, &ResourceOwner::Unmanaged, None),
        &of_others,
        ACCOUNT,
    );
    let Some(AwsSpec::BucketPolicy(written)) = held.get(&POLICY).map(|node| &node.spec) else {
        panic!("a policy")
    };
    let after = there(
        &blueprint,
        &ResourceOwner::Us,
        Some(written.document.clone()),
    );
    assert!(may_have_waiting_steps(&blueprint, &after));
    let (held, waiting) = hold_back(&blueprint, &after, &of_others, ACCOUNT);
    assert_eq!(waiting.len(), 3, "{waiting:?}");
    assert!(Plan::to_apply(&held, &after, false).is_empty());
    assert!(
        !Plan::to_apply(&blueprint, &after, false).is_empty(),
        "which is what --enforce does"
    );

    let AwsSpec::BucketPolicy(wanted) = blueprint
        .get(&POLICY)
        .unwrap()
        .spec
        .resolve(&observation::outputs(&after))
    else {
        panic!("a policy")
    };
    let enforced = there(&blueprint, &ResourceOwner::Us, Some(wanted.document));
    assert!(
        !may_have_waiting_steps(&blueprint, &enforced),
        "the states of a backend in order are not read"
    );
}

/// Waiting must not hide what blocks.
#[test]
fn another_key_blocks_as_before() {
    let blueprint = built("", "aws", "eu-west-1").unwrap();
    let mut observation = there(&blueprint, &ResourceOwner::Unmanaged, None);
    let theirs = BucketEncryption::kms(
        "acme-tfstate-dev-111122223333-eu-west-1".to_owned(),
        "arn:aws:kms:eu-west-1:1:key/theirs".to_owned(),
    );
    observation.insert(
        ENCRYPTION,
        Observed::Present {
            spec: AwsSpec::Encryption(theirs),
            output: None,
            owner: ResourceOwner::Unmanaged,
        },
    );
    let (held, _) = hold_back(
        &blueprint,
        &observation,
        &contents(&[(StateEncryption::S3, 1)]),
        ACCOUNT,
    );
    let plan = Plan::to_apply(&held, &observation, true);
    assert!(
        plan.blocked().any(|(address, _)| *address == ENCRYPTION),
        "{plan:?}"
    );
}
