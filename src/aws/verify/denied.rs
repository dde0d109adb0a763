//! Whether the bucket policy lets Terraform do with this backend what it must.

use super::catalogue as rule;
use crate::{
    aws::{
        bucket::policy::denial::{Sends, denials},
        resources::AwsSpec,
    },
    blueprint::Blueprint,
    observation::{self, Observation, Seen},
    spec::Spec,
    verify::{Checked, Place, Verdict},
};

pub fn checks(
    blueprint: &Blueprint<AwsSpec>,
    observation: &Observation<AwsSpec>,
    name: &dyn Fn(&AwsSpec) -> Option<String>,
) -> Vec<Checked> {
    let known = observation::outputs(observation);
    let mut checked = vec![];
    for node in blueprint.nodes() {
        let Some(Seen::Present { spec: AwsSpec::BucketPolicy(found), .. }) = observation.get(&node.address) else { continue };
        let AwsSpec::BucketPolicy(ours) = node.spec.resolve(&known) else { continue };
        let Some(sends) = Sends::by(&ours.document) else { continue };
        let denials = denials(&found.document, &sends);
        let verdict = match denials[..] {
            [] => Verdict::Holds,
            _ => Verdict::Fails {
                what: denials.join("; "),
                mend: "change what asks for it, or the statement: tfbackend does neither".to_owned(),
            },
        };
        checked.push(Checked::new(&rule::TERRAFORM_DENIED, Place::at(&node.address, name(&node.spec)), verdict));
    }
    checked
}
