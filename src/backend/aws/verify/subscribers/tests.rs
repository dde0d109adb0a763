//! Subscribers that are not in the settings.

use super::*;
use crate::{
    backend::aws::{
        ownership::Tags,
        policy::PolicyDocument,
        testing::{ScriptedAnswer, ScriptedServer, error, text},
        topic::{AlarmTopic, existing::ExistingTopic},
    },
    engine::blueprint::BlueprintNode,
};

const TOPIC_ARN: &str = "arn:aws:sns:eu-west-1:111122223333:acme-prod-tfstate-alarms";

fn page(members: &[(&str, &str, &str)], next: &str) -> ScriptedAnswer {
    let member = |(arn, protocol, endpoint): &(&str, &str, &str)| {
        format!(
            "<member><SubscriptionArn>{arn}</SubscriptionArn><Protocol>{protocol}</\
             Protocol><Endpoint>{endpoint}</Endpoint></member>"
        )
    };
    let members: String = members.iter().map(member).collect();
    let next = if next.is_empty() {
        String::new()
    } else {
        format!("<NextToken>{next}</NextToken>")
    };
    text(format!("<Subscriptions>{members}</Subscriptions>{next}"))
}

fn named() -> TopicSubscription {
    TopicSubscription {
        topic: TOPIC_ARN.to_owned(),
        email: "ops@example.com".to_owned(),
        confirmed: None,
    }
}

fn blueprint(topic: AwsSpec, emails: Vec<TopicSubscription>) -> Blueprint<AwsSpec> {
    let of_topic = BlueprintNode {
        address: TOPIC,
        needs: vec![],
        spec: topic,
    };
    let email = |one: TopicSubscription| BlueprintNode {
        address: Address::each("topic/subscription", &one.email),
        needs: vec![TOPIC],
        spec: AwsSpec::Subscription(one),
    };
    Blueprint::new(
        [of_topic]
            .into_iter()
            .chain(emails.into_iter().map(email))
            .collect(),
    )
}

fn ours() -> AwsSpec {
    let name = "acme-prod-tfstate-alarms".to_owned();
    AwsSpec::Topic(AlarmTopic {
        name,
        key: None,
        policy: PolicyDocument::new(vec![]),
        tags: Tags::new(),
    })
}

async fn said(script: ScriptedServer, blueprint: Blueprint<AwsSpec>) -> Vec<String> {
    let words = |one: CheckResult| match one.verdict {
        Verdict::Holds => format!("{} holds", one.check.id),
        Verdict::Fails { found, .. } => format!("{}: {found}", one.check.id),
        Verdict::Unreadable { error } => format!("{}: {error}", one.check.id),
        Verdict::Untold { why } => format!("{}: untold: {why}", one.check.id),
        Verdict::FailsWith { check, place } => format!(
            "{} fails with {} at {}",
            one.check.id,
            check.id,
            place.shown()
        ),
    };
    checks(&script.aws(), &blueprint)
        .await
        .into_iter()
        .map(words)
        .collect()
}

/// Returns the findings on unknown subscribers.
async fn checked(script: ScriptedServer) -> Option<String> {
    let all = said(script, blueprint(ours(), vec![named()])).await;
    let of_others = all
        .into_iter()
        .find_map(|line| line.strip_prefix("subscription-unknown").map(str::to_owned))?;
    Some(of_others.trim_start_matches([':', ' ']).to_owned())
}

/// An address that was named and is not there, or has not confirmed, is a finding of its own: this
/// one follows from it.
#[tokio::test]
async fn whether_anyone_hears() {
    const LIST: &str = "ListSubscriptionsByTopic";
    let heard =
        async |members: &[(&str, &str, &str)], topic: AwsSpec, emails: Vec<TopicSubscription>| {
            said(
                ScriptedServer::new().on(LIST, page(members, "")),
                blueprint(topic, emails),
            )
            .await
            .remove(0)
        };
    let confirmed = ("arn:1", "email", "ops@example.com");
    let pending = ("PendingConfirmation", "email", "ops@example.com");
    assert_eq!(
        heard(&[], ours(), vec![]).await,
        "topic-heard: the topic has no subscription"
    );
    assert_eq!(
        heard(&[pending], ours(), vec![]).await,
        "topic-heard: the topic has no confirmed subscription"
    );
    assert_eq!(
        heard(&[("arn:2", "lambda", "arn:aws:lambda:…")], ours(), vec![]).await,
        "topic-heard holds"
    );
    let at = "topic/subscription[ops@example.com]";
    assert_eq!(
        heard(&[pending], ours(), vec![named()]).await,
        format!("topic-heard fails with subscription-confirmed at {at}")
    );
    assert_eq!(
        heard(&[], ours(), vec![named()]).await,
        format!("topic-heard fails with subscribed at {at}")
    );
    assert_eq!(
        heard(&[confirmed], ours(), vec![named()]).await,
        "topic-heard holds"
    );
    // Of a topic that was brought along, who else hears is not ours to name.
    let theirs =
        || AwsSpec::ExistingTopic(ExistingTopic::new(TOPIC_ARN.to_owned(), vec![], vec![]));
    let script = ScriptedServer::new().on(LIST, page(&[confirmed], ""));
    assert_eq!(
        said(script, blueprint(theirs(), vec![])).await,
        ["topic-heard holds"]
    );
    assert_eq!(
        heard(&[], theirs(), vec![]).await,
        "topic-heard: the topic has no subscription"
    );
}

#[tokio::test]
async fn threat_18_whoever_was_not_named_is() {
    const LIST: &str = "ListSubscriptionsByTopic";
    let named = ("arn:1", "email", "Ops@Example.com");
    assert_eq!(
        checked(ScriptedServer::new().on(LIST, page(&[named], "")))
            .await
            .as_deref(),
        Some("holds")
    );
    let gone = ("Deleted", "https", "https://example.org");
    assert_eq!(
        checked(ScriptedServer::new().on(LIST, page(&[named, gone], "")))
            .await
            .as_deref(),
        Some("holds")
    );

    let theirs = [
        named,
        ("PendingConfirmation", "email", "mallory@example.org"),
    ];
    let script = ScriptedServer::new().on(LIST, page(&theirs, "more")).on(
        LIST,
        page(&[("arn:2", "https", "https://example.org/hear")], ""),
    );
    let found = checked(script).await;
    assert_eq!(
        found.as_deref(),
        Some(
            "subscribed, but not in the settings: email mallory@example.org, https https://example.org/hear"
        )
    );

    let many = [("arn:2", "sqs", "q"); 7];
    assert_eq!(
        checked(ScriptedServer::new().on(LIST, page(&many, "")))
            .await
            .as_deref(),
        Some("subscribed, but not in the settings: sqs q, sqs q, sqs q, sqs q, sqs q, and 2 more")
    );
    assert_eq!(
        checked(ScriptedServer::new().on(LIST, error(404, "NotFound"))).await,
        None
    );
    let denied = checked(ScriptedServer::new().on(LIST, error(403, "AuthorizationError"))).await;
    assert!(denied.is_some_and(|error| error.contains("sns:ListSubscriptionsByTopic")));
}

/// A command that runs as it is printed: an ARN is what a subscription is ended by.
#[tokio::test]
async fn how_a_subscription_ends_is_said_with_its_arn() {
    let fix = async |members: &[(&str, &str, &str)]| {
        let script = ScriptedServer::new().on("ListSubscriptionsByTopic", page(members, ""));
        let all = checks(&script.aws(), &blueprint(ours(), vec![named()])).await;
        let one = all
            .into_iter()
            .find(|one| one.check == &rule::LISTENERS)
            .expect("checked");
        let Verdict::Fails { remediation, .. } = one.verdict else {
            panic!("{one:?}")
        };
        remediation
            .split_once("otherwise: ")
            .expect("both ways")
            .1
            .to_owned()
    };
    let (first, second) = (format!("{TOPIC_ARN}:0a1b"), format!("{TOPIC_ARN}:2c3d"));
    let (pending, others) = (
        ("PendingConfirmation", "email", "a@example.org"),
        [(&*first, "sqs", "q"), (&*second, "https", "h")],
    );
    let end =
        |arn: &str| format!("`aws sns unsubscribe --subscription-arn {arn} --region eu-west-1`");
    assert_eq!(
        fix(&[pending, others[0], others[1]]).await,
        format!("{}, {}", end(&first), end(&second))
    );
    assert_eq!(
        fix(&[pending]).await,
        "SNS deletes it automatically if it is not confirmed"
    );
    assert_eq!(
        fix(&[others[0]; 7]).await,
        format!("{}, and so on", vec![end(&first); 5].join(", "))
    );
}
