//! The closed list of the kinds of resources: what is looked at, written and deleted goes through
//! here.

use std::collections::BTreeSet;

use futures_util::{StreamExt, future::BoxFuture, stream};
use serde::{Deserialize, Serialize};

use super::{
    Aws,
    access::{self, attachment::Attachment},
    alarm::Alarm,
    bucket::{
        Bucket, encryption::Encryption, lifecycle::Lifecycle, logging::Logging,
        notifications::Notifications, policy::BucketPolicy, public_access::PublicAccess,
        versioning::Versioning,
    },
    error::AwsError,
    key::{Key, own::OwnKey, rotation::Rotation},
    lock_table::{LockTable, recovery::Recovery},
    reasons,
    resource::{Found, Look, Resource},
    settle::Pauses,
    topic::{Topic, existing::ExistingTopic, subscription::Subscription},
    trail::{Trail, existing::ExistingTrail, logging::TrailLogging, selectors::Selectors},
};
use crate::engine::{
    apply::Cloud,
    blueprint::{Blueprint, Node},
    observation::{Observation, Seen, inherit_owners, torn},
    plan::Change,
    spec::{Address, Outputs, Spec},
};

/// How many resources are looked at at the same time.
const LOOKS_AT_ONCE: usize = 64;

/// How often what was seen in part is looked at again: some seconds, as a whole takes no longer to
/// be made.
pub const LOOKS_AT_WHAT_IS_TORN: usize = 5;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident($spec:ty) $name:literal,)+) => {
        /// The settings of any one resource.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case", tag = "type")]
        pub enum AwsSpec {
            $($(#[$doc])* $kind($spec),)+
        }

        impl AwsSpec {
            /// What a person calls it.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$kind(_) => $name,)+ }
            }

            async fn look(&self, look: &Look<'_>) -> Result<Option<Found<Self>>, AwsError> {
                match self {
                    $(Self::$kind(spec) => Ok(looked(spec, look).await?.map(|found| Found {
                        spec: Self::$kind(found.spec),
                        output: found.output,
                        owner: found.owner,
                    })),)+
                }
            }

            async fn write(&self, aws: &Aws, from: Option<&Self>) -> Result<Option<String>, AwsError> {
                match (self, from) {
                    $((Self::$kind(to), None) => written(to, aws, None).await,
                    (Self::$kind(to), Some(Self::$kind(from))) => written(to, aws, Some(from)).await,)+
                    (to, Some(from)) => unreachable!("a {} does not become a {}", from.name(), to.name()),
                }
            }

            pub(super) async fn delete(&self, aws: &Aws) -> Result<(), AwsError> {
                match self { $(Self::$kind(spec) => Resource::delete(spec, aws).await,)+ }
            }
        }

        impl Spec for AwsSpec {
            fn resolve(&self, known: &Outputs) -> Self {
                match self { $(Self::$kind(spec) => Self::$kind(spec.resolve(known)),)+ }
            }

            fn over(&self, observed: &Self) -> Self {
                match (self, observed) {
                    $((Self::$kind(ours), Self::$kind(theirs)) => Self::$kind(ours.over(theirs)),)+
                    (ours, _) => ours.clone(),
                }
            }

            fn blocked_by(&self, observed: &Self) -> Option<String> {
                match (self, observed) {
                    $((Self::$kind(ours), Self::$kind(theirs)) => ours.blocked_by(theirs),)+
                    (ours, theirs) => Some(format!("is a {} and should be a {}", theirs.name(), ours.name())),
                }
            }

            fn adoption_blocked_by(&self, observed: &Self) -> Option<String> {
                match (self, observed) {
                    $((Self::$kind(ours), Self::$kind(theirs)) => ours.adoption_blocked_by(theirs),)+
                    _ => None,
                }
            }

            fn reference(&self) -> Option<String> {
                match self { $(Self::$kind(spec) => spec.reference(),)+ }
            }

            fn output_is_final(&self) -> bool {
                match self { $(Self::$kind(spec) => spec.output_is_final(),)+ }
            }

            fn trips_to_look(&self) -> u32 {
                match self { $(Self::$kind(spec) => spec.trips_to_look(),)+ }
            }

            fn trips_to_write(&self, from: Option<&Self>) -> u32 {
                match (self, from) {
                    $((Self::$kind(to), Some(Self::$kind(from))) => to.trips_to_write(Some(from)),)+
                    $((Self::$kind(to), _) => to.trips_to_write(None),)+
                }
            }

            fn goes_with_its_whole(&self) -> bool {
                match self { $(Self::$kind(spec) => spec.goes_with_its_whole(),)+ }
            }

            fn why(&self, setting: &str) -> Option<&'static str> {
                reasons::why(self, setting)
            }
        }
    };
}

kinds! {
    Key(Key) "KMS key",
    OwnKey(OwnKey) "KMS key (yours)",
    Rotation(Rotation) "key rotation",
    Bucket(Bucket) "S3 bucket",
    PublicAccess(PublicAccess) "public access block",
    Versioning(Versioning) "versioning",
    Encryption(Encryption) "default encryption",
    Lifecycle(Lifecycle) "lifecycle rules",
    Logging(Logging) "access logs",
    Notifications(Notifications) "event notifications",
    BucketPolicy(BucketPolicy) "bucket policy",
    LockTable(LockTable) "DynamoDB table",
    Recovery(Recovery) "point-in-time recovery",
    Topic(Topic) "SNS topic",
    ExistingTopic(ExistingTopic) "SNS topic (yours)",
    Subscription(Subscription) "e-mail subscription",
    Alarm(Alarm) "CloudWatch alarm",
    Trail(Trail) "CloudTrail trail",
    ExistingTrail(ExistingTrail) "CloudTrail trail (yours)",
    Selectors(Selectors) "event selectors",
    TrailLogging(TrailLogging) "trail logging",
    Policy(access::Policy) "IAM policy",
    Attachment(Attachment) "policy attachment",
}

/// Boxed, as [`written`]: without optimisation, a future that has room for each of the kinds fills
/// a stack.
fn looked<'a, R: Resource>(
    spec: &'a R,
    look: &'a Look<'a>,
) -> BoxFuture<'a, Result<Option<Found<R>>, AwsError>> {
    Box::pin(spec.look(look))
}

fn written<'a, R: Resource>(
    to: &'a R,
    aws: &'a Aws,
    from: Option<&'a R>,
) -> BoxFuture<'a, Result<Option<String>, AwsError>> {
    Box::pin(to.write(aws, from))
}

/// Looks at every node of the blueprint, all at the same time.
///
/// What another run makes or deletes meanwhile may be seen in part. It is looked at again until its
/// whole is seen as well.
pub async fn observe(aws: &Aws, blueprint: &Blueprint<AwsSpec>) -> Observation<AwsSpec> {
    let all = blueprint.nodes().iter().collect();
    let mut observation = by_address(look_at(aws, all, KeySearch::ByTags, blueprint).await);
    complete(aws, blueprint, &mut observation).await;
    observation
}

/// Looks once more at these nodes alone, and only once even at what is torn: the caller waits, and
/// comes again.
pub async fn observe_again(
    aws: &Aws,
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

/// Looks again at what was seen in part, and gives parts the owner of their parent.
async fn complete(
    aws: &Aws,
    blueprint: &Blueprint<AwsSpec>,
    observation: &mut Observation<AwsSpec>,
) {
    let mut pauses = Pauses::default();
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

fn by_address(seen: Vec<(&Node<AwsSpec>, Seen<AwsSpec>)>) -> Observation<AwsSpec> {
    seen.into_iter()
        .map(|(node, seen)| (node.address.clone(), seen))
        .collect()
}

/// What is to be looked at again: wholes that were seen as absent, with their parts of which some
/// were seen as present.
pub fn torn_nodes<'a>(
    blueprint: &'a Blueprint<AwsSpec>,
    observation: &Observation<AwsSpec>,
) -> Vec<&'a Node<AwsSpec>> {
    let torn = torn(observation);
    let is_torn = |node: &&Node<AwsSpec>| {
        torn.contains(&node.address)
            || node
                .address
                .parent()
                .is_some_and(|whole| torn.contains(&whole))
    };
    blueprint.nodes().iter().filter(is_torn).collect()
}

/// A part whose whole is not seen is nothing that others made.
pub fn what_is_torn_is_unreadable(observation: &mut Observation<AwsSpec>) {
    let torn = torn(observation);
    for (address, seen) in observation {
        if let (Seen::Present { .. }, Some(whole)) = (
            &*seen,
            address.parent().filter(|whole| torn.contains(whole)),
        ) {
            *seen = Seen::Unreadable(format!(
                "it is there and {whole} is not: another run may be making or deleting it; run \
                 again"
            ));
        }
    }
}

/// Where a key of ours is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySearch {
    /// Behind its alias, and if it is not there, among all keys of the account.
    ByTags,
    /// Behind its alias only.
    ByAlias,
}

/// Looks at these nodes, all at the same time. Parts do not have the owner of their parent yet.
/// `of` has the policy that attachments are about.
pub async fn look_at<'a>(
    aws: &Aws,
    nodes: Vec<&'a Node<AwsSpec>>,
    keys: KeySearch,
    of: &Blueprint<AwsSpec>,
) -> Vec<(&'a Node<AwsSpec>, Seen<AwsSpec>)> {
    let alarms = nodes.iter().filter_map(|node| match &node.spec {
        AwsSpec::Alarm(alarm) => Some(alarm.name.clone()),
        _ => None,
    });
    let policy = of.nodes().iter().find_map(|node| match &node.spec {
        AwsSpec::Policy(policy) => Some(policy.clone()),
        _ => None,
    });
    let look = Look::new(aws)
        .at_alarms(alarms.collect())
        .at_policy(policy)
        .for_keys(keys);
    let looks = nodes.into_iter().map(|node| {
        let look = &look;
        async move {
            let seen = match node.spec.look(look).await {
                Ok(None) => Seen::Absent,
                Ok(Some(Found {
                    spec,
                    output,
                    owner,
                })) => Seen::Present {
                    spec,
                    output,
                    owner,
                },
                Err(error) => Seen::Unreadable(error.to_string()),
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
    /// What is looked at for it: two specs of one identity are two wishes for one thing.
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

impl Cloud for Aws {
    type Spec = AwsSpec;
    type Error = AwsError;

    async fn write(
        &self,
        _address: &Address,
        change: &Change<AwsSpec>,
    ) -> Result<Option<String>, AwsError> {
        match change {
            Change::Create { to } => to.write(self, None).await,
            Change::Update { from, to } | Change::Adopt { from, to } => {
                to.write(self, Some(from)).await
            }
            Change::Delete { from } => from.delete(self).await.map(|()| None),
            Change::NoOp { .. } | Change::Keep { .. } | Change::Blocked { .. } => {
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
        lock_table::{LockTable, recovery::Recovery},
        testing::{Script, data, error},
    };

    /// Who waits comes again by itself, and the pauses between looks grow.
    #[tokio::test]
    async fn what_is_torn_is_looked_at_once_a_round() {
        let table = AwsSpec::LockTable(LockTable::named("locks"));
        let recovery = AwsSpec::Recovery(Recovery {
            table: "locks".to_owned(),
            enabled: true,
        });
        let blueprint = Blueprint::new(vec![
            Node {
                address: LOCK_TABLE,
                needs: vec![],
                spec: table,
            },
            Node {
                address: LOCK_TABLE_RECOVERY,
                needs: vec![LOCK_TABLE],
                spec: recovery,
            },
        ]);
        let enabled =
            json!({ "ContinuousBackupsDescription": { "ContinuousBackupsStatus": "ENABLED" } });
        let script = Script::new()
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
                matches!(seen[&LOCK_TABLE], Seen::Absent)
                    && matches!(seen[&LOCK_TABLE_RECOVERY], Seen::Unreadable(_)),
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
            "a look that does not wait looks again by itself"
        );
    }
}
