//! `tfbackend render`: writes the files of an existing backend; AWS is only read.

use crate::{backend::provider::Provider, cli::local, kind::BackendKind, text::shell::shell_word};
use std::path::PathBuf;

use clap::Args;
use schemars::JsonSchema;
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
    store::location::BackendLocation,
    terraform::write::{
        file_status::FileStatus,
        files::{FileOutcome, WrittenFile},
    },
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

pub(crate) async fn run(args: RenderArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    match args.environment.kind(cx.host, &cx.global)? {
        BackendKind::S3 => of_s3(args, cx).await,
        BackendKind::Local => local::render::run(args, cx).await,
    }
}

async fn of_s3(args: RenderArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    let environment = args
        .environment
        .open(cx.host, &cx.global, Prompting::Never)
        .await?;
    let moves_state = environment.provider.settings.common.run.overwrite;
    let (environment, observation, state) =
        state_in_place::inspect(environment, moves_state, cx).await?;
    let refused = summary::refused_changes(&environment);
    if !args.check {
        summary::must_not_be_refused(&refused)?;
    }
    // A key that has no alias yet may not be the one: another run may be naming its own.
    let known = observation::final_outputs(&observation);
    if environment.provider.settings.encryption != EncryptionSettings::SseS3
        && !known.contains_key(&KEY)
    {
        let bootstrap = environment.rerun.command("bootstrap", "", &["overwrite"]);
        let failure = match observation.get(&KEY) {
            Some(Observed::Unreadable(error)) => {
                CliError::failed(format!("cannot read the KMS key: {error}"))
            }
            Some(Observed::Present { .. }) => {
                let failure = CliError::failed(format!(
                    "the key of {} has no alias {}",
                    environment.provider.title(),
                    environment.provider.names.key_alias
                ));
                return Err(failure.hint(format!(
                    "wait for the bootstrap that is creating it, or run `{bootstrap}` to create \
                     the alias"
                )));
            }
            _ => CliError::failed(format!(
                "{} has no KMS key yet",
                environment.provider.title()
            )),
        };
        return Err(failure.hint(format!("`{bootstrap}` creates it")));
    }
    state.say_who_else(&environment, cx);
    if !args.check {
        state.must_be_meant(args.use_existing_state, false, &environment, cx)?;
        let written = files::write(&environment.provider, &known, cx)?;
        let is_json = cx.global.json();
        RenderDocument::written(environment.location(), written).answer_written(cx)?;
        if !is_json {
            say_how_states_come_along(&environment, cx);
        }
        return Ok(exit::DONE);
    }
    let files = files::check(&environment.provider, &known, cx)?;
    answer_check(
        RenderDocument::checked(environment.location(), files, refused),
        cx,
    )
}

/// Prints the status of each file.
pub(crate) fn answer_check(document: RenderDocument, cx: &mut Context<'_>) -> Result<u8, CliError> {
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
#[derive(Serialize, JsonSchema)]
pub(crate) struct RenderDocument {
    backend: BackendLocation,
    /// True if the files were only looked at.
    check: bool,
    current: bool,
    /// Settings that the live backend does not allow to change.
    refused: Vec<String>,
    files: Vec<RenderedFileDocument>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct RenderedFileDocument {
    path: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<String>,
}

impl RenderDocument {
    /// After the files were written.
    pub(crate) fn written(backend: BackendLocation, written: Vec<WrittenFile>) -> Self {
        let file = |file: WrittenFile| RenderedFileDocument {
            path: file.path.display().to_string(),
            status: if matches!(file.outcome, FileOutcome::Written { .. }) {
                "written"
            } else {
                "current"
            },
            reason: None,
            diff: None,
        };
        Self {
            backend,
            check: false,
            current: true,
            refused: vec![],
            files: written.into_iter().map(file).collect(),
        }
    }

    /// After the files were looked at; `refused` are settings that cannot be changed.
    pub(crate) fn checked(
        backend: BackendLocation,
        files: Vec<(PathBuf, FileStatus)>,
        refused: Vec<String>,
    ) -> Self {
        let current = refused.is_empty()
            && files
                .iter()
                .all(|(_, status)| *status == FileStatus::Current);
        let file = |(path, status): (PathBuf, FileStatus)| {
            let (name, reason, diff) = match status {
                FileStatus::Current => ("current", None, None),
                FileStatus::Missing => ("missing", None, None),
                FileStatus::Stale { diff } => ("stale", None, Some(diff)),
                FileStatus::Refused(refusal) => (
                    "refused",
                    Some(refusal.to_string()),
                    refusal.diff().map(str::to_owned),
                ),
            };
            RenderedFileDocument {
                path: path.display().to_string(),
                status: name,
                reason,
                diff,
            }
        };
        Self {
            backend,
            check: true,
            current,
            refused,
            files: files.into_iter().map(file).collect(),
        }
    }

    /// Prints what became of each file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn answer_written(self, cx: &mut Context<'_>) -> Result<(), CliError> {
        if cx.global.json() {
            return self.answer(cx);
        }
        for RenderedFileDocument { path, status, .. } in &self.files {
            cx.output(&format!("{path} {status}\n"))?;
        }
        Ok(())
    }

    fn answer(self, cx: &mut Context<'_>) -> Result<(), CliError> {
        json::write_document(&mut *cx.host.out, self)
            .map_err(|error| CliError::failed("cannot write the output").because(&error))
    }
}

/// Explains how to move the states, if the file used another state before.
fn say_how_states_come_along(environment: &ConnectedEnvironment, cx: &mut Context<'_>) {
    let (beside, settings) = (&environment.beside, &environment.provider.settings);
    let key = beside.key.as_ref().is_some_and(|key| *key != settings.key);
    let prefix = beside
        .workspace_prefix
        .as_ref()
        .is_some_and(|prefix| *prefix != settings.workspace_key_prefix);
    let bucket = beside
        .bucket
        .as_ref()
        .is_some_and(|bucket| *bucket != environment.provider.names.state_bucket);
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
