//! The principals that have the policy of a backend, and its subscribers.

use crate::backend::aws::{
    AwsProvider,
    access::ABSENT as NO_POLICY,
    error::{ApiOperation, AwsError, found},
    topic::ABSENT as NO_TOPIC,
};

const ENTITIES: ApiOperation = ApiOperation::new("iam:ListEntitiesForPolicy");
const SUBSCRIPTIONS: ApiOperation = ApiOperation::new("sns:ListSubscriptionsByTopic");

/// Returns all principals that have the policy, as in `role/ci`, regardless of who attached it;
/// empty for a missing policy.
///
/// # Errors
/// If IAM returns an error.
pub(crate) async fn attached(aws: &AwsProvider, policy: &str) -> Result<Vec<String>, AwsError> {
    let (mut all, mut marker) = (vec![], None);
    loop {
        let request = aws
            .clients
            .iam
            .list_entities_for_policy()
            .policy_arn(policy)
            .set_marker(marker);
        let Some(page) = found(aws.read(ENTITIES, policy, request.send()).await, NO_POLICY)? else {
            return Ok(all);
        };
        all.extend(
            page.policy_roles()
                .iter()
                .filter_map(|role| role.role_name())
                .map(|name| format!("role/{name}")),
        );
        all.extend(
            page.policy_users()
                .iter()
                .filter_map(|user| user.user_name())
                .map(|name| format!("user/{name}")),
        );
        all.extend(
            page.policy_groups()
                .iter()
                .filter_map(|group| group.group_name())
                .map(|name| format!("group/{name}")),
        );
        marker = page.marker;
        if marker.is_none() {
            return Ok(all);
        }
    }
}

/// Returns all subscribers of alarms, as in `email ops@example.com`.
///
/// # Errors
/// If SNS returns an error.
pub(crate) async fn subscribers(aws: &AwsProvider, topic: &str) -> Result<Vec<String>, AwsError> {
    let (mut all, mut next) = (vec![], None);
    loop {
        let request = aws
            .clients
            .sns
            .list_subscriptions_by_topic()
            .topic_arn(topic)
            .set_next_token(next);
        let Some(page) = found(
            aws.read(SUBSCRIPTIONS, topic, request.send()).await,
            NO_TOPIC,
        )?
        else {
            return Ok(all);
        };
        let said = |one: &aws_sdk_sns::types::Subscription| {
            Some(format!("{} {}", one.protocol()?, one.endpoint()?))
        };
        all.extend(page.subscriptions().iter().filter_map(said));
        next = page.next_token;
        if next.is_none() {
            return Ok(all);
        }
    }
}
