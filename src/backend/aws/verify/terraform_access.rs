//! Checks that the bucket policy allows the requests that Terraform makes.

use super::catalogue as rule;
use crate::{
    backend::aws::{
        bucket::policy::denial::{EncryptionHeaders, all_denials},
        resources::AwsSpec,
    },
    checks::{CheckResult, CheckedPlace, Verdict},
    engine::{
        blueprint::Blueprint,
        observation::{self, Observation, Observed},
        spec::Spec,
    },
};

pub(crate) fn checks(
    blueprint: &Blueprint<AwsSpec>,
    observation: &Observation<AwsSpec>,
    lock_files: bool,
    name: &dyn Fn(&AwsSpec) -> Option<String>,
) -> Vec<CheckResult> {
    let known = observation::outputs(observation);
    let mut checked = vec![];
    for node in blueprint.nodes() {
        let Some(Observed::Present {
            spec: AwsSpec::BucketPolicy(found),
            ..
        }) = observation.get(&node.address)
        else {
            continue;
        };
        let AwsSpec::BucketPolicy(ours) = node.spec.resolve(&known) else {
            continue;
        };
        let Some(sends) = EncryptionHeaders::by(&ours.document) else {
            continue;
        };
        let denials = all_denials(&found.document, &sends, lock_files);
        let verdict = match denials[..] {
            [] => Verdict::Holds,
            _ => Verdict::Fails {
                found: denials.join("; "),
                remediation:
                    "change the client's settings or the statement: tfbackend does not change \
                       either"
                        .to_owned(),
            },
        };
        checked.push(CheckResult::new(
            &rule::TERRAFORM_DENIED,
            CheckedPlace::at(&node.address, name(&node.spec)),
            verdict,
        ));
    }
    checked
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        backend::aws::{
            blueprint::STATE_BUCKET, bucket::policy::BucketPolicy, policy::PolicyDocument,
        },
        engine::{blueprint::BlueprintNode, observation::ResourceOwner},
    };

    fn policy(sid: &str, algorithm: &str) -> AwsSpec {
        let document: PolicyDocument = serde_json::from_value(json!({"Version": "2012-10-17", "Statement": [{
            "Sid": sid, "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "s3:PutObject", "Resource": "arn:aws:s3:::b/*",
            "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": algorithm}},
        }]}))
        .expect("a policy");
        AwsSpec::BucketPolicy(BucketPolicy::new("b".to_owned(), document))
    }

    /// Returns the verdict for one statement of tfbackend and one of others.
    fn said(ours: AwsSpec, theirs: AwsSpec) -> Vec<Verdict> {
        let blueprint = Blueprint::new(vec![BlueprintNode {
            address: STATE_BUCKET,
            needs: vec![],
            spec: ours,
        }]);
        let seen = Observed::Present {
            spec: theirs,
            output: None,
            owner: ResourceOwner::Us,
        };
        let checked = checks(
            &blueprint,
            &Observation::from([(STATE_BUCKET, seen)]),
            false,
            &|_| None,
        );
        checked.into_iter().map(|checked| checked.verdict).collect()
    }

    #[test]
    fn what_theirs_wants_is_not_what_ours_makes_terraform_send() {
        let ours = || policy("TfbackendDenyOtherEncryption", "AES256");
        assert_eq!(said(ours(), policy("Theirs", "AES256")), [Verdict::Holds]);
        let [Verdict::Fails { found, .. }] = &said(ours(), policy("Theirs", "aws:kms"))[..] else {
            panic!("a finding")
        };
        assert!(
            found.starts_with("statement Theirs denies writing states"),
            "{found}"
        );
        assert_eq!(
            said(
                policy("TfbackendDenyPlaintext", "AES256"),
                policy("Theirs", "aws:kms")
            ),
            [],
            "no states are kept there"
        );
    }
}
