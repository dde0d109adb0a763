//! `tfbackend verify` of an environment of kind `local`.

use std::path::PathBuf;

use super::{LocalEnvironment, no_outputs};
use crate::{
    backend::provider::Provider,
    checks::{
        CheckResult, CheckedPlace, Verdict, accept::AcceptedFinding, files::catalogue as rules,
    },
    cli::{
        context::Context,
        environment::{EnvironmentArgs, Prompting},
        failure::CliError,
        files,
        verify::{self, VerifyOptions},
    },
    engine::observation::Observed,
    report::findings::document::{VerifiedEnvironment, VerifyDocument},
    terraform::write::file_status::FileStatus,
};

/// Runs all checks of one environment.
///
/// # Errors
/// If it cannot be resolved, or an acceptance cannot be saved.
pub(crate) async fn document(
    args: EnvironmentArgs,
    options: &VerifyOptions,
    cx: &mut Context<'_>,
) -> Result<VerifyDocument, CliError> {
    let environment = LocalEnvironment::open(args, Prompting::Never, cx)?;
    let file = environment.sources.file.clone();
    let mut accepted: Vec<AcceptedFinding> = file
        .as_ref()
        .map(|file| file.accepted(Some(environment.name())))
        .unwrap_or_default();
    let asked = verify::ignore::asked(options)?;
    verify::ignore::keep(
        asked,
        &mut accepted,
        Some(environment.name()),
        file.as_ref(),
        cx,
    )?;
    let observation = environment.observe(cx).await?;
    let bootstrap = environment.rerun.command("bootstrap", "", &[]);
    let provider = &environment.provider;
    let mut checked = cx
        .until_cancelled(provider.checks(&observation, &bootstrap))
        .await?;
    checked.extend(of_files(&environment, cx)?);
    verify::fixes::name_backend(&mut checked, |name, more| match name.split(' ').next() {
        Some("state" | "lock") => Some(environment.rerun.of_target(name, more, &[])),
        _ => None,
    });
    let common = provider.common();
    let about = VerifiedEnvironment {
        project: Some(common.project.to_string()),
        env: Some(common.env.to_string()),
        backend: Some(environment.location()),
        ..VerifiedEnvironment::default()
    };
    let mut document =
        verify::document(about, &checked, &accepted, options.min_severity.into(), cx);
    document.resources = verify::resources(provider.blueprint(), &observation);
    if observation
        .values()
        .all(|seen| matches!(seen, Observed::Absent))
    {
        document.score_nothing();
        document.notes.push(format!(
            "this environment does not exist; `{bootstrap}` creates it"
        ));
    }
    Ok(document)
}

/// The files of the folder, against what they should say.
fn of_files(
    environment: &LocalEnvironment,
    cx: &Context<'_>,
) -> Result<Vec<CheckResult>, CliError> {
    let render = environment.rerun.command("render", "", &[]);
    let files = files::check(&environment.provider, &no_outputs(), cx)?;
    let conf = environment
        .provider
        .common()
        .files
        .conf_file
        .for_env(environment.name());
    let is_missing = |(path, status): &(PathBuf, FileStatus)| {
        path.ends_with(&conf) && *status == FileStatus::Missing
    };
    // The folder does not use this backend.
    if files.iter().any(is_missing) {
        return Ok(vec![]);
    }
    let mut checked = vec![];
    for (path, status) in files {
        let found = match &status {
            FileStatus::Current => None,
            FileStatus::Missing => Some("it does not exist".to_owned()),
            FileStatus::Stale { .. } => Some("it does not match the settings".to_owned()),
            FileStatus::Refused(refusal) => Some(format!("it {refusal}")),
        };
        let verdict = match found {
            None => Verdict::Holds,
            Some(found) => Verdict::Fails {
                found,
                remediation: render.clone(),
            },
        };
        let place = CheckedPlace::named(path.display().to_string());
        checked.push(CheckResult::new(&rules::CLOUD_AGREES, place, verdict));
    }
    Ok(checked)
}
