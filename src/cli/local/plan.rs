//! `tfbackend plan --backend local`: shows the changes of a bootstrap without applying them.

use super::LocalEnvironment;
use crate::{
    backend::{local::resources::LocalSpec, provider::Provider},
    cli::{
        context::Context, environment::Prompting, failure::CliError, files,
        intended_state::IntendedState, plan::PlanArgs, provision,
    },
    engine::plan::Plan,
    exit,
    report::{
        json,
        plan::{
            self as report, ResourceTitle,
            document::{PlanDocument, PlanSubject},
        },
    },
    text::words,
};

pub(crate) async fn run(args: PlanArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    if args.save_to.is_some() {
        return Err(CliError::failed(
            "a plan of backend kind local cannot be saved: it creates one folder",
        )
        .hint("run `tfbackend bootstrap`, which shows the same plan and asks"));
    }
    if args.needed_actions {
        return Err(CliError::failed(
            "backend kind local needs no permissions but those of its folder",
        ));
    }
    let environment = LocalEnvironment::open(args.environment, Prompting::Never, cx)?;
    let observation = environment.observe(cx).await?;
    let plan = environment.plan(&observation);
    let state = environment.intended_state(cx).await?;
    let is_possible = environment
        .must_be_safe(&observation)
        .and_then(|()| provision::must_not_be_blocked(&plan, &environment.provider));
    show(&plan, &state, is_possible.is_ok(), &environment, cx)?;
    if let Err(failure) = is_possible {
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
    plan: &Plan<LocalSpec>,
    state: &IntendedState,
    is_possible: bool,
    environment: &LocalEnvironment,
    cx: &mut Context<'_>,
) -> Result<(), CliError> {
    let common = environment.provider.common();
    if cx.global.json() {
        let about = PlanSubject {
            project: common.project.to_string(),
            env: common.env.to_string(),
            backend: Some(environment.location()),
            account: None,
            region: None,
        };
        let document = PlanDocument {
            state: Some(state.document()),
            ..PlanDocument::of(plan, about, &ResourceTitle::of)
        };
        return json::write_document(&mut *cx.host.out, document)
            .map_err(|error| CliError::failed("cannot write the plan").because(&error));
    }
    cx.status(&environment.provider.title());
    cx.status(&state.line());
    files::say_what_is_there(&environment.provider, cx)?;
    let view = cx.global.out_view(cx.host);
    cx.output(&report::text(plan, &ResourceTitle::of, &view))?;
    let writes = plan.writes().count();
    if writes > 0 && is_possible {
        let count = words::count(writes, "change", "changes");
        cx.status(&format!("`tfbackend bootstrap` makes {count}."));
    }
    provision::say_how_to_see_all(plan, cx);
    Ok(())
}
