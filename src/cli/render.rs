//! `tfbackend render`: writes the files of an existing backend; AWS is only read.

use crate::text::shell::shell_word;
use clap::Args;
use serde::Serialize;

use super::{
    context::Context,
    environment::{ConnectedEnvironment, EnvironmentArgs, Prompting},
    failure::CliError,
    files, state_in_place, summary,
};
use crate::{
    backend::aws::blueprint::KEY,
    engine::observation::{self, Observed},
    exit,
    report::{json, safe::safe},
    settings::s3::EncryptionSettings,
    terraform::write::{file_status::FileStatus, files::FileOutcome},
};

/// Write backend.tf and backend.conf for the existing backend; nothing in AWS is changed
#[derive(Args, Clone, Debug)]
pub struct RenderArgs {
    #[command(flatten)]
    pub environment: EnvironmentArgs,

    /// Write nothing; exit with 2 if a file is missing or not current
    #[arg(long, conflicts_with = "overwrite")]
    pub check: bool,

    /// Use the state that already exists at the state key, although this folder has no files of
    /// tfbackend
    #[arg(long)]
    pub use_existing_state: bool,
}

pub async fn run(args: RenderArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    let environment = args
        .environment
        .open(cx.host, &cx.global, Prompting::Never)
        .await?;
    let moves_state = environment.settings.common.run.overwrite;
    let (environment, observation, state) =
        state_in_place::inspect(environment, moves_state, cx).await?;
    let refused = summary::refused_changes(&environment);
    if !args.check {
        summary::must_not_be_refused(&refused)?;
    }
    // A key that has no alias yet may not be the one: another run may be naming its own.
    let known = observation::final_outputs(&observation);
    if environment.settings.encryption != EncryptionSettings::SseS3 && !known.contains_key(&KEY) {
        let bootstrap = environment.rerun.command("bootstrap", "", &["overwrite"]);
        let failure = match observation.get(&KEY) {
            Some(Observed::Unreadable(error)) => {
                CliError::failed(format!("cannot read the KMS key: {error}"))
            }
            Some(Observed::Present { .. }) => {
                let failure = CliError::failed(format!(
                    "the key of {} has no alias {}",
                    environment.title(),
                    environment.names.key_alias
                ));
                return Err(failure.hint(format!(
                    "wait for the bootstrap that is creating it, or run `{bootstrap}` to create \
                     the alias"
                )));
            }
            _ => CliError::failed(format!("{} has no KMS key yet", environment.title())),
        };
        return Err(failure.hint(format!("`{bootstrap}` creates it")));
    }
    state.say_who_else(&environment, cx);
    if !args.check {
        state.must_be_meant(args.use_existing_state, false, &environment, cx)?;
        let written = files::write(&environment, &known, cx)?;
        let mut document = RenderDocument {
            check: false,
            current: true,
            refused: vec![],
            files: vec![],
        };
        for file in written {
            let status = if matches!(file.outcome, FileOutcome::Written { .. }) {
                "written"
            } else {
                "current"
            };
            document.files.push(RenderedFileDocument {
                path: file.path.display().to_string(),
                status,
                reason: None,
                diff: None,
            });
        }
        if cx.global.json() {
            return document.answer(cx).map(|()| exit::DONE);
        }
        for RenderedFileDocument { path, status, .. } in &document.files {
            cx.output(&format!("{path} {status}\n"))?;
        }
        say_how_states_come_along(&environment, cx);
        return Ok(exit::DONE);
    }
    let mut document = RenderDocument {
        check: true,
        current: refused.is_empty(),
        refused,
        files: vec![],
    };
    for (path, standing) in files::check(&environment, &known, cx)? {
        let (status, reason, diff) = match &standing {
            FileStatus::Current => ("current", None, None),
            FileStatus::Missing => ("missing", None, None),
            FileStatus::Stale { diff } => ("stale", None, Some(diff.as_str())),
            FileStatus::Refused(refusal) => ("refused", Some(refusal.to_string()), refusal.diff()),
        };
        document.current &= standing == FileStatus::Current;
        document.files.push(RenderedFileDocument {
            path: path.display().to_string(),
            status,
            reason,
            diff: diff.map(str::to_owned),
        });
    }
    let code = if document.current {
        exit::DONE
    } else {
        exit::CHANGES
    };
    if cx.global.json() {
        return document.answer(cx).map(|()| code);
    }
    for what in &document.refused {
        cx.output(&format!("{}\n", safe(what)))?;
    }
    for RenderedFileDocument {
        path,
        status,
        reason,
        diff,
    } in &document.files
    {
        cx.output(&format!(
            "{path}: {}\n",
            reason.as_deref().unwrap_or(status)
        ))?;
        for line in diff.iter().flat_map(|diff| diff.lines()) {
            cx.output(&format!("  {}\n", safe(line)))?;
        }
    }
    Ok(code)
}

/// The answer for a program.
#[derive(Serialize)]
struct RenderDocument {
    /// True if the files were only looked at.
    check: bool,
    current: bool,
    /// Settings that the live backend does not allow to change.
    refused: Vec<String>,
    files: Vec<RenderedFileDocument>,
}

#[derive(Serialize)]
struct RenderedFileDocument {
    path: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<String>,
}

impl RenderDocument {
    fn answer(self, cx: &mut Context<'_>) -> Result<(), CliError> {
        json::write_document(&mut *cx.host.out, self)
            .map_err(|error| CliError::failed("cannot write the output").because(&error))
    }
}

/// Explains how to move the states, if the file used another state before.
fn say_how_states_come_along(environment: &ConnectedEnvironment, cx: &mut Context<'_>) {
    let (beside, settings) = (&environment.beside, &environment.settings);
    let key = beside.key.as_ref().is_some_and(|key| *key != settings.key);
    let prefix = beside
        .workspace_prefix
        .as_ref()
        .is_some_and(|prefix| *prefix != settings.workspace_key_prefix);
    let bucket = beside
        .bucket
        .as_ref()
        .is_some_and(|bucket| *bucket != environment.names.state_bucket);
    if key || prefix || bucket {
        cx.status(
            "The file now uses another state. To move the states, run in the folder that was \
             initialized with the old state:",
        );
        let init = format!(
            "terraform init -migrate-state -backend-config={}",
            shell_word(&beside.file)
        );
        cx.status(&format!("  {}", environment.rerun.terraform(&init)));
    }
}
