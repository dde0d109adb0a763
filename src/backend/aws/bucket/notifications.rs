//! Notifies a topic of deleted states. Notifications of others to other targets are kept.

use crate::{
    backend::aws::{
        permissions::{ActionTargets, PermissionScope},
        verify::catalogue as rules,
    },
    checks::Check,
    engine::spec::Address,
};
use aws_sdk_s3::types::{
    Event, EventBridgeConfiguration, FilterRule, FilterRuleName, LambdaFunctionConfiguration,
    NotificationConfiguration, NotificationConfigurationFilter, QueueConfiguration, S3KeyFilter,
    TopicConfiguration,
};
use serde::{Deserialize, Serialize};

use super::NOT_YET;
use crate::{
    backend::aws::{
        AwsProvider,
        error::{ApiOperation, AwsError, found},
        resource::{AwsResource, ObserveContext, ObservedResource},
    },
    engine::spec::Spec,
};

const GET: ApiOperation = ApiOperation::allowed_by(
    "s3:GetBucketNotificationConfiguration",
    "s3:GetBucketNotification",
);
const PUT: ApiOperation = ApiOperation::allowed_by(
    "s3:PutBucketNotificationConfiguration",
    "s3:PutBucketNotification",
);
/// S3 sends a test message, which requires the topic policy.
const TARGET_NOT_YET: &[&str] = &["NoSuchBucket", "InvalidArgument"];
/// The prefix of IDs of tfbackend.
pub(crate) const OURS: &str = "tfbackend-";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BucketNotifications {
    pub bucket: String,
    pub event_bridge: bool,
    pub targets: Vec<NotificationTarget>,
}

/// A kind of event and its target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NotificationTarget {
    pub id: String,
    pub kind: TargetKind,
    pub arn: String,
    pub events: Vec<String>,
    /// `prefix` and `suffix`, with their values.
    pub filter: Vec<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetKind {
    Topic,
    Queue,
    Function,
}

impl NotificationTarget {
    fn same(&self, other: &Self) -> bool {
        let mut a = self.clone();
        a.id.clone_from(&other.id);
        a == *other
    }

    /// Returns whether S3 rejects both: an event of an object can have one target only.
    fn clashes(&self, other: &Self) -> bool {
        let value = |target: &Self, name: &str| {
            target
                .filter
                .iter()
                .find(|(rule, _)| rule == name)
                .map(|(_, value)| value.clone())
                .unwrap_or_default()
        };
        let overlap = |a: &str, b: &str, part: fn(&str, &str) -> bool| part(a, b) || part(b, a);
        let events = self.events.iter().any(|a| {
            other.events.iter().any(|b| {
                overlap(a, b, |a, b| {
                    a == b
                        || a.strip_suffix('*')
                            .is_some_and(|start| b.starts_with(start))
                })
            })
        });
        events
            && overlap(&value(self, "prefix"), &value(other, "prefix"), |a, b| {
                a.starts_with(b)
            })
            && overlap(&value(self, "suffix"), &value(other, "suffix"), |a, b| {
                a.ends_with(b)
            })
    }
}

impl Spec for BucketNotifications {
    fn title(&self) -> String {
        "the topic is notified of deleted states".to_owned()
    }

    fn why(&self, setting: &str) -> Option<&'static str> {
        let (field, _) = setting.split_once('.').unwrap_or((setting, ""));
        matches!(field, "targets" | "event_bridge")
            .then_some("so that you are notified when a state is deleted")
    }

    fn merge_onto(&self, observed: &Self) -> Self {
        let mut merged = observed.clone();
        merged.event_bridge |= self.event_bridge;
        merged.targets.retain(|target| {
            !target.id.starts_with(OURS) || self.targets.iter().any(|ours| ours.same(target))
        });
        for target in &self.targets {
            if !merged.targets.iter().any(|other| other.same(target)) {
                merged.targets.push(target.clone());
            }
        }
        merged
    }

    /// Deleted in a separate step, so that emptying a bucket does not send a message for each
    /// version.
    fn deleted_with_parent(&self) -> bool {
        self.targets
            .iter()
            .all(|target| !target.id.starts_with(OURS))
    }

    fn blocked_by(&self, observed: &Self) -> Option<String> {
        let theirs = observed
            .targets
            .iter()
            .filter(|target| !target.id.starts_with(OURS));
        let clash =
            |theirs: &&NotificationTarget| self.targets.iter().any(|ours| ours.clashes(theirs));
        theirs
            .filter(|theirs| !self.targets.iter().any(|ours| ours.same(theirs)))
            .find(clash)
            .map(|theirs| {
                format!(
                    "bucket {} already sends events of deleted states to {}, and S3 supports one \
                     target only; forward the events from there, and pass --delete-events=false",
                    self.bucket, theirs.arn
                )
            })
    }
}

impl AwsResource for BucketNotifications {
    const CHECKS: &'static [&'static Check] = &[&rules::DELETE_EVENTS];

    fn permission_arn(&self, scope: &PermissionScope<'_>, _: &Address) -> String {
        scope.bucket_arn(&self.bucket)
    }

    fn permissions_to_read(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        on(&["s3:GetBucketNotification"], arn);
    }

    fn permissions_to_put(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        on(&["s3:PutBucketNotification"], arn);
    }

    fn permissions_to_delete(
        &self,
        arn: &str,
        _: &PermissionScope<'_>,
        on: &mut ActionTargets<'_>,
    ) {
        on(&["s3:PutBucketNotification"], arn);
    }

    async fn look(
        &self,
        look: &ObserveContext<'_>,
    ) -> Result<Option<ObservedResource<Self>>, AwsError> {
        let request = look
            .aws
            .clients
            .s3
            .get_bucket_notification_configuration()
            .bucket(&self.bucket)
            .expected_bucket_owner(look.aws.account());
        let Some(answer) = found(
            look.aws.read(GET, &self.bucket, request.send()).await,
            NOT_YET,
        )?
        else {
            return Ok(None);
        };
        let target =
            |id: Option<String>,
             kind,
             arn,
             events: Vec<Event>,
             filter: Option<NotificationConfigurationFilter>| NotificationTarget {
                id: id.unwrap_or_default(),
                kind,
                arn,
                events: events
                    .iter()
                    .map(|event| event.as_str().to_owned())
                    .collect(),
                filter: filter_rules(filter),
            };
        let mut targets = vec![];
        for t in answer.topic_configurations.unwrap_or_default() {
            targets.push(target(
                t.id,
                TargetKind::Topic,
                t.topic_arn,
                t.events,
                t.filter,
            ));
        }
        for q in answer.queue_configurations.unwrap_or_default() {
            targets.push(target(
                q.id,
                TargetKind::Queue,
                q.queue_arn,
                q.events,
                q.filter,
            ));
        }
        for f in answer.lambda_function_configurations.unwrap_or_default() {
            targets.push(target(
                f.id,
                TargetKind::Function,
                f.lambda_function_arn,
                f.events,
                f.filter,
            ));
        }
        let event_bridge = answer.event_bridge_configuration.is_some();
        Ok(Some(ObservedResource::part(Self {
            bucket: self.bucket.clone(),
            event_bridge,
            targets,
        })))
    }

    async fn write(
        &self,
        aws: &AwsProvider,
        _from: Option<&Self>,
    ) -> Result<Option<String>, AwsError> {
        let mut configuration = NotificationConfiguration::builder();
        if self.event_bridge {
            configuration = configuration
                .event_bridge_configuration(EventBridgeConfiguration::builder().build());
        }
        for target in &self.targets {
            let id = Some(target.id.clone()).filter(|id| !id.is_empty());
            let events = Some(
                target
                    .events
                    .iter()
                    .map(|event| Event::from(&**event))
                    .collect(),
            );
            let filter = sdk_filter(&target.filter);
            configuration = match target.kind {
                TargetKind::Topic => configuration.topic_configurations(
                    TopicConfiguration::builder()
                        .set_id(id)
                        .topic_arn(&target.arn)
                        .set_events(events)
                        .set_filter(filter)
                        .build()
                        .expect(GIVEN),
                ),
                TargetKind::Queue => configuration.queue_configurations(
                    QueueConfiguration::builder()
                        .set_id(id)
                        .queue_arn(&target.arn)
                        .set_events(events)
                        .set_filter(filter)
                        .build()
                        .expect(GIVEN),
                ),
                TargetKind::Function => configuration.lambda_function_configurations(
                    LambdaFunctionConfiguration::builder()
                        .set_id(id)
                        .lambda_function_arn(&target.arn)
                        .set_events(events)
                        .set_filter(filter)
                        .build()
                        .expect(GIVEN),
                ),
            };
        }
        let request = aws
            .clients
            .s3
            .put_bucket_notification_configuration()
            .bucket(&self.bucket)
            .notification_configuration(configuration.build())
            .expected_bucket_owner(aws.account());
        aws.send(PUT, &self.bucket, TARGET_NOT_YET, || request.clone().send())
            .await?;
        Ok(None)
    }

    /// Notifications of others are kept.
    async fn delete(&self, aws: &AwsProvider) -> Result<(), AwsError> {
        let targets = self
            .targets
            .iter()
            .filter(|target| !target.id.starts_with(OURS))
            .cloned()
            .collect();
        match (Self {
            targets,
            ..self.clone()
        })
        .write(aws, Some(self))
        .await
        {
            Err(error) if error.is(NOT_YET) => Ok(()),
            written => written.map(drop),
        }
    }
}

const GIVEN: &str = "target and events are given";

/// S3 returns `Prefix` and `Suffix` for `prefix` and `suffix`.
fn filter_rules(filter: Option<NotificationConfigurationFilter>) -> Vec<(String, String)> {
    let rules = filter
        .and_then(|filter| filter.key)
        .and_then(|key| key.filter_rules)
        .unwrap_or_default();
    let mut rules: Vec<_> = rules
        .into_iter()
        .filter_map(|rule| {
            Some((
                rule.name?.as_str().to_lowercase(),
                rule.value.unwrap_or_default(),
            ))
        })
        .filter(|(_, value)| !value.is_empty())
        .collect();
    rules.sort();
    rules
}

fn sdk_filter(rules: &[(String, String)]) -> Option<NotificationConfigurationFilter> {
    if rules.is_empty() {
        return None;
    }
    let rule = |(name, value): &(String, String)| {
        FilterRule::builder()
            .name(FilterRuleName::from(&**name))
            .value(value)
            .build()
    };
    let key = S3KeyFilter::builder()
        .set_filter_rules(Some(rules.iter().map(rule).collect()))
        .build();
    Some(NotificationConfigurationFilter::builder().key(key).build())
}

#[cfg(test)]
mod tests;
