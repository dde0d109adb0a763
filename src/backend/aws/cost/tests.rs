//! What is counted, and what costs nothing.

use crate::{
    backend::aws::{
        alarm::catalogue::AlarmDefaults,
        bucket::versioning::BucketVersioning,
        key::KmsKey,
        lock_table::{LockTable, LockTableEncryption, TableBilling},
        ownership::Tags,
        policy::PolicyDocument,
        resources::AwsSpec,
    },
    engine::spec::Spec,
};

fn table(billing: TableBilling) -> AwsSpec {
    AwsSpec::LockTable(LockTable {
        name: "locks".to_owned(),
        key: LockTable::key(),
        billing,
        deletion_protection: true,
        encryption: LockTableEncryption::AwsOwned,
        tags: Tags::new(),
    })
}

/// In cents, rounded.
fn cents(spec: &AwsSpec) -> Option<i64> {
    spec.monthly_cost()
        .filter(|dollars| *dollars > 0.0)
        .map(|dollars| format!("{:.0}", dollars * 100.0).parse().unwrap())
}

#[test]
fn prices() {
    let common = AlarmDefaults {
        prefix: String::new(),
        topic: String::new(),
        tags: Tags::new(),
    };
    let key = KmsKey::new(
        "alias/a".to_owned(),
        String::new(),
        PolicyDocument::new(vec![]),
        Tags::new(),
    );
    for (spec, price) in [
        (AwsSpec::Key(key), Some(100)),
        (AwsSpec::Alarm(common.bucket_size("b", 1)), Some(10)),
        // Each metric that an expression looks at is paid for, the expression is not.
        (AwsSpec::Alarm(common.lock_throttles("t")), Some(30)),
        (table(TableBilling::OnDemand), None),
        // 5 units each: 5 × (0.00013 + 0.00065) × 730.
        (
            table(TableBilling::Provisioned { read: 5, write: 5 }),
            Some(285),
        ),
        (
            table(TableBilling::Provisioned { read: 1, write: 0 }),
            Some(9),
        ),
        (
            AwsSpec::Versioning(BucketVersioning::enabled("b".to_owned())),
            None,
        ),
    ] {
        assert_eq!(cents(&spec), price, "{spec:?}");
    }
}
