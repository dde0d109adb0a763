//! `tfbackend bootstrap`: creates missing resources, repairs drift, writes the files.

use crate::{backend::provider::Provider, cli::local, kind::BackendKind};
use std::path::PathBuf;

use clap::{Arg, Args};

use prune::PruneOptions;

use super::{
    adoption::{self, BucketAdoption, EnforceArgs},
    context::Context,
    environment::{ConnectedEnvironment, EnvironmentArgs, Prompting},
    failure::CliError,
    files, provision,
    save::{self, PendingFile, SaveRequest},
    saved, state_in_place, summary,
    wizard::{self, UnfinishedAnswers, WizardAnswers},
};
use crate::{
    backend::aws::resources::AwsSpec,
    engine::{
        observation::{self, Observation},
        plan::Plan,
    },
    exit,
    settings::layer::SettingsLayer,
};

mod prune;

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

pub(crate) async fn run(args: BootstrapArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    if args.plan.is_some() {
        return of_s3(args, cx).await;
    }
    match args.environment.kind(cx.host, &cx.global)? {
        BackendKind::S3 => of_s3(args, cx).await,
        BackendKind::Local => local::bootstrap::run(args, cx).await,
    }
}

async fn of_s3(args: BootstrapArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    if let Some(path) = &args.plan {
        return saved::carry_out::run(path, args.environment.layer, args.use_existing_state, cx)
            .await;
    }
    let unfinished = UnfinishedAnswers::of_folder(cx.host).filter(|_| cx.global.attended(cx.host));
    let mut answers = WizardAnswers::default();
    // A profile is said by the global options.
    let flags = SettingsLayer {
        profile: None,
        ..args.environment.layer.clone().without_run()
    };
    let outcome = with_answers(args, unfinished.as_ref(), &mut answers, cx).await;
    match (&outcome, unfinished) {
        (Ok(_), Some(unfinished)) => unfinished.forget(answers.env.as_ref()),
        (Err(_), Some(unfinished)) if answers.layer != SettingsLayer::default() => {
            if unfinished.keep(&answers) {
                cx.status_wrapped(
                    "Your answers are kept: the next `tfbackend bootstrap` here offers them.",
                );
            }
            cx.status("The same answers as a command:");
            let words = cx.global.words();
            cx.status_command(&wizard::same_answers(&answers, &flags, &words));
        }
        _ => {}
    }
    outcome
}

async fn with_answers(
    args: BootstrapArgs,
    unfinished: Option<&UnfinishedAnswers>,
    answers: &mut WizardAnswers,
    cx: &mut Context<'_>,
) -> Result<u8, CliError> {
    // Adding it to the file implies that it is not in the file.
    let new_env =
        args.environment.new_env || args.save == Some(true) && args.environment.is_named(cx.host);
    let environment = EnvironmentArgs {
        new_env,
        ..args.environment
    };
    let resolved = environment
        .resolve_with(
            cx.host,
            &cx.global,
            Prompting::PersonKnownToAws,
            unfinished,
            answers,
        )
        .await?;
    let save = save::offer(&SaveRequest::of(&resolved), args.save, cx)?;
    let environment = resolved.connect(cx.host, &cx.global).await?;
    let (mut environment, observation, state) =
        state_in_place::inspect(environment, false, cx).await?;
    let adoption =
        adoption::decide(&mut environment, &observation, args.enforce.enforce, cx).await?;
    // Problems with the files are found before anything is created.
    files::must_be_writable(
        &environment.provider,
        &observation::outputs(&observation),
        environment.live,
        cx,
    )?;
    let plan = environment.plan(&observation, environment.provider.settings.common.run.adopt);
    provision::must_not_be_blocked(&plan, &environment.provider)?;
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
    environment.provider.settings.common.run.auto_approve = true;
    let plan = environment.plan(&observation, false);
    if plan.is_empty() {
        return Ok(code);
    }
    provision::must_not_be_blocked(&plan, &environment.provider)?;
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
pub(crate) struct PlanToApply {
    pub plan: Plan<AwsSpec>,
    pub observation: Observation<AwsSpec>,
    pub adoption: Option<BucketAdoption>,
    pub save: Option<PendingFile>,
    /// True if the plan comes from a file: then no equivalent command line is shown.
    pub saved: bool,
}

/// Asks, applies the plan, verifies the result, and writes the files.
pub(crate) async fn carry_out(
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
    let (makes_nothing, in_file) = (plan.is_empty(), save.is_some());
    if makes_nothing {
        save.map_or(Ok(()), |save| save.keep(cx))?;
        summary::say_kept(environment, cx);
        let waits = adoption
            .as_ref()
            .is_some_and(|adoption| !adoption.waiting.is_empty());
        let all = if waits {
            "nothing to do except what is deferred"
        } else {
            "nothing to do, the backend matches its settings"
        };
        cx.status(&format!("{}: {all}", environment.provider.title()));
        adoption
            .iter()
            .for_each(|adoption| adoption.say(environment, cx));
    } else {
        summary::show_plan(&plan, environment, cx);
        adoption
            .iter()
            .for_each(|adoption| adoption.say(environment, cx));
        let run = environment.provider.settings.common.run;
        let asked = provision::confirm(&plan, &run, environment.may_ask, cx)?;
        environment.asked |= asked && !saved;
        save.map_or(Ok(()), |save| save.keep(cx))?;
        let applied = provision::apply(plan, &observation, &environment.provider, cx).await;
        let notes = environment.provider.aws.notes.take();
        notes.iter().for_each(|note| cx.status(note));
        outputs = applied?;
        provision::verify_result::must_match(&environment.provider, &observation, cx).await?;
    }
    let written = files::write(&environment.provider, &outputs, cx).map_err(|failure| {
        if makes_nothing {
            failure
        } else {
            without_files(failure, environment)
        }
    })?;
    summary::made(environment, &outputs, &written, unconfirmed, in_file, cx)?;
    Ok(exit::DONE)
}

/// Returns the failure if only the files could not be written, which another command writes.
fn without_files(failure: CliError, environment: &ConnectedEnvironment) -> CliError {
    let mut partly = CliError::partly(format!(
        "the backend of {} is up to date, but its files were not written",
        environment.provider.title()
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
