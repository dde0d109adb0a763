//! The attachment of the policy to an existing role, user or group.

use crate::{
    backend::aws::{
        permissions::{ANYTHING, ActionTargets, PermissionScope},
        verify::catalogue as rules,
    },
    checks::Check,
    engine::spec::Address,
};
use serde::{Deserialize, Serialize};

use super::{ABSENT, NOT_YET};
use crate::{
    backend::aws::{
        AwsProvider,
        error::{ApiOperation, AwsError, found},
        resource::{AwsResource, ObserveContext, ObservedResource},
    },
    engine::spec::Spec,
};

const LIST_ROLE: ApiOperation = ApiOperation::new("iam:ListAttachedRolePolicies");
const LIST_USER: ApiOperation = ApiOperation::new("iam:ListAttachedUserPolicies");
const LIST_GROUP: ApiOperation = ApiOperation::new("iam:ListAttachedGroupPolicies");
const ATTACH_ROLE: ApiOperation = ApiOperation::new("iam:AttachRolePolicy");
const ATTACH_USER: ApiOperation = ApiOperation::new("iam:AttachUserPolicy");
const ATTACH_GROUP: ApiOperation = ApiOperation::new("iam:AttachGroupPolicy");
const DETACH_ROLE: ApiOperation = ApiOperation::new("iam:DetachRolePolicy");
const DETACH_USER: ApiOperation = ApiOperation::new("iam:DetachUserPolicy");
const DETACH_GROUP: ApiOperation = ApiOperation::new("iam:DetachGroupPolicy");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyAttachment {
    /// The ARN of the policy.
    pub policy: String,
    pub kind: AttachmentTarget,
    /// Without its path.
    pub name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttachmentTarget {
    Role,
    User,
    Group,
}

impl Spec for PolicyAttachment {
    fn title(&self) -> String {
        "has the policy".to_owned()
    }

    fn why(&self, setting: &str) -> Option<&'static str> {
        let (field, _) = setting.split_once('.').unwrap_or((setting, ""));
        matches!(field, "policy" | "kind").then_some("so that these principals can run Terraform")
    }
}

impl PolicyAttachment {
    /// Parses a principal as in `role/ci`; `None` if a policy cannot be attached to it.
    pub fn of(policy: &str, who: &str) -> Option<Self> {
        let (kind, name) = who.split_once('/')?;
        let kind = match kind {
            "role" => AttachmentTarget::Role,
            "user" => AttachmentTarget::User,
            "group" => AttachmentTarget::Group,
            _ => return None,
        };
        Some(Self {
            policy: policy.to_owned(),
            kind,
            name: name.to_owned(),
        })
    }

    /// Returns the ARNs of all policies that are attached to the principal.
    async fn attached(&self, aws: &AwsProvider) -> Result<Vec<String>, AwsError> {
        let iam = &aws.clients.iam;
        let (mut all, mut marker) = (vec![], None);
        loop {
            let (policies, next) = match self.kind {
                AttachmentTarget::Role => {
                    let request = iam
                        .list_attached_role_policies()
                        .role_name(&self.name)
                        .set_marker(marker);
                    let page = aws
                        .read(LIST_ROLE, &self.name, request.send())
                        .await
                        .map_err(|error| self.explained(error))?;
                    (page.attached_policies, page.marker)
                }
                AttachmentTarget::User => {
                    let request = iam
                        .list_attached_user_policies()
                        .user_name(&self.name)
                        .set_marker(marker);
                    let page = aws
                        .read(LIST_USER, &self.name, request.send())
                        .await
                        .map_err(|error| self.explained(error))?;
                    (page.attached_policies, page.marker)
                }
                AttachmentTarget::Group => {
                    let request = iam
                        .list_attached_group_policies()
                        .group_name(&self.name)
                        .set_marker(marker);
                    let page = aws
                        .read(LIST_GROUP, &self.name, request.send())
                        .await
                        .map_err(|error| self.explained(error))?;
                    (page.attached_policies, page.marker)
                }
            };
            all.extend(
                policies
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(|policy| policy.policy_arn),
            );
            marker = next;
            if marker.is_none() {
                return Ok(all);
            }
        }
    }

    fn explained(&self, error: AwsError) -> AwsError {
        if !error.is(NOT_YET) {
            return error;
        }
        let kind = match self.kind {
            AttachmentTarget::Role => "role",
            AttachmentTarget::User => "user",
            AttachmentTarget::Group => "group",
        };
        let message =
            format!("the account has no such {kind}; create it first, or correct --attach-to");
        AwsError {
            message: Some(message.into()),
            ..error
        }
    }
}

impl AwsResource for PolicyAttachment {
    const CHECKS: &'static [&'static Check] = &[&rules::RUNNER_ATTACHED];

    fn permission_arn(&self, scope: &PermissionScope<'_>, address: &Address) -> String {
        // The name in brackets, with its path.
        let name = address.as_str().split(['[', ']']).nth(1);
        scope.aws.arn("iam", "", name.unwrap_or(ANYTHING))
    }

    fn permissions_to_read(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        let action = match self.kind {
            AttachmentTarget::Role => "iam:ListAttachedRolePolicies",
            AttachmentTarget::User => "iam:ListAttachedUserPolicies",
            AttachmentTarget::Group => "iam:ListAttachedGroupPolicies",
        };
        on(&[action], arn);
    }

    fn permissions_to_put(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        let action = match self.kind {
            AttachmentTarget::Role => "iam:AttachRolePolicy",
            AttachmentTarget::User => "iam:AttachUserPolicy",
            AttachmentTarget::Group => "iam:AttachGroupPolicy",
        };
        on(&[action], arn);
    }

    fn permissions_to_delete(
        &self,
        arn: &str,
        _: &PermissionScope<'_>,
        on: &mut ActionTargets<'_>,
    ) {
        let action = match self.kind {
            AttachmentTarget::Role => "iam:DetachRolePolicy",
            AttachmentTarget::User => "iam:DetachUserPolicy",
            AttachmentTarget::Group => "iam:DetachGroupPolicy",
        };
        on(&[action], arn);
    }

    /// A missing principal is an error: tfbackend does not create it.
    async fn look(
        &self,
        look: &ObserveContext<'_>,
    ) -> Result<Option<ObservedResource<Self>>, AwsError> {
        // The blueprint does not know the ARN before the policy exists, or if another version of
        // tfbackend created it.
        let policy = async {
            if self.policy.starts_with("arn:") {
                Ok(Some(self.policy.clone()))
            } else {
                look.policy_arn().await
            }
        };
        let (attached, policy) = tokio::join!(self.attached(look.aws), policy);
        let (attached, policy) = (attached?, policy?);
        let has = policy.filter(|policy| attached.contains(policy));
        Ok(has.map(|policy| {
            ObservedResource::part(Self {
                policy,
                ..self.clone()
            })
        }))
    }

    async fn write(
        &self,
        aws: &AwsProvider,
        _from: Option<&Self>,
    ) -> Result<Option<String>, AwsError> {
        let iam = &aws.clients.iam;
        match self.kind {
            AttachmentTarget::Role => {
                let request = iam
                    .attach_role_policy()
                    .role_name(&self.name)
                    .policy_arn(&self.policy);
                aws.send(ATTACH_ROLE, &self.name, NOT_YET, || request.clone().send())
                    .await?;
            }
            AttachmentTarget::User => {
                let request = iam
                    .attach_user_policy()
                    .user_name(&self.name)
                    .policy_arn(&self.policy);
                aws.send(ATTACH_USER, &self.name, NOT_YET, || request.clone().send())
                    .await?;
            }
            AttachmentTarget::Group => {
                let request = iam
                    .attach_group_policy()
                    .group_name(&self.name)
                    .policy_arn(&self.policy);
                aws.send(ATTACH_GROUP, &self.name, NOT_YET, || request.clone().send())
                    .await?;
            }
        }
        Ok(None)
    }

    async fn delete(&self, aws: &AwsProvider) -> Result<(), AwsError> {
        let iam = &aws.clients.iam;
        match self.kind {
            AttachmentTarget::Role => {
                let request = iam
                    .detach_role_policy()
                    .role_name(&self.name)
                    .policy_arn(&self.policy);
                found(
                    aws.send(DETACH_ROLE, &self.name, &[], || request.clone().send())
                        .await,
                    ABSENT,
                )
                .map(drop)
            }
            AttachmentTarget::User => {
                let request = iam
                    .detach_user_policy()
                    .user_name(&self.name)
                    .policy_arn(&self.policy);
                found(
                    aws.send(DETACH_USER, &self.name, &[], || request.clone().send())
                        .await,
                    ABSENT,
                )
                .map(drop)
            }
            AttachmentTarget::Group => {
                let request = iam
                    .detach_group_policy()
                    .group_name(&self.name)
                    .policy_arn(&self.policy);
                found(
                    aws.send(DETACH_GROUP, &self.name, &[], || request.clone().send())
                        .await,
                    ABSENT,
                )
                .map(drop)
            }
        }
    }
}

#[cfg(test)]
mod tests;
