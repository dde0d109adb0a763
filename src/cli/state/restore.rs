//! `tfbackend state restore`: restores an older version of a state as the current one.

use std::path::PathBuf;

use clap::Args;
use jiff::{Timestamp, civil, tz::TimeZone};

use super::named::{self, VersionName, no_versions};
use crate::{
    cli::{
        approval,
        context::Context,
        copies, explain,
        failure::CliError,
        target::{BackendTarget, TargetArgs},
    },
    exit,
    report::restore::{self as report, RestoreDocument, SideDocument},
    state::{
        lock::{LockInfo, new_id},
        recover::{self, StateChanges, UnfitState},
        snapshot::StateSnapshot,
    },
    store::{
        restore::{
            self, LookError, PlannedRestore, RestoreCandidate, RestoreReport, RestoreRun,
            RestoreSource, RestoreStep,
        },
        state_store::{FetchedState, StateId, VersionId},
    },
};

pub(crate) mod failed;
pub(super) mod file;
mod s3;

/// Restore an older version of a state as the current one
#[derive(Args, Clone, Debug)]
pub struct RestoreArgs {
    #[command(flatten)]
    pub target: TargetArgs,

    /// Path of the state [default: the state of the current workspace]
    #[arg(value_name = "KEY")]
    pub state: Option<String>,

    /// Workspace of the state
    #[arg(long, value_name = "NAME")]
    pub workspace: Option<String>,

    /// Version to restore: `current`, `previous`, `serial=N`, a version ID, or `file=PATH`
    #[arg(long, value_name = "VERSION", conflicts_with_all = ["serial", "before"], required_unless_present_any = ["serial", "before", "from_backup"])]
    pub version_id: Option<VersionName>,

    /// The same as `--version-id serial=N`
    #[arg(long, value_name = "N", conflicts_with = "before", hide = true)]
    pub serial: Option<u64>,

    /// The newest version from before this time, as in 2026-11-21T07:00:00Z or 2026-11-21 (UTC)
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub before: Option<Timestamp>,

    /// Restore from a backup (its archive or its unpacked folder) or from a state file
    #[arg(long, value_name = "FILE")]
    pub from_backup: Option<PathBuf>,

    /// Restore it even if its lineage differs, that is, if it belongs to another state
    #[arg(long)]
    pub allow_lineage: bool,

    /// Folder for the backup of the current state [default: `.tfbackend` beside the
    /// files]
    #[arg(long, value_name = "DIR")]
    pub backup_dir: Option<PathBuf>,

    /// Restore without asking
    #[arg(long, short = 'y')]
    pub auto_approve: bool,
}

/// The operation that Terraform shows for the lock held meanwhile.
const OPERATION: &str = "OperationTypeRestore";

pub(crate) async fn run(mut args: RestoreArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    let target = args.target.clone().open(cx).await?;
    target.announce(cx);
    if let Some(version) = args.version_id.take() {
        let is_of_backup = args.from_backup.is_some();
        args.version_id = Some(match version {
            VersionName::Current | VersionName::Previous | VersionName::File(_) if is_of_backup => {
                return Err(CliError::failed(
                    "a version in a backup is named by its ID or by its serial",
                )
                .hint("pass --version-id ID or --version-id serial=N beside --from-backup"));
            }
            version => {
                let id = target.state_id(args.state.as_deref(), args.workspace.as_deref())?;
                named::as_id(version, &target, &id, cx).await?
            }
        });
    }
    match target {
        BackendTarget::S3(target) => s3::run(args, *target, cx).await,
        target => any(&args, &target, cx).await,
    }
}

/// The restore that is the same for every kind.
async fn any(
    args: &RestoreArgs,
    target: &BackendTarget,
    cx: &mut Context<'_>,
) -> Result<u8, CliError> {
    let id = target.state_id(args.state.as_deref(), args.workspace.as_deref())?;
    cx.status(&format!("State: {}", id.path));
    let states = target.states();
    let is_of_file =
        args.from_backup.is_some() || matches!(args.version_id, Some(VersionName::File(_)));
    if !is_of_file && !states.capabilities().versions {
        return Err(no_versions(target, &id));
    }
    let source = source(args, &id.path, None, cx).await?;
    let candidate = cx
        .until_cancelled(RestoreCandidate::read(&*states, &id, source))
        .await?
        .map_err(|error| not_found(&error, &id.path, target.words()))?;
    let RestoreCandidate {
        current,
        wanted,
        is,
        ..
    } = &candidate;
    let mut document = document(&id.path, current.as_ref(), wanted, is);
    let plan = candidate
        .plan(args.allow_lineage)
        .map_err(|error| unfit(&error))?;
    document.to.serial = plan.next.serial;
    if !plan.is_needed {
        "nothing".clone_into(&mut document.outcome);
        return answer(&document, target, cx);
    }
    "restored".clone_into(&mut document.outcome);
    let view = cx.global.view(cx.host);
    cx.status_text(&report::preview(&document, &view));
    ask(args, &format!("Restore {}", id.path), cx)?;
    let RestoreReport {
        version,
        serial,
        digest: _,
        kept,
    } = carry_out(args, &plan, target, cx).await?;
    document.version = version;
    document.to.serial = serial;
    document.kept = kept.map(|kept| kept.display().to_string());
    answer(&document, target, cx)
}

/// Must not be dropped before its end: its lock would remain.
async fn carry_out(
    args: &RestoreArgs,
    plan: &PlannedRestore,
    target: &BackendTarget,
    cx: &mut Context<'_>,
) -> Result<RestoreReport, CliError> {
    let (cancel, now) = (cx.host.cancel.clone(), Timestamp::now());
    let run = RestoreRun {
        info: lock_info(&plan.id, &cx.host.who, now),
        dir: copies::folder(args.backup_dir.as_deref(), target.dir(), &cx.host.cwd)?,
        now,
        cancel: &cancel,
    };
    let states = target.states();
    let mut say = |step: RestoreStep| cx.status(&said(&step));
    restore::run(&*states, plan, &run, &mut say)
        .await
        .map_err(|failure| failed::of_any(failure, &plan.id.path, target))
}

fn lock_info(id: &StateId, who: &str, now: Timestamp) -> LockInfo {
    LockInfo {
        id: new_id(),
        operation: OPERATION.to_owned(),
        info: String::new(),
        who: who.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        created: Some(now),
        path: id.path.clone(),
    }
}

/// `2026-11-21T07:00:00Z`; without a zone it is UTC, and without a time midnight.
fn time(text: &str) -> Result<Timestamp, String> {
    let at = |time: civil::DateTime| time.to_zoned(TimeZone::UTC).map(|time| time.timestamp());
    let parsed = text
        .parse::<Timestamp>()
        .or_else(|error| match text.parse::<civil::DateTime>() {
            // With a zone that is not known it is no time of anywhere.
            Ok(time) if !text.contains('[') => at(time),
            Ok(_) | Err(_) => Err(error),
        });
    parsed.map_err(|_| "not a time as in 2026-11-21T07:00:00Z".to_owned())
}

async fn source(
    args: &RestoreArgs,
    path: &str,
    bucket: Option<&str>,
    cx: &mut Context<'_>,
) -> Result<RestoreSource, CliError> {
    let RestoreArgs {
        version_id,
        serial,
        before,
        from_backup,
        ..
    } = args;
    let version = version_id.clone().or(serial.map(VersionName::Serial));
    let (from, version) = match (from_backup, version) {
        (None, Some(VersionName::File(file))) => (Some(file), None),
        (from, version) => (from.clone(), version),
    };
    let (id, serial) = match version {
        Some(VersionName::Id(id)) => (Some(id), None),
        Some(VersionName::Serial(serial)) => (None, Some(serial)),
        Some(VersionName::Current | VersionName::Previous | VersionName::File(_)) => {
            unreachable!("such a version was named by its ID, or refused")
        }
        None => (None, None),
    };
    if let Some(from) = from {
        let choice = file::BackupSelection {
            path: path.to_owned(),
            version: id,
            serial,
            before: *before,
        };
        return file::read(cx.host.cwd.join(from), choice, bucket, cx)
            .await
            .map(RestoreSource::Bytes);
    }
    match (id, serial, before) {
        (Some(id), _, _) => Ok(RestoreSource::Version(id)),
        (None, Some(serial), _) => Ok(RestoreSource::Serial(serial)),
        (None, None, Some(time)) => Ok(RestoreSource::Before(*time)),
        (None, None, None) => Err(CliError::failed("no version to restore was given")
            .hint("name it: --version-id VERSION, --before TIME or --from-backup FILE")),
    }
}

fn document(
    path: &str,
    current: Option<&FetchedState>,
    wanted: &[u8],
    is: &StateSnapshot,
) -> RestoreDocument {
    let bytes = current.map(|current| &*current.bytes);
    let snapshot = bytes.map(|bytes| {
        recover::snapshot(bytes).map(|snapshot| SideDocument::of(&snapshot, bytes.len()))
    });
    let (from, unreadable) = match snapshot {
        Some(Ok(from)) => (Some(from), None),
        Some(Err(error)) => (None, Some(error.to_string())),
        None => (None, None),
    };
    let (added, removed) = report::addresses(StateChanges::of(bytes, wanted).as_ref());
    RestoreDocument {
        path: path.to_owned(),
        outcome: String::new(),
        from,
        unreadable,
        to: SideDocument::of(is, wanted.len()),
        added,
        removed,
        version: current
            .and_then(|current| current.version.clone())
            .map(|VersionId(version)| version),
        digest: None,
        kept: None,
    }
}

fn not_found(error: &LookError, path: &str, target_words: &str) -> CliError {
    let failure = CliError::failed(format!("cannot restore {path}"));
    let failure = match error {
        LookError::Store(error) => return explain::store(failure, error),
        _ => failure.because(error),
    };
    match error {
        LookError::Store(_) => failure,
        LookError::NotAState(_) => failure.hint("choose another version"),
        LookError::Ambiguous { .. } => failure.hint("name one of them with --version-id"),
        LookError::NoVersion { .. }
        | LookError::Marker { .. }
        | LookError::NoSerial { .. }
        | LookError::NothingBefore { .. } => failure.hint(format!(
            "`tfbackend state versions{target_words}` lists its versions"
        )),
    }
}

fn unfit(error: &UnfitState) -> CliError {
    let failure =
        CliError::refused("that state cannot replace the current one; nothing was changed")
            .because(error);
    match error {
        UnfitState::Lineage { .. } => failure.hint(
            "it belongs to another state (its lineage differs); pass --allow-lineage to use it \
             anyway",
        ),
        UnfitState::NoSerial | UnfitState::TwoSerials | UnfitState::LastSerial(_) => {
            failure.hint("choose another version")
        }
    }
}

/// Asks for approval of the shown plan; without a terminal, a flag is required.
fn ask(args: &RestoreArgs, question: &str, cx: &mut Context<'_>) -> Result<(), CliError> {
    if args.auto_approve {
        return Ok(());
    }
    if !cx.global.attended(cx.host) {
        return Err(CliError::refused(
            "a restore needs approval, but this is not a terminal; nothing was changed",
        )
        .hint("pass --auto-approve (-y) to restore it"));
    }
    approval::ask(question, "--auto-approve", cx)
}

fn said(step: &RestoreStep) -> String {
    match step {
        RestoreStep::Locked { id } => format!("locked ({id})"),
        RestoreStep::Kept(path) => {
            format!(
                "backed up the current state to {}; {}",
                path.display(),
                copies::RISK
            )
        }
        RestoreStep::Undeleted => "removed the delete marker".to_owned(),
        RestoreStep::Written {
            version: Some(version),
        } => format!("wrote it as version {version}"),
        RestoreStep::Written { version: None } => "wrote it".to_owned(),
        RestoreStep::Digest => "wrote its digest".to_owned(),
        RestoreStep::Released => "unlocked".to_owned(),
    }
}

fn answer(
    document: &RestoreDocument,
    target: &BackendTarget,
    cx: &mut Context<'_>,
) -> Result<u8, CliError> {
    if cx.global.json() {
        target.answer(document, cx)?;
    } else {
        cx.output(&report::text(document))?;
    }
    Ok(exit::DONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let at = |text: &str| time(text).map(|time| time.to_string());
        assert_eq!(
            at("2026-11-21T08:00:00+01:00").as_deref(),
            Ok("2026-11-21T07:00:00Z")
        );
        assert_eq!(
            at("2026-11-21T07:00").as_deref(),
            Ok("2026-11-21T07:00:00Z")
        );
        assert_eq!(at("2026-11-21").as_deref(), Ok("2026-11-21T00:00:00Z"));
        for wrong in [
            "",
            "yesterday",
            "7",
            "2026-13-01",
            "2026-11-21T07:00[Nowhere/At_All]",
        ] {
            assert!(at(wrong).is_err(), "{wrong}");
        }
    }
}
