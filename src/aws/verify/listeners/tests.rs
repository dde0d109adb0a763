//! Who is subscribed and was named by nobody.

use super::*;
use crate::aws::testing::{Answer, Script, error, text};

const TOPIC_ARN: &str = "arn:aws:sns:eu-west-1:111122223333:acme-prod-tfstate-alarms";

fn page(members: &[(&str, &str, &str)], next: &str) -> Answer {
    let member = |(arn, protocol, endpoint): &(&str, &str, &str)| {
        format!("<member><SubscriptionArn>{arn}</SubscriptionArn><Protocol>{protocol}</Protocol><Endpoint>{endpoint}</Endpoint></member>")
    };
    let members: String = members.iter().map(member).collect();
    let next = if next.is_empty() { String::new() } else { format!("<NextToken>{next}</NextToken>") };
    text(format!("<Subscriptions>{members}</Subscriptions>{next}"))
}

async fn checked(script: Script) -> Option<String> {
    let subscription = Subscription { topic: TOPIC_ARN.to_owned(), email: "ops@example.com".to_owned(), confirmed: None };
    verdict(&script.aws(), TOPIC_ARN, &[&subscription]).await.map(|verdict| match verdict {
        Verdict::Holds => "holds".to_owned(),
        Verdict::Fails { what, .. } => what,
        Verdict::Unreadable { error } => error,
        Verdict::FailsWith { check, place } => format!("fails with {} at {}", check.id, place.shown()),
    })
}

#[tokio::test]
async fn threat_18_whoever_was_not_named_is() {
    const LIST: &str = "ListSubscriptionsByTopic";
    let named = ("arn:1", "email", "Ops@Example.com");
    assert_eq!(checked(Script::new().on(LIST, page(&[named], ""))).await.as_deref(), Some("holds"));
    let gone = ("Deleted", "https", "https://example.org");
    assert_eq!(checked(Script::new().on(LIST, page(&[named, gone], ""))).await.as_deref(), Some("holds"));

    let theirs = [named, ("PendingConfirmation", "email", "mallory@example.org")];
    let script = Script::new().on(LIST, page(&theirs, "more")).on(LIST, page(&[("arn:2", "https", "https://example.org/hear")], ""));
    let found = checked(script).await;
    assert_eq!(found.as_deref(), Some("nobody named email mallory@example.org, https https://example.org/hear"));

    let many = [("arn:2", "sqs", "q"); 7];
    assert_eq!(
        checked(Script::new().on(LIST, page(&many, ""))).await.as_deref(),
        Some("nobody named sqs q, sqs q, sqs q, sqs q, sqs q, and 2 more")
    );
    assert_eq!(checked(Script::new().on(LIST, error(404, "NotFound"))).await, None);
    let denied = checked(Script::new().on(LIST, error(403, "AuthorizationError"))).await;
    assert!(denied.is_some_and(|error| error.contains("sns:ListSubscriptionsByTopic")));
}
