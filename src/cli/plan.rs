//! `tfbackend plan`: shows the changes of a bootstrap without applying them.

use crate::{backend::provider::Provider, cli::local, kind::BackendKind};
use std::path::{Path, PathBuf};

use clap::{Arg, Args};

use super::{
    adoption::{self, BucketAdoption, EnforceArgs},
    context::Context,
    environment::{ConnectedEnvironment, EnvironmentArgs, Prompting},
    failure::CliError,
    files, provision,
    saved::{self, SavedPlan},
    state_in_place::{self, StateInPlace},
    summary,
};
use crate::{
    backend::aws::{
        permissions::{RequiredPermissions, needed},
        resources::AwsSpec,
    },
    engine::{observation, plan::Plan},
    exit,
    report::{
        json,
        plan::{self as report, document::PlanDocument},
    },
    text::{shell::shell_word, words},
};

/// Show what bootstrap would change
#[derive(Args, Clone, Debug)]
#[command(mut_arg("out", without_alias))]
pub struct PlanArgs {
    #[command(flatten)]
    pub environment: EnvironmentArgs,

    /// Save the plan, so that `tfbackend bootstrap FILE` applies exactly that
    #[arg(long = "out", value_name = "FILE")]
    pub save_to: Option<PathBuf>,

    #[command(flatten)]
    pub enforce: EnforceArgs,

    /// Exit with 2 if there are changes
    #[arg(long)]
    pub detailed_exitcode: bool,

    /// Print the IAM policy that applying the plan needs, instead of the plan
    #[arg(long)]
    pub needed_actions: bool,
}

/// `--out` is the plan's own file here, and `--dir` the folder of the other files.
fn without_alias(dir: Arg) -> Arg {
    dir.alias(None::<&str>)
}

pub(crate) async fn run(args: PlanArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    match args.environment.kind(cx.host, &cx.global)? {
        BackendKind::S3 => of_s3(args, cx).await,
        BackendKind::Local => local::plan::run(args, cx).await,
    }
}

async fn of_s3(args: PlanArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    let file = args.save_to;
    let environment = args
        .environment
        .open(cx.host, &cx.global, Prompting::Never)
        .await?;
    let (mut environment, observation, state) =
        state_in_place::inspect(environment, false, cx).await?;
    let adoption =
        adoption::decide(&mut environment, &observation, args.enforce.enforce, cx).await?;
    let plan = environment.plan(&observation, environment.provider.settings.common.run.adopt);
    let needed = needed(
        environment.provider.blueprint(),
        &plan,
        &observation::outputs(&observation),
        &environment.provider.aws,
    );
    let needed = match &adoption {
        Some(_) => {
            let address = environment.provider.address().clone();
            needed.with_contents(
                &environment.provider.aws,
                &address.bucket,
                address.table.as_deref(),
            )
        }
        None => needed,
    };
    if let Some(file) = &file {
        saved::file::write(
            &cx.host.cwd.join(file),
            &SavedPlan::of(&plan, &environment, args.enforce.enforce)?,
        )?;
    }
    if args.needed_actions {
        cx.output(&json::pretty(&needed.policy()))?;
    } else {
        if !cx.global.json() {
            summary::say_openings(&observation, &environment, cx);
            summary::say_unheard(&observation, &environment, cx);
        }
        show(
            &plan,
            &needed,
            (&state, adoption.as_ref()),
            &environment,
            cx,
        )?;
    }
    if let Some(file) = &file {
        say_saved(file, &plan, cx);
    }
    let blocked = plan.blocked().count();
    if blocked > 0 {
        let what = words::count(blocked, "step is blocked", "steps are blocked");
        let mut failure = CliError::refused(format!(
            "{what} (above): `tfbackend bootstrap` refuses this plan"
        ));
        let actions = provision::missing_actions(&plan);
        if !actions.is_empty() {
            let policy = environment.rerun.command("plan --needed-actions", "", &[]);
            failure = failure.hint(format!(
                "allow {}; `{policy}` prints the whole policy",
                actions.join(", ")
            ));
        }
        return if cx.global.json() {
            Ok(failure.code)
        } else {
            Err(failure)
        };
    }
    Ok(match (plan.is_empty(), args.detailed_exitcode) {
        (false, true) => exit::CHANGES,
        (true, _) | (false, false) => exit::DONE,
    })
}

fn show(
    plan: &Plan<AwsSpec>,
    needed: &RequiredPermissions,
    (state, adoption): (&StateInPlace, Option<&BucketAdoption>),
    environment: &ConnectedEnvironment,
    cx: &mut Context<'_>,
) -> Result<(), CliError> {
    if cx.global.json() {
        let document = PlanDocument::of(plan, environment.about(), &report::ResourceTitle::of);
        let document = PlanDocument {
            state: Some(state.document(environment, cx.host)),
            needed_actions: serde_json::to_value(needed.policy()).ok(),
            kept: summary::kept_settings(environment),
            unwanted: summary::unwanted(environment),
            adoption: adoption.map(BucketAdoption::document),
            ..document
        };
        return json::write_document(&mut *cx.host.out, document)
            .map_err(|error| CliError::failed("cannot write the plan").because(&error));
    }
    let view = cx.global.out_view(cx.host);
    cx.status(&environment.provider.title());
    let line = state.line(environment, cx.host);
    cx.status(&line);
    state.say_who_else(environment, cx);
    if let Err(failure) = state.must_not_be_taken_down(environment) {
        cx.status(&format!("warning: {}", failure.message));
        failure
            .hints
            .iter()
            .for_each(|hint| cx.status(&format!("hint: {hint}")));
    }
    files::say_what_is_there(&environment.provider, cx)?;
    summary::say_kept(environment, cx);
    cx.output(&report::text(plan, &report::ResourceTitle::of, &view))?;
    let (all, writes) = needed.count();
    let actions = words::count(all, "IAM action", "IAM actions");
    cx.output(&format!(
        "Needs {actions}, {writes} of them to write; --needed-actions prints them as a policy.\n"
    ))?;
    if let Some(path) = plan.critical_path() {
        cx.output(&format!("{}\n", report::critical_path(&path)))?;
    }
    provision::say_how_to_see_all(plan, cx);
    adoption
        .iter()
        .for_each(|adoption| adoption.say(environment, cx));
    Ok(())
}

fn say_saved(file: &Path, plan: &Plan<AwsSpec>, cx: &mut Context<'_>) {
    let name = file.display().to_string();
    if plan.blocked().next().is_some() {
        cx.status(&format!(
            "Saved as {name}. The plan is blocked: bootstrap will refuse it."
        ));
    } else {
        cx.status(&format!("Saved as {name}. To apply exactly this plan:"));
        let name = shell_word(&name);
        cx.status(&format!(
            "  tfbackend bootstrap {name}{}",
            cx.global.words()
        ));
    }
}
