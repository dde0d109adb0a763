//! The interface of every resource: look, write and delete.
//!
//! A resource file starts with the purpose of the resource, followed by: the settings as a struct;
//! `look` (read only, with the not-found codes next to it); `write` (creates, or changes only
//! differences from the observation); `delete` (a missing resource is a success); `over` and
//! `blocked_by` if they differ from the default.

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
    permissions::{ActionTargets, PermissionScope},
    resources::KeySearch,
};
use crate::{
    checks::Check,
    engine::{
        observation::ResourceOwner,
        spec::{Address, Spec},
    },
};

pub(crate) trait AwsResource: Spec {
    /// The rule that it exists, and then those of its settings.
    const CHECKS: &'static [&'static Check];

    /// The rules for these settings.
    fn checks(&self) -> Vec<&'static Check> {
        Self::CHECKS.to_vec()
    }

    /// The ARN of the resource that its calls are on, as IAM names it.
    fn permission_arn(&self, scope: &PermissionScope<'_>, address: &Address) -> String;

    /// The actions to look at it.
    fn permissions_to_read(
        &self,
        arn: &str,
        scope: &PermissionScope<'_>,
        on: &mut ActionTargets<'_>,
    );

    /// The actions of a part, which is created and changed by the same call.
    fn permissions_to_put(
        &self,
        arn: &str,
        scope: &PermissionScope<'_>,
        on: &mut ActionTargets<'_>,
    ) {
        let _ = (arn, scope, on);
    }

    /// Creating with tags requires the tagging action, too.
    fn permissions_to_create(
        &self,
        arn: &str,
        scope: &PermissionScope<'_>,
        on: &mut ActionTargets<'_>,
    ) {
        self.permissions_to_put(arn, scope, on);
    }

    /// Only differences are written.
    fn permissions_to_change(
        &self,
        from: &Self,
        arn: &str,
        scope: &PermissionScope<'_>,
        on: &mut ActionTargets<'_>,
    ) {
        let _ = from;
        self.permissions_to_put(arn, scope, on);
    }

    /// Parts that are deleted with their parent need none.
    fn permissions_to_delete(
        &self,
        arn: &str,
        scope: &PermissionScope<'_>,
        on: &mut ActionTargets<'_>,
    ) {
        let _ = (arn, scope, on);
    }

    /// Returns `None` if the resource certainly does not exist.
    fn look(
        &self,
        look: &ObserveContext<'_>,
    ) -> impl Future<Output = Result<Option<ObservedResource<Self>>, AwsError>> + Send;

    /// Changes `from` to `self`, and returns the output of the node. It is idempotent.
    fn write(
        &self,
        aws: &AwsProvider,
        from: Option<&Self>,
    ) -> impl Future<Output = Result<Option<String>, AwsError>> + Send;

    /// Deletes the observed resource. A missing one is a success.
    ///
    /// A part that is deleted with its parent, and a data source, do nothing.
    fn delete(&self, aws: &AwsProvider) -> impl Future<Output = Result<(), AwsError>> + Send {
        let _ = aws;
        std::future::ready(Ok(()))
    }
}

/// The observation of a resource.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ObservedResource<S> {
    pub spec: S,
    pub output: Option<String>,
    pub owner: ResourceOwner,
}

impl<S> ObservedResource<S> {
    /// A part, or another resource without tags: it has the owner of its parent.
    pub(crate) fn part(spec: S) -> Self {
        Self {
            spec,
            output: None,
            owner: ResourceOwner::Unmanaged,
        }
    }
}

/// The context of an observation: caches reads that several resources need.
pub(crate) struct ObserveContext<'a> {
    pub aws: &'a AwsProvider,
    aliased: OnceCell<Option<KeyMetadata>>,
    key: OnceCell<Option<FoundKey>>,
    /// The names of alarms that are read together.
    alarm_names: Vec<String>,
    alarms: OnceCell<Vec<MetricAlarm>>,
    /// The policy of attachments.
    runner_policy: Option<RunnerPolicy>,
    policy: OnceCell<Option<ObservedResource<RunnerPolicy>>>,
    keys: KeySearch,
}

impl<'a> ObserveContext<'a> {
    pub(crate) fn new(aws: &'a AwsProvider) -> Self {
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
    pub(crate) fn for_keys(self, keys: KeySearch) -> Self {
        Self { keys, ..self }
    }

    /// CloudWatch allows nine of these calls per second, and each reads any number of alarms.
    #[must_use]
    pub(crate) fn at_alarms(self, names: Vec<String>) -> Self {
        Self {
            alarm_names: names,
            ..self
        }
    }

    pub(crate) async fn alarm(&self, name: &str) -> Result<Option<MetricAlarm>, AwsError> {
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

    /// The attached policy is read once, under its actual name.
    #[must_use]
    pub(crate) fn at_policy(self, policy: Option<RunnerPolicy>) -> Self {
        Self {
            runner_policy: policy,
            ..self
        }
    }

    /// The policy in use, which may have the name of an older version.
    pub(crate) async fn policy(
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

    /// Returns the ARN of the policy in use, if it is read as well.
    pub(crate) async fn policy_arn(&self) -> Result<Option<String>, AwsError> {
        let Some(policy) = &self.runner_policy else {
            return Ok(None);
        };
        Ok(self.policy(policy).await?.and_then(|found| found.output))
    }

    /// Returns the key the alias points to, regardless of owner.
    async fn aliased(&self, alias: &str) -> Result<Option<&KeyMetadata>, AwsError> {
        Ok(self
            .aliased
            .get_or_try_init(|| Box::pin(find::describe(self.aws, alias)))
            .await?
            .as_ref())
    }

    /// Returns the environment's key: by its alias, or by its tags after a run that was interrupted
    /// before creating the alias.
    pub(crate) async fn key(&self, alias: &str) -> Result<Option<&FoundKey>, AwsError> {
        let aliased = async { Ok(self.aliased(alias).await?.cloned()) };
        let find = || async {
            match self.keys {
                KeySearch::ByTags => Box::pin(find::behind(self.aws, aliased)).await,
                KeySearch::ByAlias => Box::pin(find::at_alias(self.aws, aliased)).await,
            }
        };
        Ok(self.key.get_or_try_init(find).await?.as_ref())
    }

    /// The same, with a further read of the key, concurrently with reading its tags.
    pub(crate) async fn key_and<T, F, Fut>(
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
