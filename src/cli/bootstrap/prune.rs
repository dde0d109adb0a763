//! `bootstrap --prune`: deletes what is there with the environment's tags and is no longer wanted,
//! after a question of its own.
//!
//! States, locks, audit logs and keys are never deleted here: `lock migrate` and `teardown` do
//! that, with their own guards.

use std::{num::NonZeroUsize, sync::Mutex};

use crate::{
    backend::aws::{
        Aws,
        key::DAYS_UNTIL_DELETION,
        resources::AwsSpec,
        settle::PATIENCE,
        teardown::{
            demolition::{Demolition, Done},
            people, prune,
        },
    },
    cli::{
        approval, context::Context, describe::describe, environment::Environment, explain,
        failure::Failure, progress,
    },
    engine::{
        plan::{Change, Plan},
        spec::Outputs,
    },
    report::plan as report,
    text::words,
};

/// The ordinary changes were made by then.
const NOT_DELETED: &str = "Cancelled. Nothing was deleted.";

/// What is to be deleted, and how.
pub struct Prune {
    plan: Plan<AwsSpec>,
    aws: Aws,
    bucket: String,
    parallelism: NonZeroUsize,
    approved: bool,
    may_ask: bool,
}

impl Prune {
    /// `None` if there is nothing to delete.
    ///
    /// # Errors
    /// With exit code 3 if the runner policy is still in use, before anything is changed.
    pub async fn of(
        environment: &Environment,
        cx: &mut Context<'_>,
    ) -> Result<Option<Self>, Failure> {
        let plan = prune::plan(&environment.unwanted);
        if plan.deletes().next().is_none() {
            return Ok(None);
        }
        for step in plan.deletes() {
            if let Change::Delete {
                from: AwsSpec::Policy(policy),
            } = &step.change
            {
                let arn = policy.arn(&environment.aws);
                let attached = cx.look(people::attached(&environment.aws, &arn)).await?;
                let attached = attached.map_err(|error| {
                    explain::aws(
                        Failure::refused(
                            "cannot tell who has the runner policy; nothing was changed",
                        )
                        .because(&error),
                        &error,
                        None,
                    )
                })?;
                if !attached.is_empty() {
                    let who = attached.join(", ");
                    return Err(Failure::refused(format!(
                        "the runner policy is still attached to {who}; nothing was changed"
                    ))
                    .hint("detach it first, or keep it with --policy"));
                }
            }
        }
        let Environment {
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
    pub async fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let view = cx.global.view(cx.host);
        cx.say("");
        cx.say("no longer wanted:");
        let text = report::text(&self.plan, &describe, &view);
        cx.show(&text);
        self.confirm(cx)?;
        let demolition = Demolition {
            aws: &self.aws,
            bucket: &self.bucket,
            key_days: DAYS_UNTIL_DELETION,
            detach: false,
            until: None,
            patience: PATIENCE,
            cancel: cx.host.cancel.clone(),
            done: Mutex::new(Done::default()),
        };
        let outcome =
            progress::carried_out(self.plan, Outputs::new(), &demolition, self.parallelism, cx)
                .await;
        if outcome.failed.is_empty() && outcome.left.is_empty() {
            cx.say(&format!(
                "deleted: {}",
                words::count(outcome.applied.len(), "resource", "resources")
            ));
            return Ok(());
        }
        let left = outcome.failed.len() + outcome.left.len();
        let mut failure = Failure::partly(format!(
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

    fn confirm(&self, cx: &mut Context<'_>) -> Result<(), Failure> {
        if self.approved {
            return Ok(());
        }
        let count = words::count(self.plan.deletes().count(), "resource", "resources");
        if !self.may_ask {
            return Err(Failure::failed(format!(
                "deleting {count} needs approval, but this is not a terminal"
            ))
            .hint("pass --prune --auto-approve (-y)"));
        }
        let cancelled = |failure: Failure| {
            if failure.cancelled {
                Failure {
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
