//! What tfbackend writes lets in no others.

use super::*;

const OURS: &str = "111122223333";

/// The documents that tfbackend writes do not allow external access.
#[test]
fn ours_are_closed() {
    let blueprint = crate::backend::aws::blueprint::tests::built(
        "--alarm-email a@example.com",
        "aws",
        "eu-west-1",
    )
    .unwrap();
    let seen = |spec: &AwsSpec| Observed::Present {
        spec: spec.clone(),
        output: None,
        owner: crate::engine::observation::ResourceOwner::Us,
    };
    let observation: Observation<AwsSpec> = blueprint
        .nodes()
        .iter()
        .map(|node| (node.address.clone(), seen(&node.spec)))
        .collect();
    let checked = checks(&observation, OURS, &|_| None);
    assert_eq!(checked.len(), 4, "two buckets, the key, the topic");
    assert!(!checked.iter().any(CheckResult::is_finding), "{checked:?}");
}
