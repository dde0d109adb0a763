//! The restore of kind s3, which also puts the digest right and undoes deletions.

use jiff::Timestamp;

use super::{
    super::in_force, OPERATION, RestoreArgs, ask, document, failed, not_found, said, source, unfit,
};
use crate::{
    backend::aws::store::{
        restore::{RestoreAction, RestoreContext, RestoreInputs, RestorePlan},
        scan::LiveLock,
    },
    cli::{context::Context, copies, failure::CliError, target::S3Target},
    exit,
    report::restore::{self as report, RestoreDocument},
    store::restore::{RestoreReport, RestoreStep},
};

pub(super) async fn run(
    args: RestoreArgs,
    target: S3Target,
    cx: &mut Context<'_>,
) -> Result<u8, CliError> {
    let path = target.path(args.state.as_deref(), args.workspace.as_deref())?;
    cx.status(&format!("State: {}", target.store().url(&path)));
    let which = source(&args, &path, Some(&target.address.bucket), cx).await?;
    let looked = cx
        .until_cancelled(target.store().look_to_restore(&path, which))
        .await?
        .map_err(|error| not_found(&error, &path, &target.words))?;
    let RestoreInputs {
        current,
        wanted,
        is,
        digest,
        ..
    } = &looked;
    let mut document = RestoreDocument {
        digest: digest.clone(),
        ..document(&path, current.as_ref(), wanted, is)
    };
    let encrypt = in_force::for_state(
        &target,
        looked
            .current
            .as_ref()
            .and_then(|current| current.encryption.as_ref()),
        cx,
    )
    .await?;
    let plan = looked
        .plan(&encrypt, args.allow_lineage)
        .map_err(|error| unfit(&error))?;
    document.to.serial = plan.next.serial;
    match plan.how {
        RestoreAction::Nothing => {
            "nothing".clone_into(&mut document.outcome);
            answer(&document, &target, cx)?;
            // As an earlier restore left it that was killed.
            let (lock, _) = cx.until_cancelled(target.store().lock_on(&path)).await?;
            return if lock.halves().next().is_some() {
                note(&lock, &path, &target, cx)
            } else {
                Ok(exit::DONE)
            };
        }
        RestoreAction::Digest => "digest".clone_into(&mut document.outcome),
        RestoreAction::Undelete { .. } => "undeleted".clone_into(&mut document.outcome),
        RestoreAction::Write | RestoreAction::Touch => "restored".clone_into(&mut document.outcome),
    }
    let view = cx.global.view(cx.host);
    cx.status_text(&report::preview(&document, &view));
    let question = match plan.how {
        RestoreAction::Digest => format!("Fix the digest of {}", plan.path),
        RestoreAction::Nothing
        | RestoreAction::Undelete { .. }
        | RestoreAction::Write
        | RestoreAction::Touch => {
            format!("Restore {} in {}", plan.path, target.address.bucket)
        }
    };
    ask(&args, &question, cx)?;
    let RestoreReport {
        version,
        serial,
        digest,
        kept,
    } = carry_out(&args, &plan, &target, cx).await?;
    document.version = version;
    document.to.serial = serial;
    document.digest = target.address.table.as_ref().map(|_| digest);
    document.kept = kept.map(|kept| kept.display().to_string());
    answer(&document, &target, cx)
}

/// Must not be dropped before its end: its lock would remain.
async fn carry_out(
    args: &RestoreArgs,
    plan: &RestorePlan,
    target: &S3Target,
    cx: &mut Context<'_>,
) -> Result<RestoreReport, CliError> {
    let (cancel, now) = (cx.host.cancel.clone(), Timestamp::now());
    let store = target.store();
    let info = store.lock_info(&plan.path, OPERATION, &cx.host.who, now);
    let dir = match plan.how {
        RestoreAction::Write | RestoreAction::Touch => {
            copies::folder(args.backup_dir.as_deref(), &target.dir, &cx.host.cwd)?
        }
        // Nothing is replaced.
        RestoreAction::Nothing | RestoreAction::Digest | RestoreAction::Undelete { .. } => {
            target.dir.clone()
        }
    };
    let work = RestoreContext {
        mechanisms: target.locks.mechanisms(),
        info,
        dir,
        now,
        cancel: &cancel,
    };
    let mut say = |step: RestoreStep| cx.status(&said(&step));
    store
        .restore(plan, &work, &target.encryption, &mut say)
        .await
        .map_err(|failed| failed::failure(failed, &plan.path, target))
}

fn note(
    lock: &LiveLock,
    path: &str,
    target: &S3Target,
    cx: &mut Context<'_>,
) -> Result<u8, CliError> {
    let held = failed::held(lock, &[], path, target);
    cx.status(&format!("note: {}", held.message));
    held.hints
        .iter()
        .for_each(|hint| cx.status(&format!("hint: {hint}")));
    Ok(exit::DONE)
}

fn answer(
    document: &RestoreDocument,
    target: &S3Target,
    cx: &mut Context<'_>,
) -> Result<u8, CliError> {
    if cx.global.json() {
        target.answer(document, cx)?;
    } else {
        cx.output(&report::text(document))?;
    }
    Ok(exit::DONE)
}
