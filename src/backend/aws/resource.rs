//! The shape that every resource file has: look, write, and delete.
//!
//! A file says in its first line what the resource is for, then: the settings as a struct; `look`
//! (reads only; the codes that mean absence stand beside it); `write` (creates, or changes exactly
//! what differs from what was seen); `delete` (that it is gone is success); `over` and `blocked_by`
//! where they differ from the default.

use std::future::Future;

use aws_sdk_cloudwatch::types::MetricAlarm;
use aws_sdk_kms::types::KeyMetadata;
use tokio::sync::OnceCell;

use super::{
    AwsProvider,
    access::RunnerPolicy,
    alarm,
    error::AwsError,
    key::find::{self, FoundKey},
    resources::KeySearch,
};
use crate::engine::{observation::ResourceOwner, spec::Spec};

pub trait AwsResource: Spec {
    /// `None` if it is certain that there is nothing.
    fn look(
        &self,
        look: &ObserveContext<'_>,
    ) -> impl Future<Output = Result<Option<ObservedResource<Self>>, AwsError>> + Send;

    /// Makes `self` true, starting from `from`, and returns what the node gives out. Doing it
    /// again is harmless.
    fn write(
        &self,
        aws: &AwsProvider,
        from: Option<&Self>,
    ) -> impl Future<Output = Result<Option<String>, AwsError>> + Send;

    /// Takes down what was seen. That it is gone already is success.
    ///
    /// What goes with its whole, or is only used, has nothing to do.
    fn delete(&self, aws: &AwsProvider) -> impl Future<Output = Result<(), AwsError>> + Send {
        let _ = aws;
        std::future::ready(Ok(()))
    }
}

/// What was seen of one resource.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservedResource<S> {
    pub spec: S,
    pub output: Option<String>,
    pub owner: ResourceOwner,
}

impl<S> ObservedResource<S> {
    /// A part, or anything else without tags of its own: it has its parent's owner.
    pub fn part(spec: S) -> Self {
        Self {
            spec,
            output: None,
            owner: ResourceOwner::Unmanaged,
        }
    }
}

/// One observation: what several resources need to look up is looked up once.
pub struct ObserveContext<'a> {
    pub aws: &'a AwsProvider,
    aliased: OnceCell<Option<KeyMetadata>>,
    key: OnceCell<Option<FoundKey>>,
    /// Names of alarms that are asked for together.
    alarm_names: Vec<String>,
    alarms: OnceCell<Vec<MetricAlarm>>,
    /// The policy that attachments are about.
    runner_policy: Option<RunnerPolicy>,
    policy: OnceCell<Option<ObservedResource<RunnerPolicy>>>,
    keys: KeySearch,
}

impl<'a> ObserveContext<'a> {
    pub fn new(aws: &'a AwsProvider) -> Self {
        Self {
            aws,
            aliased: OnceCell::new(),
            key: OnceCell::new(),
            alarm_names: vec![],
            alarms: OnceCell::new(),
            runner_policy: None,
            policy: OnceCell::new(),
            keys: KeySearch::ByTags,
        }
    }

    #[must_use]
    pub fn for_keys(self, keys: KeySearch) -> Self {
        Self { keys, ..self }
    }

    /// CloudWatch answers nine of these calls in a second, and each is about as many alarms as are
    /// named.
    #[must_use]
    pub fn at_alarms(self, names: Vec<String>) -> Self {
        Self {
            alarm_names: names,
            ..self
        }
    }

    pub async fn alarm(&self, name: &str) -> Result<Option<MetricAlarm>, AwsError> {
        let of_name = |alarm: &&MetricAlarm| alarm.alarm_name() == Some(name);
        if !self.alarm_names.iter().any(|known| known == name) {
            return Ok(alarm::describe(self.aws, &[name.to_owned()])
                .await?
                .iter()
                .find(of_name)
                .cloned());
        }
        let alarms = self
            .alarms
            .get_or_try_init(|| Box::pin(alarm::describe(self.aws, &self.alarm_names)))
            .await?;
        Ok(alarms.iter().find(of_name).cloned())
    }

    /// What is attached is looked up once, under the name that it has.
    #[must_use]
    pub fn at_policy(self, policy: Option<RunnerPolicy>) -> Self {
        Self {
            runner_policy: policy,
            ..self
        }
    }

    /// The policy in use: one that an older version made may have another name.
    pub async fn policy(
        &self,
        policy: &RunnerPolicy,
    ) -> Result<Option<ObservedResource<RunnerPolicy>>, AwsError> {
        if self.runner_policy.as_ref() != Some(policy) {
            return policy.in_use(self.aws).await;
        }
        Ok(self
            .policy
            .get_or_try_init(|| Box::pin(policy.in_use(self.aws)))
            .await?
            .clone())
    }

    /// The ARN of the policy that is in use, where it is looked at as well.
    pub async fn policy_arn(&self) -> Result<Option<String>, AwsError> {
        let Some(policy) = &self.runner_policy else {
            return Ok(None);
        };
        Ok(self.policy(policy).await?.and_then(|found| found.output))
    }

    /// What the alias of the environment's key leads to, whosever that is.
    async fn aliased(&self, alias: &str) -> Result<Option<&KeyMetadata>, AwsError> {
        Ok(self
            .aliased
            .get_or_try_init(|| Box::pin(find::describe(self.aws, alias)))
            .await?
            .as_ref())
    }

    /// The environment's own key: behind its alias, or by its tags after a run that was cut off
    /// between making the key and naming it.
    pub async fn key(&self, alias: &str) -> Result<Option<&FoundKey>, AwsError> {
        let aliased = async { Ok(self.aliased(alias).await?.cloned()) };
        let find = || async {
            match self.keys {
                KeySearch::ByTags => Box::pin(find::behind(self.aws, aliased)).await,
                KeySearch::ByAlias => Box::pin(find::at_alias(self.aws, aliased)).await,
            }
        };
        Ok(self.key.get_or_try_init(find).await?.as_ref())
    }

    /// The same, with what else is asked of it: at once of what the alias leads to, while its tags
    /// say whose it is.
    pub async fn key_and<T, F, Fut>(
        &self,
        alias: &str,
        ask: F,
    ) -> Result<Option<(&FoundKey, T)>, AwsError>
    where
        F: Fn(String) -> Fut,
        Fut: Future<Output = Result<T, AwsError>>,
    {
        let early = async {
            let arn = self.aliased(alias).await.ok().flatten().map(find::arn_of)?;
            Some((arn.clone(), Box::pin(ask(arn)).await))
        };
        let (early, key) = tokio::join!(early, self.key(alias));
        let Some(key) = key? else { return Ok(None) };
        let answer = match early {
            Some((arn, answer)) if arn == key.arn => answer,
            Some(_) | None => Box::pin(ask(key.arn.clone())).await,
        };
        Ok(Some((key, answer?)))
    }
}
