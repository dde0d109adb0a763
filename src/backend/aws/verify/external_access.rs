//! Policies that allow external access: `over` keeps statements of others, so that no plan shows
//! them.

use super::catalogue as rule;
use crate::{
    backend::aws::{policy::openings::openings, resources::AwsSpec},
    checks::{Check, CheckResult, CheckedPlace, Verdict},
    engine::observation::{Observation, Observed},
};

/// Checks that every policy document allows only principals of `account`.
pub(crate) fn checks(
    observation: &Observation<AwsSpec>,
    account: &str,
    name: &dyn Fn(&AwsSpec) -> Option<String>,
) -> Vec<CheckResult> {
    let mut checked = vec![];
    for (address, seen) in observation {
        let Observed::Present { spec, .. } = seen else {
            continue;
        };
        let (check, document): (&'static Check, _) = match spec {
            AwsSpec::BucketPolicy(policy) => (&rule::BUCKET_OPEN, &policy.document),
            AwsSpec::Key(key) => (&rule::KEY_OPEN, &key.policy),
            AwsSpec::Topic(topic) => (&rule::TOPIC_OPEN, &topic.policy),
            _ => continue,
        };
        let openings = openings(document, account);
        let verdict = if openings.is_empty() {
            Verdict::Holds
        } else {
            let remediation = "remove the statement, or restrict it to the required principals \
                               with a condition; tfbackend never removes statements or rules of \
                               others";
            Verdict::Fails {
                found: openings.join("; "),
                remediation: remediation.to_owned(),
            }
        };
        checked.push(CheckResult::new(
            check,
            CheckedPlace::at(address, name(spec)),
            verdict,
        ));
    }
    checked
}

#[cfg(test)]
mod tests;
