//! The IAM actions and resources that are needed to read a backend and to apply a plan, as a
//! policy.
//!
//! As narrow as AWS supports, and limited by conditions otherwise: a key that does not exist yet
//! has no ARN.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    AwsProvider,
    access::attachment::AttachmentTarget,
    blueprint::KEY,
    key::KmsKey,
    lock_table,
    ownership::{Tags, tags_to_add},
    policy::{PolicyDocument, Statement},
    resources::AwsSpec,
};
use conditions::{PermissionConditions, PolicyCondition, capital, limited};

use crate::engine::{
    blueprint::Blueprint,
    plan::{Plan, PlannedChange},
    spec::{Address, KnownOutputs},
};

pub mod conditions;
mod parts;
mod planned;

/// Actions, each with the ARNs on which it is needed.
pub type ActionsByArn = BTreeMap<&'static str, BTreeSet<String>>;

#[derive(Clone, Debug, PartialEq)]
pub struct RequiredPermissions {
    /// To read everything, before and after.
    pub reads: ActionsByArn,
    /// To apply the plan.
    pub writes: ActionsByArn,
    /// The conditions.
    pub conditions: PermissionConditions,
}

/// The actions of DynamoDB with the key on behalf of the caller (DynamoDB: encryption at rest, key
/// policies).
const TABLE_KEY: [&str; 6] = [
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey*",
    "kms:ReEncrypt*",
];
/// No ARN, or none yet.
const ANYTHING: &str = "*";

/// Returns what `plan` needs, given the observed resources. An empty plan needs only the reads.
pub fn needed(
    blueprint: &Blueprint<AwsSpec>,
    plan: &Plan<AwsSpec>,
    known: &KnownOutputs,
    aws: &AwsProvider,
) -> RequiredPermissions {
    let conditions =
        PermissionConditions::new(aws, planned::runner_policy(plan, aws).map(|(arn, _)| arn));
    let mut needed = RequiredPermissions {
        reads: ActionsByArn::new(),
        writes: ActionsByArn::new(),
        conditions,
    };
    let any_key = || aws.arn("kms", &aws.region, "key/*");
    let named = known.get(&KEY).cloned();
    let policy = planned::runner_policy(plan, aws)
        .filter(|(_, exists)| *exists)
        .map(|(arn, _)| arn);
    // Without an alias, all keys are searched.
    let place = PermissionScope {
        aws,
        key: named
            .clone()
            .filter(|_| planned::alias_leads_to_key(plan))
            .unwrap_or_else(any_key),
        policy,
    };
    for node in blueprint.nodes() {
        let on =
            &mut |actions: &[&'static str], arns: &[String]| add(&mut needed.reads, actions, arns);
        place.reads(&node.address, &node.spec, on);
    }
    // A change is on one key, even if it was searched.
    let place = PermissionScope {
        key: named.unwrap_or_else(any_key),
        ..place
    };
    for step in &plan.steps {
        if let PlannedChange::Create {
            to: AwsSpec::Trail(_),
        } = &step.change
        {
            // To find a trail of this name with another home region.
            add(
                &mut needed.reads,
                &["cloudtrail:DescribeTrails"],
                &[ANYTHING.to_owned()],
            );
        }
        let on =
            &mut |actions: &[&'static str], arns: &[String]| add(&mut needed.writes, actions, arns);
        match &step.change {
            PlannedChange::NoOp { .. }
            | PlannedChange::Keep { .. }
            | PlannedChange::Blocked { .. } => {}
            PlannedChange::Delete { from } => place.deletion(&step.address, from, on),
            PlannedChange::Create { to } => place.creation(&step.address, to, on),
            PlannedChange::Update { from, to } | PlannedChange::Adopt { from, to } => {
                place.change(from, to, on)
            }
        }
    }
    needed
}

fn add(all: &mut ActionsByArn, actions: &[&'static str], arns: &[String]) {
    for action in actions {
        all.entry(action).or_default().extend(arns.iter().cloned());
    }
}

impl RequiredPermissions {
    /// Returns one policy with a statement for each set of resources and conditions.
    pub fn policy(&self) -> PolicyDocument {
        /// Service, resources and conditions.
        type Scope<'a> = (&'a str, Vec<String>, Vec<PolicyCondition>);
        let mut all = self.reads.clone();
        for (action, arns) in &self.writes {
            all.entry(action).or_default().extend(arns.iter().cloned());
        }
        let mut by_resources: BTreeMap<Scope<'_>, Vec<&str>> = BTreeMap::new();
        for (action, arns) in all {
            let service = action.split(':').next().unwrap_or_default();
            let mut by_conditions: BTreeMap<Vec<PolicyCondition>, Vec<String>> = BTreeMap::new();
            for arn in arns {
                by_conditions
                    .entry(self.conditions.of(action, &arn))
                    .or_default()
                    .push(arn);
            }
            for (conditions, arns) in by_conditions {
                by_resources
                    .entry((service, arns, conditions))
                    .or_default()
                    .push(action);
            }
        }
        let mut statements = vec![];
        for ((service, arns, conditions), actions) in by_resources {
            let sid = format!("{}{}", capital(service), statements.len() + 1);
            statements.push(limited(
                Statement::allow(&sid).actions(&actions).on(arns),
                &conditions,
            ));
        }
        PolicyDocument::new(statements)
    }

    /// Adds what is needed to read the content of an adopted bucket.
    #[must_use]
    pub fn with_contents(mut self, aws: &AwsProvider, bucket: &str, table: Option<&str>) -> Self {
        add(
            &mut self.reads,
            &["s3:GetObject"],
            &[format!("arn:{}:s3:::{bucket}/*", aws.caller.partition)],
        );
        if let Some(table) = table {
            add(
                &mut self.reads,
                &["dynamodb:Scan"],
                &[aws.arn("dynamodb", &aws.region, &format!("table/{table}"))],
            );
        }
        self
    }

    /// Returns the number of actions and of writes.
    pub fn count(&self) -> (usize, usize) {
        let all: BTreeSet<&&str> = self.reads.keys().chain(self.writes.keys()).collect();
        (
            all.len(),
            self.writes
                .keys()
                .filter(|action| !self.reads.contains_key(**action))
                .count(),
        )
    }
}

struct PermissionScope<'a> {
    aws: &'a AwsProvider,
    key: String,
    /// The ARN of the runner policy, if it exists.
    policy: Option<String>,
}

type ActionTargets<'a> = dyn FnMut(&[&'static str], &[String]) + 'a;

impl PermissionScope<'_> {
    fn reads(&self, address: &Address, spec: &AwsSpec, on: &mut ActionTargets<'_>) {
        let arns = &self.arns(address, spec);
        match spec {
            AwsSpec::Key(key) => {
                on(
                    &[
                        "kms:DescribeKey",
                        "kms:GetKeyPolicy",
                        "kms:ListResourceTags",
                    ],
                    arns,
                );
                // The alias may not exist yet.
                on(&["kms:DescribeKey"], &[self.alias(key)]);
                on(&["kms:ListKeys"], &[ANYTHING.to_owned()]);
            }
            AwsSpec::OwnKey(key) => {
                on(&["kms:DescribeKey"], arns);
                if !key.service_grants.is_empty() {
                    on(&["kms:GetKeyPolicy"], arns);
                }
            }
            AwsSpec::Rotation(_) => on(&["kms:GetKeyRotationStatus"], arns),
            AwsSpec::Bucket(_) => on(
                &[
                    "s3:GetBucketOwnershipControls",
                    "s3:GetBucketTagging",
                    "s3:ListBucket",
                ],
                arns,
            ),
            AwsSpec::PublicAccess(_) => on(&["s3:GetBucketPublicAccessBlock"], arns),
            AwsSpec::Versioning(_) => on(&["s3:GetBucketVersioning"], arns),
            AwsSpec::Encryption(_) => on(&["s3:GetEncryptionConfiguration"], arns),
            AwsSpec::Lifecycle(_) => on(&["s3:GetLifecycleConfiguration"], arns),
            AwsSpec::Logging(_) => on(&["s3:GetBucketLogging"], arns),
            AwsSpec::Notifications(_) => on(&["s3:GetBucketNotification"], arns),
            AwsSpec::BucketPolicy(_) => on(&["s3:GetBucketPolicy"], arns),
            AwsSpec::LockTable(_) => on(
                &["dynamodb:DescribeTable", "dynamodb:ListTagsOfResource"],
                arns,
            ),
            AwsSpec::Recovery(_) => on(&["dynamodb:DescribeContinuousBackups"], arns),
            AwsSpec::Topic(_) => on(&["sns:GetTopicAttributes", "sns:ListTagsForResource"], arns),
            AwsSpec::ExistingTopic(_) => {
                on(&["sns:GetTopicAttributes"], arns);
                // The key of the topic.
                on(
                    &["kms:DescribeKey", "kms:GetKeyPolicy"],
                    &[self.aws.arn("kms", &self.aws.region, "key/*")],
                );
            }
            AwsSpec::Subscription(_) => on(&["sns:ListSubscriptionsByTopic"], arns),
            AwsSpec::Alarm(_) => {
                on(&["cloudwatch:DescribeAlarms"], &[ANYTHING.to_owned()]);
                on(&["cloudwatch:ListTagsForResource"], arns);
            }
            AwsSpec::Trail(_) => on(&["cloudtrail:GetTrail", "cloudtrail:ListTags"], arns),
            AwsSpec::ExistingTrail(_) => {
                on(&["cloudtrail:DescribeTrails"], &[ANYTHING.to_owned()]);
                on(
                    &["cloudtrail:GetEventSelectors", "cloudtrail:GetTrailStatus"],
                    arns,
                );
            }
            AwsSpec::Selectors(_) => on(&["cloudtrail:GetEventSelectors"], arns),
            AwsSpec::TrailLogging(_) => on(&["cloudtrail:GetTrailStatus"], arns),
            AwsSpec::Policy(policy) => {
                // If there is no policy of the current name, an older version may have created it.
                let former = policy
                    .former_arn(self.aws)
                    .filter(|_| self.policy.as_ref() != arns.first());
                on(
                    &["iam:GetPolicy", "iam:GetPolicyVersion"],
                    &arns.iter().cloned().chain(former).collect::<Vec<_>>(),
                );
            }
            AwsSpec::Attachment(attachment) => match attachment.kind {
                AttachmentTarget::Role => on(&["iam:ListAttachedRolePolicies"], arns),
                AttachmentTarget::User => on(&["iam:ListAttachedUserPolicies"], arns),
                AttachmentTarget::Group => on(&["iam:ListAttachedGroupPolicies"], arns),
            },
        }
    }

    /// Creating with tags requires the tagging action, too.
    fn creation(&self, address: &Address, to: &AwsSpec, on: &mut ActionTargets<'_>) {
        let arns = &self.arns(address, to);
        match to {
            AwsSpec::Key(key) => {
                on(&["kms:CreateKey"], &[ANYTHING.to_owned()]);
                on(&["kms:CreateAlias", "kms:TagResource"], arns);
                on(&["kms:CreateAlias"], &[self.alias(key)]);
            }
            AwsSpec::Bucket(_) => on(planned::bucket_creation(self.aws), arns),
            AwsSpec::LockTable(table) => {
                on(&["dynamodb:CreateTable", "dynamodb:TagResource"], arns);
                self.key_of(table, on);
            }
            AwsSpec::Topic(_) => on(&["sns:CreateTopic", "sns:TagResource"], arns),
            AwsSpec::Alarm(_) => on(
                &["cloudwatch:PutMetricAlarm", "cloudwatch:TagResource"],
                arns,
            ),
            AwsSpec::Trail(_) => on(&["cloudtrail:AddTags", "cloudtrail:CreateTrail"], arns),
            AwsSpec::Policy(_) => on(&["iam:CreatePolicy", "iam:TagPolicy"], arns),
            // Never created.
            AwsSpec::OwnKey(_) | AwsSpec::ExistingTopic(_) | AwsSpec::ExistingTrail(_) => {}
            part => self.put(address, part, on),
        }
    }

    /// Only differences are written.
    fn change(&self, from: &AwsSpec, to: &AwsSpec, on: &mut ActionTargets<'_>) {
        // Attachments cannot change.
        let address = &Address::new("");
        let arns = &self.arns(address, to);
        let mut tagged = |action: &'static str, from: &Tags, to: &Tags| {
            if !tags_to_add(Some(from), to).is_empty() {
                on(&[action], arns);
            }
        };
        match (from, to) {
            (AwsSpec::Key(from), AwsSpec::Key(to)) => {
                tagged("kms:TagResource", &from.tags, &to.tags);
                if !to.policy.means(&from.policy) {
                    on(&["kms:PutKeyPolicy"], arns);
                }
                if to.alias_leads != from.alias_leads {
                    on(
                        &["kms:CreateAlias"],
                        &[arns.clone(), vec![self.alias(to)]].concat(),
                    );
                }
            }
            (AwsSpec::Bucket(from), AwsSpec::Bucket(to)) => {
                tagged("s3:PutBucketTagging", &from.tags, &to.tags);
                if from.ownership != to.ownership {
                    // Access control lists are read if not disabled yet.
                    on(&["s3:GetBucketAcl", "s3:PutBucketOwnershipControls"], arns);
                }
            }
            (AwsSpec::LockTable(from), AwsSpec::LockTable(to)) => {
                tagged("dynamodb:TagResource", &from.tags, &to.tags);
                if (lock_table::LockTable {
                    tags: to.tags.clone(),
                    ..from.clone()
                }) != *to
                {
                    on(&["dynamodb:UpdateTable"], arns);
                }
                if from.encryption != to.encryption {
                    self.key_of(to, on);
                }
            }
            (AwsSpec::Topic(from), AwsSpec::Topic(to)) => {
                tagged("sns:TagResource", &from.tags, &to.tags);
                if from.key != to.key || !to.policy.means(&from.policy) {
                    on(&["sns:SetTopicAttributes"], arns);
                }
            }
            (AwsSpec::Alarm(from), AwsSpec::Alarm(to)) => {
                tagged("cloudwatch:TagResource", &from.tags, &to.tags);
                if (super::alarm::Alarm {
                    tags: to.tags.clone(),
                    ..from.clone()
                }) != *to
                {
                    on(&["cloudwatch:PutMetricAlarm"], arns);
                }
            }
            (AwsSpec::Trail(from), AwsSpec::Trail(to)) => {
                tagged("cloudtrail:AddTags", &from.tags, &to.tags);
                if (super::trail::TrailSpec {
                    tags: to.tags.clone(),
                    ..from.clone()
                }) != *to
                {
                    on(&["cloudtrail:UpdateTrail"], arns);
                }
            }
            (AwsSpec::Policy(from), AwsSpec::Policy(to)) => {
                tagged("iam:TagPolicy", &from.tags, &to.tags);
                if !to.document.means(&from.document) {
                    // An old version is deleted if necessary.
                    on(
                        &[
                            "iam:CreatePolicyVersion",
                            "iam:DeletePolicyVersion",
                            "iam:ListPolicyVersions",
                        ],
                        arns,
                    );
                }
            }
            (_, part) => self.put(address, part, on),
        }
    }

    /// Parts that are deleted with their parent need no actions.
    fn deletion(&self, address: &Address, from: &AwsSpec, on: &mut ActionTargets<'_>) {
        let arns = &self.arns(address, from);
        match from {
            AwsSpec::Key(key) => {
                on(&["kms:DeleteAlias", "kms:ScheduleKeyDeletion"], arns);
                on(&["kms:DeleteAlias"], &[self.alias(key)]);
            }
            AwsSpec::Bucket(_) => on(&["s3:DeleteBucket"], arns),
            AwsSpec::Notifications(_) => on(&["s3:PutBucketNotification"], arns),
            AwsSpec::LockTable(table) => {
                on(&["dynamodb:DeleteTable"], arns);
                if table.deletion_protection {
                    on(&["dynamodb:UpdateTable"], arns);
                }
            }
            AwsSpec::Topic(_) => on(&["sns:DeleteTopic"], arns),
            AwsSpec::Alarm(_) => on(&["cloudwatch:DeleteAlarms"], arns),
            AwsSpec::Trail(_) => on(&["cloudtrail:DeleteTrail", "cloudtrail:StopLogging"], arns),
            AwsSpec::Policy(_) => on(
                &[
                    "iam:DeletePolicy",
                    "iam:DeletePolicyVersion",
                    "iam:ListPolicyVersions",
                ],
                arns,
            ),
            AwsSpec::Attachment(attachment) => match attachment.kind {
                AttachmentTarget::Role => on(&["iam:DetachRolePolicy"], arns),
                AttachmentTarget::User => on(&["iam:DetachUserPolicy"], arns),
                AttachmentTarget::Group => on(&["iam:DetachGroupPolicy"], arns),
            },
            AwsSpec::OwnKey(_)
            | AwsSpec::Rotation(_)
            | AwsSpec::PublicAccess(_)
            | AwsSpec::Versioning(_)
            | AwsSpec::Encryption(_)
            | AwsSpec::Lifecycle(_)
            | AwsSpec::Logging(_)
            | AwsSpec::BucketPolicy(_)
            | AwsSpec::Recovery(_)
            | AwsSpec::ExistingTopic(_)
            | AwsSpec::Subscription(_)
            | AwsSpec::ExistingTrail(_)
            | AwsSpec::Selectors(_)
            | AwsSpec::TrailLogging(_) => {}
        }
    }

    fn key_of(&self, table: &lock_table::LockTable, on: &mut ActionTargets<'_>) {
        if let lock_table::LockTableEncryption::Kms(arn) = &table.encryption {
            let known = arn.starts_with("arn:");
            on(
                &TABLE_KEY,
                &[if known { arn.clone() } else { self.key.clone() }],
            );
        }
    }

    fn alias(&self, key: &KmsKey) -> String {
        self.aws.arn("kms", &self.aws.region, &key.alias)
    }

    fn arns(&self, address: &Address, spec: &AwsSpec) -> Vec<String> {
        let aws = self.aws;
        let bucket = |name: &str| format!("arn:{}:s3:::{name}", aws.caller.partition);
        let table = |name: &str| aws.arn("dynamodb", &aws.region, &format!("table/{name}"));
        let trail = |name: &str| aws.arn("cloudtrail", &aws.region, &format!("trail/{name}"));
        let arn = match spec {
            AwsSpec::Key(_) | AwsSpec::Rotation(_) => self.key.clone(),
            AwsSpec::OwnKey(key) => key.arn.clone(),
            AwsSpec::Bucket(it) => bucket(&it.name),
            AwsSpec::PublicAccess(it) => bucket(&it.bucket),
            AwsSpec::Versioning(it) => bucket(&it.bucket),
            AwsSpec::Encryption(it) => bucket(&it.bucket),
            AwsSpec::Lifecycle(it) => bucket(&it.bucket),
            AwsSpec::Logging(it) => bucket(&it.bucket),
            AwsSpec::Notifications(it) => bucket(&it.bucket),
            AwsSpec::BucketPolicy(it) => bucket(&it.bucket),
            AwsSpec::LockTable(it) => table(&it.name),
            AwsSpec::Recovery(it) => table(&it.table),
            AwsSpec::Topic(it) => aws.arn("sns", &aws.region, &it.name),
            AwsSpec::ExistingTopic(it) => it.arn.clone(),
            AwsSpec::Subscription(it) => it.topic.clone(),
            AwsSpec::Alarm(it) => aws.arn("cloudwatch", &aws.region, &format!("alarm:{}", it.name)),
            AwsSpec::Trail(it) => trail(&it.name),
            AwsSpec::Selectors(it) => trail(&it.trail),
            AwsSpec::TrailLogging(it) => trail(&it.trail),
            // An organization trail belongs to another account, and a multi-region trail may have
            // any home region.
            AwsSpec::ExistingTrail(_) => {
                format!("arn:{}:cloudtrail:*:*:trail/*", aws.caller.partition)
            }
            AwsSpec::Policy(policy) => policy.arn(aws),
            // The name in brackets, with its path.
            AwsSpec::Attachment(_) => aws.arn(
                "iam",
                "",
                address
                    .as_str()
                    .split(['[', ']'])
                    .nth(1)
                    .unwrap_or(ANYTHING),
            ),
        };
        vec![arn]
    }
}
