//! The closed list of resource kinds, through which all resources are read, written and deleted.

use std::collections::BTreeSet;

use futures_util::{StreamExt, future::BoxFuture, stream};
use serde::{Deserialize, Serialize};

use super::{
    AwsProvider,
    access::{self, attachment::PolicyAttachment},
    alarm::Alarm,
    bucket::{
        BucketSpec, encryption::BucketEncryption, lifecycle::LifecycleSpec, logging::AccessLogging,
        notifications::BucketNotifications, policy::BucketPolicy, public_access::PublicAccess,
        versioning::BucketVersioning,
    },
    error::AwsError,
    key::{KmsKey, own::OwnKey, rotation::KeyRotation},
    lock_table::{LockTable, recovery::PointInTimeRecovery},
    permissions::{ActionTargets, PermissionScope},
    resource::{AwsResource, ObserveContext, ObservedResource},
    retry::Backoff,
    topic::{AlarmTopic, existing::ExistingTopic, subscription::TopicSubscription},
    trail::{TrailSpec, existing::ExistingTrail, logging::TrailLogging, selectors::EventSelectors},
};
use crate::{
    checks::Check,
    engine::{
        apply::ChangeWriter,
        blueprint::{Blueprint, BlueprintNode},
        observation::{Observation, Observed, inherit_owners, torn},
        plan::PlannedChange,
        spec::{Address, KnownOutputs, Spec},
    },
};

/// The number of resources that are read concurrently.
const LOOKS_AT_ONCE: usize = 64;

/// The number of repeated reads of a partially observed resource: some seconds, in which a resource
/// is created completely.
pub const LOOKS_AT_WHAT_IS_TORN: usize = 5;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident($spec:ty) $name:literal,)+) => {
        /// The settings of a resource of any kind.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case", tag = "type")]
        pub enum AwsSpec {
            $($(#[$doc])* $kind($spec),)+
        }

        impl AwsSpec {
            /// The display name.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$kind(_) => $name,)+ }
            }

            /// The rule that it exists, and then those of its settings.
            pub fn checks(&self) -> Vec<&'static Check> {
                match self { $(Self::$kind(spec) => spec.checks(),)+ }
            }

            /// The actions to look at it, each with what it is on.
            pub(super) fn permissions_to_read(&self, address: &Address, scope: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
                match self { $(Self::$kind(spec) => spec.permissions_to_read(&spec.permission_arn(scope, address), scope, on),)+ }
            }

            pub(super) fn permissions_to_create(&self, address: &Address, scope: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
                match self { $(Self::$kind(spec) => spec.permissions_to_create(&spec.permission_arn(scope, address), scope, on),)+ }
            }

            pub(super) fn permissions_to_change(&self, from: &Self, address: &Address, scope: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
                match (self, from) {
                    $((Self::$kind(to), Self::$kind(from)) => to.permissions_to_change(from, &to.permission_arn(scope, address), scope, on),)+
                    (to, from) => unreachable!("a {} does not become a {}", from.name(), to.name()),
                }
            }

            pub(super) fn permissions_to_delete(&self, address: &Address, scope: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
                match self { $(Self::$kind(spec) => spec.permissions_to_delete(&spec.permission_arn(scope, address), scope, on),)+ }
            }

            async fn look(&self, look: &ObserveContext<'_>) -> Result<Option<ObservedResource<Self>>, AwsError> {
                match self {
                    $(Self::$kind(spec) => Ok(looked(spec, look).await?.map(|found| ObservedResource {
                        spec: Self::$kind(found.spec),
                        output: found.output,
                        owner: found.owner,
                    })),)+
                }
            }

            async fn write(&self, aws: &AwsProvider, from: Option<&Self>) -> Result<Option<String>, AwsError> {
                match (self, from) {
                    $((Self::$kind(to), None) => written(to, aws, None).await,
                    (Self::$kind(to), Some(Self::$kind(from))) => written(to, aws, Some(from)).await,)+
                    (to, Some(from)) => unreachable!("a {} does not become a {}", from.name(), to.name()),
                }
            }

            pub(super) async fn delete(&self, aws: &AwsProvider) -> Result<(), AwsError> {
                match self { $(Self::$kind(spec) => AwsResource::delete(spec, aws).await,)+ }
            }
        }

        impl Spec for AwsSpec {
            fn resolve(&self, known: &KnownOutputs) -> Self {
                match self { $(Self::$kind(spec) => Self::$kind(spec.resolve(known)),)+ }
            }

            fn merge_onto(&self, observed: &Self) -> Self {
                match (self, observed) {
                    $((Self::$kind(ours), Self::$kind(theirs)) => Self::$kind(ours.merge_onto(theirs)),)+
                    (ours, _) => ours.clone(),
                }
            }

            fn blocked_by(&self, observed: &Self) -> Option<String> {
                match (self, observed) {
                    $((Self::$kind(ours), Self::$kind(theirs)) => ours.blocked_by(theirs),)+
                    (ours, theirs) => Some(format!("is a {}, expected a {}", theirs.name(), ours.name())),
                }
            }

            fn adoption_blocked_by(&self, observed: &Self) -> Option<String> {
                match (self, observed) {
                    $((Self::$kind(ours), Self::$kind(theirs)) => ours.adoption_blocked_by(theirs),)+
                    _ => None,
                }
            }

            fn data_source(&self) -> Option<String> {
                match self { $(Self::$kind(spec) => spec.data_source(),)+ }
            }

            fn output_is_final(&self) -> bool {
                match self { $(Self::$kind(spec) => spec.output_is_final(),)+ }
            }

            fn read_round_trips(&self) -> u32 {
                match self { $(Self::$kind(spec) => spec.read_round_trips(),)+ }
            }

            fn write_round_trips(&self, from: Option<&Self>) -> u32 {
                match (self, from) {
                    $((Self::$kind(to), Some(Self::$kind(from))) => to.write_round_trips(Some(from)),)+
                    $((Self::$kind(to), _) => to.write_round_trips(None),)+
                }
            }

            fn deleted_with_parent(&self) -> bool {
                match self { $(Self::$kind(spec) => spec.deleted_with_parent(),)+ }
            }

            fn title(&self) -> String {
                match self { $(Self::$kind(spec) => spec.title(),)+ }
            }

            fn monthly_cost(&self) -> Option<f64> {
                match self { $(Self::$kind(spec) => spec.monthly_cost(),)+ }
            }

            fn note(&self) -> Option<String> {
                match self { $(Self::$kind(spec) => spec.note(),)+ }
            }

            fn why(&self, setting: &str) -> Option<&'static str> {
                if setting.split('.').next() == Some("tags") {
                    return Some("so that the owner is known");
                }
                match self { $(Self::$kind(spec) => spec.why(setting),)+ }
            }
        }
    };
}

kinds! {
    Key(KmsKey) "KMS key",
    OwnKey(OwnKey) "KMS key (existing)",
    Rotation(KeyRotation) "key rotation",
    Bucket(BucketSpec) "S3 bucket",
    PublicAccess(PublicAccess) "public access block",
    Versioning(BucketVersioning) "versioning",
    Encryption(BucketEncryption) "default encryption",
    Lifecycle(LifecycleSpec) "lifecycle rules",
    Logging(AccessLogging) "access logs",
    Notifications(BucketNotifications) "event notifications",
    BucketPolicy(BucketPolicy) "bucket policy",
    LockTable(LockTable) "DynamoDB table",
    Recovery(PointInTimeRecovery) "point-in-time recovery",
    Topic(AlarmTopic) "SNS topic",
    ExistingTopic(ExistingTopic) "SNS topic (existing)",
    Subscription(TopicSubscription) "e-mail subscription",
    Alarm(Alarm) "CloudWatch alarm",
    Trail(TrailSpec) "CloudTrail trail",
    ExistingTrail(ExistingTrail) "CloudTrail trail (existing)",
    Selectors(EventSelectors) "event selectors",
    TrailLogging(TrailLogging) "trail logging",
    Policy(access::RunnerPolicy) "IAM policy",
    Attachment(PolicyAttachment) "policy attachment",
}

/// Boxed, as [`written`]: without optimization, a future with space for all kinds fills the stack.
fn looked<'a, R: AwsResource>(
    spec: &'a R,
    look: &'a ObserveContext<'a>,
) -> BoxFuture<'a, Result<Option<ObservedResource<R>>, AwsError>> {
    Box::pin(spec.look(look))
}

fn written<'a, R: AwsResource>(
    to: &'a R,
    aws: &'a AwsProvider,
    from: Option<&'a R>,
) -> BoxFuture<'a, Result<Option<String>, AwsError>> {
    Box::pin(to.write(aws, from))
}

/// Reads all nodes of the blueprint concurrently.
///
/// A resource that another run creates or deletes may be observed partially. It is read again until
/// its parent is observed, too.
pub async fn observe(aws: &AwsProvider, blueprint: &Blueprint<AwsSpec>) -> Observation<AwsSpec> {
    let all = blueprint.nodes().iter().collect();
    let mut observation = by_address(look_at(aws, all, KeySearch::ByTags, blueprint).await);
    complete(aws, blueprint, &mut observation).await;
    observation
}

/// Reads these nodes once, without repeated reads of inconsistent ones: the caller waits and
/// retries.
pub async fn observe_again(
    aws: &AwsProvider,
    blueprint: &Blueprint<AwsSpec>,
    which: &BTreeSet<Address>,
    observation: &mut Observation<AwsSpec>,
) {
    let nodes = blueprint
        .nodes()
        .iter()
        .filter(|node| which.contains(&node.address))
        .collect();
    observation.extend(by_address(
        look_at(aws, nodes, KeySearch::ByTags, blueprint).await,
    ));
    what_is_torn_is_unreadable(observation);
    inherit_owners(observation);
}

/// Reads partially observed resources again, and sets the owner of parts to that of their parent.
async fn complete(
    aws: &AwsProvider,
    blueprint: &Blueprint<AwsSpec>,
    observation: &mut Observation<AwsSpec>,
) {
    let mut pauses = Backoff::default();
    for _ in 0..LOOKS_AT_WHAT_IS_TORN {
        let nodes = torn_nodes(blueprint, observation);
        if nodes.is_empty() {
            break;
        }
        pauses.wait().await;
        observation.extend(by_address(
            look_at(aws, nodes, KeySearch::ByTags, blueprint).await,
        ));
    }
    what_is_torn_is_unreadable(observation);
    inherit_owners(observation);
}

fn by_address(seen: Vec<(&BlueprintNode<AwsSpec>, Observed<AwsSpec>)>) -> Observation<AwsSpec> {
    seen.into_iter()
        .map(|(node, seen)| (node.address.clone(), seen))
        .collect()
}

/// Returns the nodes to read again: absent parents with present parts, and these parts.
pub fn torn_nodes<'a>(
    blueprint: &'a Blueprint<AwsSpec>,
    observation: &Observation<AwsSpec>,
) -> Vec<&'a BlueprintNode<AwsSpec>> {
    let torn = torn(observation);
    let is_torn = |node: &&BlueprintNode<AwsSpec>| {
        torn.contains(&node.address)
            || node
                .address
                .parent()
                .is_some_and(|whole| torn.contains(&whole))
    };
    blueprint.nodes().iter().filter(is_torn).collect()
}

/// A part with an absent parent was not created by others.
pub fn what_is_torn_is_unreadable(observation: &mut Observation<AwsSpec>) {
    let torn = torn(observation);
    for (address, seen) in observation {
        if let (Observed::Present { .. }, Some(whole)) = (
            &*seen,
            address.parent().filter(|whole| torn.contains(whole)),
        ) {
            *seen = Observed::Unreadable(format!(
                "it exists, but {whole} does not: another run may be creating or deleting it; run \
                 again"
            ));
        }
    }
}

/// The scope of the search for the environment's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySearch {
    /// By its alias, or else among all keys of the account.
    ByTags,
    /// By its alias only.
    ByAlias,
}

/// Reads these nodes concurrently. Parts do not have the owner of their parent yet. `of` has the
/// policy of attachments.
pub async fn look_at<'a>(
    aws: &AwsProvider,
    nodes: Vec<&'a BlueprintNode<AwsSpec>>,
    keys: KeySearch,
    of: &Blueprint<AwsSpec>,
) -> Vec<(&'a BlueprintNode<AwsSpec>, Observed<AwsSpec>)> {
    let alarms = nodes.iter().filter_map(|node| match &node.spec {
        AwsSpec::Alarm(alarm) => Some(alarm.name.clone()),
        _ => None,
    });
    let policy = of.nodes().iter().find_map(|node| match &node.spec {
        AwsSpec::Policy(policy) => Some(policy.clone()),
        _ => None,
    });
    let look = ObserveContext::new(aws)
        .at_alarms(alarms.collect())
        .at_policy(policy)
        .for_keys(keys);
    let looks = nodes.into_iter().map(|node| {
        let look = &look;
        async move {
            let seen = match node.spec.look(look).await {
                Ok(None) => Observed::Absent,
                Ok(Some(ObservedResource {
                    spec,
                    output,
                    owner,
                })) => Observed::Present {
                    spec,
                    output,
                    owner,
                },
                Err(error) => Observed::Unreadable(error.to_string()),
            };
            (node, seen)
        }
    });
    stream::iter(looks)
        .buffer_unordered(LOOKS_AT_ONCE)
        .collect()
        .await
}

impl AwsSpec {
    /// Returns the identity of the resource: two specs with one identity are for the same resource.
    pub fn identity(&self) -> String {
        let which = match self {
            Self::Key(key) => key.alias.clone(),
            Self::OwnKey(key) => [vec![key.arn.clone()], key.service_grants.clone()]
                .concat()
                .join(" "),
            Self::Rotation(rotation) => rotation.alias.clone(),
            Self::Bucket(spec) => spec.name.clone(),
            Self::PublicAccess(spec) => spec.bucket.clone(),
            Self::Versioning(spec) => spec.bucket.clone(),
            Self::Encryption(spec) => spec.bucket.clone(),
            Self::Lifecycle(spec) => spec.bucket.clone(),
            Self::Logging(spec) => spec.bucket.clone(),
            Self::Notifications(spec) => spec.bucket.clone(),
            Self::BucketPolicy(spec) => spec.bucket.clone(),
            Self::LockTable(spec) => spec.name.clone(),
            Self::Recovery(spec) => spec.table.clone(),
            Self::Topic(spec) => spec.name.clone(),
            Self::ExistingTopic(spec) => [vec![spec.arn.clone()], spec.publishers.clone()]
                .concat()
                .join(" "),
            Self::Subscription(spec) => format!("{} {}", spec.topic, spec.email),
            Self::Alarm(spec) => spec.name.clone(),
            Self::Trail(spec) => spec.name.clone(),
            Self::ExistingTrail(spec) => spec.objects.clone(),
            Self::Selectors(spec) => spec.trail.clone(),
            Self::TrailLogging(spec) => spec.trail.clone(),
            Self::Policy(spec) => spec.name.clone(),
            Self::Attachment(spec) => format!("{} {:?} {}", spec.policy, spec.kind, spec.name),
        };
        format!("{} {which}", self.name())
    }
}

impl ChangeWriter for AwsProvider {
    type Spec = AwsSpec;
    type Error = AwsError;

    async fn write(
        &self,
        _address: &Address,
        change: &PlannedChange<AwsSpec>,
    ) -> Result<Option<String>, AwsError> {
        match change {
            PlannedChange::Create { to } => to.write(self, None).await,
            PlannedChange::Update { from, to } | PlannedChange::Adopt { from, to } => {
                to.write(self, Some(from)).await
            }
            PlannedChange::Delete { from } => from.delete(self).await.map(|()| None),
            PlannedChange::NoOp { .. }
            | PlannedChange::Keep { .. }
            | PlannedChange::Blocked { .. } => {
                unreachable!("these are not written")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::backend::aws::{
        blueprint::{LOCK_TABLE, LOCK_TABLE_RECOVERY},
        lock_table::{LockTable, recovery::PointInTimeRecovery},
        testing::{ScriptedServer, data, error},
    };

    /// A waiting caller retries by itself, with growing delays.
    #[tokio::test]
    async fn what_is_torn_is_looked_at_once_a_round() {
        let table = AwsSpec::LockTable(LockTable::named("locks"));
        let recovery = AwsSpec::Recovery(PointInTimeRecovery {
            table: "locks".to_owned(),
            enabled: true,
        });
        let blueprint = Blueprint::new(vec![
            BlueprintNode {
                address: LOCK_TABLE,
                needs: vec![],
                spec: table,
            },
            BlueprintNode {
                address: LOCK_TABLE_RECOVERY,
                needs: vec![LOCK_TABLE],
                spec: recovery,
            },
        ]);
        let enabled =
            json!({ "ContinuousBackupsDescription": { "ContinuousBackupsStatus": "ENABLED" } });
        let script = ScriptedServer::new()
            .always("DescribeTable", error(400, "ResourceNotFoundException"))
            .always(
                "ListTagsOfResource",
                error(400, "ResourceNotFoundException"),
            )
            .always("DescribeContinuousBackups", data(enabled));
        let (aws, mut seen) = (script.aws(), Observation::new());
        let both = BTreeSet::from([LOCK_TABLE, LOCK_TABLE_RECOVERY]);
        for round in 1..=2 {
            observe_again(&aws, &blueprint, &both, &mut seen).await;
            assert!(
                matches!(seen[&LOCK_TABLE], Observed::Absent)
                    && matches!(seen[&LOCK_TABLE_RECOVERY], Observed::Unreadable(_)),
                "{seen:?}"
            );
            assert_eq!(
                (
                    script.count("DescribeTable"),
                    script.count("DescribeContinuousBackups")
                ),
                (round, round)
            );
        }
        observe(&aws, &blueprint).await;
        assert!(
            script.count("DescribeTable") > 4,
            "a read without waiting is not repeated"
        );
    }
}
