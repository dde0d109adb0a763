//! Who has the policy: a role, a user or a group that exists already.

use serde::{Deserialize, Serialize};

use super::{ABSENT, NOT_YET};
use crate::{
    backend::aws::{
        Aws,
        error::{Api, AwsError, found},
        resource::{Found, Look, Resource},
    },
    engine::spec::Spec,
};

const LIST_ROLE: Api = Api::new("iam:ListAttachedRolePolicies");
const LIST_USER: Api = Api::new("iam:ListAttachedUserPolicies");
const LIST_GROUP: Api = Api::new("iam:ListAttachedGroupPolicies");
const ATTACH_ROLE: Api = Api::new("iam:AttachRolePolicy");
const ATTACH_USER: Api = Api::new("iam:AttachUserPolicy");
const ATTACH_GROUP: Api = Api::new("iam:AttachGroupPolicy");
const DETACH_ROLE: Api = Api::new("iam:DetachRolePolicy");
const DETACH_USER: Api = Api::new("iam:DetachUserPolicy");
const DETACH_GROUP: Api = Api::new("iam:DetachGroupPolicy");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attachment {
    /// ARN of the policy.
    pub policy: String,
    pub kind: PrincipalKind,
    /// Without its path.
    pub name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrincipalKind {
    Role,
    User,
    Group,
}

impl Spec for Attachment {}

impl Attachment {
    /// `who` is as in `role/ci`; `None` if it is nobody that a policy can be attached to.
    pub fn of(policy: &str, who: &str) -> Option<Self> {
        let (kind, name) = who.split_once('/')?;
        let kind = match kind {
            "role" => PrincipalKind::Role,
            "user" => PrincipalKind::User,
            "group" => PrincipalKind::Group,
            _ => return None,
        };
        Some(Self {
            policy: policy.to_owned(),
            kind,
            name: name.to_owned(),
        })
    }

    /// The ARNs of all policies that the principal has.
    async fn attached(&self, aws: &Aws) -> Result<Vec<String>, AwsError> {
        let iam = &aws.clients.iam;
        let (mut all, mut marker) = (vec![], None);
        loop {
            let (policies, next) = match self.kind {
                PrincipalKind::Role => {
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
                PrincipalKind::User => {
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
                PrincipalKind::Group => {
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
            PrincipalKind::Role => "role",
            PrincipalKind::User => "user",
            PrincipalKind::Group => "group",
        };
        let message =
            format!("the account has no such {kind}; make it first, or correct --attach-to");
        AwsError {
            message: Some(message.into()),
            ..error
        }
    }
}

impl Resource for Attachment {
    /// A principal that does not exist is an error: it is not ours to make.
    async fn look(&self, look: &Look<'_>) -> Result<Option<Found<Self>>, AwsError> {
        // Before the policy is there, or while another version of this tool has named it, the
        // blueprint cannot name it.
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
            Found::part(Self {
                policy,
                ..self.clone()
            })
        }))
    }

    async fn write(&self, aws: &Aws, _from: Option<&Self>) -> Result<Option<String>, AwsError> {
        let iam = &aws.clients.iam;
        match self.kind {
            PrincipalKind::Role => {
                let request = iam
                    .attach_role_policy()
                    .role_name(&self.name)
                    .policy_arn(&self.policy);
                aws.send(ATTACH_ROLE, &self.name, NOT_YET, || request.clone().send())
                    .await?;
            }
            PrincipalKind::User => {
                let request = iam
                    .attach_user_policy()
                    .user_name(&self.name)
                    .policy_arn(&self.policy);
                aws.send(ATTACH_USER, &self.name, NOT_YET, || request.clone().send())
                    .await?;
            }
            PrincipalKind::Group => {
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

    async fn delete(&self, aws: &Aws) -> Result<(), AwsError> {
        let iam = &aws.clients.iam;
        match self.kind {
            PrincipalKind::Role => {
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
            PrincipalKind::User => {
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
            PrincipalKind::Group => {
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
