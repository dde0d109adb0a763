//! The IAM actions and resources that are needed to read a backend and to apply a plan, as a
//! policy.
//!
//! As narrow as AWS supports, and limited by conditions otherwise: a key that does not exist yet
//! has no ARN.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    AwsProvider,
    blueprint::KEY,
    policy::{PolicyDocument, Statement},
    resources::AwsSpec,
};
use conditions::{PermissionConditions, PolicyCondition, capital, limited};

use crate::engine::{
    blueprint::Blueprint,
    plan::{Plan, PlannedChange},
    spec::KnownOutputs,
};

pub mod conditions;
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

/// No ARN, or none yet.
pub const ANYTHING: &str = "*";

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
        let on = &mut |actions: &[&'static str], arn: &str| add(&mut needed.reads, actions, arn);
        node.spec.permissions_to_read(&node.address, &place, on);
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
            add(&mut needed.reads, &["cloudtrail:DescribeTrails"], ANYTHING);
        }
        let on = &mut |actions: &[&'static str], arn: &str| add(&mut needed.writes, actions, arn);
        match &step.change {
            PlannedChange::NoOp { .. }
            | PlannedChange::Keep { .. }
            | PlannedChange::Blocked { .. } => {}
            PlannedChange::Delete { from } => from.permissions_to_delete(&step.address, &place, on),
            PlannedChange::Create { to } => to.permissions_to_create(&step.address, &place, on),
            PlannedChange::Update { from, to } | PlannedChange::Adopt { from, to } => {
                to.permissions_to_change(from, &step.address, &place, on)
            }
        }
    }
    needed
}

fn add(all: &mut ActionsByArn, actions: &[&'static str], arn: &str) {
    for action in actions {
        all.entry(action).or_default().insert(arn.to_owned());
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
            &format!("arn:{}:s3:::{bucket}/*", aws.caller.partition),
        );
        if let Some(table) = table {
            add(
                &mut self.reads,
                &["dynamodb:Scan"],
                &aws.arn("dynamodb", &aws.region, &format!("table/{table}")),
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

/// What resources name in the permissions that they need.
pub struct PermissionScope<'a> {
    pub aws: &'a AwsProvider,
    /// The ARN of the environment's key, or of any key as long as it is unknown.
    pub key: String,
    /// The ARN of the runner policy, if it exists.
    pub policy: Option<String>,
}

/// Takes actions, and the ARN that they are on.
pub type ActionTargets<'a> = dyn FnMut(&[&'static str], &str) + 'a;

impl PermissionScope<'_> {
    pub fn bucket_arn(&self, name: &str) -> String {
        format!("arn:{}:s3:::{name}", self.aws.caller.partition)
    }

    pub fn table_arn(&self, name: &str) -> String {
        let name = format!("table/{name}");
        self.aws.arn("dynamodb", &self.aws.region, &name)
    }

    pub fn trail_arn(&self, name: &str) -> String {
        let name = format!("trail/{name}");
        self.aws.arn("cloudtrail", &self.aws.region, &name)
    }

    /// `alias` with `alias/`.
    pub fn alias_arn(&self, alias: &str) -> String {
        self.aws.arn("kms", &self.aws.region, alias)
    }
}
