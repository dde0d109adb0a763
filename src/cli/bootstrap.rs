//! `tfbackend bootstrap`: creates missing resources, repairs drift, writes the files.

use std::path::PathBuf;

use clap::{Arg, Args};

use prune::PruneOptions;

use super::{
    adoption::{self, BucketAdoption, EnforceArgs},
    approval,
    context::Context,
    environment::{ConnectedEnvironment, EnvironmentArgs, Prompting},
    explain,
    failure::CliError,
    files, progress,
    save::{self, PendingFile},
    saved, state_in_place, summary,
};
use crate::{
    backend::aws::{error::AwsError, resources::AwsSpec},
    engine::{
        apply::ApplyOutcome,
        observation::{self, Observation},
        plan::Plan,
        spec::KnownOutputs,
    },
    exit,
    text::words,
};

mod prune;
mod settled;

/// Create or repair a hardened backend, and write the files that point Terraform at it
#[derive(Args, Clone, Debug)]
#[command(mut_args(beside_a_plan))]
pub struct BootstrapArgs {
    /// Saved plan of `tfbackend plan --out` to apply exactly
    #[arg(value_name = "FILE")]
    pub plan: Option<PathBuf>,

    #[command(flatten)]
    pub environment: EnvironmentArgs,

    #[command(flatten)]
    pub enforce: EnforceArgs,

    /// Save the settings and answers in tfbackend.toml [default: asks, if anything is asked]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "Run")]
    pub save: Option<bool>,

    /// Use the state that already exists at the state key, although this folder has no files of
    /// tfbackend
    #[arg(long, help_heading = "Run")]
    pub use_existing_state: bool,

    /// Delete the trail, topic, alarms, policy and bucket notifications that the settings no
    /// longer include
    #[arg(long, help_heading = "Run")]
    pub prune: bool,
}

/// A saved plan contains all settings of an environment; only options of this run may be added.
fn beside_a_plan(arg: Arg) -> Arg {
    const BESIDE: [&str; 7] = [
        "plan",
        "out",
        "auto_approve",
        "non_interactive",
        "overwrite",
        "parallelism",
        "use_existing_state",
    ];
    const CREDENTIALS: [&str; 3] = ["profile", "role_arn", "external_id"];
    if CREDENTIALS.contains(&arg.get_id().as_str()) || BESIDE.contains(&arg.get_id().as_str()) {
        arg
    } else {
        arg.conflicts_with("plan")
    }
}

pub async fn run(args: BootstrapArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    if let Some(path) = &args.plan {
        return saved::carry_out::run(path, args.environment.layer, args.use_existing_state, cx)
            .await;
    }
    // Adding it to the file implies that it is not in the file.
    let new_env =
        args.environment.new_env || args.save == Some(true) && args.environment.is_named(cx.host);
    let environment = EnvironmentArgs {
        new_env,
        ..args.environment
    };
    let settled = environment
        .settle(cx.host, &cx.global, Prompting::PersonKnownToAws)
        .await?;
    let save = save::offer(&settled, args.save, cx)?;
    let environment = settled.meet(cx.host, &cx.global).await?;
    let (mut environment, observation, state) =
        state_in_place::inspect(environment, false, cx).await?;
    let adoption =
        adoption::decide(&mut environment, &observation, args.enforce.enforce, cx).await?;
    // Problems with the files are found before anything is created.
    files::must_be_writable(&environment, &observation::outputs(&observation), cx)?;
    let plan = environment.plan(&observation, environment.settings.common.run.adopt);
    summary::must_not_be_blocked(&plan, &environment)?;
    state.must_not_be_taken_down(&environment)?;
    state.must_be_meant(args.use_existing_state, true, &environment, cx)?;
    state.say_who_else(&environment, cx);
    let prune = if args.prune {
        PruneOptions::of(&environment, cx).await?
    } else {
        None
    };
    let code = carry_out(
        PlanToApply {
            plan,
            observation,
            adoption,
            save,
            saved: false,
        },
        &mut environment,
        cx,
    )
    .await?;
    let Some(prune) = prune else { return Ok(code) };
    // After its replacement, so that nothing is unprotected in between.
    prune.run(cx).await?;
    // Permissions for it in policies are removed with it.
    let (mut environment, observation) = cx.inspect(environment, false).await?;
    let adoption =
        adoption::decide(&mut environment, &observation, args.enforce.enforce, cx).await?;
    environment.settings.common.run.auto_approve = true;
    let plan = environment.plan(&observation, false);
    if plan.is_empty() {
        return Ok(code);
    }
    summary::must_not_be_blocked(&plan, &environment)?;
    carry_out(
        PlanToApply {
            plan,
            observation,
            adoption,
            save: None,
            saved: false,
        },
        &mut environment,
        cx,
    )
    .await
}

/// The plan, and the environment that it was made for.
pub struct PlanToApply {
    pub plan: Plan<AwsSpec>,
    pub observation: Observation<AwsSpec>,
    pub adoption: Option<BucketAdoption>,
    pub save: Option<PendingFile>,
    /// True if the plan comes from a file: then no equivalent command line is shown.
    pub saved: bool,
}

/// Asks, applies the plan, verifies the result, and writes the files.
pub async fn carry_out(
    carry: PlanToApply,
    environment: &mut ConnectedEnvironment,
    cx: &mut Context<'_>,
) -> Result<u8, CliError> {
    let PlanToApply {
        plan,
        observation,
        adoption,
        save,
        saved,
    } = carry;
    let mut outputs = observation::outputs(&observation);
    summary::say_openings(&observation, environment, cx);
    summary::say_unheard(&observation, environment, cx);
    let unconfirmed = summary::unconfirmed(&observation, environment);
    let makes_nothing = plan.is_empty();
    if makes_nothing {
        keep(save, cx)?;
        summary::say_kept(environment, cx);
        let waits = adoption
            .as_ref()
            .is_some_and(|adoption| !adoption.waiting.is_empty());
        let all = if waits {
            "nothing to do except what is deferred"
        } else {
            "nothing to do, the backend matches its settings"
        };
        cx.status(&format!("{}: {all}", environment.title()));
        adoption
            .iter()
            .for_each(|adoption| adoption.say(environment, cx));
    } else {
        summary::show_plan(&plan, environment, cx);
        adoption
            .iter()
            .for_each(|adoption| adoption.say(environment, cx));
        let asked = confirm(&plan, environment, cx)?;
        environment.asked |= asked && !saved;
        keep(save, cx)?;
        outputs = write(plan, &observation, environment, cx).await?;
        settled::must_be(environment, &observation, cx).await?;
    }
    let written = files::write(environment, &outputs, cx).map_err(|failure| {
        if makes_nothing {
            failure
        } else {
            without_files(failure, environment)
        }
    })?;
    summary::made(environment, &outputs, &written, unconfirmed, cx)?;
    Ok(exit::DONE)
}

/// Returns the failure if only the files could not be written, which another command writes.
fn without_files(failure: CliError, environment: &ConnectedEnvironment) -> CliError {
    let mut partly = CliError::partly(format!(
        "the backend of {} is up to date, but its files were not written",
        environment.title()
    ));
    partly.causes.push(
        failure
            .message
            .trim_end_matches("; nothing was changed")
            .to_owned(),
    );
    partly.causes.extend(failure.causes);
    let command = environment.rerun.command("render", "", &[]);
    failure.hints.into_iter().fold(
        partly.hint(format!("once they can be written: `{command}`")),
        CliError::hint,
    )
}

/// Saves the answers before anything is created, so that an interrupted run continues without
/// questions.
fn keep(save: Option<PendingFile>, cx: &mut Context<'_>) -> Result<(), CliError> {
    let Some(save) = save else { return Ok(()) };
    save.write().map_err(|failure| failure.hint(save::GO_ON))?;
    cx.status(&format!("written: {}", save.shown()));
    Ok(())
}

/// Asks once, and returns whether it asked; without a terminal, `--auto-approve` is required.
fn confirm(
    plan: &Plan<AwsSpec>,
    environment: &ConnectedEnvironment,
    cx: &mut Context<'_>,
) -> Result<bool, CliError> {
    if environment.settings.common.run.auto_approve {
        return Ok(false);
    }
    let count = plan.writes().count();
    if !environment.may_ask {
        let need = words::count(count, "change needs", "changes need");
        return Err(
            CliError::failed(format!("{need} approval, but this is not a terminal"))
                .hint("pass --auto-approve (-y) to approve the plan"),
        );
    }
    let count = words::count(count, "change", "changes");
    approval::ask(&format!("Apply {count}"), "--auto-approve", cx)?;
    Ok(true)
}

async fn write(
    plan: Plan<AwsSpec>,
    observation: &Observation<AwsSpec>,
    environment: &ConnectedEnvironment,
    cx: &mut Context<'_>,
) -> Result<KnownOutputs, CliError> {
    let known = observation::outputs(observation);
    let outcome = progress::carried_out(
        plan,
        known,
        &environment.aws,
        environment.settings.common.run.parallelism,
        cx,
    )
    .await;
    environment
        .aws
        .notes
        .take()
        .iter()
        .for_each(|note| cx.status(note));
    match failed(&outcome, cx.host.cancel.is_cancelled()) {
        Some(failure) => Err(failure),
        None => Ok(outcome.outputs),
    }
}

/// Returns the failure with the failed, applied and remaining steps.
fn failed(outcome: &ApplyOutcome<AwsError>, interrupted: bool) -> Option<CliError> {
    if outcome.failed.is_empty() && outcome.left.is_empty() {
        return None;
    }
    let made = words::count(outcome.applied.len(), "change applied", "changes applied");
    let left = outcome.failed.len() + outcome.left.len();
    let summary = format!("{made}, {left} left");
    let mut failure = match outcome.failed.first() {
        None => CliError::interrupted(format!("interrupted: {summary}")),
        Some((address, _)) if interrupted => {
            CliError::interrupted(format!("interrupted, and {address} failed: {summary}"))
        }
        Some((address, _)) => CliError::partly(format!("{address} failed: {summary}")),
    };
    for (address, error) in &outcome.failed {
        failure.causes.push(format!("{address}: {error}"));
        failure = explain::aws(failure, error, None);
    }
    if !outcome.applied.is_empty() {
        let applied: Vec<&str> = outcome
            .applied
            .iter()
            .map(|address| address.as_str())
            .collect();
        failure = failure.hint(format!("applied: {}", applied.join(", ")));
    }
    if !outcome.left.is_empty() {
        let left: Vec<&str> = outcome
            .left
            .iter()
            .map(|address| address.as_str())
            .collect();
        failure = failure.hint(format!("not started: {}", left.join(", ")));
    }
    Some(failure.hint("the same command continues where this one stopped"))
}
