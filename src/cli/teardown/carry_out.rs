//! Carries a teardown out: backup, the question, standstill, files, and all the rest backwards.

use std::sync::Mutex;

use super::{BackupMode, TeardownFlags, again, confirm, look::Assessment, told};
use crate::{
    backend::aws::{
        blueprint::LOCK_TABLE,
        error::AwsError,
        settle::PATIENCE,
        store::{
            S3Store,
            backup::{self, BackupSubject},
            hold::LockMechanisms,
        },
        teardown::{
            demolition::{DestroyReport, DestroyTasks},
            freeze::{BackendFreeze, FreezeOptions, NotFrozen},
            purge::{self, EnvironmentPurge},
            scope::TeardownScope,
        },
    },
    cli::{
        context::Context, copies, environment::ConnectedEnvironment, explain, failure::CliError,
        files, progress,
    },
    exit,
    store::backup::manifest::BackupExtent,
    terraform::write::files::FileRemoval,
    text::words,
};

/// What came of it.
pub struct TakenDown {
    pub backup: Option<backup::BackupReport>,
    pub files: Vec<FileRemoval>,
    pub applied: usize,
    /// Whether nothing is left that should have gone.
    pub whole: bool,
    pub done: DestroyReport,
}

pub async fn run(
    looked: Assessment,
    options: &TeardownFlags,
    environment: &ConnectedEnvironment,
    cx: &mut Context<'_>,
) -> Result<u8, CliError> {
    let backup = back_up(&looked, options, environment, cx).await?;
    confirm::ask(options, environment, cx)?;
    let frozen = freeze(&looked, environment, cx).await?;
    let files = match begin(&looked, environment, cx) {
        Ok(files) => files,
        Err(failure) => return Err(lift(frozen, failure, environment).await),
    };
    let mut done = DestroyReport::default();
    let mut frozen = frozen;
    if let (TeardownScope::Key(key), Some(address), Some(freeze)) =
        (&looked.scope, &looked.store, frozen.take())
    {
        let store = S3Store::new(&environment.aws, address);
        let purge = EnvironmentPurge {
            aws: &environment.aws,
            store,
            key,
            until: freeze.since(),
            patience: PATIENCE,
            cancel: &cx.host.cancel,
        };
        let purged = purge.run().await;
        let left = freeze.lift().await;
        match purged {
            Ok(emptied) => drop(done.emptied.insert(address.bucket.clone(), emptied)),
            Err(error) => {
                return Err(not_lifted(
                    told::not_purged(&error, environment, cx),
                    &left,
                    environment,
                ));
            }
        }
    }
    let until = frozen
        .as_ref()
        .and_then(BackendFreeze::since)
        .map(|since| (&*environment.names.state_bucket, since));
    let demolition = DestroyTasks {
        aws: &environment.aws,
        bucket: &environment.names.state_bucket,
        key_days: options.key_window,
        detach: options.detach,
        until,
        patience: PATIENCE,
        cancel: cx.host.cancel.clone(),
        done: Mutex::new(done),
    };
    let stays = told::kept(&looked.plan);
    let table_stays = stays.kept.iter().any(|(address, _)| *address == LOCK_TABLE);
    let parallelism = environment.settings.run.parallelism;
    let terms = looked.terms;
    let outcome =
        progress::carried_out(looked.plan, looked.outputs, &demolition, parallelism, cx).await;
    if let (true, true, Some(address)) = (
        table_stays,
        outcome.failed.is_empty() && outcome.left.is_empty(),
        &looked.store,
    ) {
        let forgotten =
            purge::forget(&S3Store::new(&environment.aws, address), &looked.scope).await;
        forgotten.map_err(|error| {
            explain::aws(
                CliError::partly("the lock table stays, and still has locks of this teardown")
                    .because(&error),
                &error,
                None,
            )
        })?;
    }
    let done = demolition
        .done
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let failure = match told::left(&outcome, cx.host.cancel.is_cancelled()) {
        None => again::must_be_gone(&terms, environment, done.deleted, cx)
            .await
            .err(),
        some => some,
    };
    let taken = TakenDown {
        backup,
        files,
        applied: outcome.applied.len(),
        whole: failure.is_none(),
        done,
    };
    told::taken_down(&taken, &stays, environment, cx)?;
    failure.map_or(Ok(exit::DONE), Err)
}

/// The first thing that goes, unless nobody wants it to begin any more.
fn begin(
    looked: &Assessment,
    environment: &ConnectedEnvironment,
    cx: &Context<'_>,
) -> Result<Vec<FileRemoval>, CliError> {
    if cx.host.cancel.is_cancelled() {
        return Err(CliError::interrupted("interrupted; nothing was deleted"));
    }
    files::remove(environment, &looked.outputs, cx)
}

/// Dropped on Ctrl-C: no half of a backup is left.
async fn back_up(
    looked: &Assessment,
    options: &TeardownFlags,
    environment: &ConnectedEnvironment,
    cx: &mut Context<'_>,
) -> Result<Option<backup::BackupReport>, CliError> {
    let Some(address) = looked.store.as_ref().filter(|_| !options.no_backup) else {
        return Ok(None);
    };
    let extent = match options.backup {
        BackupMode::Current => BackupExtent::Current,
        BackupMode::AllVersions => BackupExtent::AllVersions,
    };
    let nothing = looked.census.as_ref().is_some_and(|census| match extent {
        BackupExtent::Current => census.states.count == 0,
        BackupExtent::AllVersions => census.versions.count == 0,
    });
    if nothing {
        return Ok(None);
    }
    let dir = copies::folder(
        options.backup_dir.as_deref(),
        &environment.out(cx.host),
        &cx.host.cwd,
    )?;
    let (store, now) = (S3Store::new(&environment.aws, address), cx.now());
    let key = match &looked.scope {
        TeardownScope::Whole => None,
        TeardownScope::Key(key) => Some(key.clone()),
    };
    let about = BackupSubject {
        env: environment.settings.env.to_string(),
        key,
    };
    let written = cx
        .look(backup::write(&store, extent, &dir, about, now, &mut |_| {}))
        .await?;
    let made = written.map_err(|error| {
        let failure = CliError::failed("the backup failed; nothing was deleted").because(&error);
        failure.hint(
            "choose another folder with --backup-dir, or go without a backup with --no-backup",
        )
    })?;
    let states = words::count(made.versions, "version", "versions");
    cx.say(&format!(
        "backup: {} ({states} of {}, read back)",
        made.path.display(),
        words::count(made.states, "state", "states")
    ));
    cx.say(&format!(
        "  {}; keep it as you would keep them",
        copies::RISK
    ));
    Ok(Some(made))
}

/// Waited for to its end, whatever happens: locks are to be known.
async fn freeze<'a>(
    looked: &'a Assessment,
    environment: &'a ConnectedEnvironment,
    cx: &mut Context<'_>,
) -> Result<Option<BackendFreeze<'a>>, CliError> {
    let (Some(address), Some(sight)) = (&looked.store, &looked.sight) else {
        return Ok(None);
    };
    let how = FreezeOptions {
        mechanisms: LockMechanisms {
            table: address.table.is_some(),
            file: true,
        },
        encrypt: &looked.encrypt,
        scope: &looked.scope,
        who: &cx.host.who,
        now: cx.now(),
    };
    match BackendFreeze::put(
        &environment.aws,
        S3Store::new(&environment.aws, address),
        sight,
        &how,
    )
    .await
    {
        Ok(freeze) => Ok(Some(freeze)),
        Err((error, left)) => {
            let failure = match &error {
                NotFrozen::Locked(_) | NotFrozen::Appeared(_) => {
                    CliError::refused(format!("{error}; nothing was deleted"))
                        .hint("somebody is at work: ask them, then run the same command again")
                }
                NotFrozen::Aws(error) => explain::aws(
                    CliError::failed("the states cannot be locked; nothing was deleted")
                        .because(error),
                    error,
                    None,
                ),
            };
            Err(not_lifted(failure, &left, environment))
        }
    }
}

async fn lift(
    frozen: Option<BackendFreeze<'_>>,
    failure: CliError,
    environment: &ConnectedEnvironment,
) -> CliError {
    match frozen {
        Some(frozen) => not_lifted(failure, &frozen.lift().await, environment),
        None => failure,
    }
}

/// What was frozen and could not be let go again keeps others from working.
fn not_lifted(
    mut failure: CliError,
    left: &[AwsError],
    environment: &ConnectedEnvironment,
) -> CliError {
    if left.is_empty() {
        return failure;
    }
    failure.code = exit::PARTLY;
    failure
        .causes
        .extend(left.iter().map(|error| format!("still locked: {error}")));
    failure.hint(format!(
        "`{}` lets everybody work again",
        environment.rerun.command("teardown", " --cancel", &[])
    ))
}
