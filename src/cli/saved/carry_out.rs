//! `tfbackend bootstrap FILE`: applies exactly the steps of a saved plan to the resources that it
//! was made for, or nothing.

use std::path::Path;

use super::{SavedPlan, file, since};
use crate::{
    cli::{
        adoption,
        bootstrap::{self, PlanToApply},
        context::Context,
        environment::{ConnectedEnvironment, ResolvedEnvironment},
        explain,
        failure::CliError,
        files, session, state_in_place,
    },
    engine::observation,
    settings::{layer::SettingsLayer, s3::CredentialSettings, variables},
};

/// `said` is how it is to be carried out, and where the files are to go if not where the plan says.
pub(crate) async fn run(
    path: &Path,
    said: SettingsLayer,
    use_existing_state: bool,
    cx: &mut Context<'_>,
) -> Result<u8, CliError> {
    let saved = file::read(&cx.host.cwd.join(path))?;
    saved.must_not_delete()?;
    saved.must_not_be_blocked()?;
    let environment = ConnectedEnvironment {
        key_said: saved.key_said,
        ..open(&saved, said, cx).await?
    };
    saved.must_be_for(&environment)?;
    let (mut environment, observation, state) =
        state_in_place::inspect(environment, false, cx).await?;
    let adoption = adoption::decide(&mut environment, &observation, saved.enforce, cx).await?;
    let now = environment.plan(&observation, saved.adopt);
    if saved.is_of_this_version() {
        // A world that has changed is said before settings that follow from it.
        since::must_still_be(&saved.plan(), &now)?;
    }
    saved.must_fit(&environment)?;
    since::must_still_be(&saved.plan(), &now)?;
    state.must_not_be_taken_down(&environment)?;
    state.must_be_meant(use_existing_state, true, &environment, cx)?;
    files::must_be_writable(
        &environment.provider,
        &observation::outputs(&observation),
        environment.live,
        cx,
    )?;
    let carry = PlanToApply {
        plan: saved.plan(),
        observation,
        adoption,
        save: None,
        saved: true,
    };
    bootstrap::carry_out(carry, &mut environment, cx)
        .await
        .map_err(used_up)
}

/// The environment that the plan was made for. Nothing but the plan says what it is: no file, no
/// variable.
async fn open(
    saved: &SavedPlan,
    said: SettingsLayer,
    cx: &mut Context<'_>,
) -> Result<ConnectedEnvironment, CliError> {
    let variables = variables::read(&cx.host.vars).map_err(|error| explain::settings(&error))?;
    let caller = said.credentials().or_credentials(&variables);
    if !cx.global.sandbox {
        let is_of_plan = |name: &str| match name {
            "profile" => caller.profile.is_none() && cx.global.profile.is_none(),
            _ => caller.role_arn.is_none(),
        };
        let at = |name: &str| is_of_plan(name).then(|| "the plan".to_owned());
        session::say(
            &session::chosen_for(&CredentialSettings::of(&saved.settings), at),
            cx.host,
        );
    }
    let settings = settings(saved, said, &variables, &caller);
    let resolved = ResolvedEnvironment::said(settings, &saved.env, cx.host, &cx.global)
        .map_err(|failure| failure.hint("make a new plan"))?;
    resolved
        .of_plan(&saved.settings)
        .connect(cx.host, &cx.global)
        .await
}

/// The plan's settings, with how this run is to go out of flags and variables.
fn settings(
    saved: &SavedPlan,
    said: SettingsLayer,
    variables: &SettingsLayer,
    caller: &SettingsLayer,
) -> SettingsLayer {
    let credentials = caller.clone().or_credentials(&saved.settings);
    SettingsLayer {
        out: said.out.or_else(|| saved.settings.out.clone()),
        profile: credentials.profile,
        role_arn: credentials.role_arn,
        external_id: credentials.external_id,
        auto_approve: said.auto_approve.or(variables.auto_approve),
        non_interactive: said.non_interactive.or(variables.non_interactive),
        overwrite: said.overwrite.or(variables.overwrite),
        parallelism: said.parallelism.or(variables.parallelism),
        adopt: Some(saved.adopt),
        ..saved.settings.clone()
    }
}

/// Returns the failure of a partly applied plan, which no longer matches the existing resources:
/// what
/// is left needs another.
fn used_up(mut failure: CliError) -> CliError {
    for hint in &mut failure.hints {
        *hint = hint
            .replace("run the same command again", "make a new plan")
            .replace("the same command", "a new plan");
    }
    failure
}
