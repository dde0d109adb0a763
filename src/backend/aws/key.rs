//! The KMS key that encrypts states, locks, alarms and audit logs: without it, all of them are
//! lost.

use crate::{
    backend::aws::{
        cost,
        permissions::{ANYTHING, ActionTargets, PermissionScope},
        rationale,
        verify::catalogue as rules,
    },
    checks::Check,
    engine::spec::Address,
};
use aws_sdk_kms::types::{KeyMetadata, Tag};
use aws_smithy_types::retry::RetryConfig;
use serde::{Deserialize, Serialize};

use super::{
    AwsProvider,
    clients::ATTEMPTS,
    error::{ApiOperation, AwsError, ServiceErrorKind, found},
    ownership::{Tags, tags_over, tags_to_add, trips_to_tag},
    policies::SHORT_WINDOW,
    policy::PolicyDocument,
    resource::{AwsResource, ObserveContext, ObservedResource},
    retry::{Backoff, SEEN_BY_IAM, names_somebody_unknown},
};
use crate::engine::{observation::ResourceOwner, spec::Spec};

mod alias;
pub(crate) mod find;
pub(crate) mod own;
pub mod rotation;

const GET_POLICY: ApiOperation = ApiOperation::new("kms:GetKeyPolicy");
const CREATE: ApiOperation = ApiOperation::new("kms:CreateKey");
const PUT_POLICY: ApiOperation = ApiOperation::new("kms:PutKeyPolicy");
const SCHEDULE: ApiOperation = ApiOperation::new("kms:ScheduleKeyDeletion");
const DELETE_ALIAS: ApiOperation = ApiOperation::new("kms:DeleteAlias");
const TAG: ApiOperation = ApiOperation::new("kms:TagResource");

/// A new key is eventually consistent.
pub(super) const NOT_YET: &[&str] = &["NotFoundException"];
const ENABLED: &str = "Enabled";

/// The maximum of KMS (`ScheduleKeyDeletion`), and the minimum that the key policy allows.
pub const DAYS_UNTIL_DELETION: i32 = 30;
const DOOMED: [&str; 2] = ["PendingDeletion", "PendingReplicaDeletion"];

/// `CreateKey`, and then `CreateAlias`.
const MADE_AND_NAMED: u32 = 2;

/// The number of attempts after lost responses to `CreateKey`.
const CREATE_TRIES: usize = 4;

/// The target of the alias.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AliasTarget {
    Here,
    Nowhere,
    /// The key with this ARN.
    Elsewhere(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KmsKey {
    /// Identifies the key later, and decides between several that were created concurrently.
    pub alias: String,
    pub alias_leads: AliasTarget,
    pub description: String,
    pub state: String,
    pub policy: PolicyDocument,
    pub tags: Tags,
}

impl KmsKey {
    pub fn new(alias: String, description: String, policy: PolicyDocument, tags: Tags) -> Self {
        Self {
            alias,
            alias_leads: AliasTarget::Here,
            description,
            state: ENABLED.to_owned(),
            policy,
            tags,
        }
    }
}

impl Spec for KmsKey {
    fn title(&self) -> String {
        format!("KMS key {}", self.alias)
    }

    fn monthly_cost(&self) -> Option<f64> {
        Some(cost::KEY)
    }

    fn why(&self, setting: &str) -> Option<&'static str> {
        let (field, rest) = setting.split_once('.').unwrap_or((setting, ""));
        Some(match field {
            "alias_leads" => "so that the key can be found by its alias",
            "state" => "so that states can be read and written",
            "description" => "so that the purpose of the key is known",
            "policy" => rationale::of_statement(rest),
            _ => return None,
        })
    }

    fn merge_onto(&self, observed: &Self) -> Self {
        Self {
            alias: self.alias.clone(),
            alias_leads: self.alias_leads.clone(),
            description: observed.description.clone(),
            state: self.state.clone(),
            policy: self.policy.merge_onto(&observed.policy),
            tags: tags_over(&self.tags, &observed.tags),
        }
    }

    fn blocked_by(&self, observed: &Self) -> Option<String> {
        // An alias is never changed to another key: states may be encrypted through it.
        let taken = || match &observed.alias_leads {
            AliasTarget::Here | AliasTarget::Nowhere => None,
            AliasTarget::Elsewhere(key) => Some(format!(
                "{} points at another key, {key}; delete the alias, or choose another project or \
                 environment name",
                self.alias
            )),
        };
        unusable(&observed.state).or_else(taken)
    }

    /// Of several concurrent first runs, the one that creates the alias decides. Until then, the
    /// found key may lose.
    fn output_is_final(&self) -> bool {
        self.alias_leads == AliasTarget::Here
    }

    fn read_round_trips(&self) -> u32 {
        find::TRIPS
    }

    /// A change finds the key first.
    fn write_round_trips(&self, from: Option<&Self>) -> u32 {
        let Some(from) = from else {
            return MADE_AND_NAMED;
        };
        let found = if from.alias_leads == AliasTarget::Here {
            find::TRIPS
        } else {
            find::TRIPS_BY_TAGS
        };
        let changes = [
            self.alias_leads != from.alias_leads,
            !self.policy.means(&from.policy),
        ];
        found
            + changes.into_iter().map(u32::from).sum::<u32>()
            + trips_to_tag(&from.tags, &self.tags)
    }
}

/// Returns why a key in this state cannot be used, with the fix.
pub(super) fn unusable(state: &str) -> Option<String> {
    match state {
        ENABLED => None,
        "Disabled" => Some("the key is disabled; enable it with `aws kms enable-key`".to_owned()),
        "PendingDeletion" => Some(
            "the key is scheduled for deletion; restore it with `aws kms cancel-key-deletion` and \
             then `aws kms enable-key`"
                .to_owned(),
        ),
        other => Some(format!("the key is in state {other}, expected {ENABLED}")),
    }
}

impl AwsResource for KmsKey {
    const CHECKS: &'static [&'static Check] = &[
        &rules::KEY,
        &rules::KEY_USABLE,
        &rules::KEY_ALIAS,
        &rules::KEY_DELETION_WINDOW,
        &rules::KEY_POLICY,
        &rules::TAGS,
        &rules::UNMANAGED,
    ];

    fn permission_arn(&self, scope: &PermissionScope<'_>, _: &Address) -> String {
        scope.key.clone()
    }

    fn permissions_to_read(
        &self,
        arn: &str,
        scope: &PermissionScope<'_>,
        on: &mut ActionTargets<'_>,
    ) {
        on(
            &[
                "kms:DescribeKey",
                "kms:GetKeyPolicy",
                "kms:ListResourceTags",
            ],
            arn,
        );
        // The alias may not exist yet.
        on(&["kms:DescribeKey"], &scope.alias_arn(&self.alias));
        on(&["kms:ListKeys"], ANYTHING);
    }

    fn permissions_to_create(
        &self,
        arn: &str,
        scope: &PermissionScope<'_>,
        on: &mut ActionTargets<'_>,
    ) {
        on(&["kms:CreateKey"], ANYTHING);
        on(&["kms:CreateAlias", "kms:TagResource"], arn);
        on(&["kms:CreateAlias"], &scope.alias_arn(&self.alias));
    }

    fn permissions_to_change(
        &self,
        from: &Self,
        arn: &str,
        scope: &PermissionScope<'_>,
        on: &mut ActionTargets<'_>,
    ) {
        if !tags_to_add(Some(&from.tags), &self.tags).is_empty() {
            on(&["kms:TagResource"], arn);
        }
        if !self.policy.means(&from.policy) {
            on(&["kms:PutKeyPolicy"], arn);
        }
        if self.alias_leads != from.alias_leads {
            on(&["kms:CreateAlias"], arn);
            on(&["kms:CreateAlias"], &scope.alias_arn(&self.alias));
        }
    }

    fn permissions_to_delete(
        &self,
        arn: &str,
        scope: &PermissionScope<'_>,
        on: &mut ActionTargets<'_>,
    ) {
        on(&["kms:DeleteAlias", "kms:ScheduleKeyDeletion"], arn);
        on(&["kms:DeleteAlias"], &scope.alias_arn(&self.alias));
    }

    async fn look(
        &self,
        look: &ObserveContext<'_>,
    ) -> Result<Option<ObservedResource<Self>>, AwsError> {
        let policy = |arn: String| async move { get_policy(look.aws, &arn).await };
        let Some((key, policy)) = look.key_and(&self.alias, policy).await? else {
            return Ok(None);
        };
        Ok(Some(ObservedResource {
            spec: Self {
                alias: self.alias.clone(),
                alias_leads: key.alias_leads.clone(),
                description: key.description.clone(),
                state: key.state.clone(),
                policy,
                tags: key.tags.clone(),
            },
            output: Some(key.arn.clone()),
            owner: key.owner.clone(),
        }))
    }

    async fn write(
        &self,
        aws: &AwsProvider,
        from: Option<&Self>,
    ) -> Result<Option<String>, AwsError> {
        let Some(from) = from else {
            let made = self.create(aws).await?;
            return alias::claim(aws, &self.alias, made).await.map(Some);
        };
        let mut arn = match find::find(aws, &self.alias).await? {
            Some(key) => key.arn,
            None => return Err(AwsError::vanished(find::DESCRIBE, &self.alias)),
        };
        if self.alias_leads != from.alias_leads {
            arn = alias::name(aws, &self.alias, arn).await?;
        }
        if !self.policy.means(&from.policy) {
            let request = aws
                .clients
                .kms
                .put_key_policy()
                .key_id(&arn)
                .policy(self.policy.to_json());
            aws.send(PUT_POLICY, &arn, NOT_YET, || request.clone().send())
                .await?;
        }
        let tags = tags_to_add(Some(&from.tags), &self.tags);
        if !tags.is_empty() {
            let request = aws
                .clients
                .kms
                .tag_resource()
                .key_id(&arn)
                .set_tags(Some(sdk_tags(&tags)));
            aws.send(TAG, &arn, NOT_YET, || request.clone().send())
                .await?;
        }
        Ok(Some(arn))
    }

    /// Only schedules the deletion, with the longest window: it can be cancelled until then.
    async fn delete(&self, aws: &AwsProvider) -> Result<(), AwsError> {
        self.schedule(aws, DAYS_UNTIL_DELETION).await.map(drop)
    }
}

/// A key that is scheduled for deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduledDeletion {
    pub arn: String,
    /// The time of the deletion, if KMS returns it.
    pub on: Option<jiff::Timestamp>,
}

impl KmsKey {
    /// Schedules the deletion in `days` (7 to 30). The alias is deleted last, so that the next run
    /// finds this key after an interruption.
    ///
    /// For less than 30 days, the minimum in the key policy is removed first. A key that is already
    /// scheduled, or that is not owned, is not changed.
    ///
    /// # Errors
    /// If KMS returns an error, or the key is not owned.
    pub async fn schedule(
        &self,
        aws: &AwsProvider,
        days: i32,
    ) -> Result<Option<ScheduledDeletion>, AwsError> {
        let Some(key) = find::find(aws, &self.alias).await? else {
            return Ok(None);
        };
        if key.owner != ResourceOwner::Us {
            return Err(AwsError::nonsense(
                SCHEDULE,
                &key.arn,
                "does not have this environment's tags; it was not changed",
            ));
        }
        let on = if DOOMED.contains(&&*key.state) {
            key.deleted_on
        } else {
            schedule(aws, &key.arn, days).await?
        };
        let leads_here = find::describe(aws, &self.alias)
            .await?
            .is_some_and(|target| target.arn.as_deref() == Some(&*key.arn));
        if leads_here {
            let request = aws.clients.kms.delete_alias().alias_name(&self.alias);
            found(
                aws.send(DELETE_ALIAS, &self.alias, &[], || request.clone().send())
                    .await,
                find::ABSENT,
            )?;
        }
        Ok(Some(ScheduledDeletion { arn: key.arn, on }))
    }
}

async fn schedule(
    aws: &AwsProvider,
    arn: &str,
    days: i32,
) -> Result<Option<jiff::Timestamp>, AwsError> {
    // A new policy is eventually consistent.
    let not_yet: &[&str] = if days < DAYS_UNTIL_DELETION && lift_floor(aws, arn).await? {
        &["AccessDeniedException"]
    } else {
        &[]
    };
    let request = aws
        .clients
        .kms
        .schedule_key_deletion()
        .key_id(arn)
        .pending_window_in_days(days);
    match found(
        aws.send(SCHEDULE, arn, not_yet, || request.clone().send())
            .await,
        find::ABSENT,
    ) {
        // The answer of an earlier try was lost, or another run was faster.
        Err(error) if error.is(&["KMSInvalidStateException"]) => {
            match find::describe(aws, arn).await? {
                Some(key)
                    if key
                        .key_state
                        .as_ref()
                        .is_some_and(|state| DOOMED.contains(&state.as_str())) =>
                {
                    Ok(key.deletion_date.as_ref().and_then(find::timestamp))
                }
                _ => Err(error),
            }
        }
        answer => Ok(answer?
            .and_then(|answer| answer.deletion_date)
            .as_ref()
            .and_then(find::timestamp)),
    }
}

/// Returns whether there was one.
async fn lift_floor(aws: &AwsProvider, arn: &str) -> Result<bool, AwsError> {
    let policy = get_policy(aws, arn).await?;
    if !policy.has(SHORT_WINDOW) {
        return Ok(false);
    }
    let request = aws
        .clients
        .kms
        .put_key_policy()
        .key_id(arn)
        .policy(policy.without(SHORT_WINDOW).to_json());
    aws.send(PUT_POLICY, arn, NOT_YET, || request.clone().send())
        .await
        .map(|_| true)
}

impl KmsKey {
    /// `CreateKey` has no idempotency token: after a lost response, the key is searched by its tags
    /// before another one is created.
    async fn create(&self, aws: &AwsProvider) -> Result<String, AwsError> {
        let once = || aws_sdk_kms::config::Config::builder().retry_config(RetryConfig::disabled());
        let request = aws
            .clients
            .kms
            .create_key()
            .description(&self.description)
            .policy(self.policy.to_json())
            .set_tags(Some(sdk_tags(&self.tags)));
        let mut pauses = Backoff::default();
        let (mut unclear, mut throttled) = (0, 0);
        let begun = tokio::time::Instant::now();
        loop {
            let error = match aws
                .read(
                    CREATE,
                    &self.alias,
                    request.clone().customize().config_override(once()).send(),
                )
                .await
            {
                Ok(answer) => {
                    let arn = answer
                        .key_metadata()
                        .and_then(KeyMetadata::arn)
                        .map(str::to_owned);
                    return arn.ok_or_else(|| {
                        AwsError::nonsense(CREATE, &self.alias, "the response contains no key")
                    });
                }
                Err(error) => error,
            };
            match error.kind {
                ServiceErrorKind::Throttled => throttled += 1,
                ServiceErrorKind::Network
                | ServiceErrorKind::Server
                | ServiceErrorKind::Unreadable => unclear += 1,
                _ if names_somebody_unknown(&error) && begun.elapsed() < SEEN_BY_IAM => {}
                _ => return Err(error),
            }
            if throttled == ATTEMPTS || unclear == CREATE_TRIES {
                return Err(error);
            }
            pauses.wait().await;
            if let Some(key) = find::find(aws, &self.alias)
                .await?
                .filter(|key| key.owner == ResourceOwner::Us)
            {
                return Ok(key.arn);
            }
        }
    }
}

pub(in crate::backend::aws) async fn get_policy(
    aws: &AwsProvider,
    arn: &str,
) -> Result<PolicyDocument, AwsError> {
    let answer = aws
        .read(
            GET_POLICY,
            arn,
            aws.clients
                .kms
                .get_key_policy()
                .key_id(arn)
                .policy_name("default")
                .send(),
        )
        .await?;
    serde_json::from_str(answer.policy().unwrap_or("{}"))
        .map_err(|error| AwsError::nonsense(GET_POLICY, arn, &error.to_string()))
}

fn sdk_tags(tags: &Tags) -> Vec<Tag> {
    let tag = |(key, value): (&String, &String)| {
        Tag::builder()
            .tag_key(key)
            .tag_value(value)
            .build()
            .expect("both parts are given")
    };
    tags.iter().map(tag).collect()
}

#[cfg(test)]
mod tests;
