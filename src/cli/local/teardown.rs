//! `tfbackend teardown` of an environment of kind `local`.

use schemars::JsonSchema;
use serde::Serialize;

use super::{LocalEnvironment, no_outputs};
use crate::{
    backend::{
        local::teardown::{DeletedFolder, FolderCensus, FolderState, NotDeleted},
        provider::Provider,
    },
    cli::{
        context::Context,
        copies,
        environment::Prompting,
        failure::CliError,
        files,
        teardown::{
            TeardownArgs, TeardownFlags,
            confirm::{self, TypedName},
        },
    },
    engine::{
        observation::Observed,
        plan::{Plan, teardown::TeardownOptions},
    },
    exit,
    report::{
        json,
        plan::{self as report, ResourceTitle},
        safe::safe,
    },
    state::{
        census::StateContentsKind,
        layout::DEFAULT_WORKSPACE,
        lock::LockInfo,
        snapshot::{SnapshotDetail, StateSnapshot},
    },
    store::{
        backup::{
            manifest::{BackupExtent, ManifestFacts, ManifestHeader, ManifestState},
            write::{ArchiveError, ArchiveWriter, FinishedBackup, finished},
        },
        location::BackendLocation,
    },
    terraform::write::files::FileRemoval,
    text::words,
};

pub(crate) async fn run(args: TeardownArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    let TeardownArgs {
        environment,
        teardown: options,
    } = args;
    if options.cancel {
        return Err(CliError::failed(
            "--cancel is for backend kind s3: locks of a local backend end with their process",
        ));
    }
    let environment = LocalEnvironment::open(environment, Prompting::Never, cx)?;
    let provider = &environment.provider;
    let folder = provider.settings.state_dir.to_string();
    let typed = TypedName {
        what: "folder",
        name: &folder,
    };
    let run = &provider.settings.common.run;
    if !options.plan {
        confirm::must_be_possible(&options, &typed, run, environment.may_ask)?;
    }
    let observation = environment.observe(cx).await?;
    let plan = Plan::to_teardown(
        provider.blueprint(),
        &observation,
        &TeardownOptions::default(),
    );
    let is_nothing = observation
        .values()
        .all(|seen| matches!(seen, Observed::Absent));
    let census = match is_nothing {
        true => FolderCensus::default(),
        false => cx
            .busy_with("counting states", provider.census())
            .await?
            .map_err(|error| CliError::failed("the states cannot be read").because(&error))?,
    };
    let guards = guards(&environment, &census, &options, &plan);
    let view = cx.global.out_view(cx.host);
    let text = report::text(&plan, &ResourceTitle::of, &view) + &census_text(&census);
    if options.plan {
        if cx.global.json() {
            let common = provider.common();
            let document = PlanOfTeardown {
                project: common.project.as_str(),
                env: common.env.as_str(),
                backend: environment.location(),
                states: census.states.len(),
                guards: guards.into_iter().map(LocalGuard::of).collect(),
            };
            json::write_document(&mut *cx.host.out, document)
                .map_err(|error| CliError::failed("cannot write the output").because(&error))?;
            return Ok(exit::DONE);
        }
        cx.status(&provider.title());
        cx.output(&text)?;
        for (what, remedy) in &guards {
            cx.output(&format!(
                "Blocked by: {}.\n  {}\n",
                safe(what),
                safe(remedy)
            ))?;
        }
        return Ok(exit::DONE);
    }
    if is_nothing {
        let files = files::remove(provider, &no_outputs(), cx)?;
        return answer(&environment, None, None, &files, cx);
    }
    cx.status(&provider.title());
    cx.status_text(&text);
    must_not_be_guarded(guards)?;
    let backup = back_up(&environment, &census, &options, cx).await?;
    confirm::ask(&options, &typed, cx)?;
    if cx.host.cancel.is_cancelled() {
        return Err(CliError::interrupted("interrupted; nothing was deleted"));
    }
    let files = files::remove(provider, &no_outputs(), cx)?;
    let info = LockInfo::of_ours("teardown", &cx.host.who, cx.now(), &folder);
    let deleted = provider
        .delete(&census, &info)
        .await
        .map_err(|error| not_deleted(&error))?;
    answer(&environment, Some(deleted), backup.as_ref(), &files, cx)
}

/// What keeps the backend from being taken down, each with what to do.
fn guards<S: crate::engine::spec::Spec>(
    environment: &LocalEnvironment,
    census: &FolderCensus,
    options: &TeardownFlags,
    plan: &Plan<S>,
) -> Vec<(String, String)> {
    let mut guards = vec![];
    let provider = &environment.provider;
    let common = provider.common();
    for (address, reason) in plan.blocked() {
        guards.push((
            format!("{address}: {reason}"),
            "resolve that, then run the same command again".to_owned(),
        ));
    }
    let is_ours = provider
        .found_marker()
        .ok()
        .flatten()
        .is_some_and(|marker| marker.is_of(&provider.marker()));
    if !is_ours && !plan.steps.is_empty() {
        guards.push((
            format!(
                "the folder {} does not belong to this environment",
                provider.settings.state_dir
            ),
            "adopt it with `tfbackend bootstrap --adopt`, or delete it yourself".to_owned(),
        ));
    }
    if common.protect && !options.unprotect {
        guards.push((
            "the environment is protected".to_owned(),
            "pass --unprotect, or set `ephemeral` for a short-lived environment".to_owned(),
        ));
    }
    for path in &census.irregular {
        guards.push((
            format!(
                "{} is not a regular file, and Terraform may use it as a state",
                path.display()
            ),
            "delete it yourself, or put the state in its place".to_owned(),
        ));
    }
    for path in &census.nested {
        guards.push((
            format!("{} is the folder of another environment", path.display()),
            "take that environment down first, or move its folder".to_owned(),
        ));
    }
    for lock in &census.locks {
        let who = lock
            .info
            .as_ref()
            .map_or_else(|_| "unknown".to_owned(), |info| info.who.clone());
        guards.push((
            format!("{} is locked by {who}", lock.id.path),
            "wait until the run ends".to_owned(),
        ));
    }
    let in_use: Vec<String> = census
        .states
        .iter()
        .filter(|state| is_in_use(state))
        .map(|state| format!("{} {}", state.path.display(), contents(&state.holds)))
        .collect();
    if !in_use.is_empty() && !options.purge_states {
        guards.push((
            format!(
                "{} in use: {}",
                words::count(in_use.len(), "state is", "states are"),
                in_use.join(", ")
            ),
            "destroy the resources first (`terraform destroy`), move the states (`tfbackend \
             migrate`), or pass --purge-states"
                .to_owned(),
        ));
    }
    guards
}

/// A state with resources, or one of which nothing is known.
fn is_in_use(state: &FolderState) -> bool {
    if state.bytes.is_empty() {
        return false;
    }
    state
        .holds
        .facts()
        .is_none_or(|facts| facts.managed != Some(0))
}

fn contents(holds: &StateContentsKind) -> String {
    match holds.facts().and_then(|facts| facts.managed) {
        Some(count) => {
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            format!("has {}", words::count(count, "resource", "resources"))
        }
        None => "has unknown content".to_owned(),
    }
}

fn must_not_be_guarded(guards: Vec<(String, String)>) -> Result<(), CliError> {
    let mut guards = guards.into_iter();
    let Some((first, remedy)) = guards.next() else {
        return Ok(());
    };
    let failure = CliError::refused(format!("{first}; nothing was deleted")).hint(remedy);
    Err(guards.fold(failure, |mut failure, (what, remedy)| {
        failure.causes.push(what);
        failure.hint(remedy)
    }))
}

fn census_text(census: &FolderCensus) -> String {
    let mut text = match census.states.len() {
        0 => "No states.\n".to_owned(),
        count => format!("{}:\n", words::count(count, "state", "states")),
    };
    for state in &census.states {
        let line = format!("  {} {}", state.path.display(), contents(&state.holds));
        text.push_str(&format!("{}\n", safe(&line)));
    }
    for other in &census.others {
        let line = format!("  {} is not a state, and stays", other.display());
        text.push_str(&format!("{}\n", safe(&line)));
    }
    text
}

async fn back_up(
    environment: &LocalEnvironment,
    census: &FolderCensus,
    options: &TeardownFlags,
    cx: &mut Context<'_>,
) -> Result<Option<FinishedBackup>, CliError> {
    if options.no_backup || census.states.is_empty() {
        return Ok(None);
    }
    let provider = &environment.provider;
    let beside = files::out(provider, cx.host);
    let dir = copies::folder(options.backup_dir.as_deref(), &beside, &cx.host.cwd)?;
    let header = ManifestHeader {
        env: environment.name().to_string(),
        backend: Some(environment.location()),
        ..ManifestHeader::new(BackupExtent::Current, cx.now())
    };
    let writing = async {
        let mut archive = ArchiveWriter::begin(&dir, header)?;
        for state in &census.states {
            let facts = StateSnapshot::parse(&state.bytes, SnapshotDetail::Counts);
            let entry = ManifestState {
                path: state.path.display().to_string(),
                workspace: DEFAULT_WORKSPACE.to_owned(),
                version: None,
                current: true,
                modified: None,
                facts: ManifestFacts::of(facts),
                digest: None,
            };
            let size = u64::try_from(state.bytes.len()).unwrap_or(u64::MAX);
            archive.add(entry, size, &*state.bytes)?;
        }
        finished(archive).await
    };
    let backup = cx.until_cancelled(writing).await?;
    let backup = backup.map_err(|error: ArchiveError| {
        CliError::failed("the backup failed; nothing was deleted")
            .because(&error)
            .hint("choose another folder with --backup-dir, or skip the backup with --no-backup")
    })?;
    cx.status(&format!(
        "backup: {} ({}, read back); {}",
        backup.path.display(),
        words::count(census.states.len(), "state", "states"),
        copies::RISK
    ));
    Ok(Some(backup))
}

fn not_deleted(error: &NotDeleted) -> CliError {
    CliError::partly("the backend is not completely deleted")
        .because(error)
        .hint("the same command continues where this one stopped")
}

/// The last line of `teardown --output json`.
#[derive(Serialize, JsonSchema)]
pub(in crate::cli) struct LocalTeardownDocument<'a> {
    event: &'static str,
    project: &'a str,
    env: &'a str,
    backend: BackendLocation,
    /// The number of deleted states.
    states: usize,
    /// False if the folder stays, because something else is in it.
    is_gone: bool,
    files: Vec<String>,
    backup: Option<String>,
}

/// `teardown --plan --output json`.
#[derive(Serialize, JsonSchema)]
pub(in crate::cli) struct PlanOfTeardown<'a> {
    project: &'a str,
    env: &'a str,
    backend: BackendLocation,
    states: usize,
    /// Blocking conditions.
    guards: Vec<LocalGuard>,
}

#[derive(Serialize, JsonSchema)]
struct LocalGuard {
    reason: String,
    what_to_do: String,
}

impl LocalGuard {
    fn of((reason, what_to_do): (String, String)) -> Self {
        Self { reason, what_to_do }
    }
}

fn answer(
    environment: &LocalEnvironment,
    deleted: Option<DeletedFolder>,
    backup: Option<&FinishedBackup>,
    files: &[FileRemoval],
    cx: &mut Context<'_>,
) -> Result<u8, CliError> {
    let common = environment.provider.common();
    let removed = files.iter().filter_map(|file| match file {
        FileRemoval::Removed(path) => Some(path.display().to_string()),
        FileRemoval::Kept(..) | FileRemoval::InUse(..) => None,
    });
    let removed: Vec<String> = removed.collect();
    if cx.global.json() {
        let document = LocalTeardownDocument {
            event: "taken-down",
            project: common.project.as_str(),
            env: common.env.as_str(),
            backend: environment.location(),
            states: deleted.map_or(0, |deleted| deleted.states),
            is_gone: deleted.is_none_or(|deleted| deleted.is_gone),
            files: removed,
            backup: backup.map(|backup| backup.path.display().to_string()),
        };
        json::write_line(&mut *cx.host.out, document)
            .map_err(|error| CliError::failed("cannot write the output").because(&error))?;
        return Ok(exit::DONE);
    }
    for path in &removed {
        cx.status(&format!("removed: {path}"));
    }
    let folder = &environment.provider.settings.state_dir;
    cx.status(&match deleted {
        None => format!("{}: nothing is left", environment.provider.title()),
        Some(DeletedFolder { states, is_gone }) => {
            let count = words::count(states, "state", "states");
            match is_gone {
                true => format!("deleted: {folder}, with {count}"),
                false => {
                    format!("deleted: {count} in {folder}; the folder stays, with other files")
                }
            }
        }
    });
    Ok(exit::DONE)
}
