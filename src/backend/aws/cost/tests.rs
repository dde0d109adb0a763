//! What is counted, and what costs nothing.

use super::*;
use crate::backend::aws::{
    alarm::catalogue::Common,
    bucket::versioning::Versioning,
    key::Key,
    lock_table::{Encryption, LockTable},
    ownership::Tags,
    policy::Document,
};

fn table(billing: Billing) -> AwsSpec {
    AwsSpec::LockTable(LockTable {
        name: "locks".to_owned(),
        key: LockTable::key(),
        billing,
        deletion_protection: true,
        encryption: Encryption::AwsOwned,
        tags: Tags::new(),
    })
}

/// In cents, rounded.
fn cents(spec: &AwsSpec) -> Option<i64> {
    monthly(spec).map(|dollars| format!("{:.0}", dollars * 100.0).parse().unwrap())
}

#[test]
fn prices() {
    let common = Common {
        prefix: String::new(),
        topic: String::new(),
        tags: Tags::new(),
    };
    let key = Key::new(
        "alias/a".to_owned(),
        String::new(),
        Document::new(vec![]),
        Tags::new(),
    );
    for (spec, price) in [
        (AwsSpec::Key(key), Some(100)),
        (AwsSpec::Alarm(common.bucket_size("b", 1)), Some(10)),
        // Each metric that an expression looks at is paid for, the expression is not.
        (AwsSpec::Alarm(common.lock_throttles("t")), Some(30)),
        (table(Billing::OnDemand), None),
        // 5 units each: 5 × (0.00013 + 0.00065) × 730.
        (table(Billing::Provisioned { read: 5, write: 5 }), Some(285)),
        (table(Billing::Provisioned { read: 1, write: 0 }), Some(9)),
        (
            AwsSpec::Versioning(Versioning::enabled("b".to_owned())),
            None,
        ),
    ] {
        assert_eq!(cents(&spec), price, "{spec:?}");
    }
}
