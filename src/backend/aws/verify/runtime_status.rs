//! Checks of the status of a resource, which tfbackend cannot change.

use super::catalogue as rule;
use crate::{
    backend::aws::{
        resources::AwsSpec,
        topic::existing::{ExistingTopic, TopicKey},
    },
    checks::{Check, CheckResult, CheckedPlace, Verdict},
    engine::observation::{Observation, Observed},
};

pub(crate) fn checks(
    observation: &Observation<AwsSpec>,
    name: &dyn Fn(&AwsSpec) -> Option<String>,
) -> Vec<CheckResult> {
    let mut checked = vec![];
    for (address, seen) in observation {
        let Observed::Present { spec, .. } = seen else {
            continue;
        };
        let (check, what): (&'static Check, _) = match spec {
            AwsSpec::Subscription(subscription) => {
                let pending = subscription.confirmed == Some(false);
                (
                    &rule::CONFIRMED,
                    pending.then(|| {
                        (
                            format!(
                                "{} has not confirmed the subscription yet",
                                subscription.email
                            ),
                            CONFIRM,
                        )
                    }),
                )
            }
            AwsSpec::TrailLogging(logging) => (
                &rule::TRAIL_DELIVERY,
                logging
                    .delivery_error
                    .as_ref()
                    .map(|error| (format!("the last delivery failed: {error}"), DELIVER)),
            ),
            AwsSpec::ExistingTopic(topic) => {
                checked.push(CheckResult::new(
                    &rule::TOPIC_ENCRYPTION,
                    CheckedPlace::at(address, name(spec)),
                    of_key(topic),
                ));
                continue;
            }
            _ => continue,
        };
        let verdict = match what {
            None => Verdict::Holds,
            Some((found, remediation)) => Verdict::Fails {
                found,
                remediation: remediation.to_owned(),
            },
        };
        checked.push(CheckResult::new(
            check,
            CheckedPlace::at(address, name(spec)),
            verdict,
        ));
    }
    checked
}

/// Checks that publishers can use the key of an existing topic.
fn of_key(topic: &ExistingTopic) -> Verdict {
    let remediation = format!(
        "aws sns set-topic-attributes --topic-arn {} --attribute-name KmsMasterKeyId \
         --attribute-value KEY",
        topic.arn
    );
    match &topic.key {
        // Its owner decides whether it needs a key.
        None | Some(TopicKey::Usable) => Verdict::Holds,
        Some(TopicKey::Unusable { why }) => Verdict::Fails {
            found: why.clone(),
            remediation,
        },
        Some(TopicKey::Unreadable { error }) => Verdict::Unreadable {
            error: error.clone(),
        },
    }
}

const CONFIRM: &str =
    "open the confirmation link in the mail from AWS; `aws sns subscribe` sends it again";
const DELIVER: &str =
    "check the policies of the log bucket and the key; the next delivery follows within minutes";

#[cfg(test)]
mod tests;
