//! `bootstrap --prune`: deletes resources with the environment's tags that the settings no longer
//! include, after asking for approval.
//!
//! States, locks, audit logs and keys are never deleted here: `lock migrate` and `teardown` do
//! that, with their own checks.

use crate::backend::aws::provider::S3Provider;
use std::{num::NonZeroUsize, sync::Mutex};

use crate::{
    backend::aws::{
        AwsProvider,
        key::DAYS_UNTIL_DELETION,
        resources::AwsSpec,
        retry::PATIENCE,
        teardown::{
            attachments,
            destroy::{DestroyReport, DestroyTasks},
            prune,
        },
    },
    cli::{
        approval, context::Context, environment::ConnectedEnvironment, explain, failure::CliError,
        progress,
    },
    engine::{
        plan::{Plan, PlannedChange},
        spec::KnownOutputs,
    },
    report::plan as report,
    text::words,
};

/// The other changes were applied before.
const NOT_DELETED: &str = "Cancelled. Nothing was deleted.";

/// The resources to delete, and the context for it.
pub(super) struct PruneOptions {
    plan: Plan<AwsSpec>,
    aws: AwsProvider,
    bucket: String,
    parallelism: NonZeroUsize,
    approved: bool,
    may_ask: bool,
}

impl PruneOptions {
    /// `None` if there is nothing to delete.
    ///
    /// # Errors
    /// With exit code 3 if the runner policy is still in use, before anything is changed.
    pub(super) async fn of(
        environment: &ConnectedEnvironment,
        cx: &mut Context<'_>,
    ) -> Result<Option<Self>, CliError> {
        let plan = prune::plan(&environment.unwanted);
        if plan.deletes().next().is_none() {
            return Ok(None);
        }
        for step in plan.deletes() {
            if let PlannedChange::Delete {
                from: AwsSpec::Policy(policy),
            } = &step.change
            {
                let arn = policy.arn(&environment.provider.aws);
                let attached = cx
                    .until_cancelled(attachments::attached(&environment.provider.aws, &arn))
                    .await?;
                let attached = attached.map_err(|error| {
                    explain::aws(
                        CliError::refused(
                            "cannot read the attachments of the runner policy; nothing was changed",
                        )
                        .because(&error),
                        &error,
                        None,
                    )
                })?;
                if !attached.is_empty() {
                    let who = attached.join(", ");
                    return Err(CliError::refused(format!(
                        "the runner policy is still attached to {who}; nothing was changed"
                    ))
                    .hint("detach it first, or keep it with --policy"));
                }
            }
        }
        let ConnectedEnvironment {
            provider, may_ask, ..
        } = environment;
        let S3Provider {
            settings,
            names,
            aws,
            ..
        } = provider;
        Ok(Some(Self {
            plan,
            aws: aws.clone(),
            bucket: names.state_bucket.clone(),
            parallelism: settings.common.run.parallelism,
            approved: settings.common.run.auto_approve,
            may_ask: *may_ask,
        }))
    }

    /// Shows the plan, asks, and deletes.
    ///
    /// # Errors
    /// If it is not approved, or something could not be deleted.
    pub(super) async fn run(self, cx: &mut Context<'_>) -> Result<(), CliError> {
        let view = cx.global.view(cx.host);
        cx.status("");
        cx.status("not in the settings any more:");
        let text = report::text(&self.plan, &report::ResourceTitle::of, &view);
        cx.status_text(&text);
        self.confirm(cx)?;
        let demolition = DestroyTasks {
            aws: &self.aws,
            bucket: &self.bucket,
            key_days: DAYS_UNTIL_DELETION,
            detach: false,
            until: None,
            patience: PATIENCE,
            cancel: cx.host.cancel.clone(),
            done: Mutex::new(DestroyReport::default()),
        };
        let outcome = progress::carried_out(
            self.plan,
            KnownOutputs::new(),
            &demolition,
            self.parallelism,
            cx,
        )
        .await;
        if outcome.failed.is_empty() && outcome.left.is_empty() {
            cx.status(&format!(
                "deleted: {}",
                words::count(outcome.applied.len(), "resource", "resources")
            ));
            return Ok(());
        }
        let left = outcome.failed.len() + outcome.left.len();
        let mut failure = CliError::partly(format!(
            "{} could not be deleted",
            words::count(left, "resource", "resources")
        ));
        failure.causes.extend(
            outcome
                .failed
                .iter()
                .map(|(address, error)| format!("{address}: {error}")),
        );
        Err(failure.hint("the same command continues where this one stopped"))
    }

    fn confirm(&self, cx: &mut Context<'_>) -> Result<(), CliError> {
        if self.approved {
            return Ok(());
        }
        let count = words::count(self.plan.deletes().count(), "resource", "resources");
        if !self.may_ask {
            return Err(CliError::failed(format!(
                "deleting {count} needs approval, but this is not a terminal"
            ))
            .hint("pass --prune --auto-approve (-y)"));
        }
        let cancelled = |failure: CliError| {
            if failure.cancelled {
                CliError {
                    message: NOT_DELETED.to_owned(),
                    ..failure
                }
            } else {
                failure
            }
        };
        approval::ask(&format!("Delete {count}"), "--auto-approve", cx).map_err(cancelled)
    }
}
