//! Checks whether Terraform runs can write and delete lock files, by their policy or by IAM for a
//! role.

use super::{RunnerPolicy, attachment::PolicyAttachment};
use crate::backend::aws::{
    AwsProvider,
    error::{ApiOperation, AwsError},
    policy::{
        Effect, PolicyDocument, Statement,
        pattern::{matches, texts},
    },
    resource::{AwsResource, ObserveContext},
};
use aws_sdk_iam::types::PolicyEvaluationDecisionType;

const SIMULATE: ApiOperation = ApiOperation::new("iam:SimulatePrincipalPolicy");
/// The actions for a lock file.
pub(crate) const ACTIONS: [&str; 3] = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"];

/// An action that a role or user is not allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeniedAction {
    pub action: String,
    /// Explicitly denied by a statement, regardless of Allows.
    pub explicit: bool,
}

/// Returns the actions on this lock file that a role or user is not allowed.
///
/// # Errors
/// If the simulation is denied or fails.
pub(crate) async fn denied_to_principal(
    aws: &AwsProvider,
    arn: &str,
    lock_file: &str,
) -> Result<Vec<DeniedAction>, AwsError> {
    let request = aws
        .clients
        .iam
        .simulate_principal_policy()
        .policy_source_arn(arn)
        .resource_arns(lock_file);
    let request = ACTIONS
        .iter()
        .fold(request, |request, action| request.action_names(*action));
    let answer = aws.read(SIMULATE, arn, request.send()).await?;
    let denied = |action: &&str| {
        let of = answer
            .evaluation_results()
            .iter()
            .find(|result| result.eval_action_name() == *action);
        let decision = of.map(|result| result.eval_decision().clone());
        let explicit = decision == Some(PolicyEvaluationDecisionType::ExplicitDeny);
        (decision != Some(PolicyEvaluationDecisionType::Allowed)).then(|| DeniedAction {
            action: (*action).to_owned(),
            explicit,
        })
    };
    Ok(ACTIONS.iter().filter_map(denied).collect())
}

/// Returns whether a policy is attached to a role or user.
///
/// # Errors
/// If IAM returns an error.
pub(crate) async fn has_policy(
    aws: &AwsProvider,
    arn: &str,
    policy: &str,
) -> Result<bool, AwsError> {
    // `arn:aws:iam::123456789012:role/path/ci` is `role/ci` to the calls that list what is
    // attached.
    let resource = arn.rsplit(':').next().unwrap_or_default();
    let (Some((kind, _)), Some(name)) = (resource.split_once('/'), resource.rsplit('/').next())
    else {
        return Ok(false);
    };
    let policy = aws.arn("iam", "", &format!("policy/{policy}"));
    let Some(attachment) = PolicyAttachment::of(&policy, &format!("{kind}/{name}")) else {
        return Ok(false);
    };
    Ok(attachment.look(&ObserveContext::new(aws)).await?.is_some())
}

/// Returns the same for the runner policy of this name or its former name, with that name; `None`
/// if there is none.
///
/// # Errors
/// If it cannot be read.
pub(crate) async fn denied_by_policy(
    aws: &AwsProvider,
    name: &str,
    lock_file: &str,
) -> Result<Option<(String, Vec<String>)>, AwsError> {
    // Distinguishes the former policy of this bucket from that of another region.
    let about = Statement::allow("LockFile")
        .actions(&ACTIONS)
        .on([lock_file.to_owned()]);
    let policy = RunnerPolicy {
        name: name.to_owned(),
        description: String::new(),
        document: PolicyDocument::new(vec![about]),
        tags: super::Tags::new(),
    };
    let found = policy.look(&ObserveContext::new(aws)).await?;
    Ok(found.map(|found| (found.spec.name, denied(&found.spec.document, lock_file))))
}

/// Returns the actions on this lock file that a policy does not allow.
pub(crate) fn denied(document: &PolicyDocument, lock_file: &str) -> Vec<String> {
    ACTIONS
        .iter()
        .filter(|action| !allows(document, action, lock_file))
        .map(|action| (*action).to_owned())
        .collect()
}

/// Returns whether an Allow and no Deny matches. Conditions are assumed to be met: those of
/// tfbackend are on TLS and the bucket owner.
fn allows(document: &PolicyDocument, action: &str, resource: &str) -> bool {
    let names = |effect: Effect| {
        document
            .statements
            .iter()
            .filter(move |statement| statement.effect == effect)
            .any(|statement| {
                let field = |name: &str| statement.rest.get(name).map(texts).unwrap_or_default();
                let of_action = field("Action")
                    .iter()
                    .any(|pattern| matches(&pattern.to_lowercase(), &action.to_lowercase()));
                of_action
                    && field("Resource")
                        .iter()
                        .any(|pattern| matches(pattern, resource))
            })
    };
    names(Effect::Allow) && !names(Effect::Deny)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn document(statements: Value) -> PolicyDocument {
        serde_json::from_value(json!({ "Version": "2012-10-17", "Statement": statements }))
            .expect("a policy")
    }

    #[test]
    fn an_allow_that_covers_the_lock_file() {
        let file = "arn:aws:s3:::states/env:/blue/a.tfstate.tflock";
        let rw = json!({ "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::states/*" });
        let delete =
            |on: &str| json!({ "Effect": "Allow", "Action": "s3:DeleteObject", "Resource": [on] });
        for (statements, missing) in [
            (json!([rw, delete("arn:aws:s3:::states/*.tflock")]), &[][..]),
            (
                json!([rw, delete("arn:aws:s3:::states/env:/*/a.tfstate.tflock")]),
                &[],
            ),
            (
                json!([{ "Effect": "Allow", "Action": "S3:*", "Resource": "*" }]),
                &[],
            ),
            (json!([rw]), &["s3:DeleteObject"]),
            (
                json!([rw, delete("arn:aws:s3:::others/*")]),
                &["s3:DeleteObject"],
            ),
            (
                json!([rw, delete("*"), { "Effect": "Deny", "Action": "s3:Delete*", "Resource": "*.tflock" }]),
                &["s3:DeleteObject"],
            ),
            (json!([]), &ACTIONS),
        ] {
            assert_eq!(
                denied(&document(statements.clone()), file),
                missing,
                "{statements}"
            );
        }
    }
}
