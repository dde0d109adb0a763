//! `tfbackend self-check`: what engines, settings, credentials, network and folder lack, before the
//! first `bootstrap`.

use std::time::Duration;

use clap::Args;

use super::{
    busy::BusySpinner, context::Context, environment::EnvironmentArgs, failure::CliError,
    global::GlobalOptions, version::VERSION,
};
use crate::{
    exit,
    host::Host,
    kind::BackendKind,
    report::{
        json,
        self_check::{self, SelfCheckCounts, SelfCheckDocument, SelfCheckResult},
    },
};

mod aws;
mod engines;
mod folder;
mod settings;
mod variables;

use settings::SettingsSurvey;

/// Check what tfbackend needs: engines, settings, credentials, network and folder
#[derive(Args, Clone, Debug)]
pub struct SelfCheckArgs {
    #[command(flatten)]
    pub environment: EnvironmentArgs,
}

/// Leaves two of ten seconds to everything else.
const NETWORK_LIMIT: Duration = Duration::from_secs(8);

pub(crate) async fn run(args: SelfCheckArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    let cancel = cx.host.cancel.clone();
    let what = "checking engines, credentials and network (up to 10 seconds)";
    let busy = BusySpinner::start(what, cx.host, &cx.global);
    let document = tokio::select! {
        biased;
        () = cancel.cancelled() => return Err(CliError::interrupted("interrupted while checking")),
        document = check(args.environment, cx.host, &cx.global) => document,
    };
    drop(busy);
    let code = match document.counts.failed {
        0 => exit::DONE,
        _ => exit::FAILED,
    };
    if cx.global.json() {
        json::write_document(&mut *cx.host.out, document)
            .map_err(|error| CliError::failed("cannot write the output").because(&error))?;
        return Ok(code);
    }
    let view = cx.global.out_view(cx.host);
    cx.output(&self_check::text(&document, &view))?;
    Ok(code)
}

/// Carries out all checks at once, and returns them in the order in which they build on each other.
async fn check(args: EnvironmentArgs, host: &Host, global: &GlobalOptions) -> SelfCheckDocument {
    let survey = SettingsSurvey::new(args, host, global).await;
    let is_s3 = survey.merged.kind == BackendKind::S3;
    let of_aws = async {
        match is_s3 {
            true => aws::check(&survey, host, global).await,
            false => (vec![], vec![]),
        }
    };
    let of_sandbox = async {
        match is_s3 {
            true => vec![folder::sandbox(host).await],
            false => vec![],
        }
    };
    let (of_engines, (of_aws, mut notes), of_sandbox) =
        tokio::join!(engines::check(host), of_aws, of_sandbox);
    let mut checks = vec![SelfCheckResult::ok(
        "program",
        format!("tfbackend {VERSION}"),
    )];
    checks.extend(of_engines);
    checks.extend(survey.checks.iter().cloned());
    checks.extend(folder::check(host));
    checks.extend(of_aws);
    checks.extend((!is_s3).then(|| folder::of_states(&survey)));
    checks.extend(of_sandbox);
    notes.extend(is_s3.then(|| unchecked_permissions(&survey, global)));
    SelfCheckDocument {
        version: VERSION.to_owned(),
        kind: survey.merged.kind.to_string(),
        env: survey.env.as_ref().map(ToString::to_string),
        counts: SelfCheckCounts::of(&checks),
        checks,
        notes,
    }
}

fn unchecked_permissions(survey: &SettingsSurvey, global: &GlobalOptions) -> String {
    let words = global.words();
    let plan = match &survey.rerun {
        Some(rerun) => rerun.command("plan", " --needed-actions", &[]),
        None => format!("tfbackend plan --env NAME --needed-actions{words}"),
    };
    format!("permissions are not checked; `{plan}` prints those that a plan needs")
}

/// A failure as the result of a check. `next` is the next step if the failure has no hint.
fn failed(id: &str, failure: &CliError, next: &str) -> SelfCheckResult {
    let texts: Vec<String> = [&failure.message]
        .into_iter()
        .chain(&failure.causes)
        .map(|text| text.lines().map(str::trim).collect::<Vec<_>>().join("; "))
        .collect();
    let next = match &failure.hints[..] {
        [] => next.to_owned(),
        hints => hints.join("; "),
    };
    SelfCheckResult::failed(id, texts.join(": "), next)
}
