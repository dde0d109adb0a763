//! An e-mail subscription: confirmed or not yet, it is there.

use insta::assert_snapshot;

use super::*;
use crate::backend::aws::testing::{
    ScriptedAnswer, ScriptedServer, absent_only_by, empty, look, text,
};

fn subscription() -> TopicSubscription {
    TopicSubscription {
        topic: "arn:aws:sns:eu-west-1:111122223333:alarms".to_owned(),
        email: "ops@example.com".to_owned(),
        confirmed: None,
    }
}

fn page(arn: &str, protocol: &str, endpoint: &str, next: &str) -> ScriptedAnswer {
    let member = format!(
        "<member><SubscriptionArn>{arn}</SubscriptionArn><Protocol>{protocol}</\
         Protocol><Endpoint>{endpoint}</Endpoint></member>"
    );
    let next = if next.is_empty() {
        String::new()
    } else {
        format!("<NextToken>{next}</NextToken>")
    };
    text(format!("<Subscriptions>{member}</Subscriptions>{next}"))
}

#[tokio::test]
async fn present() {
    for (arn, confirmed) in [
        ("PendingConfirmation", false),
        ("arn:aws:sns:eu-west-1:111122223333:alarms:1", true),
    ] {
        let script = ScriptedServer::new()
            .on(
                "ListSubscriptionsByTopic",
                page("x", "email", "other@example.com", "more"),
            )
            .on(
                "ListSubscriptionsByTopic",
                page(arn, "email", "Ops@Example.com", ""),
            );
        let found = look(&script, &subscription()).await.unwrap().unwrap().spec;
        assert_eq!(
            found,
            TopicSubscription {
                confirmed: Some(confirmed),
                ..subscription()
            }
        );
        assert_eq!(
            subscription().merge_onto(&found),
            found,
            "confirming is up to its owner"
        );
        assert!(
            script.sent().ends_with("NextToken=more"),
            "{}",
            script.sent()
        );
    }
}

#[tokio::test]
async fn absent() {
    for page in [
        page("x", "sqs", "ops@example.com", ""),
        page("Deleted", "email", "ops@example.com", ""),
        text("<Subscriptions/>"),
    ] {
        let script = ScriptedServer::new().on("ListSubscriptionsByTopic", page);
        assert_eq!(look(&script, &subscription()).await.unwrap(), None);
    }
    absent_only_by(
        &subscription(),
        "ListSubscriptionsByTopic",
        ABSENT,
        |script| script,
    )
    .await;
}

#[tokio::test]
async fn put() {
    let script = ScriptedServer::new().on("Subscribe", empty());
    subscription().write(&script.aws(), None).await.unwrap();
    assert_snapshot!(script.sent(), @"
    Subscribe
      TopicArn=arn:aws:sns:eu-west-1:111122223333:alarms
      Protocol=email
      Endpoint=ops@example.com
    ");
}
