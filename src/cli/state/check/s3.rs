//! The check of kind s3, which also has digests, encryption keys and lock files; `--repair` fixes
//! digests and keys.

use jiff::Timestamp;

use super::{
    super::{in_force::InForce, restore::failed},
    CheckArgs,
};
use crate::{
    backend::aws::store::{
        check::{CheckReport, DigestOrigin, ExpectedEncryption, ProblemKind, StateProblem},
        restore::RestoreContext,
    },
    cli::{approval, context::Context, copies, explain, failure::CliError, target::S3Target},
    exit,
    report::check::{self as report, FaultDocument, StateCheckDocument},
    text::{shell::shell_word, words},
};

/// The operation that Terraform shows for the lock held meanwhile.
const OPERATION: &str = "OperationTypeRepair";

pub(super) async fn run(
    args: CheckArgs,
    target: S3Target,
    cx: &mut Context<'_>,
) -> Result<u8, CliError> {
    let key = cx.until_cancelled(target.key_arn()).await?;
    let key = key.map_err(|error| {
        explain::aws(
            CliError::failed("cannot read the KMS key of the backend").because(&error),
            &error,
            None,
        )
    })?;
    let should = ExpectedEncryption {
        key: key.as_deref(),
        encrypt: &target.encryption,
    };
    let mut checked = cx
        .busy_with(
            "checking states",
            target.store().check(args.state.as_deref(), &should),
        )
        .await?;
    let kept = keep_encryption(
        &mut checked,
        args.state.is_some(),
        key.as_deref(),
        &target,
        cx,
    )
    .await?;
    let mut document = document(&checked, args.accept_deleted, &target);
    let view = cx.global.out_view(cx.host);
    if !cx.global.json() {
        cx.output(&report::faults(&document, &view))?;
    }
    document
        .unseen
        .iter()
        .for_each(|error| cx.status(&format!("warning: {error}")));
    for hint in hints(&checked, args.repair, args.accept_deleted, &target) {
        cx.status(&format!("hint: {hint}"));
    }
    for (path, why) in kept {
        cx.status(&format!("note: {path} keeps its encryption: {why}"));
    }
    let failed = if args.repair {
        repair(&args, &checked, &should, &mut document, &target, cx).await?
    } else {
        None
    };
    if cx.global.json() {
        target.answer(&document, cx)?;
    } else {
        cx.output(&report::summary(&document))?;
    }
    let left = document.faults.iter().any(|fault| !fault.repaired) || !document.unseen.is_empty();
    match failed {
        Some(failure) if !cx.global.json() => Err(failure),
        Some(failure) => Ok(failure.code),
        None => Ok(if left { exit::CHANGES } else { exit::DONE }),
    }
}

/// Notes about states that are not encrypted again, with reasons.
async fn keep_encryption(
    checked: &mut CheckReport,
    named: bool,
    key: Option<&str>,
    target: &S3Target,
    cx: &mut Context<'_>,
) -> Result<Vec<(String, String)>, CliError> {
    let mut kept = vec![];
    if checked
        .faults
        .iter()
        .any(|fault| matches!(fault.what, ProblemKind::Key { .. }))
    {
        let in_force = InForce::look(target, key, cx).await?;
        for StateProblem { located, what } in &mut checked.faults {
            if let ProblemKind::Key { stays, .. } = what
                && let Some(why) = in_force.keeps(located, named, target)
            {
                *stays = true;
                kept.push((located.path.clone(), why));
            }
        }
    }
    Ok(kept)
}

fn document(checked: &CheckReport, accept_deleted: bool, target: &S3Target) -> StateCheckDocument {
    let CheckReport {
        states,
        faults,
        unseen,
    } = checked;
    let faults = faults
        .iter()
        .map(|fault| document_of(fault, accept_deleted, target));
    StateCheckDocument {
        states: *states,
        faults: faults.collect(),
        unseen: unseen.clone(),
    }
}

fn document_of(fault: &StateProblem, accept_deleted: bool, target: &S3Target) -> FaultDocument {
    let StateProblem { located, what } = fault;
    let mut document = FaultDocument {
        path: located.path.clone(),
        workspace: located.workspace.clone(),
        fault: what.name().to_owned(),
        remediation: remediation(fault, accept_deleted, target),
        ..FaultDocument::default()
    };
    match what {
        ProblemKind::Stale { stored, is } => {
            (document.stored, document.is) = (Some(stored.clone()), Some(is.clone()))
        }
        ProblemKind::Missing { is, stored } => {
            (document.stored, document.is) = (stored.clone(), Some(is.clone()))
        }
        ProblemKind::Orphaned { stored, origin } => {
            document.stored = Some(stored.clone());
            document.error = unsearched(origin);
        }
        ProblemKind::Unreadable { error, stored, .. } => {
            (document.stored, document.error) = (stored.clone(), Some(error.clone()))
        }
        ProblemKind::Key { is, .. } => {
            document.encryption = is
                .key
                .clone()
                .or_else(|| is.algorithm.clone())
                .or(Some("nothing".to_owned()))
        }
        ProblemKind::Deleted { .. } => {}
        ProblemKind::LockFile { lock } => document.lock = lock.info().map(|info| info.id.clone()),
        ProblemKind::Unread { error } => document.error = Some(error.clone()),
    }
    if let Some(version) = what.restorable() {
        document.restorable_version = Some(version.id.clone());
        document.restorable_serial = version.serial;
        document.restorable_has_digest = version.has_the_digest;
    }
    document
}

fn unsearched(origin: &DigestOrigin) -> Option<String> {
    match origin {
        DigestOrigin::Unknown(error) => Some(format!("its versions cannot be read: {error}")),
        DigestOrigin::Version(_) | DigestOrigin::NotFound => None,
    }
}

/// Returns the command that fixes a problem.
fn remediation(
    StateProblem { located, what }: &StateProblem,
    accept_deleted: bool,
    target: &S3Target,
) -> Option<String> {
    let (path, words) = (shell_word(&located.path), &target.words);
    if what.can_be_repaired(accept_deleted) {
        let flag = if matches!(what, ProblemKind::Orphaned { origin, .. } if *origin != DigestOrigin::NotFound)
        {
            " --accept-deleted"
        } else {
            ""
        };
        return Some(format!("tfbackend state check --repair{flag}{words}"));
    }
    if let Some(version) = what.restorable() {
        // An ID that begins with a dash is no flag.
        let id = shell_word(&version.id);
        let sign = if version.id.starts_with('-') {
            '='
        } else {
            ' '
        };
        return Some(format!(
            "tfbackend state restore {path} --version-id{sign}{id}{words}"
        ));
    }
    match what {
        ProblemKind::LockFile { lock } => Some(failed::release(
            lock.info().map_or("", |info| &info.id),
            target,
        )),
        ProblemKind::Unreadable { .. } => Some(format!("tfbackend state versions {path}{words}")),
        _ => None,
    }
}

fn hints(
    checked: &CheckReport,
    repair: bool,
    accept_deleted: bool,
    target: &S3Target,
) -> Vec<String> {
    let mut hints = vec![];
    let mut repairable = checked
        .faults
        .iter()
        .filter(|fault| fault.what.can_be_repaired(accept_deleted));
    if let (false, Some(fault)) = (repair, repairable.next_back()) {
        hints.extend(
            remediation(fault, accept_deleted, target)
                .map(|command| format!("`{command}` fixes this")),
        );
    }
    for fault in &checked.faults {
        let path = &fault.located.path;
        let accept = || {
            format!(
                "tfbackend state check {} --repair --accept-deleted{}",
                shell_word(path),
                target.words
            )
        };
        if let (
            ProblemKind::Orphaned {
                origin: DigestOrigin::Unknown(_),
                ..
            },
            false,
        ) = (&fault.what, accept_deleted)
        {
            hints.push(format!(
                "{path}: its versions cannot be read, so it may have been deleted by mistake; if \
                 not: `{}`",
                accept()
            ));
        }
        let Some(command) = remediation(fault, accept_deleted, target) else {
            continue;
        };
        match (&fault.what, fault.what.restorable()) {
            (ProblemKind::LockFile { .. }, _) => {
                hints.push(format!("if the run that holds it has ended: `{command}`"))
            }
            (ProblemKind::Unreadable { .. }, Some(version)) => {
                let serial = version
                    .serial
                    .map_or_else(String::new, |serial| format!(", serial {serial}"));
                let which = if version.has_the_digest {
                    "the version that its digest belongs to"
                } else {
                    "the newest version that can be read"
                };
                hints.push(format!("{path}: `{command}` restores {which}{serial}"));
            }
            (ProblemKind::Unreadable { .. }, None) => {
                let restore = format!(
                    "tfbackend state restore {} --from-backup FILE{}",
                    shell_word(path),
                    target.words
                );
                hints.push(format!(
                    "{path}: restore it from a backup: `{restore}`; `{command}` lists its versions"
                ));
            }
            (ProblemKind::Deleted { .. }, Some(version)) => {
                let serial = version
                    .serial
                    .map_or_else(String::new, |serial| format!(", serial {serial}"));
                hints.push(format!(
                    "{path}: `{command}` restores the newest version{serial}"
                ));
            }
            (ProblemKind::Orphaned { .. }, Some(_))
                if !fault.what.can_be_repaired(accept_deleted) =>
            {
                hints.push(format!(
                    "{path}: `{command}` restores the state; if it was deleted on purpose: `{}`",
                    accept()
                ));
            }
            _ => {}
        }
    }
    hints
}

/// Repairs the states one after the other; a failure does not stop the others.
async fn repair(
    args: &CheckArgs,
    checked: &CheckReport,
    should: &ExpectedEncryption<'_>,
    document: &mut StateCheckDocument,
    target: &S3Target,
    cx: &mut Context<'_>,
) -> Result<Option<CliError>, CliError> {
    let count = checked
        .faults
        .iter()
        .filter(|fault| fault.what.can_be_repaired(args.accept_deleted))
        .count();
    if count == 0 {
        return Ok(None);
    }
    approve(args, count, target, cx)?;
    let cancel = cx.host.cancel.clone();
    let dir = copies::folder(args.backup_dir.as_deref(), &target.dir, &cx.host.cwd)?;
    let store = target.store();
    let mut failure: Option<CliError> = None;
    for (fault, row) in checked
        .faults
        .iter()
        .zip(&mut document.faults)
        .filter(|(fault, _)| fault.what.can_be_repaired(args.accept_deleted))
    {
        let now = Timestamp::now();
        let path = &fault.located.path;
        let info = store.lock_info(path, OPERATION, &cx.host.who, now);
        let work = RestoreContext {
            mechanisms: target.locks.mechanisms(),
            info,
            dir: dir.clone(),
            now,
            cancel: &cancel,
        };
        match store.repair(fault, should, &work).await {
            Ok(repaired) => {
                row.repaired = true;
                row.kept = repaired.kept.map(|kept| kept.display().to_string());
                row.version = repaired.version;
                cx.status(&format!("repaired {path}: {}", row.fault));
                if let Some(kept) = &row.kept {
                    cx.status(&format!("kept the old digest in {kept}"));
                }
            }
            Err(failed) => {
                let one = failed::failure(failed, path, target);
                row.error = Some(one.causes.iter().fold(one.message.clone(), |text, cause| {
                    format!("{text}: {cause}")
                }));
                if let Some(first) = failure.as_mut().filter(|_| one.code != exit::INTERRUPTED) {
                    first.causes.push(one.message);
                    one.hints.into_iter().for_each(|hint| {
                        first
                            .hints
                            .extend((!first.hints.contains(&hint)).then_some(hint))
                    });
                } else {
                    failure = Some(one);
                }
                if cancel.is_cancelled() {
                    break;
                }
            }
        }
    }
    let some = document.faults.iter().any(|fault| fault.repaired);
    Ok(failure.map(|failure| {
        if some && failure.code != exit::INTERRUPTED {
            CliError {
                code: exit::PARTLY,
                ..failure
            }
        } else {
            failure
        }
    }))
}

fn approve(
    args: &CheckArgs,
    count: usize,
    target: &S3Target,
    cx: &mut Context<'_>,
) -> Result<(), CliError> {
    if args.auto_approve {
        return Ok(());
    }
    if !cx.global.attended(cx.host) {
        return Err(CliError::refused(
            "repairs need approval, but this is not a terminal; nothing was repaired",
        )
        .hint("pass --auto-approve (-y) to repair without a question"));
    }
    let text = format!(
        "Repair {} in {}",
        words::count(count, "fault", "faults"),
        target.address.bucket
    );
    approval::ask(&text, "--auto-approve", cx)
}
