//! `tfbackend bootstrap --backend local`: creates or repairs the folder, and writes the files.

use schemars::JsonSchema;
use serde::Serialize;

use super::{LocalEnvironment, no_outputs, written_line};
use crate::{
    backend::provider::Provider,
    cli::{
        bootstrap::BootstrapArgs, context::Context, environment::Prompting, failure::CliError,
        files, provision, wizard,
    },
    exit,
    report::{json, safe::safe},
    store::location::BackendLocation,
    terraform::write::files::{FileOutcome, WrittenFile},
};

pub(crate) async fn run(args: BootstrapArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    let environment = LocalEnvironment::open(args.environment, Prompting::Person, cx)?;
    let provider = &environment.provider;
    let save = environment.saved(args.save, cx)?;
    let observation = environment.observe(cx).await?;
    environment.must_be_safe(&observation)?;
    let plan = environment.plan(&observation);
    provision::must_not_be_blocked(&plan, provider)?;
    let is_live = provider.found_marker().is_ok_and(|marker| marker.is_some());
    let run = &provider.settings.common.run;
    let may_ask = environment.may_ask && !run.auto_approve;
    let state = environment.intended_state(cx).await?;
    state.must_be_meant(args.use_existing_state, may_ask, cx)?;
    // Problems with the files are found before anything is created.
    files::must_be_writable(provider, &no_outputs(), is_live, cx)?;
    let mut asked = environment.asked;
    if plan.is_empty() {
        save.map_or(Ok(()), |save| save.keep(cx))?;
        cx.status(&format!(
            "{}: nothing to do, the backend matches its settings",
            provider.title()
        ));
    } else {
        provision::show_plan(&plan, provider, cx);
        asked |= provision::confirm(&plan, run, environment.may_ask, cx)?;
        save.map_or(Ok(()), |save| save.keep(cx))?;
        provision::apply(plan, &observation, provider, cx).await?;
        provision::verify_result::must_match(provider, &observation, cx).await?;
    }
    let written = files::write(provider, &no_outputs(), cx)?;
    answer(&environment, &written, asked, cx)?;
    Ok(exit::DONE)
}

/// The last line of `bootstrap --output json`.
#[derive(Serialize, JsonSchema)]
pub(in crate::cli) struct LocalBootstrapDocument<'a> {
    event: &'static str,
    project: &'a str,
    env: &'a str,
    backend: BackendLocation,
    files: Vec<LocalFileDocument>,
    next: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
struct LocalFileDocument {
    path: String,
    written: bool,
}

fn answer(
    environment: &LocalEnvironment,
    written: &[WrittenFile],
    asked: bool,
    cx: &mut Context<'_>,
) -> Result<(), CliError> {
    let settings = &environment.provider.settings;
    let next = environment.next(cx);
    if cx.global.json() {
        let file = |file: &WrittenFile| LocalFileDocument {
            path: file.path.display().to_string(),
            written: matches!(file.outcome, FileOutcome::Written { .. }),
        };
        let document = LocalBootstrapDocument {
            event: "made",
            project: settings.common.project.as_str(),
            env: settings.common.env.as_str(),
            backend: environment.location(),
            files: written.iter().map(file).collect(),
            next,
        };
        return json::write_line(&mut *cx.host.out, document)
            .map_err(|error| CliError::failed("cannot write the output").because(&error));
    }
    let mut lines = vec![format!("{:<14} {}", "state folder", settings.state_dir)];
    lines.extend(written.iter().map(written_line));
    for line in lines {
        cx.output(&format!("{}\n", safe(&line)))?;
    }
    cx.status("");
    cx.status("Next:");
    for line in &next {
        cx.status(&format!("  {line}"));
    }
    if asked {
        let said = environment.merged.said().without_run();
        let command = wizard::equivalent_command(environment.name(), &said);
        cx.status("The same without questions:");
        let words = cx.global.words();
        cx.status_command(&format!("{command}{words}"));
    }
    Ok(())
}
