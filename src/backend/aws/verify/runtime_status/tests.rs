//! What only its owner, or the service, can change.

use super::*;
use crate::{
    backend::aws::{topic::subscription::TopicSubscription, trail::logging::TrailLogging},
    engine::{observation::ResourceOwner, spec::Address},
};

fn found(spec: AwsSpec) -> Vec<Option<String>> {
    let seen = Observed::Present {
        spec,
        output: None,
        owner: ResourceOwner::Us,
    };
    let observation = [(Address::new("x"), seen)].into_iter().collect();
    let what = |one: CheckResult| match one.verdict {
        Verdict::Fails { found, .. } => Some(format!("{}: {found}", one.check.id)),
        Verdict::Holds
        | Verdict::Unreadable { .. }
        | Verdict::Untold { .. }
        | Verdict::FailsWith { .. } => None,
    };
    checks(&observation, &|_| None)
        .into_iter()
        .map(what)
        .collect()
}

#[test]
fn a_subscription_that_nobody_confirmed() {
    let subscription = |confirmed| {
        AwsSpec::Subscription(TopicSubscription {
            topic: "t".to_owned(),
            email: "a@example.com".to_owned(),
            confirmed,
        })
    };
    assert_eq!(
        found(subscription(Some(false))),
        [Some(
            "subscription-confirmed: a@example.com has not confirmed the subscription yet"
                .to_owned()
        )]
    );
    assert_eq!(found(subscription(Some(true))), [None]);
}

#[test]
fn threat_22_a_trail_that_cannot_write() {
    let logging = |error: Option<&str>| {
        AwsSpec::TrailLogging(TrailLogging {
            delivery_error: error.map(str::to_owned),
            ..TrailLogging::on("t".to_owned())
        })
    };
    assert_eq!(
        found(logging(Some("AccessDenied"))),
        [Some(
            "trail-delivery: the last delivery failed: AccessDenied".to_owned()
        )]
    );
    assert_eq!(found(logging(None)), [None]);
}

#[test]
fn key_of_a_topic_that_was_brought_along() {
    let topic = |key| {
        AwsSpec::ExistingTopic(ExistingTopic {
            key,
            ..ExistingTopic::new("arn:t".to_owned(), vec![], vec![])
        })
    };
    let unusable = TopicKey::Unusable {
        why: "alarms may not use it".to_owned(),
    };
    assert_eq!(
        found(topic(Some(unusable))),
        [Some("topic-encryption: alarms may not use it".to_owned())]
    );
    assert_eq!(found(topic(Some(TopicKey::Usable))), [None]);
    assert_eq!(found(topic(None)), [None]);
}
