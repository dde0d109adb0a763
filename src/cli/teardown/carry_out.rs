//! Executes a teardown: backup, confirmation, write freeze, files, and then all resources in
//! reverse order.

use std::sync::Mutex;

use super::{BackupMode, TeardownFlags, assess::Assessment, confirm, recheck, report};
use crate::{
    backend::aws::{
        blueprint::LOCK_TABLE,
        error::AwsError,
        retry::PATIENCE,
        store::{
            S3Store,
            backup::{self, BackupSubject},
            lock_acquire::LockMechanisms,
        },
        teardown::{
            destroy::{DestroyReport, DestroyTasks},
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

/// The result.
pub(crate) struct TakenDown {
    pub backup: Option<backup::BackupReport>,
    pub files: Vec<FileRemoval>,
    pub applied: usize,
    /// True if everything was deleted.
    pub whole: bool,
    pub done: DestroyReport,
}

pub(super) async fn run(
    looked: Assessment,
    options: &TeardownFlags,
    environment: &ConnectedEnvironment,
    cx: &mut Context<'_>,
) -> Result<u8, CliError> {
    let backup = back_up(&looked, options, environment, cx).await?;
    confirm::ask(options, &super::typed_name(environment), cx)?;
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
        let store = S3Store::new(&environment.provider.aws, address);
        let purge = EnvironmentPurge {
            aws: &environment.provider.aws,
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
                    report::not_purged(&error, environment, cx),
                    &left,
                    environment,
                ));
            }
        }
    }
    let until = frozen
        .as_ref()
        .and_then(BackendFreeze::since)
        .map(|since| (&*environment.provider.names.state_bucket, since));
    let demolition = DestroyTasks {
        aws: &environment.provider.aws,
        bucket: &environment.provider.names.state_bucket,
        key_days: options.key_window,
        detach: options.detach,
        until,
        patience: PATIENCE,
        cancel: cx.host.cancel.clone(),
        done: Mutex::new(done),
    };
    let stays = report::kept(&looked.plan);
    let table_stays = stays.kept.iter().any(|(address, _)| *address == LOCK_TABLE);
    let parallelism = environment.provider.settings.common.run.parallelism;
    let terms = looked.terms;
    let outcome =
        progress::carried_out(looked.plan, looked.outputs, &demolition, parallelism, cx).await;
    if let (true, true, Some(address)) = (
        table_stays,
        outcome.failed.is_empty() && outcome.left.is_empty(),
        &looked.store,
    ) {
        let forgotten = purge::forget(
            &S3Store::new(&environment.provider.aws, address),
            &looked.scope,
        )
        .await;
        forgotten.map_err(|error| {
            explain::aws(
                CliError::partly("the lock table is kept, and still has locks of this teardown")
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
    let failure = match report::left(&outcome, cx.host.cancel.is_cancelled()) {
        None => recheck::must_be_gone(&terms, environment, done.deleted, cx)
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
    report::taken_down(&taken, &stays, environment, cx)?;
    failure.map_or(Ok(exit::DONE), Err)
}

/// Stops before the first deletion if the run was interrupted.
fn begin(
    looked: &Assessment,
    environment: &ConnectedEnvironment,
    cx: &Context<'_>,
) -> Result<Vec<FileRemoval>, CliError> {
    if cx.host.cancel.is_cancelled() {
        return Err(CliError::interrupted("interrupted; nothing was deleted"));
    }
    files::remove(&environment.provider, &looked.outputs, cx)
}

/// Dropped on Ctrl-C: no partial backup is left.
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
        &files::out(&environment.provider, cx.host),
        &cx.host.cwd,
    )?;
    let (store, now) = (S3Store::new(&environment.provider.aws, address), cx.now());
    let key = match &looked.scope {
        TeardownScope::Whole => None,
        TeardownScope::Key(key) => Some(key.clone()),
    };
    let about = BackupSubject {
        env: environment.provider.settings.common.env.to_string(),
        key,
    };
    let written = cx
        .until_cancelled(backup::write(&store, extent, &dir, about, now, &mut |_| {}))
        .await?;
    let made = written.map_err(|error| {
        let failure = CliError::failed("the backup failed; nothing was deleted").because(&error);
        failure.hint("choose another folder with --backup-dir, or skip the backup with --no-backup")
    })?;
    let states = words::count(made.versions, "version", "versions");
    cx.status(&format!(
        "backup: {} ({states} of {}, read back)",
        made.path.display(),
        words::count(made.states, "state", "states")
    ));
    cx.status(&format!(
        "  {}; store it as securely as the states",
        copies::RISK
    ));
    Ok(Some(made))
}

/// Always awaited to its end, so that all locks are known.
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
        &environment.provider.aws,
        S3Store::new(&environment.provider.aws, address),
        sight,
        &how,
    )
    .await
    {
        Ok(freeze) => Ok(Some(freeze)),
        Err((error, left)) => {
            let failure = match &error {
                NotFrozen::Locked(_) | NotFrozen::Appeared(_) => CliError::refused(format!(
                    "{error}; nothing was deleted"
                ))
                .hint("a run holds the lock: wait until it ends, then run the same command again"),
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

/// Adds the locks that could not be released, which block other runs.
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
        "`{}` releases the locks",
        environment.rerun.command("teardown", " --cancel", &[])
    ))
}
