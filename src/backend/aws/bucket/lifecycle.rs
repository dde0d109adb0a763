//! Lifecycle rules: they expire noncurrent state versions and leftovers, but never the current
//! version or the newest noncurrent ones. Rules of others are kept.

use crate::{
    backend::aws::{
        permissions::{ActionTargets, PermissionScope},
        verify::catalogue as rules,
    },
    checks::Check,
    engine::spec::Address,
};
use aws_sdk_s3::types::{BucketLifecycleConfiguration, TransitionDefaultMinimumObjectSize};
use serde::{Deserialize, Serialize};

use super::{NO_BUCKET, NOT_YET};
use crate::{
    backend::aws::{
        AwsProvider,
        error::{ApiOperation, AwsError, found},
        resource::{AwsResource, ObserveContext, ObservedResource},
    },
    engine::spec::Spec,
    state::layout::PROBE,
};

pub mod rule;

use rule::{LifecycleFilter, ObjectLifecycleRule};

const GET: ApiOperation = ApiOperation::allowed_by(
    "s3:GetBucketLifecycleConfiguration",
    "s3:GetLifecycleConfiguration",
);
const PUT: ApiOperation = ApiOperation::allowed_by(
    "s3:PutBucketLifecycleConfiguration",
    "s3:PutLifecycleConfiguration",
);
const ABSENT: &[&str] = &["NoSuchLifecycleConfiguration", NO_BUCKET];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LifecycleSpec {
    pub bucket: String,
    pub rules: Vec<ObjectLifecycleRule>,
    /// The minimum object size for transitions of others, which each write sends again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transition_minimum: Option<String>,
}

impl LifecycleSpec {
    /// Returns the rule for states: a version expires only if it is older than `days` *and* not
    /// among the `newest`. With an age alone, a state that has not changed for long would have no
    /// earlier version.
    pub fn of_states(bucket: String, days: u32, newest: u32, abort_uploads_days: u32) -> Self {
        let history = ObjectLifecycleRule {
            noncurrent_days: Some(days),
            noncurrent_newest: Some(newest),
            abort_uploads_days: Some(abort_uploads_days),
            ..ObjectLifecycleRule::whole_bucket("tfbackend-history")
        };
        // A released lock file leaves a delete marker.
        let markers = ObjectLifecycleRule {
            expired_delete_markers: Some(true),
            ..ObjectLifecycleRule::whole_bucket("tfbackend-delete-markers")
        };
        Self {
            bucket,
            rules: vec![history, markers],
            transition_minimum: None,
        }
    }

    /// Objects of probes expire within days: they are not states, and their newest versions are not
    /// needed.
    #[must_use]
    pub fn and_probes(mut self, workspace_prefix: &str) -> Self {
        let below = |id: &str, prefix: String| ObjectLifecycleRule {
            filter: LifecycleFilter {
                prefix,
                ..LifecycleFilter::default()
            },
            noncurrent_days: Some(1),
            ..ObjectLifecycleRule::whole_bucket(id)
        };
        self.rules
            .push(below("tfbackend-probes", format!("{PROBE}/")));
        // The same rule without a separate prefix.
        if !workspace_prefix.is_empty() {
            self.rules.push(below(
                "tfbackend-probes-of-workspaces",
                format!("{workspace_prefix}/{PROBE}/"),
            ));
        }
        self
    }

    /// Returns the rule for logs: all objects expire after `days`.
    pub fn of_logs(bucket: String, days: u32, abort_uploads_days: u32) -> Self {
        let logs = ObjectLifecycleRule {
            expiration_days: Some(days),
            noncurrent_days: Some(days),
            abort_uploads_days: Some(abort_uploads_days),
            ..ObjectLifecycleRule::whole_bucket("tfbackend-logs")
        };
        let markers = ObjectLifecycleRule {
            expired_delete_markers: Some(true),
            ..ObjectLifecycleRule::whole_bucket("tfbackend-delete-markers")
        };
        Self {
            bucket,
            rules: vec![logs, markers],
            transition_minimum: None,
        }
    }
}

impl Spec for LifecycleSpec {
    fn title(&self) -> String {
        let whole = || {
            self.rules
                .iter()
                .filter(|rule| rule.filter.prefix.is_empty())
        };
        let ours = |days: fn(&ObjectLifecycleRule) -> Option<u32>| whole().find_map(days);
        match (
            ours(|rule| rule.expiration_days),
            ours(|rule| rule.noncurrent_days),
            ours(|rule| rule.noncurrent_newest),
        ) {
            (Some(days), _, _) => format!("kept for {days} days"),
            (None, Some(days), Some(newest)) => {
                format!("replaced versions kept for {days} days, the newest {newest} forever")
            }
            _ => "lifecycle rules".to_owned(),
        }
    }

    fn why(&self, setting: &str) -> Option<&'static str> {
        let (field, rest) = setting.split_once('.').unwrap_or((setting, ""));
        if field == "transition_minimum" {
            return Some("so that existing rules keep their effect");
        }
        let setting = rest.rsplit('.').next().unwrap_or_default();
        let reason = match setting {
            "noncurrent_days" | "noncurrent_newest" => "so that earlier versions can be restored",
            "abort_uploads_days" => "so that incomplete uploads do not cost money",
            "expired_delete_markers" => "so that released lock files leave no delete markers",
            "expiration_days" => "so that logs are kept for the configured time",
            _ => "so that versions are kept for the configured time",
        };
        (field == "rules").then_some(reason)
    }

    fn merge_onto(&self, observed: &Self) -> Self {
        let is_ours = |rule: &&ObjectLifecycleRule| rule.is_ours();
        let wanted: Vec<ObjectLifecycleRule> = self
            .rules
            .iter()
            .map(|rule| rule.beside(observed.rules.iter().filter(|rule| !is_ours(rule))))
            .filter(ObjectLifecycleRule::does_something)
            .collect();
        let mut merged = observed.clone();
        merged
            .rules
            .retain(|rule| !is_ours(&rule) || wanted.iter().any(|ours| ours.same(rule)));
        for rule in wanted {
            if !merged.rules.iter().any(|other| other.same(&rule)) {
                merged.rules.push(rule);
            }
        }
        merged
    }

    fn deleted_with_parent(&self) -> bool {
        true
    }
}

impl AwsResource for LifecycleSpec {
    const CHECKS: &'static [&'static Check] = &[&rules::HISTORY, &rules::LIFECYCLE];

    fn permission_arn(&self, scope: &PermissionScope<'_>, _: &Address) -> String {
        scope.bucket_arn(&self.bucket)
    }

    fn permissions_to_read(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        on(&["s3:GetLifecycleConfiguration"], arn);
    }

    fn permissions_to_put(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        on(&["s3:PutLifecycleConfiguration"], arn);
    }

    async fn look(
        &self,
        look: &ObserveContext<'_>,
    ) -> Result<Option<ObservedResource<Self>>, AwsError> {
        let request = look
            .aws
            .clients
            .s3
            .get_bucket_lifecycle_configuration()
            .bucket(&self.bucket)
            .expected_bucket_owner(look.aws.account());
        let answer = found(
            look.aws.read(GET, &self.bucket, request.send()).await,
            ABSENT,
        )?;
        Ok(answer.map(|answer| {
            let rules = answer
                .rules
                .unwrap_or_default()
                .into_iter()
                .map(ObjectLifecycleRule::from_sdk)
                .collect();
            let transition_minimum = answer
                .transition_default_minimum_object_size
                .map(|size| size.as_str().to_owned());
            ObservedResource::part(Self {
                bucket: self.bucket.clone(),
                rules,
                transition_minimum,
            })
        }))
    }

    async fn write(
        &self,
        aws: &AwsProvider,
        _from: Option<&Self>,
    ) -> Result<Option<String>, AwsError> {
        let rules = self.rules.iter().map(ObjectLifecycleRule::to_sdk).collect();
        let configuration = BucketLifecycleConfiguration::builder()
            .set_rules(Some(rules))
            .build()
            .expect("the rules are given");
        let request = aws
            .clients
            .s3
            .put_bucket_lifecycle_configuration()
            .bucket(&self.bucket)
            .lifecycle_configuration(configuration)
            .set_transition_default_minimum_object_size(
                self.transition_minimum
                    .as_deref()
                    .map(TransitionDefaultMinimumObjectSize::from),
            )
            .expected_bucket_owner(aws.account());
        aws.send(PUT, &self.bucket, NOT_YET, || request.clone().send())
            .await?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
