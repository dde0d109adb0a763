//! `bootstrap --prune`: deletes what is there with the environment's tags and is no longer wanted,
//! after a question of its own.
//!
//! States, locks, audit logs and keys are never deleted here: `lock migrate` and `teardown` do
//! that, with their own guards.

use std::{num::NonZeroUsize, sync::Mutex};

use crate::{
    backend::aws::{
        AwsProvider,
        key::DAYS_UNTIL_DELETION,
        resources::AwsSpec,
        settle::PATIENCE,
        teardown::{
            demolition::{DestroyReport, DestroyTasks},
            people, prune,
        },
    },
    cli::{
        approval, context::Context, describe::describe, environment::ConnectedEnvironment, explain,
        failure::CliError, progress,
    },
    engine::{
        plan::{Plan, PlannedChange},
        spec::KnownOutputs,
    },
    report::plan as report,
    text::words,
};

/// The ordinary changes were made by then.
const NOT_DELETED: &str = "Cancelled. Nothing was deleted.";

/// What is to be deleted, and how.
pub struct PruneOptions {
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
    pub async fn of(
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
                let arn = policy.arn(&environment.aws);
                let attached = cx.look(people::attached(&environment.aws, &arn)).await?;
                let attached = attached.map_err(|error| {
                    explain::aws(
                        CliError::refused(
                            "cannot tell who has the runner policy; nothing was changed",
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
            settings,
            names,
            aws,
            may_ask,
            ..
        } = environment;
        Ok(Some(Self {
            plan,
            aws: aws.clone(),
            bucket: names.state_bucket.clone(),
            parallelism: settings.run.parallelism,
            approved: settings.run.auto_approve,
            may_ask: *may_ask,
        }))
    }

    /// Shows the plan, asks, and deletes.
    ///
    /// # Errors
    /// If it is not approved, or something could not be deleted.
    pub async fn run(self, cx: &mut Context<'_>) -> Result<(), CliError> {
        let view = cx.global.view(cx.host);
        cx.say("");
        cx.say("no longer wanted:");
        let text = report::text(&self.plan, &describe, &view);
        cx.show(&text);
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
            cx.say(&format!(
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
