//! Which IAM actions it takes to look at a backend and to carry a plan out, and on what: a policy
//! for whoever does it.
//!
//! Narrow as far as AWS knows resources, and limited by conditions beyond that: a key that is not
//! there yet has no name.

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

/// Actions, each with the ARNs that it is needed on.
pub type ActionsByArn = BTreeMap<&'static str, BTreeSet<String>>;

#[derive(Clone, Debug, PartialEq)]
pub struct RequiredPermissions {
    /// To look at everything, before and after.
    pub reads: ActionsByArn,
    /// To make what the plan says.
    pub writes: ActionsByArn,
    /// What limits them beyond the resources.
    pub conditions: PermissionConditions,
}

/// What DynamoDB does with the key in the caller's name (DynamoDB: encryption at rest, key
/// policies).
const TABLE_KEY: [&str; 6] = [
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey*",
    "kms:ReEncrypt*",
];
/// Nothing, or nothing yet, that IAM could be told.
const ANYTHING: &str = "*";

/// What `plan` needs, given what is known of what is there. An empty plan needs the reads only.
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
    // Without its alias the key is searched for among all.
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
    // What is changed is one key, also where it was searched for.
    let place = PermissionScope {
        key: named.unwrap_or_else(any_key),
        ..place
    };
    for step in &plan.steps {
        if let PlannedChange::Create {
            to: AwsSpec::Trail(_),
        } = &step.change
        {
            // Whether one of this name is at home in another region.
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
    /// Everything in one policy: a statement for each set of resources and conditions.
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

    /// The same with what it takes to look into a bucket that is taken over.
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

    /// How many actions there are, and how many of them write.
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
    /// ARN of the runner policy, where it exists.
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
                // It may lead nowhere yet.
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
                // Of its key, whichever that is.
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
                // Where there is none of today's name, an older version may have made it.
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

    /// What is made with its tags needs the action for tagging as well.
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
            // Never made.
            AwsSpec::OwnKey(_) | AwsSpec::ExistingTopic(_) | AwsSpec::ExistingTrail(_) => {}
            part => self.put(address, part, on),
        }
    }

    /// Only what differs is written.
    fn change(&self, from: &AwsSpec, to: &AwsSpec, on: &mut ActionTargets<'_>) {
        // Principals have nothing that could change, and so the address is not looked into.
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
                    // Lists are looked at where they are not turned off yet.
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
                    // Room for the new version is made if need be.
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

    /// What goes with its whole needs nothing of its own.
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
            // An organization's is another account's, and a trail of all regions may be at home in
            // any.
            AwsSpec::ExistingTrail(_) => {
                format!("arn:{}:cloudtrail:*:*:trail/*", aws.caller.partition)
            }
            AwsSpec::Policy(policy) => policy.arn(aws),
            // In the brackets, with its path.
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
