//! The conditions of the printed policy, which restrict an action to this environment if its
//! resource does not.
//!
//! A key that does not exist yet has no ARN, so that the policy of a first run includes every key
//! of the region. Without conditions, it would allow reading, granting access to or taking over
//! each key whose policy delegates to IAM, which is the default.

use crate::backend::aws::{AwsProvider, policies::dns_suffix, policy::Statement};

/// An operator, a condition key and the value it must have.
pub type PolicyCondition = (&'static str, String, String);

/// The values of conditions.
#[derive(Clone, Debug, PartialEq)]
pub struct PermissionConditions {
    /// The service that uses the key of the lock table on behalf of the caller.
    table_service: String,
    /// The tags that identify the environment's key.
    tags: [(&'static str, String); 3],
    /// The ARN of the runner policy, if any.
    runner_policy: Option<String>,
}

impl PermissionConditions {
    pub fn new(aws: &AwsProvider, runner_policy: Option<String>) -> Self {
        let table_service = format!(
            "dynamodb.{}.{}",
            aws.region,
            dns_suffix(&aws.caller.partition)
        );
        Self {
            table_service,
            tags: aws.mark.identity(),
            runner_policy,
        }
    }

    /// Returns the conditions under which `action` is allowed on `arn`.
    pub fn of(&self, action: &str, arn: &str) -> Vec<PolicyCondition> {
        let via = || {
            (
                "StringEquals",
                "kms:ViaService".to_owned(),
                self.table_service.clone(),
            )
        };
        // Any key of the region: the intended one does not exist yet.
        let any_key = arn.ends_with(":key/*");
        match action {
            "kms:CreateGrant" => vec![
                via(),
                (
                    "Bool",
                    "kms:GrantIsForAWSResource".to_owned(),
                    "true".to_owned(),
                ),
            ],
            "kms:Decrypt" | "kms:Encrypt" | "kms:GenerateDataKey*" | "kms:ReEncrypt*" => {
                vec![via()]
            }
            "kms:CreateKey" => self.tagged("aws:RequestTag"),
            // The tags of a new key in the request; the key has no tags before.
            "kms:TagResource" if any_key => self.tagged("aws:RequestTag"),
            "kms:CreateAlias" | "kms:EnableKeyRotation" if any_key => {
                self.tagged("aws:ResourceTag")
            }
            "iam:AttachRolePolicy"
            | "iam:AttachUserPolicy"
            | "iam:AttachGroupPolicy"
            | "iam:DetachRolePolicy"
            | "iam:DetachUserPolicy"
            | "iam:DetachGroupPolicy" => {
                let is_the_runner_policy =
                    |policy: &String| ("ArnEquals", "iam:PolicyARN".to_owned(), policy.clone());
                self.runner_policy
                    .iter()
                    .map(is_the_runner_policy)
                    .collect()
            }
            _ => vec![],
        }
    }

    fn tagged(&self, key: &str) -> Vec<PolicyCondition> {
        self.tags
            .iter()
            .map(|(tag, value)| ("StringEquals", format!("{key}/{tag}"), value.clone()))
            .collect()
    }
}

/// Returns the statement with these conditions.
#[must_use]
pub fn limited(statement: Statement, conditions: &[PolicyCondition]) -> Statement {
    conditions
        .iter()
        .fold(statement, |statement, (operator, key, value)| {
            statement.when(operator, key, [value.clone()])
        })
}

/// Returns the name of a service for the beginning of a Sid.
pub fn capital(word: &str) -> String {
    word.chars()
        .take(1)
        .flat_map(char::to_uppercase)
        .chain(word.chars().skip(1))
        .collect()
}
