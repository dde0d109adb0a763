//! Checks of the subscribers of alarms: an address that is not in the settings learns which states
//! are deleted and when.

use aws_sdk_sns::types::Subscription as SdkSubscription;

use super::catalogue as rule;
use crate::{
    backend::aws::{
        AwsProvider,
        blueprint::TOPIC,
        resources::AwsSpec,
        topic::subscription::{self, TopicSubscription},
    },
    checks::{Check, CheckResult, CheckedPlace, Verdict},
    engine::{blueprint::Blueprint, spec::Address},
    text::shell::shell_word,
};

/// The checks of a topic, and of an existing topic.
pub(crate) const OF_TOPIC: [&Check; 2] = [&rule::TOPIC_HEARD, &rule::LISTENERS];
pub(crate) const OF_EXISTING_TOPIC: [&Check; 1] = [&rule::TOPIC_HEARD];

/// Checks that the topic has a confirmed subscriber, and that it has no unknown subscribers.
/// Returns nothing if there is no topic, which is another finding; the subscribers of an existing
/// topic are not checked.
pub(crate) async fn checks(aws: &AwsProvider, blueprint: &Blueprint<AwsSpec>) -> Vec<CheckResult> {
    let Some(node) = blueprint.get(&TOPIC) else {
        return vec![];
    };
    let (topic, ours_to_name) = match &node.spec {
        AwsSpec::Topic(topic) => (aws.arn("sns", &aws.region, &topic.name), true),
        AwsSpec::ExistingTopic(topic) => (topic.arn.clone(), false),
        _ => return vec![],
    };
    let ours = blueprint
        .nodes()
        .iter()
        .filter_map(|node| match &node.spec {
            AwsSpec::Subscription(subscription) => Some((&node.address, subscription)),
            _ => None,
        });
    let ours: Vec<_> = ours.collect();
    let (heard, unknown) = match subscription::all(aws, &topic).await {
        Ok(None) => return vec![],
        Ok(Some(all)) => (heard(&all, &ours), unknown(&all, &ours)),
        Err(error) => {
            let unreadable = Verdict::Unreadable {
                error: error.to_string(),
            };
            (unreadable.clone(), unreadable)
        }
    };
    let place = CheckedPlace::at(&TOPIC, Some(topic));
    let mut checked = vec![CheckResult::new(&rule::TOPIC_HEARD, place.clone(), heard)];
    checked.extend(ours_to_name.then(|| CheckResult::new(&rule::LISTENERS, place, unknown)));
    checked
}

/// An address in the settings has its own checks for being subscribed and confirmed.
fn heard(all: &[SdkSubscription], ours: &[(&Address, &TopicSubscription)]) -> Verdict {
    if all.iter().any(subscription::is_confirmed) {
        return Verdict::Holds;
    }
    match ours.first() {
        Some((address, ours)) => {
            let there = all.iter().any(|one| ours.is(one));
            let check = if there {
                &rule::CONFIRMED
            } else {
                &rule::SUBSCRIBED
            };
            Verdict::FailsWith {
                check,
                place: CheckedPlace::at(address, Some(ours.topic.clone())),
            }
        }
        None => Verdict::Fails {
            found: match all.len() {
                0 => "the topic has no subscription".to_owned(),
                _ => "the topic has no confirmed subscription".to_owned(),
            },
            remediation:
                "`tfbackend bootstrap --alarm-email ADDRESS`, then confirm the subscription in \
                   the mail from AWS; or subscribe another endpoint"
                    .to_owned(),
        },
    }
}

fn unknown(all: &[SdkSubscription], ours: &[(&Address, &TopicSubscription)]) -> Verdict {
    let others: Vec<&SdkSubscription> = all
        .iter()
        .filter(|one| !ours.iter().any(|(_, ours)| ours.is(one)))
        .collect();
    if others.is_empty() {
        Verdict::Holds
    } else {
        fails(&others)
    }
}

/// The maximum number of subscribers that are listed.
const MOST: usize = 5;

fn fails(others: &[&SdkSubscription]) -> Verdict {
    let more = others.len().saturating_sub(MOST);
    let and_more = if more > 0 {
        format!(", and {more} more")
    } else {
        String::new()
    };
    let named = others.iter().take(MOST);
    let who = named.clone().map(|one| {
        format!(
            "{} {}",
            one.protocol().unwrap_or_default(),
            one.endpoint().unwrap_or_default()
        )
    });
    let end: Vec<String> = named
        .filter_map(|one| unsubscribe(one.subscription_arn()?))
        .collect();
    // An unconfirmed subscription has no ARN.
    let end = if end.is_empty() {
        "SNS deletes it automatically if it is not confirmed".to_owned()
    } else {
        end.join(", ")
    };
    Verdict::Fails {
        found: format!(
            "subscribed, but not in the settings: {}{and_more}",
            who.collect::<Vec<_>>().join(", ")
        ),
        remediation: format!(
            "if it is expected, add it (`tfbackend bootstrap --alarm-email ADDRESS`) or accept it \
             with --ignore; otherwise: {end}{}",
            if more > 0 { ", and so on" } else { "" }
        ),
    }
}

/// Uses the region of the topic, regardless of the region of the caller's profile.
fn unsubscribe(arn: &str) -> Option<String> {
    let region = arn.strip_prefix("arn:")?.split(':').nth(2)?;
    Some(format!(
        "`aws sns unsubscribe --subscription-arn {} --region {}`",
        shell_word(arn),
        shell_word(region)
    ))
}

#[cfg(test)]
mod tests;
