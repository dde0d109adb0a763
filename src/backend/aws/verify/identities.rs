//! Identity policies of the account that name the bucket or the table and allow more than Terraform
//! needs.
//!
//! A policy for all resources is an administrator's policy and not specific to this backend.

use aws_sdk_iam::types::{EntityType, ManagedPolicyDetail, PolicyDetail};
use percent_encoding::percent_decode_str;

use super::catalogue as rule;
use crate::{
    backend::aws::{
        AwsProvider,
        error::{ApiOperation, AwsError},
        policy::{
            Effect, PolicyDocument, Statement,
            pattern::{matches, texts},
        },
    },
    checks::{CheckResult, CheckedPlace, Verdict},
};

const DETAILS: ApiOperation = ApiOperation::new("iam:GetAccountAuthorizationDetails");
const OURS: [EntityType; 4] = [
    EntityType::LocalManagedPolicy,
    EntityType::Role,
    EntityType::User,
    EntityType::Group,
];
const REMEDIATION: &str =
    "allow only what the policy for Terraform runs allows (tfbackend creates it)";

/// Actions that Terraform never needs, by resource type.
const ON_OBJECTS: [&str; 2] = ["s3:DeleteObjectVersion", "s3:PutObjectAcl"];
const ON_BUCKET: [&str; 6] = [
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:PutBucketPolicy",
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
];
const ON_TABLE: [&str; 2] = ["dynamodb:DeleteTable", "dynamodb:UpdateTable"];

/// A policy with its owner and document.
struct IdentityStatement {
    name: String,
    document: String,
}

/// Returns a finding for each policy that allows too much, or one passed check.
pub(crate) async fn checks(
    aws: &AwsProvider,
    bucket: &str,
    table: Option<&str>,
) -> Vec<CheckResult> {
    let account = CheckedPlace::named(format!("account {}", aws.account()));
    let policies = match policies(aws).await {
        Ok(policies) => policies,
        Err(error) => {
            return vec![CheckResult::new(
                &rule::WIDE_ACCESS,
                account,
                Verdict::Unreadable {
                    error: error.to_string(),
                },
            )];
        }
    };
    let bucket = format!("arn:{}:s3:::{bucket}", aws.caller.partition);
    let table = table.map(|table| aws.arn("dynamodb", &aws.region, &format!("table/{table}")));
    let mut checked = vec![];
    for said in policies {
        let text = percent_decode_str(&said.document).decode_utf8_lossy();
        // A document that cannot be parsed is skipped.
        let Ok(document) = serde_json::from_str::<PolicyDocument>(&text) else {
            continue;
        };
        let excess = excess(&document, &bucket, table.as_deref());
        if !excess.is_empty() {
            let verdict = Verdict::Fails {
                found: format!("it allows {}", excess.join(", ")),
                remediation: REMEDIATION.to_owned(),
            };
            checked.push(CheckResult::new(
                &rule::WIDE_ACCESS,
                CheckedPlace::named(said.name),
                verdict,
            ));
        }
    }
    if checked.is_empty() {
        checked.push(CheckResult::new(
            &rule::WIDE_ACCESS,
            account,
            Verdict::Holds,
        ));
    }
    checked
}

async fn policies(aws: &AwsProvider) -> Result<Vec<IdentityStatement>, AwsError> {
    let request = aws
        .clients
        .iam
        .get_account_authorization_details()
        .set_filter(Some(OURS.to_vec()))
        .max_items(1000);
    let pages: Vec<_> = request
        .into_paginator()
        .send()
        .try_collect()
        .await
        .map_err(|error| AwsError::from_sdk(DETAILS, "the policies of the account", error))?;
    let mut said = vec![];
    for page in pages {
        said.extend(
            page.policies
                .unwrap_or_default()
                .into_iter()
                .filter_map(in_force),
        );
        for role in page.role_detail_list.unwrap_or_default() {
            said.extend(inline(&role.arn.unwrap_or_default(), role.role_policy_list));
        }
        for user in page.user_detail_list.unwrap_or_default() {
            said.extend(inline(&user.arn.unwrap_or_default(), user.user_policy_list));
        }
        for group in page.group_detail_list.unwrap_or_default() {
            said.extend(inline(
                &group.arn.unwrap_or_default(),
                group.group_policy_list,
            ));
        }
    }
    Ok(said)
}

fn in_force(policy: ManagedPolicyDetail) -> Option<IdentityStatement> {
    let version = policy
        .policy_version_list
        .unwrap_or_default()
        .into_iter()
        .find(|version| version.is_default_version)?;
    Some(IdentityStatement {
        name: policy.arn.unwrap_or_default(),
        document: version.document?,
    })
}

fn inline(
    whose: &str,
    policies: Option<Vec<PolicyDetail>>,
) -> impl Iterator<Item = IdentityStatement> {
    policies
        .unwrap_or_default()
        .into_iter()
        .filter_map(move |policy| {
            Some(IdentityStatement {
                name: format!("{whose}, policy {}", policy.policy_name.unwrap_or_default()),
                document: policy.policy_document?,
            })
        })
}

/// Returns the actions that a document explicitly allows on this backend and that Terraform never
/// needs.
fn excess(document: &PolicyDocument, bucket: &str, table: Option<&str>) -> Vec<&'static str> {
    let objects = format!("{bucket}/any.tfstate");
    let places = [
        (&ON_OBJECTS[..], Some(&*objects)),
        (&ON_BUCKET[..], Some(bucket)),
        (&ON_TABLE[..], table),
    ];
    let mut found = vec![];
    for statement in document
        .statements
        .iter()
        .filter(|statement| statement.effect == Effect::Allow && always(statement))
    {
        for (actions, place) in places {
            if !place.is_some_and(|place| names(statement, place, bucket, table)) {
                continue;
            }
            found.extend(
                actions
                    .iter()
                    .copied()
                    .filter(|action| allows(statement, action) && !found.contains(action))
                    .collect::<Vec<_>>(),
            );
        }
    }
    found
}

/// A condition may restrict it to what is needed.
fn always(statement: &Statement) -> bool {
    !statement.rest.contains_key("Condition")
}

/// Returns whether a pattern matches this backend and starts with its name.
fn names(statement: &Statement, place: &str, bucket: &str, table: Option<&str>) -> bool {
    let own = |pattern: &str| {
        pattern.starts_with(bucket) || table.is_some_and(|table| pattern.starts_with(table))
    };
    statement.rest.get("Resource").is_some_and(|value| {
        texts(value)
            .iter()
            .any(|pattern| own(pattern) && matches(pattern, place))
    })
}

fn allows(statement: &Statement, action: &str) -> bool {
    let hit = |value: &serde_json::Value| {
        texts(value)
            .iter()
            .any(|pattern| matches(&pattern.to_lowercase(), &action.to_lowercase()))
    };
    match (
        statement.rest.get("Action"),
        statement.rest.get("NotAction"),
    ) {
        (Some(actions), _) => hit(actions),
        (None, Some(but)) => !hit(but),
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests;
