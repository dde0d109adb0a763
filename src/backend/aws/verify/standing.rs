//! What a resource says of itself beside its settings: no write of ours could change it.

use super::catalogue as rule;
use crate::{
    backend::aws::{
        resources::AwsSpec,
        topic::existing::{ExistingTopic, TopicKey},
    },
    checks::{Check, CheckResult, CheckedPlace, Verdict},
    engine::observation::{Observation, Observed},
};

pub fn checks(
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
                            format!("{} has not confirmed yet", subscription.email),
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
            Some((what, mend)) => Verdict::Fails {
                what,
                mend: mend.to_owned(),
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

/// Whether those who publish can use the key of a topic that was brought along.
fn of_key(topic: &ExistingTopic) -> Verdict {
    let mend = format!(
        "aws sns set-topic-attributes --topic-arn {} --attribute-name KmsMasterKeyId \
         --attribute-value KEY",
        topic.arn
    );
    match &topic.key {
        // Whether it needs one is for those to say whose it is.
        None | Some(TopicKey::Usable) => Verdict::Holds,
        Some(TopicKey::Unusable { why }) => Verdict::Fails {
            what: why.clone(),
            mend,
        },
        Some(TopicKey::Unreadable { error }) => Verdict::Unreadable {
            error: error.clone(),
        },
    }
}

const CONFIRM: &str = "follow the link in the mail from AWS; `aws sns subscribe` sends it again";
const DELIVER: &str =
    "see the policies of the log bucket and the key; the next delivery comes within minutes";

#[cfg(test)]
mod tests;
